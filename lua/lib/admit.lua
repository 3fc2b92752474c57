-- Admission from the front of the line (rules A1-A4, A8). Included by every script that can free a place,
-- so that a freed place is refilled by the event itself.

local TOLD_WITHIN_MS = 15000 -- an admission that no gateway has told anyone by then is taken back

-- field: of the state, where the window is kept. How many the rate still allows, and in how many ms it will allow more. Counted over a sliding window, so
-- that no interval, wherever it starts, sees more than rate_count. The window holds at most 64 entries; beyond
-- that, neighbours are merged under the later time, which can only delay.
local function rate_left(rate_count, rate_ms, field)
  local packed = call('HGET', STATE, field)
  local window = packed and cmsgpack.unpack(packed) or {}
  local kept, used = {}, 0
  for i = 1, #window, 2 do
    if window[i] + rate_ms > now then
      kept[#kept + 1], kept[#kept + 2] = window[i], window[i + 1]
      used = used + window[i + 1]
    end
  end
  local wait = kept[1] and kept[1] + rate_ms - now or 0
  return math.max(0, rate_count - used), kept, wait
end

local function spend_rate(window, admitted, field)
  local n = #window
  if n >= 2 and window[n - 1] == now then
    window[n] = window[n] + admitted
  else
    window[n + 1], window[n + 2] = now, admitted
  end
  if #window > 128 then
    local merged = {}
    for i = 1, #window - 3, 4 do
      merged[#merged + 1], merged[#merged + 2] = window[i + 2], window[i + 1] + window[i + 3]
    end
    for i = #window - #window % 4 + 1, #window do merged[#merged + 1] = window[i] end
    window = merged
  end
  call('HSET', STATE, field, cmsgpack.pack(window))
end

-- How far admission is slowed down, in percent of what policy allows, and why (rule A8); the strongest of three: what gateways
-- report of errors and latency (line_tick), what somebody asked for (line_brake), and the log's backlog: above a quarter of
-- backlog_max the less the longer it is, and at backlog_max nothing.
local function brake()
  local reported, reported_until, asked, asked_until, seq, committed, backlog_max, quiet_until =
    numbers('brake', 'brake_until', 'asked', 'asked_until', 'seq', 'committed', 'backlog_max', 'quiet_until')
  if quiet_until > now then return 0, 'restored' end -- gateways say first who is here (lib/epoch.lua)
  local percent, why = 100, ''
  if reported_until > now and reported < percent then percent, why = reported, call('HGET', STATE, 'brake_why') end
  if asked_until > now and asked < percent then percent, why = asked, call('HGET', STATE, 'asked_why') end
  local lag, starts = seq - committed, backlog_max / 4
  local by_lag = lag <= starts and 100 or math.max(0, math.floor(100 * (backlog_max - lag) / (backlog_max - starts)))
  if by_lag < percent then percent, why = by_lag, 'backlog' end
  return percent, why
end

-- Steps over who has no connection right now: he keeps his number and is next when he comes back.
local function set_aside(popped)
  local present, names = {}, {}
  for i = 1, #popped, 2 do names[#names + 1] = popped[i] end
  local away = call('ZMSCORE', ABSENT, unpack(names))
  for i = 1, #names do
    local number = tonumber(popped[i * 2])
    if away[i] then
      local p = load_person(names[i]) or {b = 0}
      p.st, p.n = 'away', number
      save_person(names[i], p)
    else
      present[#present + 1], present[#present + 2] = names[i], number
    end
  end
  return present
end

local function activate(people, deadline)
  local names = {}
  for i = 1, #people, 2 do names[#names + 1] = people[i] end
  local records = call('HMGET', PEOPLE, unpack(names))
  local saves, places = {}, {}
  for i = 1, #names do
    local p = records[i] and cmsgpack.unpack(records[i]) or {b = 0}
    p.st, p.n, p.d, p.t, p.h, p.o, p.e = 'claim', people[i * 2], deadline, nil, {}, nil, nil
    saves[#saves + 1], saves[#saves + 2] = names[i], cmsgpack.pack(p)
    places[#places + 1], places[#places + 2] = deadline, names[i]
  end
  call('HSET', PEOPLE, unpack(saves))
  call('ZADD', ACTIVE, unpack(places))
  count('seeking', #names)
  record('admit', {people = people})
end

-- Notes how far each lane has got. Everyone up to the head, the highest of them, may be in; gateways ask about those.
local function move_heads(popped)
  local reached, moved = {}, {}
  for i = 2, #popped, 2 do
    local number = tonumber(popped[i])
    reached[lane_of(number)] = number
  end
  local head = numbers('head')
  for lane, number in pairs(reached) do
    local field = lane_field('lane_head', lane)
    local before = call('HGET', STATE, field)
    if not before or number > tonumber(before) then moved[#moved + 1], moved[#moved + 2] = field, number end
    head = math.max(head, number)
  end
  call('HSET', STATE, 'head', head, unpack(moved))
  publish('head', head)
  if may_publish_head then flush_news() end
end

local ADMITTING = {open = true, draining = true, through = true}

-- Free seats that are kept for a channel.
local function reserved_left()
  local text, left = call('HGET', STATE, 'channels'), 0
  for name, channel in pairs(text and text ~= '' and cjson.decode(text) or {}) do
    if channel.reserved then left = left + math.max(0, channel.quota - numbers('used:' .. name)) end
  end
  return left
end

-- For how many there is something: what is free, not kept for a channel, what is left of coupons, vouchers and points, and of both
-- what is not yet sought by somebody inside who holds nothing, so that whoever is let in finds something. The operator may let several look for each free seat, or everyone while there is any.
local function stock_left(status)
  if numbers('lots') > 0 then return POP_MAX end -- everyone may bid
  local free, seeking, choosers, grants_left = numbers('free', 'seeking', 'choosers_per_seat', 'grants_left')
  free = math.max(0, free - reserved_left()) + math.max(0, grants_left)
  return status == 'through' and free or free * math.max(1, choosers) - seeking
end

-- How many may come in now, the rate's window if the rate has a say, and the ms until a clock allows more (-1: none will).
local function places_left(status, policy)
  local rate_count, rate_ms, capacity = numbers('rate_count', 'rate_ms', 'capacity')
  local slowed = brake()
  if slowed == 0 then return 0, nil, -1 end
  local room = math.min(stock_left(status), POP_MAX)
  if status == 'through' then return room, nil, -1 end
  if policy ~= 'rate' then room = math.min(room, math.ceil(capacity * slowed / 100) - call('ZCARD', ACTIVE)) end
  if room <= 0 or policy == 'capacity' then return room, nil, -1 end
  local left, window, wait = rate_left(math.ceil(rate_count * slowed / 100), rate_ms, 'window')
  return math.min(room, left), window, wait
end

-- Admits as many as status, policy, stock and brake allow, a batch of POP_MAX at most. Returns how many, and the ms until more
-- may come in (0: at once, that was a whole batch; -1: when something happens).
local function admit()
  local status = effective_status()
  if not ADMITTING[status] then return 0, -1 end
  local s = call('HMGET', STATE, 'policy', 'opened', 'opens_at')
  if s[2] ~= '1' then
    local opens = tonumber(s[3] or 0)
    if wall < opens then return 0, opens - wall end
    call('HSET', STATE, 'opened', 1)
    if opens > 0 then
      record('opened', {})
      publish('opened')
    end
  end
  local room, window, wait = places_left(status, s[1])
  if room <= 0 then return 0, wait end
  local popped = call('ZPOPMIN', LINE, room)
  if #popped == 0 then return 0, -1 end
  local people = set_aside(popped)
  local admitted = #people / 2
  if admitted > 0 then
    activate(people, now + TOLD_WITHIN_MS)
    count('admitted', admitted)
    if window then spend_rate(window, admitted, 'window') end
  end
  move_heads(popped)
  if #popped / 2 == POP_MAX then return admitted, 0 end
  return admitted, window and window[1] and window[1] + numbers('rate_ms') - now or -1
end

-- A gateway has his connection and is about to tell him: from here the time to take up the admission runs.
-- Returns when he was admitted, nil if he was told before.
local function tell_admitted(person, p)
  if p.st ~= 'claim' or p.t then return end
  local admitted_at = p.d - TOLD_WITHIN_MS
  p.t, p.d = 1, now + numbers('claim_ms')
  call('ZADD', ACTIVE, p.d, person)
  save_person(person, p)
  return admitted_at
end

-- Nobody was there to be told: his gateway died with his connection. He keeps his number, as if he had been stepped over.
local function take_back_admission(person, p)
  p.st = 'away'
  count('seeking', -1)
  call('ZREM', ACTIVE, person)
  call('ZADD', ABSENT, now + numbers('grace_ms'), person)
  save_person(person, p)
  record('aside', {person = person, number = p.n})
end
