-- Puts a sale back as the ledger has it, in many calls (rule P2): "begin", then "put" as often as needed, then "end". Only whoever has begun last may go
-- on; until the end the sale is lost to every other script.
-- ARGV     token, then: "begin"
--          "put", key (as lua/lib/sale.lua lists them), "set" {member, score, …}, "hash" {field, value, …}, "packed" {field, JSON, …} or "text" {value}
--          "end", the log number restored up to, the sale's clock then (ms), the epoch and the server it is fenced for, {field of the state, value, …}
-- returns  {code, epoch (of "end")}; superseded: another one has begun
--- include sale
--- include line
--- include epoch
--- include read
local token, step = ARGV[1], ARGV[2]

if step == 'begin' then
  if kept[5] and not kept[6] then return {'not_lost'} end
  call('UNLINK', LINE, ACTIVE, STATE, PEOPLE, SEATS, MAP, ABSENT, GONE, ORDERS, LOG, NEWS, LANES, STOCK, GRANTS)
  call('HSET', STATE, 'lost', 1, 'restoring', token)
  return {'ok'}
end
if call('HGET', STATE, 'restoring') ~= token then return {'superseded'} end

if step == 'put' then
  local key, how, values = KEY[ARGV[3]], ARGV[4], {unpack(ARGV, 5)}
  if how == 'text' then
    call('SET', key, values[1])
  elseif how == 'set' then
    for i = 1, #values, 2 do values[i], values[i + 1] = values[i + 1], values[i] end
    call('ZADD', key, unpack(values))
  else
    if how == 'packed' then
      for i = 2, #values, 2 do values[i] = cmsgpack.pack(cjson.decode(values[i])) end
    end
    call('HSET', key, unpack(values))
  end
  return {'ok'}
end

-- The clock goes on from where it stood: nobody's time ran out meanwhile. Gateways say who is here; before they can, nobody is let in and stepped over.
local seq, clock = tonumber(ARGV[3]), tonumber(ARGV[4])
now = clock
call('HDEL', STATE, 'lost', 'restoring')
call('HSET', STATE, 'seq', seq, 'clock', clock, 'skew', clock - wall, 'version', 0, 'restored', seq, unpack(ARGV, 7))
begin_epoch(ARGV[5], ARGV[6], seq)
-- A change of the settings whose record was lost with Redis is in PostgreSQL, and holds.
local settings = call('HMGET', STATE, 'settings_version', 'status')
record('settings', {version = tonumber(settings[1]), status = settings[2], sold_out = numbers('sold_out'), settings = {}})
return {'ok', tonumber(ARGV[5])}
