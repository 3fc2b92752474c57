-- Gives money back for a paid order, and takes back the tickets of some of its seats, or of all; or of none, when it is meant kindly. Money and
-- seats are judged apart: an order is refunded when no seat is left, and what money there is can be given back afterwards.
-- ARGV     order, refund, amount ('-': the prices of these seats), what becomes of the seats ("free": on sale again, "block": kept back),
--          who does it, why, "force": of tickets that were used, too, or "", seat index, …
-- returns  {code, order state, amount, log number after whose commit it may be told}, {refund_too_much, what is left} or
--          {already_checked_in, 0, {seat, …}}
--- include sale
--- include known
--- include order
--- include line
--- include admit
--- include stock
--- include auction
--- include ticket
local order, refund, amount, seats_become, actor, why, force = unpack(ARGV, 1, 7)
local o = load_order(order)
if not o then return {'unknown_order'} end

local wanted, asked = {}, {}
for i = 8, #ARGV do
  if not wanted[tonumber(ARGV[i])] then asked[#asked + 1] = tonumber(ARGV[i]) end
  wanted[tonumber(ARGV[i])] = true
end
table.sort(asked)
local of = #asked == 0 and '-' or seats_become .. ' ' .. table.concat(asked, ' ') -- what this refund is of, besides its amount

-- The same id may come again for the same, and for nothing else. Of refunds made by version 0.1.0 only the amount is known.
local done = (o.refunds or {})[refund]
if done then
  local same = amount == '-' or tonumber(amount) == done.amount
  if done.of then same = same and done.of == of else same = same and (o.refunded or 0) > 0 end -- else it is of money that came in vain
  return same and {'ok', o.st, done.amount, done.seq} or {'key_reused'}
end
if not can_become(o, 'refunded') then return {'not_paid'} end

local back, kept, used, prices = {}, {}, {}, 0
for i = 1, #o.seats, 2 do
  local seat, price = o.seats[i], o.seats[i + 1]
  local into = wanted[seat] and back or kept
  into[#into + 1], into[#into + 2] = seat, price
  if wanted[seat] then prices = prices + price end
  if wanted[seat] and (o.i or {})[tostring(seat)] then used[#used + 1] = seat end
  wanted[seat] = nil
end
if next(wanted) then return {'unknown_ticket'} end
amount = amount == '-' and prices or tonumber(amount)
local left = o.amount - (o.refunded or 0)
if amount > left then return {'refund_too_much', left} end
if amount == 0 and #back == 0 then return {'bad_message'} end
if #used > 0 and force ~= 'force' then return {'already_checked_in', 0, used} end

if #back > 0 then take_back_tickets(o, back, seats_become) end
o.seats, o.refunded = kept, (o.refunded or 0) + amount
move_order(o, (#kept == 0 or o.st == 'refunded') and 'refunded' or 'part_refunded')
local seq = record('refund', {order = order, refund = refund, person = o.person, payment = o.payment, amount = amount, currency = currency_of(o),
                              status = o.st, seats = back, seats_become = seats_become, actor = actor, why = why})
o.refunds = o.refunds or {}
o.refunds[refund] = {seq = seq, amount = amount, of = of}
save_order(order, o)
publish('refunded', o.person, order, seq, amount)
settle_stock()
admit()
return {'ok', o.st, amount, seq}
