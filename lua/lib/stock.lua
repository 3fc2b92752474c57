-- Counted stock (rules S5, S6): areas without numbered seats, coupons, vouchers, points, and lots of an auction. Included behind admit.
--
-- Every item has an index from 1 on. STOCK: n:name -> index; i:index -> the item as it was set; given:index -> how many are held, sold or
-- granted; next:index -> the number handed out last
-- (of an area, whose numbers begin again at 1, it may be a lower one than before); bids:index -> a lot's bids. GRANTS: g:grant -> packed grant; p:index:person -> how many
-- somebody has. A place of an area, and a lot, is a seat with the index PLACES * item + its number: so everything that is done with seats
-- can be done with it.

local ITEMS_MAX = 2000

-- nil where there is none of this index: a sale begun by 0.1.0 may count more items than it has.
local function item_at(index)
  local packed = call('HGET', STOCK, 'i:' .. index)
  return packed and cmsgpack.unpack(packed) or nil
end

local function find_item(name)
  local index = tonumber(call('HGET', STOCK, 'n:' .. name) or nil)
  local item = index and item_at(index)
  if item then return index, item end
end

-- The highest index; item_at says which of them there are.
local function items() return tonumber(call('HGET', STOCK, 'items') or 0) end

-- Calls visit(index, item) for each item there is.
local function each_item(visit)
  for index = 1, items() do
    local item = item_at(index)
    if item then visit(index, item) end
  end
end

-- The index of a new item; nil, and nothing changed, when there are as many as there may be.
local function new_item(name)
  if items() >= ITEMS_MAX then return nil end
  local index = call('HINCRBY', STOCK, 'items', 1)
  call('HSET', STOCK, 'n:' .. name, index)
  return index
end

-- Coupons, vouchers, points: they are granted, and neither seats nor places.
local function is_granted(item) return item.kind ~= 'area' and item.kind ~= 'lot' end

local function given(index) return tonumber(call('HGET', STOCK, 'given:' .. index) or 0) end

-- Why somebody may not have so many more of an item; nil: he may.
local function item_problem(index, item, person, wanted)
  local mine = tonumber(call('HGET', GRANTS, 'p:' .. index .. ':' .. person) or 0)
  if item.limit > 0 and mine + wanted > item.limit then return {'limit_reached', math.max(0, item.limit - mine)} end
  local left = item.total - given(index)
  if wanted > left then return {'stock_gone', left} end
  if item.rate_count == 0 then return end
  local allowed, _, wait = rate_left(item.rate_count, item.rate_ms, 'window:' .. index)
  if wanted > allowed then return {'try_later', math.max(wait, 1)} end
end

-- Counts that somebody has so many more of an item.
local function count_given(index, item, person, wanted)
  call('HINCRBY', STOCK, 'given:' .. index, wanted)
  call('HINCRBY', GRANTS, 'p:' .. index .. ':' .. person, wanted)
  if item.rate_count > 0 then
    local _, window = rate_left(item.rate_count, item.rate_ms, 'window:' .. index)
    spend_rate(window, wanted, 'window:' .. index)
  end
end

-- Of what is granted. Returns the number of the first; the others follow it.
local function give(index, item, person, wanted)
  count_given(index, item, person, wanted)
  return call('HINCRBY', STOCK, 'next:' .. index, wanted) - wanted + 1
end

local PLACES_MAX = 100000 -- of one area: nine in ten of its numbers are free
local PIECE = 1000        -- numbers looked at together

-- Of an area: the seats of so many free places, as words. Their numbers are below PLACES, so that they are never those of another item:
-- behind the last one that was handed out, and after the highest from 1 on again.
local function give_places(index, item, person, wanted)
  count_given(index, item, person, wanted)
  local found, last = {}, tonumber(call('HGET', STOCK, 'next:' .. index) or 0)
  local piece = wanted -- as a rule these are free, until the numbers begin again
  while #found < wanted do
    local seats, first = {}, last >= PLACES - 1 and 1 or last + 1
    for number = first, math.min(first + piece - 1, PLACES - 1) do seats[#seats + 1] = string.format('%d', PLACES * index + number) end
    local owners = call('HMGET', SEATS, unpack(seats))
    for i, seat in ipairs(seats) do
      last = first + i - 1
      if not owners[i] then found[#found + 1] = seat end
      if #found == wanted then break end
    end
    piece = PIECE
  end
  call('HSET', STOCK, 'next:' .. index, last)
  return found
end

local function tell_stock(index, item)
  publish('stock', index, item.total - given(index))
end
