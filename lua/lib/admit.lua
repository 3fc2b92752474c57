-- Admission from the front of the line (rules A1-A4, A8). Included by every script that can free a place,
-- so that a freed place is refilled by the event itself.

-- How many the rate still allows, and in how many ms it will allow more. Counted over a sliding window, so
-- that no interval, wherever it starts, sees more than rate_count. The window holds at most 64 entries; beyond
-- that, neighbours are merged under the later time, which can only delay.
local function rate_left(rate_count, rate_ms)
  local packed = call('HGET', STATE, 'window')
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

local function spend_rate(window, admitted)
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
  call('HSET', STATE, 'window', cmsgpack.pack(window))
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
    p.st, p.n, p.d, p.h, p.o = 'claim', people[i * 2], deadline, {}, nil
    saves[#saves + 1], saves[#saves + 2] = names[i], cmsgpack.pack(p)
    places[#places + 1], places[#places + 2] = deadline, names[i]
  end
  call('HSET', PEOPLE, unpack(saves))
  call('ZADD', ACTIVE, unpack(places))
  record('admit', {deadline = deadline, people = people})
end

local function move_head(head, reached)
  if reached <= head then return head end
  for bucket = math.floor(head / BUCKET), math.floor(reached / BUCKET) - 1 do call('HDEL', GONE, bucket) end
  call('HSET', STATE, 'head', reached)
  return reached
end

-- Admits as many as policy, stock and backlog allow. Returns how many, and the ms until the rate allows more
-- (-1: no clock will help, only an event).
local function admit()
  local s = call('HMGET', STATE, 'status', 'policy')
  local opens, rate_count, rate_ms, capacity, free, claim_ms, seq, committed, backlog_max, head =
    numbers('opens_at', 'rate_count', 'rate_ms', 'capacity', 'free', 'claim_ms', 'seq', 'committed', 'backlog_max', 'head')
  if s[1] ~= 'open' then return 0, -1 end
  if now < opens then return 0, opens - now end
  if seq - committed > backlog_max then return 0, -1 end

  local room, window, wait = math.min(free, POP_MAX), nil, -1
  if s[2] ~= 'rate' then room = math.min(room, capacity - call('ZCARD', ACTIVE)) end
  if room <= 0 then return 0, -1 end
  if s[2] ~= 'capacity' then
    local left
    left, window, wait = rate_left(rate_count, rate_ms)
    if left <= 0 then return 0, wait end
    room = math.min(room, left)
  end

  local popped = call('ZPOPMIN', LINE, room)
  if #popped == 0 then return 0, -1 end
  local reached = tonumber(popped[#popped])
  local people = set_aside(popped)
  local admitted = #people / 2
  if admitted > 0 then
    activate(people, now + claim_ms)
    count('admitted', admitted)
    if window then spend_rate(window, admitted) end
  end
  publish('head', move_head(head, reached), now)
  return admitted, 0
end
