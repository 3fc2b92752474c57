-- Makes an item of the stock, or changes it (rule S6: the total never falls below what is given).
-- ARGV     name, kind ("area", "coupon", "voucher" or "points"), total, most per person (0: any number), price, how many are handed out in
--          rate_ms (0: any number), rate_ms, who
-- returns  {code, index, left, log number after whose commit it may be told} or {stock_below_given, how many are given}; bad_message: more places than an area can have
--- include sale
--- include known
--- include order
--- include line
--- include admit
--- include stock
local name, kind, actor = ARGV[1], ARGV[2], ARGV[8]
local item = {name = name, kind = kind, total = tonumber(ARGV[3]), limit = tonumber(ARGV[4]), price = tonumber(ARGV[5]), rate_count = tonumber(ARGV[6]),
              rate_ms = tonumber(ARGV[7])}
local index, before = find_item(name)
if before and before.kind ~= kind then return {'stock_exists'} end
if kind == 'area' and item.total > PLACES_MAX then return {'bad_message'} end
if index and item.total < given(index) then return {'stock_below_given', given(index)} end
index = index or new_item(name)
if not index then return {'too_many_items'} end
call('HSET', STOCK, 'i:' .. index, cmsgpack.pack(item))
local more = item.total - (before and before.total or 0)
if kind == 'area' then
  count('free', more)
  count('total', more)
else
  count('grants_left', more)
end
local seq = record('stock', {index = index, item = item, actor = actor})
publish('items')
settle_stock()
admit()
return {'ok', index, item.total - given(index), seq}
