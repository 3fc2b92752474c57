-- Makes an item of the stock, or changes it (rule S6: the total never falls below what is given).
-- ARGV     name, kind ("area", "coupon", "voucher" or "points"), total, most per person (0: any number), price, how many are handed out in
--          rate_ms (0: any number), rate_ms, who
-- returns  {code, index, left} or {stock_below_given, how many are given}
--- include sale
--- include known
--- include order
--- include line
--- include admit
--- include stock
local INDEX_MAX = 2000
local name, kind, actor = ARGV[1], ARGV[2], ARGV[8]
local item = {name = name, kind = kind, total = tonumber(ARGV[3]), limit = tonumber(ARGV[4]), price = tonumber(ARGV[5]), rate_count = tonumber(ARGV[6]),
              rate_ms = tonumber(ARGV[7])}
local index, before = find_item(name)
if before and before.kind ~= kind then return {'stock_exists'} end
if index and item.total < given(index) then return {'stock_below_given', given(index)} end
if not index then
  index = call('HINCRBY', STOCK, 'items', 1)
  if index > INDEX_MAX then return {'too_large'} end
  call('HSET', STOCK, 'n:' .. name, index)
end
call('HSET', STOCK, 'i:' .. index, cmsgpack.pack(item))
if kind == 'area' then
  local more = item.total - (before and before.total or 0)
  count('free', more)
  count('total', more)
end
record('stock', {index = index, item = item, actor = actor})
publish('items')
settle_stock()
admit()
return {'ok', index, item.total - given(index)}
