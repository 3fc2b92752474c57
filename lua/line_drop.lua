-- Notes that waiting people lost their last connection on a gateway; their grace begins (rule L6). A gateway that
-- still has a connection of one of them hears it and finds his place again, which ends the grace.
-- ARGV     person, …
-- returns  {code}
--- include sale
--- include known
local grace, status = numbers('grace_ms'), effective_status()
local waiting = call('ZMSCORE', LINE, unpack(ARGV))
local absent, ends = {}, {}
for i, person in ipairs(ARGV) do
  if waiting[i] then
    absent[#absent + 1] = person
    ends[#ends + 1], ends[#ends + 2] = now + grace, person
  end
end
if #absent > 0 then
  call('ZADD', ABSENT, unpack(ends))
  if status ~= 'sold_out' and status ~= 'closed' then publish('absent', absent) end -- else every gateway parts with everyone
end
return {'ok'}
