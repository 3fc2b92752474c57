-- Puts a batch of people into the line, or finds them where they already are (rules L2, L6, L7).
-- ARGV     one character per person, then the people. '1': gives a new place to whoever has none; '0': not to who was
--          inside and is out, but says how it ended for him; '-': gives no new place to anyone
-- returns  {code, now, head, status, then per person {number, stage, deadline, order}}; stage "wait" in line
--- include sale
local again, people = ARGV[1], {unpack(ARGV, 2)}

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
  return {p.n, p.st, p.d, p.o or ''}
end

local status = call('HGET', STATE, 'status')
if not status then return {'unknown_sale'} end
local numbers_now = call('ZMSCORE', LINE, unpack(people))
local records = call('HMGET', PEOPLE, unpack(people))
local answer = {'ok', now, numbers('head'), status}
local seen, fresh = {}, {}
for i, person in ipairs(people) do
  local found = seen[person] or place(person, numbers_now[i], records[i], again:sub(i, i) == '1')
  if not found and again:sub(i, i) == '-' then
    found = {0, 'out', 0, ''}
  elseif not found then
    if status == 'open' or status == 'paused' or status == 'draft' then
      found = {0, 'wait', 0, ''}
      fresh[#fresh + 1] = person
    else
      found = {0, status, 0, ''}
    end
  end
  seen[person] = found
  answer[#answer + 1] = found
end
if #fresh > 0 then
  local last = count('next', #fresh)
  local places, joined = {}, {}
  for i, person in ipairs(fresh) do
    local number = last - #fresh + i
    seen[person][1] = number
    places[#places + 1], places[#places + 2] = number, person
    joined[#joined + 1], joined[#joined + 2] = person, number
  end
  call('ZADD', LINE, unpack(places))
  record('join', {people = joined})
end
call('ZREM', ABSENT, unpack(people))
return answer
