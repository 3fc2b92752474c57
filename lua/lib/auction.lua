-- Lots that are sold by bidding (rule S7). Included behind stock. A lot is an item of the stock of kind "lot": besides what every item has, step
-- (a bid beats the highest by it; the first one may equal price), most (no bid is above it), opens, closes, extend_ms (a bid in the last
-- extend_ms puts the end off to so long after it; 0: never) and pay_ms. Its clock is the wall's, like that of the opening.
-- bids:index -> closes, put off perhaps; bids {person, price, …}, the highest last, each person once; order of who has won, and till: then
-- the next one gets it; over: "sold" or "unsold".

local BIDDERS_MAX = 20 -- so many may fail to pay, one after another, until the lot stays unsold

local function load_bids(index, item)
  local packed = call('HGET', STOCK, 'bids:' .. index)
  return packed and cmsgpack.unpack(packed) or {closes = item.closes, bids = {}}
end

local function save_bids(index, b)
  call('HSET', STOCK, 'bids:' .. index, cmsgpack.pack(b))
end

-- Nobody has bidden; or it is over, and nobody has it.
local function can_be_set(index, b)
  if not b.over then return #b.bids == 0 and not b.order end
  return not call('HGET', SEATS, string.format('%d', PLACES * index + 1))
end

-- As if it were new, but for the count of its orders: their ids are not used again.
local function offer_again(index, item, b)
  if b.over then
    count('lots', 1)
    call('HSET', STOCK, 'given:' .. index, 0)
    if b.over == 'sold' then count('granted', -1) end
  end
  if call('HEXISTS', STOCK, 'bids:' .. index) == 0 then return end
  save_bids(index, {closes = item.closes, bids = {}, awarded = b.awarded})
end

-- When the clock has something to do with a lot next; a tick looks no sooner.
local function remind(at)
  local next_at = numbers('closing')
  if next_at == 0 or at < next_at then call('HSET', STATE, 'closing', at) end
end

local function tell_lot(index, item, b)
  local n = #b.bids
  publish('lot', index, b.bids[n] or item.price, n > 0 and 1 or 0, b.closes, b.bids[n - 1] or '-', b.over or (b.order and 'closed') or 'open')
end

-- The highest bidder who has not failed to pay gets an order with a deadline of its own.
local function award(index, item, b)
  local n = #b.bids
  if n == 0 then
    b.order, b.over = nil, 'unsold'
    call('HSET', STOCK, 'given:' .. index, 0)
    count('lots', -1)
    record('lot_over', {index = index, lot = item.name, over = 'unsold'})
    return
  end
  local person, price = b.bids[n - 1], b.bids[n]
  b.bids[n], b.bids[n - 1] = nil, nil
  b.awarded = (b.awarded or 0) + 1
  -- With the epoch: what was awarded and then lost with Redis is another order than what is awarded instead.
  local s = call('HMGET', STATE, 'seed', 'epoch')
  b.order = 'o:' .. redis.sha1hex(s[1] .. 'lot ' .. index .. ' ' .. b.awarded .. ' ' .. (s[2] or '')):sub(1, 20)
  b.till = wall + item.pay_ms
  call('HSET', STOCK, 'given:' .. index, 1)
  local seats = {PLACES * index + 1, price}
  local currency = call('HGET', STATE, 'currency')
  save_order(b.order, {st = 'paying', person = person, seats = seats, amount = price, cur = currency, lot = index, d = b.till})
  record('checkout', {person = person, order = b.order, seats = seats, amount = price, currency = currency, deadline = b.till, lot = item.name})
  publish('won', person, b.order, index, price, b.till)
  remind(b.till)
end

local function lapse(index, item, b)
  local o = load_order(b.order)
  if move_order(o, 'expired') then
    save_order(b.order, o)
    record('end', {person = o.person, reason = 'expired', stage = 'pay', seats = o.seats, order = b.order, lot = item.name})
    publish('lapsed', o.person, b.order)
  end
end

local function settle_lot(index, item)
  local b = load_bids(index, item)
  if b.over then return end
  if wall < (b.till or b.closes) then return remind(b.till or b.closes) end
  if b.order then lapse(index, item, b) end
  award(index, item, b)
  save_bids(index, b)
  tell_lot(index, item, b)
end

-- What the clock does with lots.
local function settle_lots()
  local at = numbers('closing')
  if at == 0 or wall < at then return end
  call('HSET', STATE, 'closing', 0)
  each_item(function(index, item)
    if item.kind == 'lot' then settle_lot(index, item) end
  end)
  settle_stock()
end

-- The winner has paid in time.
local function sell_lot(index)
  local item = item_at(index)
  local b = load_bids(index, item)
  b.over = 'sold'
  count('lots', -1)
  count('granted', 1)
  save_bids(index, b)
  record('lot_over', {index = index, lot = item.name, over = 'sold'})
  tell_lot(index, item, b)
  settle_stock()
end

-- Its winner has given it back: it is as if nobody had bidden enough.
local function unsell_lot(index)
  local item = item_at(index)
  local b = load_bids(index, item)
  b.over, b.order = 'unsold', nil
  count('granted', -1)
  call('HSET', STOCK, 'given:' .. index, 0)
  save_bids(index, b)
  tell_lot(index, item, b)
end
