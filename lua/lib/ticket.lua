-- Tickets: sold and given back (rules S1, S10). What was counted when they were sold is what is given back with them: a lot counts as none.
-- Included behind auction.
local NOBODY = '-'

local function count_tickets(o, p, tickets, reduced, by)
  count('sold', by * tickets)
  if not p then return end
  p.b = math.max(0, (p.b or 0) + by * tickets)
  for _, tariff in pairs(reduced or {}) do
    p.rb = p.rb or {}
    p.rb[tariff] = math.max(0, (p.rb[tariff] or 0) + by)
  end
end

local function sell_seats(order, o)
  local p = load_person(o.person)
  count_tickets(o, p, #o.seats / 2, o.r, 1)
  p.h, p.r, p.st, p.o, p.last, p.d = {}, nil, 'out', nil, order, 0
  save_person(o.person, p)
  call('ZREM', ACTIVE, o.person)
  mark_seats(o.seats, '2')
  return p.n
end

-- payment: '' where there was nothing to pay (rule O6).
local function sell(order, o, payment)
  local number
  if o.lot then call('HSET', SEATS, o.seats[1], o.person) else number = sell_seats(order, o) end
  move_order(o, 'paid')
  o.payment = payment
  o.seq = record('paid', {person = o.person, order = order, payment = payment, seats = o.seats, amount = o.amount, number = number, channel = o.c, reduced = o.r})
  save_order(order, o)
  publish('paid', o.person, order, o.seq, o.lot and 1 or 0)
  if o.lot then sell_lot(o.lot) end
  settle_stock()
  admit()
end

-- One seat of nobody any more; returns 1 when it is kept back.
local function void_ticket(o, seat, block, reduced)
  block = block and not is_place(seat)
  if block then call('HSET', SEATS, seat, NOBODY) else call('HDEL', SEATS, seat) end
  if o.lot then unsell_lot(o.lot) elseif is_place(seat) then give_back_place(seat, o.person) end
  for _, of_seats in pairs({o.s or {}, o.i or {}}) do of_seats[seat] = nil end
  if o.r and o.r[seat] then reduced[seat], o.r[seat] = o.r[seat], nil end
  return block and 1 or 0
end

-- The tickets of these seats are void, whoever has them now, and count no more for who bought them. become: "free" or "block"
local function take_back_tickets(o, seats, become)
  local reduced, blocked, tickets = {}, 0, #seats / 2
  for i = 1, #seats, 2 do blocked = blocked + void_ticket(o, tostring(seats[i]), become == 'block', reduced) end
  mark_seats(seats, become == 'block' and '3' or '0')
  if o.lot then return end
  count('blocked', blocked)
  count('free', tickets - blocked)
  give_back_quotas(o.c, reduced, tickets)
  local p = load_person(o.person)
  count_tickets(o, p, tickets, reduced, -1)
  if p then save_person(o.person, p) end
end
