-- Brings a sale's settings into Redis: the first time as a new sale, later only what changed (rule A2, A7).
-- A sale whose log is already in PostgreSQL but which Redis has forgotten, wholly or its end, is not gone on with: that would
-- sell its seats a second time.
-- ARGV     settings version, log number committed in PostgreSQL, status, total seats, a fresh secret (for the lottery of a
--          new sale), then field, value, …
-- returns  {code, status, epoch}
--- include sale
local version, committed, status, total, seed = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), ARGV[5]
local settings = {unpack(ARGV, 6)}
local known = call('HMGET', STATE, 'settings_version', 'status', 'seq', 'epoch')
if kept[6] then return {'redis_lost_sale', 'lost'} end
if not known[1] then
  if committed > 0 then return {'redis_lost_sale', 'lost'} end
  call('HSET', STATE, 'settings_version', version, 'status', status, 'total', total, 'free', total, 'sold', 0,
       'next', 0, 'head', -2 ^ 46, 'seq', 0, 'committed', 0, 'version', 0, 'epoch', wall, 'seed', seed, unpack(settings))
  call('SET', MAP, string.rep('0', total))
  record('load', {version = version, status = status, total = total, seed = seed})
  return {'ok', status, wall}
end
if committed > tonumber(known[3]) then
  call('HSET', STATE, 'lost', 1)
  return {'redis_lost_sale', 'lost'}
end
local epoch = tonumber(known[4])
if version <= tonumber(known[1]) then return {'ok', known[2], epoch} end
if known[2] == 'sold_out' and status ~= 'closed' then status = 'sold_out' end
call('HSET', STATE, 'settings_version', version, 'status', status, unpack(settings))
record('settings', {version = version, status = status, settings = settings})
publish('status', status, version)
return {'ok', status, epoch}
