-- Hands a ticket on to somebody else (rule O4); what he paid, and what counts for his limit, stays with who bought it.
-- ARGV     seat index, person who has it, person who gets it
-- returns  {code, log number after whose commit it may be told}
--- include sale
--- include known
local seat, from, to = ARGV[1], ARGV[2], ARGV[3]
if call('HGET', SEATS, seat) ~= from or not is_place(seat) and call('GETRANGE', MAP, seat, seat) ~= '2' then return {'ticket_void'} end
call('HSET', SEATS, seat, to)
return {'ok', record('transfer', {seat = tonumber(seat), from = from, to = to})}
