-- Somebody inside says by which channel he comes (rule S2 of quotas: lua/lib/hold.lua); only while he holds nothing.
-- ARGV     person, number, token, channel, code that lets him in: used by one person only
-- returns  {code, deadline, {}}
--- include sale
--- include known
--- include choose
local person, number, token, channel, code = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]
local p = load_person(person)
local function nothing() return {} end
local problem = choosing_problem(p, number, token, nothing)
if problem then return problem end
local owner = call('HGET', LANES, 'i' .. code)
problem = #p.h > 0 and 'something_held' or owner and owner ~= person and 'invitation_used'
if problem then
  remember(p, token, {problem})
  save_person(person, p)
  return {problem}
end
call('HSET', LANES, 'i' .. code, person)
p.c = channel
record('channel', {person = person, channel = channel, invitation = code, token = token})
local answer = remember(p, token, {'ok', p.d, {}})
save_person(person, p)
return answer
