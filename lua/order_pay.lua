-- Takes what the payment service says about an order, however often and in whatever order (rules O1-O3).
-- Paid in time: the seats are sold. Declined: they are free. Paid too late, twice, the wrong sum, or for an order that nobody knows: a refund
-- is due (rule O5).
-- ARGV     order, payment, "paid" or "declined", amount, currency, "known" where an order that is not known may be another boxoffice's,
--          "uneven" where the amount is rounded up
-- returns  {code, order state, log number after whose commit it may be told}
--- include sale
--- include known
--- include order
--- include line
--- include admit
--- include stock
--- include auction
--- include ticket
local order, payment, outcome, amount, currency = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local VAIN = 'vain:' -- begins the ids of refunds of money that bought nothing; an operator's never begin so
local o = load_order(order)
if not o then
  if ARGV[6] == 'known' then return {'unknown_order'} end -- nobody gives back what is not his
  if outcome == 'declined' then return {'ok', 'declined', 0} end
  o = {st = 'expired', person = '', seats = {}, amount = amount, cur = currency} -- lost with Redis, or never made here
end

-- Version 0.1.0 noted it under the payment alone.
local function owed_before()
  local refunds = o.refunds or {}
  local old = refunds[payment]
  return refunds[VAIN .. payment] or old and not old.of and old
end

local function owe_refund(reason)
  if amount <= 0 then return o.amount == 0 and o.payment and {'ok', o.st, o.seq} or {'bad_message'} end
  local owed = owed_before()
  if not owed then
    local id = VAIN .. payment
    owed = {amount = amount, seq = record('refund_due', {person = o.person, order = order, refund = id, payment = payment, amount = amount,
                                                         currency = currency, reason = reason})}
    o.refunds = o.refunds or {}
    o.refunds[id] = owed
    save_order(order, o)
  end
  return {'ok', 'refund_due', owed.seq}
end

if outcome == 'declined' then
  if o.st ~= 'paying' or o.lot then return {'ok', o.st, o.seq or 0} end -- who has won may try again till his time is over
  end_admission(o.person, load_person(o.person), 'declined')
  admit()
  return {'ok', 'declined', numbers('seq')}
end

if o.payment then
  if o.payment == payment then return {'ok', o.st, o.seq} end
  return owe_refund('paid twice')
end
if not can_become(o, 'paid') then return owe_refund('paid after the order was ' .. o.st) end
if amount ~= o.amount or ARGV[7] == 'uneven' or currency ~= currency_of(o) then return owe_refund('wrong sum') end

if o.d <= (o.lot and wall or now) then
  if not o.lot then
    end_admission(o.person, load_person(o.person), 'expired')
    o = load_order(order)
  end
  local answer = owe_refund('paid after the order was expired')
  admit()
  return answer
end

sell(order, o, payment)
return {'ok', 'paid', o.seq}
