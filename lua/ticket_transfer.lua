-- Hands a ticket on to somebody else (rule O4), unless it was used; what was paid for it, and what counts for a limit, stays with the buyer.
-- ARGV     seat index, its order, its serial, person who has it, person who gets it
-- returns  {code, log number after whose commit it may be told; the new serial}
--- include sale
--- include known
--- include order
local seat, order, serial, from, to = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
local o = load_order(order)
local problem = ticket_problem(o, seat, serial)
if problem then return problem end
if call('HGET', SEATS, seat) ~= from then return {'ticket_void'} end
call('HSET', SEATS, seat, to)
local seq = record('transfer', {seat = tonumber(seat), order = order, from = from, to = to})
o.s = o.s or {}
o.s[seat] = seq
save_order(order, o)
return {'ok', seq}
