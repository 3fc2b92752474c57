-- Sets single fields to what the ledger says, where they are still what they were found to be; counters by what they are off, whatever they are now.
-- ARGV     who does it, then for each: key, field, "add" and by how much, or "set", what was found, what it has to be; '' is none. Of "people" both
--          are three: number in line, deadline inside, record
-- returns  {code, how many were set}
--- include sale
--- include known
--- include order
--- include line
--- include admit
--- include read
local mended, log = 0, {}

local function write(name, field, value)
  if name == 'map' then
    call('SETRANGE', MAP, field, value)
  elseif name == 'line' or name == 'active' then
    if value == '' then call('ZREM', KEY[name], field) else call('ZADD', KEY[name], value, field) end
  elseif value == '' then
    call('HDEL', KEY[name], field)
  else
    call('HSET', KEY[name], field, is_packed(name, field) and cmsgpack.pack(cjson.decode(value)) or value)
  end
end

local OF_PERSON = {'line', 'active', 'people'}

-- parts: of "people" three keys with the same field, else one.
local function mend(parts, field, found, wanted)
  for i, name in ipairs(parts) do
    if (read_field(name, field) or '') ~= found[i] then return false end
  end
  for i, name in ipairs(parts) do write(name, field, wanted[i]) end
  if parts == OF_PERSON then call('ZREM', ABSENT, field) end
  if parts[1] == 'map' then publish_seats(wanted[1], {field}) end
  return true
end

local at = 2
while at <= #ARGV do
  local name, field, how = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local parts, done = name == 'people' and OF_PERSON or {name}, true
  if how == 'add' then
    call('HINCRBY', KEY[name], field, ARGV[at + 3])
    at = at + 4
  else
    done = mend(parts, field, {unpack(ARGV, at + 3, at + 2 + #parts)}, {unpack(ARGV, at + 3 + #parts, at + 2 + 2 * #parts)})
    at = at + 3 + 2 * #parts
  end
  if done then mended, log[#log + 1] = mended + 1, name .. ' ' .. field end
end
if mended > 0 then record('mended', {actor = ARGV[1], what = log}) end
settle_stock()
admit()
return {'ok', mended}
