-- Bids for a lot (rule S7). Every bid is one step; of two at the same moment, the first that comes counts.
-- ARGV     person, number, key, lot, amount, currency
-- returns  {code, deadline, {amount, when the lot closes}} or {code, the lowest bid that counts, or the highest allowed, or ms}
--- include sale
--- include known
--- include order
--- include line
--- include admit
--- include stock
--- include auction
--- include choose
local person, number, key, name, amount, currency = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
local p = load_person(person)
local request = 'bid ' .. name .. ' ' .. ARGV[5] .. ' ' .. currency
local problem = choosing_problem(p, number, key, request)
if problem then return problem end
local index, item = find_item(name)
if not item or item.kind ~= 'lot' then return {'unknown_item'} end
local b = load_bids(index, item)
if currency ~= call('HGET', STATE, 'currency') then return {'wrong_currency'} end
if wall < item.opens then return {'lot_not_open', item.opens - wall} end
if b.over or b.order or wall >= b.closes then return {'lot_closed'} end
local n = #b.bids
local least = n > 0 and b.bids[n] + item.step or item.price
if amount > item.most then return {'bid_too_high', item.most} end
if amount < least then return {'bid_too_low', least} end

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
record('bid', {person = person, lot = name, amount = amount, closes = b.closes})
tell_lot(index, item, b)
local answer = remember(p, key, request, {'ok', p.d, {string.format('%d', amount), string.format('%d', b.closes)}})
save_person(person, p)
return answer
