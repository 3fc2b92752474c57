-- Holding seats and giving them back (rules S1-S4, O2), for commands of one or many people in one script. Included by the scripts that
-- do, behind choose. What they need of Redis is read once in front, changed here, and written once behind: read_desk, then hold and
-- give_back, then write_desk. Seats are flat lists {index, price, …} of words.

local people, names = {}, {} -- person -> record, false: none; the persons once each
local dirty = {}             -- person -> true: his record changed
local owners = {}            -- seat -> person; false: free
local changed = {}           -- the seats whose owner changed
local acts = {}              -- for the log, as JSON
local seeking, free_before = 0, 0
local terms                  -- of the sale; terms.free follows what is done here

local function read_desk(persons, seats)
  for _, person in ipairs(persons) do
    if people[person] == nil then
      people[person] = false
      names[#names + 1] = person
    end
  end
  for i, record in ipairs(call('HMGET', PEOPLE, unpack(names))) do
    if record then people[names[i]] = cmsgpack.unpack(record) end
  end
  for i, owner in ipairs(call('HMGET', SEATS, unpack(seats))) do owners[seats[i]] = owner end
  local s = call('HMGET', STATE, 'limit', 'seq', 'committed', 'backlog_max', 'no_single_seat', 'free', 'channels')
  terms = {limit = tonumber(s[1]), overloaded = s[2] - s[3] > tonumber(s[4]), tidy = s[5] == '1', free = tonumber(s[6]),
           channels = s[7] and s[7] ~= '' and cjson.decode(s[7])}
  free_before = terms.free
end

-- Why he may hold nothing, or the answer this command was given before; nil: he may.
local function hold_problem(p, number, token)
  return choosing_problem(p, number, token) or terms.overloaded and {'overloaded'} or nil
end

-- The answer, remembered where repeating the command must not change it.
local function answer(person, token, said)
  if not LETTERS[said[1]] then return said end
  dirty[person] = true
  return remember(people[person], token, said)
end

local function limit_problem(p, wanted)
  local left = terms.limit - (p.b or 0) - #p.h / 2
  if wanted > left then return {'limit_reached', left} end
end

-- A channel may have a quota, and may have it to itself: then nobody else gets at it.
local function quota_problem(p, wanted)
  if not terms.channels then return end
  local left = terms.free
  for name, channel in pairs(terms.channels) do
    local unused = channel.quota - numbers('used:' .. name)
    if name ~= p.c then
      left = left - (channel.reserved and math.max(0, unused) or 0)
    elseif unused < wanted then
      return {'quota_reached', math.max(0, unused)}
    end
  end
  if wanted > left then return {'quota_reached', math.max(0, left)} end
end

-- reduced: flat list {seat, tariff, most per person, most in all, …}; 0: any number.
local function tariff_problem(p, reduced)
  if #reduced == 0 then return end
  local wanted = {}
  for i = 1, #reduced, 4 do
    local tariff, each, total = reduced[i + 1], tonumber(reduced[i + 2]), tonumber(reduced[i + 3])
    wanted[tariff] = (wanted[tariff] or 0) + 1
    local mine, left = (p.rb or {})[tariff] or 0, math.huge
    for _, other in pairs(p.r or {}) do mine = mine + (other == tariff and 1 or 0) end
    if each > 0 then left = each - mine end
    if total > 0 then left = math.min(left, total - numbers('tariff:' .. tariff)) end
    if wanted[tariff] > left then return {'tariff_limit', math.max(0, left)} end
  end
end

-- Those of them that somebody has.
local function taken_among(seats)
  local taken = {}
  for i = 1, #seats, 2 do
    if owners[seats[i]] then taken[#taken + 1] = seats[i] end
  end
  return taken
end

-- The free seats between first and last, a row, that would stand alone if these were taken and do not yet. Where just one is left of
-- several side by side, that cannot be helped.
local function singles_of_row(wanted, first, last)
  local before = call('GETRANGE', MAP, first, last)
  local function free(i, then_) return i >= 1 and i <= #before and before:byte(i) == 48 and not (then_ and wanted[first + i - 1]) end
  local function alone(i, then_) return free(i, then_) and not free(i - 1, then_) and not free(i + 1, then_) end
  local function helpless(i)
    local from, to, taken = i, i, 0
    while free(from - 1) do from = from - 1 end
    while free(to + 1) do to = to + 1 end
    for k = from, to do taken = taken + (wanted[first + k - 1] and 1 or 0) end
    return taken == to - from
  end
  local singles = {}
  for i = 1, #before do
    if alone(i, true) and not alone(i) and not helpless(i) then singles[#singles + 1] = first + i - 1 end
  end
  return singles
end

-- rows: flat list {first seat, last seat, …} of the rows they are in.
local function singles_left(seats, rows)
  local wanted, singles = {}, {}
  for i = 1, #seats, 2 do wanted[tonumber(seats[i])] = true end
  for i = 1, #rows, 2 do
    for _, seat in ipairs(singles_of_row(wanted, tonumber(rows[i]), tonumber(rows[i + 1]))) do singles[#singles + 1] = seat end
  end
  return singles
end

local function set_owner(seat, owner)
  if not owner and #seat > 6 then give_back_place(seat, owners[seat]) end
  owners[seat] = owner
  changed[#changed + 1] = seat
  terms.free = terms.free + (owner and -1 or 1)
  if terms.tidy and #seat <= 6 then call('SETRANGE', MAP, seat, owner and '1' or '0') end -- what is left alone is seen on the map
end

-- The token goes along, so that a sale that was restored from the ledger knows the command again. reduced: of a hold, {seat, tariff, …, …, …} as
-- it was asked for.
local function note(what, person, token, seats, reduced)
  local tariffs = ''
  for i = 1, reduced and #reduced or 0, 4 do tariffs = tariffs .. (i > 1 and ',"' or '"') .. reduced[i] .. '":' .. cjson.encode(reduced[i + 1]) end
  acts[#acts + 1] = '["' .. what .. '","' .. person .. '",[' .. table.concat(seats, ',') .. ']' .. (tariffs ~= '' and ',{' .. tariffs .. '},"' or ',"') .. token .. '"]'
end

local function take(person, p, token, seats, reduced)
  local held = {unpack(p.h)}
  for i = 1, #seats, 2 do
    set_owner(seats[i], person)
    held[#held + 1], held[#held + 2] = seats[i], seats[i + 1]
  end
  p.h = held
  for i = 1, #reduced, 4 do
    p.r = p.r or {}
    p.r[reduced[i]] = reduced[i + 1]
    count('tariff:' .. reduced[i + 1], 1)
  end
  if p.c then count('used:' .. p.c, #seats / 2) end
  if #p.h == #seats then seeking = seeking - 1 end
  note('hold', person, token, seats, reduced)
  return answer(person, token, {'ok', p.d, p.h})
end

-- back: set of seats. Those of others are refused, and then nothing is given back.
local function give_back(person, p, token, back)
  local kept, returned, reduced = {}, {}, {}
  for i = 1, #p.h, 2 do
    local into = back[p.h[i]] and returned or kept
    into[#into + 1], into[#into + 2] = p.h[i], p.h[i + 1]
    back[p.h[i]] = nil
  end
  local foreign = {}
  for seat in pairs(back) do foreign[#foreign + 1] = seat end
  if #foreign > 0 then return answer(person, token, {'seat_not_yours', 0, foreign}) end
  for i = 1, #returned, 2 do
    local seat = returned[i]
    set_owner(seat, false)
    if p.r and p.r[seat] then reduced[seat], p.r[seat] = p.r[seat], nil end
  end
  give_back_quotas(p.c, reduced, #returned / 2)
  p.h = kept
  if #returned > 0 and #kept == 0 then seeking = seeking + 1 end
  note('release', person, token, returned)
  return answer(person, token, {'ok', p.d, p.h})
end

-- Returns whether there are more free seats, or more people to come in, than before.
local function write_desk()
  local saves = {}
  for _, person in ipairs(names) do
    if dirty[person] then saves[#saves + 1], saves[#saves + 2] = person, cmsgpack.pack(people[person]) end
  end
  if #saves > 0 then call('HSET', PEOPLE, unpack(saves)) end
  if #changed == 0 then return false end
  local taken, free, sets, gone, map, n = {}, {}, {}, {}, {}, 0
  for i = 1, #changed do -- one that changed twice is written twice, as it is in the end
    local seat = changed[i]
    local owner = owners[seat]
    if owner then
      sets[#sets + 1], sets[#sets + 2] = seat, owner
    else
      gone[#gone + 1] = seat
    end
    if #seat <= 6 then -- not a place (lib/sale.lua): it is on the map
      map[n + 1], map[n + 2], map[n + 3], map[n + 4] = 'SET', 'u8', '#' .. seat, owner and '49' or '48'
      n = n + 4
      local into = owner and taken or free
      into[#into + 1] = seat
    end
  end
  if n > 0 then call('BITFIELD', MAP, unpack(map)) end
  if #sets > 0 then call('HSET', SEATS, unpack(sets)) end
  if #gone > 0 then call('HDEL', SEATS, unpack(gone)) end
  if terms.free ~= free_before then count('free', terms.free - free_before) end
  if seeking ~= 0 then count('seeking', seeking) end
  publish_seats('1', taken)
  publish_seats('0', free)
  append('seats', '{"acts":[' .. table.concat(acts, ',') .. ']}')
  return #gone > 0
end
