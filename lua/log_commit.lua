-- Tells everyone how far the log is safe in PostgreSQL (rule P1). What is committed stays in the log for some minutes, so that a PostgreSQL that has lost its
-- last commits finds them again. Where Redis has no memory left all of it is dropped at once, before anything else: trimming needs none, and behind a first
-- command that is allowed the rest of a script is, too.
-- ARGV     log number, epoch it was committed in, then the records that PostgreSQL refused and that are put aside (rule P3): first and last number of each
--          range, rising
-- returns  {code}; superseded: this is another epoch, nothing was changed; redis_lost_sale: Redis does not have it all, and has to be restored once its log is
--          written; ledger_gap, and the first number there is: what lies between is neither in PostgreSQL nor here
--- include sale
local KEPT_MS = 180000
local KEPT_MAX = 20000 -- records
local MARK_EVERY_MS = 5000
local seq, aside = tonumber(ARGV[1]), table.concat(ARGV, ' ', 3)

-- When which number was committed: {trimmed up to, number, when, number, when, …}. Returns the marks from now on, and up to where to trim.
local function marks_now()
  local packed = call('HGET', STATE, 'trims')
  local marks = packed and cmsgpack.unpack(packed) or {0}
  local upto, left = marks[1], {0}
  for i = 2, #marks, 2 do
    if marks[i] > seq then break end
    if marks[i + 1] + KEPT_MS <= now then upto = math.max(upto, marks[i]) else left[#left + 1], left[#left + 2] = marks[i], marks[i + 1] end
  end
  local last, at = #left > 1 and left[#left - 1] or upto, #left > 1 and left[#left] or 0
  if seq > last and at + MARK_EVERY_MS <= now then left[#left + 1], left[#left + 2] = seq, now end
  left[1] = math.min(math.max(upto, seq - KEPT_MAX), seq)
  return left, marks[1]
end

local function trim(upto) call('XTRIM', LOG, 'MINID', (upto + 1) .. '-0') end

if not kept[5] then return {'redis_lost_sale'} end
local is_epoch = tonumber(ARGV[2]) == tonumber(EPOCH)
local last, committed, gap = numbers('seq', 'committed', 'gap')
if not is_epoch and not kept[6] then return {'superseded', tonumber(EPOCH)} end
if seq > last or kept[6] then
  if is_epoch then trim(seq) end
  if not kept[6] then call('HSET', STATE, 'lost', 1) end
  return {'redis_lost_sale'}
end
local marks, trimmed = marks_now()
local known_aside = call('HGET', STATE, 'aside') or ''
local told = seq > committed or seq == committed and aside ~= known_aside
if told or seq == committed and marks[1] < seq then
  local set = redis.pcall('HSET', STATE, 'committed', seq, 'trims', cmsgpack.pack(marks))
  local full = type(set) == 'table'
  if full then marks = {seq} end
  if full or marks[1] > trimmed then trim(marks[1]) end
  if full then call('HSET', STATE, 'committed', seq, 'trims', cmsgpack.pack(marks)) end
end
if told then
  call('HSET', STATE, 'aside', aside)
  publish('committed', seq, EPOCH, {unpack(ARGV, 3)})
end
-- Numbers are dense, so what lies in the log says from where on it does.
local first = last - call('XLEN', LOG) + 1
if first > seq + 1 then
  if gap ~= first then call('HSET', STATE, 'gap', first) end
  return {'ledger_gap', first}
end
if gap > 0 then call('HDEL', STATE, 'gap') end
return {'ok'}
