-- Counts an attempt against a limit that holds for all gateways of all servers (rule X5). It belongs to no sale: its key, a plain number,
-- stands where the state of a sale would, under a name that no sale can have, and goes by itself when its window is over.
-- ARGV     most, window in ms
-- returns  {code, ms}: 'too_many' and after how long the next attempt is counted anew
local key, most, window = KEYS[3], tonumber(ARGV[1]), tonumber(ARGV[2])
local count = redis.call('INCR', key)
local left = redis.call('PTTL', key)
if left < 0 then -- the first of its window
  redis.call('PEXPIRE', key, window)
  left = window
end
if count > most then return {'too_many', left} end
return {'ok', 0}
