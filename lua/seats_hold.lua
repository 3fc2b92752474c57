-- Holds several seats, all or none (rules S1-S4, O2).
-- ARGV     person, number, key, seat index, price, seat index, price, …
-- returns  {code, deadline, {held seat, price, …}} or {code, 0, {refused seat, …}}
--- include sale
local person, number, key = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local request = 'hold ' .. table.concat(ARGV, ' ', 4)
local p = load_person(person)
if not p or p.n ~= number then return {'not_admitted'} end
local before = remembered(p, key, request)
if before then return before end
if p.st == 'pay' then return {'already_paying'} end
if p.st ~= 'choose' then return {'not_admitted'} end
if p.d <= now then return {'admission_expired'} end

local limit, seq, committed, backlog_max = numbers('limit', 'seq', 'committed', 'backlog_max')
if seq - committed > backlog_max then return {'overloaded'} end
local asked = {}
for i = 4, #ARGV, 2 do asked[#asked + 1] = ARGV[i] end
if (p.b or 0) + #p.h / 2 + #asked > limit then return {'limit_reached', limit - (p.b or 0) - #p.h / 2} end

local owners, refused = call('HMGET', SEATS, unpack(asked)), {}
for i, index in ipairs(asked) do
  if owners[i] then refused[#refused + 1] = tonumber(index) end
end
if #refused > 0 then
  local answer = remember(p, key, request, {'seat_taken', 0, refused})
  save_person(person, p)
  return answer
end

local taken, seats = {}, {}
for i = 4, #ARGV, 2 do
  local index, price = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
  taken[#taken + 1], taken[#taken + 2] = index, person
  seats[#seats + 1], seats[#seats + 2] = index, price
  p.h[#p.h + 1], p.h[#p.h + 2] = index, price
end
if #p.h == #seats then count('seeking', -1) end
call('HSET', SEATS, unpack(taken))
count('free', -#asked)
mark_seats(seats, '1')
record('hold', {person = person, seats = seats})
local answer = remember(p, key, request, {'ok', p.d, p.h})
save_person(person, p)
return answer
