-- Reads where people stand; changes nothing. Gateways ask before they tell anyone that he is admitted (A5).
-- ARGV     person, …
-- returns  {code, now, then per person {number, stage, deadline, order}}
--- include sale
local answer = {'ok', now}
local waiting = call('ZMSCORE', LINE, unpack(ARGV))
local records = call('HMGET', PEOPLE, unpack(ARGV))
for i = 1, #ARGV do
  local p = records[i] and cmsgpack.unpack(records[i])
  if waiting[i] then
    answer[#answer + 1] = {tonumber(waiting[i]), 'wait', 0, ''}
  elseif p then
    answer[#answer + 1] = {p.n or 0, p.st, p.d or 0, p.o or ''}
  else
    answer[#answer + 1] = {0, 'out', 0, ''}
  end
end
return answer
