-- Gives somebody coupons, vouchers or points, first come first served, or takes them back; the same grant again changes nothing (rule S5).
-- ARGV     "give", grant, person, item, how many, and of a visitor who asks for it the number he was admitted with; or "take_back", grant, who does it
-- returns  {code, item, how many, number of the first, log number after whose commit it may be told, 1 if it was taken back}, or {code, how
--          many are left, or ms until it is worth trying again}
--- include sale
--- include known
--- include order
--- include line
--- include admit
--- include stock
--- include choose
local what, grant = ARGV[1], ARGV[2]
local packed = call('HGET', GRANTS, 'g:' .. grant)
local before = packed and cmsgpack.unpack(packed)

local function answer(g) return {'ok', g.item, g.count, g.number, g.seq, g.back and 1 or 0} end
local function count_granted(by)
  count('granted', by)
  count('grants_left', -by)
end

local function save(g)
  call('HSET', GRANTS, 'g:' .. grant, cmsgpack.pack(g))
  return answer(g)
end

if what == 'take_back' then
  if not before then return {'unknown_grant'} end
  if before.back then return answer(before) end
  local index, item = find_item(before.item)
  call('HINCRBY', STOCK, 'given:' .. index, -before.count)
  call('HINCRBY', GRANTS, 'p:' .. index .. ':' .. before.person, -before.count)
  count_granted(-before.count)
  before.back, before.seq = true, record('take_back', {grant = grant, person = before.person, item = before.item, count = before.count, actor = ARGV[3]})
  tell_stock(index, item)
  settle_stock()
  admit()
  return save(before)
end

local person, name, wanted = ARGV[3], ARGV[4], tonumber(ARGV[5])
if before then
  if before.person ~= person or before.item ~= name or before.count ~= wanted then return {'key_reused'} end
  return answer(before)
end
local seq, committed, backlog_max = numbers('seq', 'committed', 'backlog_max')
local inside = ARGV[6] and chooser_problem(load_person(person), tonumber(ARGV[6]))
if inside then return inside end
if seq - committed > backlog_max then return {'overloaded'} end
local index, item = find_item(name)
if not item or not is_granted(item) then return {'unknown_item'} end
local problem = item_problem(index, item, person, wanted)
if problem then return problem end
local number = give(index, item, person, wanted)
count_granted(wanted)
seq = record('grant', {grant = grant, person = person, item = name, kind = item.kind, count = wanted, number = number})
tell_stock(index, item)
settle_stock()
return save({person = person, item = name, count = wanted, number = number, seq = seq})
