-- The states of an order: from each, those it may go to. Nothing else happens to an order, whoever asks and however often.
-- docs/protocol.md shows the same table, and PostgreSQL knows the same states.
local FOLLOWS = {
  paying         = {paid = true, declined = true, expired = true, left = true},
  paid           = {part_refunded = true, refunded = true},
  part_refunded  = {part_refunded = true, refunded = true},
  refunded       = {},
  declined       = {},
  expired        = {},
  left           = {},
}

-- An order: st state, d till when it can be paid, lot where it was won by bidding, person, seats {index, price, …} not given back, amount, payment, refunded how much of it, c channel, r reduced
-- {seat -> tariff}, refunds {id -> log number}, seq log number of the payment.
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
  publish('end', person, reason, order or '')
  return seq
end
