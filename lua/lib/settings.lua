-- What a change of the settings must not re-interpret (rule O7): decisions stay what they were. Included behind auction.

-- Is there anything whose price is in the sale's currency? Whoever is inside may hold something at this moment, at the prices he was shown.
local function has_prices()
  local total, free, blocked, lots = numbers('total', 'free', 'blocked', 'lots')
  if total - free - blocked > 0 or call('HLEN', ORDERS) > 0 or call('ZCARD', ACTIVE) > 0 then return true end
  local bidden = false
  if lots > 0 then
    each_item(function(index, item) bidden = bidden or item.kind == 'lot' and #load_bids(index, item).bids > 0 end)
  end
  return bidden
end

-- The first lane that would have another number, or none, though somebody stands or stood in it. Numbers are in tokens, places and counters.
local function moved_lane(before, after)
  local to = lanes_of(after)
  for name, lane in pairs(lanes_of(before)) do
    local moved = not to[name] or to[name].number ~= lane.number
    if moved and call('HEXISTS', LANES, 'n' .. lane.number) == 1 then return name end
  end
end

-- settings: flat list {field, value, …}. The setting that cannot be changed and what stands against it; nil: all can.
local function fixed_setting(settings)
  local to = {}
  for i = 1, #settings, 2 do to[settings[i]] = settings[i + 1] end
  local s = call('HMGET', STATE, 'currency', 'lanes', 'lottery', 'handed_out')
  if s[1] and to.currency and to.currency ~= s[1] and has_prices() then return 'currency', s[1] end
  local lane = s[2] and to.lanes and to.lanes ~= s[2] and moved_lane(s[2], to.lanes)
  if lane then return 'lanes', lane end
  local gathered = tonumber(s[4] or 0) > 0 and not is_open_now()
  if gathered and s[3] and to.lottery and to.lottery ~= s[3] then return 'lottery', '' end
end
