-- Puts a batch of people into the line, or finds them where they already are (rules L2, L4, L6, L7).
-- ARGV     one character per person, how many people, the people, then for each who brings an invitation his place among
--          them, name of the lane, invitation ('-': his site's token says the lane); last, if any has one, the traces of
--          all ('-': none), with one space between them: they go into the log with the places.
--          '1': gives a new place to whoever has none; '0': not to who was inside and is out, but says how it ended for
--          him; '-': gives no new place to anyone
-- returns  {code, now, head, status, opened, waiting, number handed out last, then per person his number if the place is
--          new, else {number, stage, deadline, order, and for a new place in a lane his position}}; stage "wait" in line
--- include sale
--- include known
--- include order
--- include line
--- include admit
local again, people_count = ARGV[1], tonumber(ARGV[2])
local people = {unpack(ARGV, 3, 2 + people_count)}
local invitations = {}
local traced = (#ARGV - 2 - people_count) % 3 == 1
local traces = {}
if traced then for trace in ARGV[#ARGV]:gmatch('%S+') do traces[#traces + 1] = trace end end
local invited_to = #ARGV - 2 - people_count >= 3 and lanes_of(call('HGET', STATE, 'lanes')) or {}
for i = 3 + people_count, #ARGV - (traced and 1 or 0), 3 do
  local lane = invited_to[ARGV[i + 1]] -- nil: Redis has yet to hear of it
  invitations[tonumber(ARGV[i])] = {lane = lane and lane.number, quota = lane and lane.quota, id = ARGV[i + 2]}
end
local JOINABLE = {open = true, paused = true, draft = true, through = true}

local state = call('HMGET', STATE, 'lottery', 'seed', 'gathers_at')
local status, open_now = effective_status(), is_open_now()

-- Where somebody is already; nil: nowhere.
local function place(person, number, packed, may_queue_again)
  local p = packed and cmsgpack.unpack(packed)
  if number then return {tonumber(number), 'wait', 0, ''} end
  if not p then return nil end
  if p.st == 'out' then
    if may_queue_again then return nil end
    return {p.n, 'out', 0, p.last or ''}
  end
  if p.st == 'away' then
    call('ZADD', LINE, p.n, person)
    p.st = 'out'
    save_person(person, p)
    return {p.n, 'wait', 0, ''}
  end
  tell_admitted(person, p)
  return {p.n, p.st, p.d, p.o or ''}
end

-- The lane somebody may stand in, or nil and the code that says why not. The quota counts people: each of them once, however often he comes.
local function lane_for(person, invitation)
  if not invitation then return 0 end
  if not invitation.lane then return nil, 'unavailable' end
  local owner = invitation.id ~= '-' and call('HGET', LANES, 'i' .. invitation.id)
  if owner and owner ~= person then return nil, 'invitation_used' end
  if owner then return invitation.lane end
  local counted = 'm' .. invitation.lane .. ':' .. person
  if call('HEXISTS', LANES, counted) == 0 then
    if invitation.quota > 0 and tonumber(call('HGET', LANES, 'n' .. invitation.lane) or 0) >= invitation.quota then return nil, 'lane_full' end
    call('HINCRBY', LANES, 'n' .. invitation.lane, 1)
    call('HSET', LANES, counted, 1)
  end
  if invitation.id ~= '-' then call('HSET', LANES, 'i' .. invitation.id, person) end
  return invitation.lane
end

local arrivals = {} -- lane -> the number handed out last

local function new_number(person, lane)
  if state[1] == '1' and not open_now then
    local number = draw(person, lane, state[2])
    call('HINCRBY', LANES, 'd' .. lane .. ':' .. math.floor((number + lane * LANE + DRAW) / DRAW_BUCKET), 1)
    return number
  end
  arrivals[lane] = (arrivals[lane] or numbers(lane_field('next', lane))) + 1
  return arrivals[lane] - lane * LANE
end

-- Nobody takes a new place now: the code that says why; nil: one may.
local function refusal()
  if not JOINABLE[status] then return status end
  local seq, committed, backlog_max = numbers('seq', 'committed', 'backlog_max')
  if seq - committed > backlog_max then return 'overloaded' end -- what is told has to be written, too (rule P4)
  if wall < tonumber(state[3] or 0) then return 'too_early' end
end

local numbers_now = call('ZMSCORE', LINE, unpack(people))
local records = call('HMGET', PEOPLE, unpack(people))
local refused = refusal()
local found_all, seen, places, joined, invited, told_traces = {}, {}, {}, {}, {}, {}
for i, person in ipairs(people) do
  local may, invitation = again:sub(i, i), invitations[i]
  local found = seen[person] or place(person, numbers_now[i], records[i], may == '1')
  local better = type(found) == 'table' and found[2] == 'wait' and invitation and (invitation.lane or 0) > lane_of(found[1])
  if (not found or better) and may == '-' then
    found = found or {0, 'out', 0, ''}
  elseif not found and refused then
    found = {0, refused, 0, ''}
  elseif not found or better then
    local lane, problem = lane_for(person, invitation)
    if lane then
      if better then count_gone(found[1]) end
      found = new_number(person, lane)
      places[#places + 1], places[#places + 2] = found, person
      joined[#joined + 1], joined[#joined + 2] = person, found
      if traces[i] and traces[i] ~= '-' then told_traces[#told_traces + 1], told_traces[#told_traces + 2] = person, traces[i] end
      if invitation then invited[#invited + 1], invited[#invited + 2] = person, invitation.id end
    else
      found = found or {0, problem, 0, ''}
    end
  end
  seen[person] = found
  found_all[i] = found
end
if #places > 0 then
  call('ZADD', LINE, unpack(places))
  for lane, last in pairs(arrivals) do call('HSET', STATE, lane_field('next', lane), last) end
  for i in pairs(invitations) do
    local number = found_all[i]
    if type(number) == 'number' then found_all[i] = {number, 'wait', 0, '', call('ZRANK', LINE, people[i]) + 1} end
  end
  count('handed_out', #places / 2)
  -- once: the quota counts a person once; 0.1.0 counted him each time
  record('join', {people = joined, invited = #invited > 0 and invited or nil, once = #invited > 0 and 1 or nil, traces = #told_traces > 0 and told_traces or nil})
end
call('ZREM', ABSENT, unpack(people))
local head, last = numbers('head', 'next')
return {'ok', now, head, status, open_now and 1 or 0, call('ZCARD', LINE), last, unpack(found_all)}
