-- The keys by name, and what they hold as text. Included by the scripts that compare and mend.
local KEY = {line = LINE, active = ACTIVE, state = STATE, people = PEOPLE, seats = SEATS, map = MAP, absent = ABSENT, gone = GONE, orders = ORDERS, lanes = LANES, stock = STOCK,
             grants = GRANTS}

local function is_packed(name, field)
  return name == 'people' or name == 'orders' or name == 'state' and field:find('^window') or name == 'stock' and (field:find('^i:') or field:find('^bids:')) or
         name == 'grants' and field:find('^g:')
end

local function readable(name, field, value)
  if not value or not is_packed(name, field) then return value end
  local unpacked = cmsgpack.unpack(value)
  if name == 'people' then unpacked.k, unpacked.m, unpacked.x = nil, nil, nil end -- remembered commands are nobody else's business
  return cjson.encode(unpacked)
end

local function read_field(name, field)
  if name == 'map' then return call('GETRANGE', MAP, field, field) end
  if name == 'line' or name == 'active' then return call('ZSCORE', KEY[name], field) end
  return readable(name, field, call('HGET', KEY[name], field))
end
