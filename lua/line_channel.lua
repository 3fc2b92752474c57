-- Somebody inside says by which channel he comes (rule S2 of quotas: lua/lib/hold.lua); only while he holds nothing.
-- ARGV     person, number, key, channel, code that lets him in: used by one person only
-- returns  {code, deadline, {}}
--- include sale
--- include known
--- include choose
local person, number, key, channel, code = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]
local p = load_person(person)
local problem = choosing_problem(p, number, key, 'channel ' .. code)
if problem then return problem end
if #p.h > 0 then return {'something_held'} end
local owner = call('HGET', LANES, 'i' .. code)
if owner and owner ~= person then return {'invitation_used'} end
call('HSET', LANES, 'i' .. code, person)
p.c = channel
record('channel', {person = person, channel = channel, invitation = code})
local answer = remember(p, key, 'channel ' .. code, {'ok', p.d, {}})
save_person(person, p)
return answer
