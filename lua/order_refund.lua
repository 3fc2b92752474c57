-- Gives money back for a paid order, and takes back the tickets of some of its seats, or of all; or of none, when it is meant kindly.
-- ARGV     order, refund, amount ('-': the prices of these seats), what becomes of the seats ("free": on sale again, "block": kept back),
--          who does it, why, seat index, …
-- returns  {code, order state, amount, log number after whose commit it may be told} or {refund_too_much, what is left}
--- include sale
--- include known
--- include order
--- include line
--- include admit
local NOBODY = '-'
local order, refund, amount, seats_become, actor, why = unpack(ARGV, 1, 6)
local o = load_order(order)
if not o then return {'unknown_order'} end
local done = (o.refunds or {})[refund]
if done then return {'ok', o.st, done.amount, done.seq} end
if not can_become(o, 'part_refunded') then return {'not_paid'} end

local wanted, back, kept, prices = {}, {}, {}, 0
for i = 7, #ARGV do wanted[tonumber(ARGV[i])] = true end
for i = 1, #o.seats, 2 do
  local into = wanted[o.seats[i]] and back or kept
  into[#into + 1], into[#into + 2] = o.seats[i], o.seats[i + 1]
  if wanted[o.seats[i]] then prices = prices + o.seats[i + 1] end
  wanted[o.seats[i]] = nil
end
if next(wanted) then return {'unknown_ticket'} end
amount = amount == '-' and prices or tonumber(amount)
local left = o.amount - (o.refunded or 0)
if amount > left then return {'refund_too_much', left} end

-- The tickets are void, whoever has them now, and count no more for who bought them.
local function take_back_seats()
  local reduced = {}
  for i = 1, #back, 2 do
    local seat = tostring(back[i])
    if seats_become == 'block' and not is_place(seat) then call('HSET', SEATS, seat, NOBODY) else call('HDEL', SEATS, seat) end
    if is_place(seat) then give_back_place(seat, o.person) end
    if o.r and o.r[seat] then reduced[seat], o.r[seat] = o.r[seat], nil end
  end
  local number, p = #back / 2, load_person(o.person)
  local blocked = 0
  for i = 1, #back, 2 do blocked = blocked + (seats_become == 'block' and not is_place(back[i]) and 1 or 0) end
  count('sold', -number)
  count('blocked', blocked)
  count('free', number - blocked)
  give_back_quotas(o.c, reduced, number)
  mark_seats(back, seats_become == 'block' and '3' or '0')
  if not p then return end
  p.b = math.max(0, (p.b or 0) - number)
  local bought = p.rb or {}
  for _, tariff in pairs(reduced) do bought[tariff] = math.max(0, (bought[tariff] or 0) - 1) end
  p.rb = bought
  save_person(o.person, p)
end

if #back > 0 then take_back_seats() end
o.seats, o.refunded = kept, (o.refunded or 0) + amount
move_order(o, (#kept == 0 or o.refunded == o.amount and #back > 0) and 'refunded' or 'part_refunded')
local seq = record('refund', {order = order, refund = refund, person = o.person, payment = o.payment, amount = amount, currency = call('HGET', STATE, 'currency'),
                              status = o.st, seats = back, seats_become = seats_become, actor = actor, why = why})
o.refunds = o.refunds or {}
o.refunds[refund] = {seq = seq, amount = amount}
save_order(order, o)
publish('refunded', o.person, order, seq, amount)
settle_stock()
admit()
return {'ok', o.st, amount, seq}
