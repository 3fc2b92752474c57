-- Takes what the payment service says about an order, however often and in whatever order (rules O1-O3).
-- Paid in time: the seats are sold. Declined: they are free. Paid too late, twice, or the wrong sum: a refund is due.
-- ARGV     order, payment, "paid" or "declined", amount, currency
-- returns  {code, order state, log number after whose commit it may be told}
--- include sale
--- include known
--- include order
--- include line
--- include admit
--- include stock
--- include auction
local order, payment, outcome, amount, currency = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local o = load_order(order)
if not o and numbers('restored') > 0 then
  -- Started before Redis was lost, and lost with it: nobody holds seats for it any more.
  o = {st = 'expired', person = '', seats = {}, amount = amount}
end
if not o then return {'unknown_order'} end
local person = o.person

local function owe_refund(reason)
  o.refunds = o.refunds or {}
  if not o.refunds[payment] then
    o.refunds[payment] = {amount = amount, seq = record('refund_due', {person = person, order = order, payment = payment, amount = amount,
                                                                       currency = currency, reason = reason})}
    save_order(order, o)
  end
  return {'ok', 'refund_due', o.refunds[payment].seq}
end

if outcome == 'declined' then
  if o.st ~= 'paying' or o.lot then return {'ok', o.st, o.seq or 0} end -- who has won may try again till his time is over
  local seq = end_admission(person, load_person(person), 'declined')
  admit()
  return {'ok', 'declined', seq}
end

if o.payment then
  if o.payment == payment then return {'ok', o.st, o.seq} end
  return owe_refund('paid twice')
end
if not can_become(o, 'paid') then return owe_refund('paid after the order was ' .. o.st) end
if amount ~= o.amount or currency ~= call('HGET', STATE, 'currency') then return owe_refund('wrong sum') end

local function sold(p)
  local seats = o.seats
  move_order(o, 'paid')
  o.payment = payment
  o.seq = record('paid', {person = person, order = order, payment = payment, seats = seats, amount = amount, number = p and p.n, channel = o.c, reduced = o.r})
  save_order(order, o)
  publish('paid', person, order, o.seq, o.lot and 1 or 0)
  return {'ok', 'paid', o.seq}
end

if o.d <= (o.lot and wall or now) then
  local p = load_person(person)
  if not o.lot then
    end_admission(person, p, 'expired')
    o = load_order(order)
  end
  local answer = owe_refund('paid after the order was expired')
  admit()
  return answer
end

if o.lot then
  call('HSET', SEATS, o.seats[1], person)
  local answer = sold()
  sell_lot(o.lot)
  return answer
end

local p, tickets = load_person(person), #o.seats / 2
p.b, p.h, p.st, p.o, p.last, p.d = (p.b or 0) + tickets, {}, 'out', nil, order, 0
for _, tariff in pairs(p.r or {}) do
  p.rb = p.rb or {}
  p.rb[tariff] = (p.rb[tariff] or 0) + 1
end
p.r = nil
save_person(person, p)
call('ZREM', ACTIVE, person)
mark_seats(o.seats, '2')
count('sold', tickets)
local answer = sold(p)
settle_stock()
admit()
return answer
