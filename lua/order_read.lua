-- Reads an order; changes nothing.
-- ARGV     order
-- returns  {code, state, person, amount, log number, committed log number, how much was given back}
--- include sale
--- include known
--- include order
local o = load_order(ARGV[1])
if not o then return {'unknown_order'} end
return {'ok', o.st, o.person, o.amount, o.seq or 0, numbers('committed'), o.refunded or 0}
