-- Lets a ticket in, once (rule O4), or undoes that: decided where tickets are handed on and given back, so that of these only one can be first.
-- ARGV     seat index, its order, its serial, "in" or "out", when (ms; 0: now), where or by whom
-- returns  {code, log number after whose commit it may be told, when}; {already_checked_in, when, by whom}
--- include sale
--- include known
--- include order
local seat, order, serial, way, at, by = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5]), ARGV[6]
local o = load_order(order)
local problem = ticket_problem(o, seat, serial)
if problem and (way == 'in' or problem[1] ~= 'already_checked_in') then return problem end
if at == 0 then at = wall end
o.i = o.i or {}
o.i[seat] = way == 'in' and {at = at, by = by} or nil
save_order(order, o)
return {'ok', record('check_' .. way, {seat = tonumber(seat), order = order, serial = serial, at = at, by = by}), at}
