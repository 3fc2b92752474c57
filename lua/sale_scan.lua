-- Reads a part of one key, to compare it with the ledger; changes nothing. What is kept packed comes as JSON.
-- ARGV     key (as lua/lib/sale.lua lists them), cursor (0 to begin), about how many
-- returns  {code, next cursor (0: that was all), {field or member, value or score, …}}; of "map" {code, 0, {its states}}
--- include sale
--- include known
--- include read
local name, cursor, about = ARGV[1], ARGV[2], ARGV[3]
if name == 'map' then return {'ok', 0, {call('GET', MAP) or ''}} end
local sorted = name == 'line' or name == 'active'
local found = call(sorted and 'ZSCAN' or 'HSCAN', KEY[name], cursor, 'COUNT', about)
local list = found[2]
if not sorted then
  for i = 1, #list, 2 do list[i + 1] = readable(name, list[i], list[i + 1]) end
end
return {'ok', tonumber(found[1]), list}
