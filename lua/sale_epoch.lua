-- The scribe says in which epoch PostgreSQL has fenced this sale for this server (rule P7); a later one begins here.
-- ARGV     log number committed in PostgreSQL, epoch, epoch of the record of that number, server
-- returns  {code, epoch here, log number that is committed as far as is known here}; superseded: a later epoch has begun; redis_lost_sale: PostgreSQL has what is
--          not here
--- include sale
--- include line
--- include epoch
local committed = tonumber(ARGV[1])
if not kept[5] and not kept[6] then
  if committed > 0 then return {'redis_lost_sale', 0} end
  return {'ok', 0, 0} -- it has not begun
end
local known = numbers('committed')
return settle_epoch(committed, ARGV[2], tonumber(ARGV[3]), ARGV[4]) or {'ok', numbers('epoch'), known}
