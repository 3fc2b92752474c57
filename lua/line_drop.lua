-- Notes that waiting people lost their last connection on a gateway; their grace begins (rule L6). A gateway that
-- still has a connection of one of them hears it and finds his place again, which ends the grace.
-- ARGV     person, …
-- returns  {code}
--- include sale
local grace = numbers('grace_ms')
local waiting = call('ZMSCORE', LINE, unpack(ARGV))
local absent = {}
for i, person in ipairs(ARGV) do
  if waiting[i] then
    call('ZADD', ABSENT, now + grace, person)
    absent[#absent + 1] = person
  end
end
if #absent > 0 then publish('absent', absent) end
return {'ok'}
