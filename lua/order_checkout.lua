-- Fixes what is held as an order and starts the time for paying; there is no way back (rule S8). Where there is nothing to pay, it is paid
-- (rule O6). Checking out again returns the same order (rule O2).
-- ARGV     person, number, a fresh order id of the server's, an order that he says he has won (rule S7), or ''
-- returns  {code, now, order, amount, deadline, {seat, price, …}}, and of what is paid already its log number; deadline 0: since before
--- include sale
--- include known
--- include order
--- include line
--- include admit
--- include stock
--- include auction
--- include ticket
local person, number, fresh, won = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4] or ''

local function check_out_free(order, o, at)
  sell(order, o, '')
  return {'ok', at, order, 0, o.d, o.seats, o.seq}
end

if won ~= '' then
  local o = load_order(won)
  if not o or not o.lot or o.person ~= person then return {'unknown_order'} end
  if o.st == 'paid' and o.amount == 0 then return {'ok', wall, won, 0, 0, o.seats, o.seq} end
  if o.st ~= 'paying' or o.d <= wall then return {'admission_expired'} end
  if o.amount == 0 then return check_out_free(won, o, wall) end
  return {'ok', wall, won, o.amount, o.d, o.seats}
end
local p = load_person(person)
if not p or p.n ~= number then return {'not_admitted'} end
if p.st == 'pay' then
  local o = load_order(p.o)
  return {'ok', now, p.o, o.amount, p.d, o.seats}
end
if p.st == 'out' and p.last then
  local o = load_order(p.last)
  if o and o.st == 'paid' and o.amount == 0 then return {'ok', now, p.last, 0, 0, o.seats, o.seq} end
end
if p.st ~= 'choose' then return {'not_admitted'} end
if p.d <= now then return {'admission_expired'} end
if #p.h == 0 then return {'nothing_held'} end

local amount, seats, currency = 0, as_numbers(p.h), call('HGET', STATE, 'currency')
for i = 2, #seats, 2 do amount = amount + seats[i] end
p.st, p.o, p.d = 'pay', fresh, now + numbers('pay_ms')
call('ZADD', ACTIVE, p.d, person)
local o = {st = 'paying', person = person, seats = seats, amount = amount, cur = currency, c = p.c, r = p.r, d = p.d}
save_order(fresh, o)
record('checkout', {person = person, order = fresh, seats = seats, amount = amount, currency = currency, deadline = p.d, channel = p.c, reduced = p.r})
save_person(person, p)
if amount == 0 then return check_out_free(fresh, o, now) end
return {'ok', now, fresh, amount, p.d, seats}
