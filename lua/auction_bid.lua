-- Bids for a lot (rule S7). Every bid is one step; of two at the same moment, the first that comes counts.
-- ARGV     person, number, token, lot, amount, currency
-- returns  {code, deadline, {amount, when the lot closes, log number after whose commit it may be told}} or {code, the lowest bid that counts, or the highest allowed, or ms}
--- include sale
--- include known
--- include order
--- include line
--- include admit
--- include stock
--- include auction
--- include choose
local person, number, token, name, amount, currency = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
local p = load_person(person)
local index, item = find_item(name)
local b = item and item.kind == 'lot' and load_bids(index, item)
local function as_it_stands() return {ARGV[5], string.format('%d', b and b.closes or 0), numbers('seq')} end
local problem = choosing_problem(p, number, token, as_it_stands)
if problem then return problem end
local seq, committed, backlog_max = numbers('seq', 'committed', 'backlog_max')
if seq - committed > backlog_max then return {'overloaded'} end
local n = b and #b.bids or 0

local function bid_problem()
  if not b then return {'unknown_item'} end
  if currency ~= call('HGET', STATE, 'currency') then return {'wrong_currency'} end
  if wall < item.opens then return {'lot_not_open', item.opens - wall} end
  if b.over or b.order or wall >= b.closes then return {'lot_closed'} end
  local least = n > 0 and b.bids[n] + item.step or item.price
  if amount > item.most then return {'bid_too_high', item.most} end
  if amount < least then return {'bid_too_low', least} end
end

problem = bid_problem()
if problem then
  if LETTERS[problem[1]] then
    remember(p, token, problem)
    save_person(person, p)
  end
  return problem
end

for i = 1, n, 2 do
  if b.bids[i] == person then
    table.remove(b.bids, i)
    table.remove(b.bids, i)
    break
  end
end
b.bids[#b.bids + 1], b.bids[#b.bids + 2] = person, amount
while #b.bids > BIDDERS_MAX * 2 do
  table.remove(b.bids, 1)
  table.remove(b.bids, 1)
end
if b.closes - wall < item.extend_ms then b.closes = wall + item.extend_ms end
save_bids(index, b)
remind(b.closes)
record('bid', {person = person, lot = name, amount = amount, closes = b.closes, token = token})
tell_lot(index, item, b)
local answer = remember(p, token, {'ok', p.d, as_it_stands()})
save_person(person, p)
return answer
