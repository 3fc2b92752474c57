-- Reads where people stand. Gateways ask before they tell anyone that he is admitted (A5); from then on his time runs.
-- ARGV     person, …
-- returns  {code, now, then per person {number, stage, deadline, order, if this is the first he is told of it: admitted when}}
--- include sale
--- include known
--- include order
--- include line
--- include admit
local answer = {'ok', now}
local waiting = call('ZMSCORE', LINE, unpack(ARGV))
local records = call('HMGET', PEOPLE, unpack(ARGV))
for i, person in ipairs(ARGV) do
  local p = records[i] and cmsgpack.unpack(records[i])
  if waiting[i] then
    answer[i + 2] = {tonumber(waiting[i]), 'wait', 0, ''}
  elseif p then
    local admitted_at = tell_admitted(person, p)
    answer[i + 2] = {p.n or 0, p.st, p.d or 0, p.o or '', admitted_at}
  else
    answer[i + 2] = {0, 'out', 0, ''}
  end
end
return answer
