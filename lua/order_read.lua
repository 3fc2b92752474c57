-- Reads an order; changes nothing.
-- ARGV     order
-- returns  {code, state, person, amount, log number, committed log number}
--- include sale
local packed = call('HGET', ORDERS, ARGV[1])
if not packed then return {'unknown_order'} end
local o = cmsgpack.unpack(packed)
return {'ok', o.st, o.person, o.amount, o.seq or 0, numbers('committed')}
