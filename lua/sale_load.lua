-- Brings a sale's settings into Redis: the first time as a new sale, later only what changed (rule A2, A7).
-- A sale whose log is already in PostgreSQL but which Redis has forgotten, wholly or its end, is not gone on with: that would
-- sell its seats a second time.
-- The epoch is what PostgreSQL has fenced for this server (lib/epoch.lua).
-- ARGV     settings version, log number committed in PostgreSQL, epoch, epoch of the record of that number, server, the operator's status, total seats, a fresh
--          secret (for the lottery of a new sale), then field, value, …
-- returns  {code, effective status, epoch}; superseded or redis_lost_sale: {code, epoch here}; setting_fixed, and nothing changed: {code, setting, what
--          stands against it, and as they stay: currency, lanes, lottery}
--- include sale
--- include order
--- include line
--- include epoch
--- include admit
--- include stock
--- include auction
--- include settings
local version, committed, fenced, written, server = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), ARGV[5]
local status, total, seed = ARGV[6], tonumber(ARGV[7]), ARGV[8]
local settings = {unpack(ARGV, 9)}
local known = call('HMGET', STATE, 'settings_version', 'status', 'sold_out')
if not known[1] then
  if committed > 0 or kept[6] then return {'redis_lost_sale', 0} end
  EPOCH = fenced
  call('HSET', STATE, 'settings_version', version, 'status', status, 'sold_out', 0, 'total', total, 'free', total, 'sold', 0,
       'next', 0, 'head', -2 ^ 46, 'seq', 0, 'committed', 0, 'version', 0, 'epoch', fenced, 'server', server, 'seed', seed, unpack(settings))
  call('SET', MAP, string.rep('0', total))
  record('load', {version = version, status = status, total = total, seed = seed})
  return {'ok', status, tonumber(fenced)}
end
local unsettled = settle_epoch(committed, fenced, written, server)
if unsettled then return unsettled end
local epoch, before = numbers('epoch'), tonumber(known[1])
-- 0.1.0 kept "sold_out" in the place of the operator's status, which PostgreSQL still has: the same version may bring another status.
local of_old = not known[3]
if version < before or version == before and status == known[2] and not of_old then return {'ok', effective_status(), epoch} end

-- What later versions count besides.
local function take_over_old_state()
  local left, granted = 0, 0
  each_item(function(index, item)
    if is_granted(item) then left, granted = left + item.total - given(index), granted + given(index) end
    if item.kind == 'lot' and load_bids(index, item).over == 'sold' then granted = granted + 1 end
  end)
  call('HSET', STATE, 'sold_out', known[2] == 'sold_out' and 1 or 0, 'grants_left', left, 'granted', granted)
end

local setting, why = fixed_setting(settings)
if setting then
  local s = call('HMGET', STATE, 'currency', 'lanes', 'lottery')
  return {'setting_fixed', setting, why, s[1], s[2] or '', s[3] or '0'}
end
if of_old then take_over_old_state() end
call('HSET', STATE, 'settings_version', version, 'status', status, unpack(settings))
if of_old then settle_stock() end
record('settings', {version = version, status = status, sold_out = numbers('sold_out'), settings = settings})
publish('status', effective_status(), version)
return {'ok', effective_status(), epoch}
