-- Gives more time for choosing, as often as the sale allows (rule A6).
-- ARGV     person, number, token
-- returns  {code, deadline, {how often it can be done again}}
--- include sale
--- include known
--- include choose
local person, number, token = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local p = load_person(person)
local extend_ms, extend_max = numbers('extend_ms', 'extend_max')
local function left() return {math.max(0, extend_max - (p.e or 0))} end
local problem = choosing_problem(p, number, token, left)
if problem then return problem end
local used = p.e or 0
if extend_ms == 0 or used >= extend_max then
  remember(p, token, {'no_more_time'})
  save_person(person, p)
  return {'no_more_time'}
end
p.e, p.d = used + 1, p.d + extend_ms
call('ZADD', ACTIVE, p.d, person)
record('extend', {person = person, number = number, deadline = p.d, token = token})
publish('deadline', person, p.d)
local answer = remember(p, token, {'ok', p.d, left()})
save_person(person, p)
return answer
