-- Tells everyone how far the log is safe in PostgreSQL, and drops what is (rule P1). Trimming comes first: it needs no memory, so it works
-- when Redis has none left, and then so does what follows in the same script.
-- ARGV     log number, then the records that PostgreSQL refused and that are put aside (rule P3): first and last number of each range, rising
-- returns  {code}; redis_lost_sale: Redis does not have it all, and has to be restored once its log is written
--- include sale
local seq = tonumber(ARGV[1])
if not kept[5] then return {'redis_lost_sale'} end
call('XTRIM', LOG, 'MINID', (seq + 1) .. '-0')
if seq > numbers('seq') then
  call('HSET', STATE, 'lost', 1)
  return {'redis_lost_sale'}
end
if kept[6] then return {'redis_lost_sale'} end
local aside = table.concat(ARGV, ' ', 2)
local committed, aside_before = numbers('committed'), call('HGET', STATE, 'aside') or ''
if seq > committed or seq == committed and aside ~= aside_before then
  call('HSET', STATE, 'committed', seq, 'aside', aside)
  publish('committed', seq, call('HGET', STATE, 'epoch'), {unpack(ARGV, 2)})
end
return {'ok'}
