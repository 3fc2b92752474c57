-- Fixes what is held as an order and starts the time for paying; there is no way back (rule S8).
-- Checking out again returns the same order (rule O2).
-- ARGV     person, number, a fresh order id, or one that he has won (rule S7)
-- returns  {code, now, order, amount, deadline, {seat, price, …}}
--- include sale
--- include known
--- include order
local person, number, fresh = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local won = load_order(fresh)
if won then
  if won.person ~= person then return {'unknown_order'} end
  if won.st ~= 'paying' or won.d <= wall then return {'admission_expired'} end
  return {'ok', wall, fresh, won.amount, won.d, won.seats}
end
local p = load_person(person)
if not p or p.n ~= number then return {'not_admitted'} end
if p.st == 'pay' then
  local o = load_order(p.o)
  return {'ok', now, p.o, o.amount, p.d, o.seats}
end
if p.st ~= 'choose' then return {'not_admitted'} end
if p.d <= now then return {'admission_expired'} end
if #p.h == 0 then return {'nothing_held'} end

local amount, seats = 0, as_numbers(p.h)
for i = 2, #seats, 2 do amount = amount + seats[i] end
p.st, p.o, p.d = 'pay', fresh, now + numbers('pay_ms')
call('ZADD', ACTIVE, p.d, person)
save_order(fresh, {st = 'paying', person = person, seats = seats, amount = amount, c = p.c, r = p.r, d = p.d})
record('checkout', {person = person, order = fresh, seats = seats, amount = amount,
                    currency = call('HGET', STATE, 'currency'), deadline = p.d, channel = p.c, reduced = p.r})
save_person(person, p)
return {'ok', now, fresh, amount, p.d, seats}
