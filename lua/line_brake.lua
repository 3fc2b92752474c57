-- Somebody outside, a shop say, wishes that fewer come for a while. The last wish counts, whichever server took it.
-- ARGV     percent of what policy allows, for how many ms (0: the wish before is over), and why
-- returns  {code, percent that holds now, why}
--- include sale
--- include known
--- include order
--- include line
--- include admit
local percent, for_ms, why = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local before, untill = numbers('asked', 'asked_until')
if untill <= now then before = 100 end
if for_ms == 0 then percent = 100 end
if percent ~= before or for_ms > 0 then
  call('HSET', STATE, 'asked', percent, 'asked_why', why, 'asked_until', now + for_ms)
  record('brake', {percent = percent, why = why, for_ms = for_ms})
end
admit()
return {'ok', brake()}
