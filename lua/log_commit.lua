-- Tells everyone how far the log is safe in PostgreSQL, and drops what is (rule P1).
-- ARGV     log number
-- returns  {code}
--- include sale
local seq = tonumber(ARGV[1])
if seq > numbers('committed') then
  call('HSET', STATE, 'committed', seq)
  publish('committed', seq)
end
call('XTRIM', LOG, 'MINID', (seq + 1) .. '-0')
return {'ok'}
