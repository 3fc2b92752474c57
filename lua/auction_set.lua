-- Makes a lot, or changes it while nobody has bidden, or offers it again when it stayed unsold or its sale was refunded (rule S7).
-- ARGV     name, first price, step, highest bid allowed, opens (ms), closes (ms), extend_ms, pay_ms, who
-- returns  {code, index, 1, log number after whose commit it may be told}
--- include sale
--- include known
--- include order
--- include line
--- include admit
--- include stock
--- include auction
local name, actor = ARGV[1], ARGV[9]
local item = {name = name, kind = 'lot', total = 1, limit = 0, rate_count = 0, rate_ms = 0, price = tonumber(ARGV[2]), step = tonumber(ARGV[3]), most = tonumber(ARGV[4]),
              opens = tonumber(ARGV[5]), closes = tonumber(ARGV[6]), extend_ms = tonumber(ARGV[7]), pay_ms = tonumber(ARGV[8])}
local index, before = find_item(name)
if before and before.kind ~= 'lot' then return {'stock_exists'} end
local b = index and load_bids(index, before)
if b and not can_be_set(index, b) then return {'lot_running'} end
if not index then
  index = new_item(name)
  if not index then return {'too_many_items'} end
  count('lots', 1)
end
call('HSET', STOCK, 'i:' .. index, cmsgpack.pack(item))
if b then offer_again(index, item, b) end
local seq = record('stock', {index = index, item = item, actor = actor})
remind(item.closes)
publish('items')
settle_stock()
admit()
return {'ok', index, 1, seq}
