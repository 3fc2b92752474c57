-- The states of an order: from each, those it may go to. Nothing else happens to an order, whoever asks and however often.
-- docs/protocol.md shows the same table, and PostgreSQL knows the same states.
local FOLLOWS = {
  paying         = {paid = true, declined = true, expired = true, left = true},
  paid           = {part_refunded = true, refunded = true},
  part_refunded  = {part_refunded = true, refunded = true},
  refunded       = {refunded = true}, -- no seat is left, but there may be money
  declined       = {},
  expired        = {},
  left           = {},
}

-- An order: st state, d till when it can be paid, lot where it was won by bidding, person, seats {index, price, …} not given back, amount,
-- cur its currency, payment ('' where there was nothing to pay), seq log number of the payment, refunded how much was given back, c channel,
-- r reduced {seat -> tariff}, s serials of tickets that were handed on {seat -> log number; of the others it is seq}, i tickets that were let in
-- {seat -> {at, by}}, refunds {id -> {amount, seq, of}}: of says what was given back, and is missing of money that bought nothing.
-- Orders of version 0.1.0 have no cur, and no s for what was handed on then.
local function load_order(order)
  local packed = call('HGET', ORDERS, order)
  return packed and cmsgpack.unpack(packed)
end

local function save_order(order, o)
  call('HSET', ORDERS, order, cmsgpack.pack(o))
end

local function can_become(o, to) return FOLLOWS[o.st][to] end

-- False, and nothing changed, where that does not follow.
local function move_order(o, to)
  if not can_become(o, to) then return false end
  o.st = to
  return true
end

local function currency_of(o) return o.cur or call('HGET', STATE, 'currency') end

local function has_seat(o, seat)
  for i = 1, #o.seats, 2 do
    if o.seats[i] == tonumber(seat) then return true end
  end
  return false
end

-- Why a ticket (seat as text) is not the one that was meant, or cannot be used or handed on any more; nil: it is, and can.
local function ticket_problem(o, seat, serial)
  if not o or not o.payment or not has_seat(o, seat) then return {'ticket_void'} end
  local now_is = (o.s or {})[seat] or o.cur and o.seq
  if now_is and now_is ~= serial or serial < o.seq then return {'ticket_void'} end
  local used = (o.i or {})[seat]
  if used then return {'already_checked_in', used.at, used.by} end
end

-- Seats free, an unpaid order closed, the place given back. reason is the state of the order then: declined, expired or left. Returns the log number.
local function end_admission(person, p, reason)
  local stage, order = p.st, p.o
  local seats = as_numbers(p.h or {})
  free_seats(person, p)
  local o = stage == 'pay' and order and load_order(order)
  if o and move_order(o, reason) then save_order(order, o) end
  if #seats == 0 then count('seeking', -1) end
  p.st, p.o, p.last, p.d = 'out', nil, order, 0
  call('ZREM', ACTIVE, person)
  save_person(person, p)
  local seq = record('end', {person = person, reason = reason, stage = stage, number = p.n, seats = seats, order = order})
  publish('end', person, reason, order or '-', p.n) -- the number says which admission ended
  return seq
end
