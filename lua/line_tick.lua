-- The clock's part, harmless to call from any number of servers: ends what ran out, admits who may come in, once a second
-- publishes what positions are worked out from. Ticks of many servers that come together do the work of one.
-- ARGV     how far this gateway wants admission slowed down, in percent (100: not at all), and why
-- returns  {code, now, ms until this gateway should tick again (0: at once; -1: as ever), head, waiting, active, status, free, sold,
--           admitted, seq, committed, numbers handed out, opened, ms to the opening, brake in percent, why, for how many there is stock, epoch,
--           kept back, records put aside, first number behind a gap in the ledger or 0 (log_commit)}
--- include sale
--- include known
--- include order
--- include line
--- include admit
--- include view
--- include stock
--- include auction
local WORK_EVERY_MS = 20
local VIEW_EVERY_MS = 1000
local BRAKE_MS = 3000

local function end_overdue()
  for _, person in ipairs(call('ZRANGEBYSCORE', ACTIVE, '-inf', now, 'LIMIT', 0, 100)) do
    local p = load_person(person)
    if p.st == 'claim' and not p.t then
      take_back_admission(person, p)
    else
      end_admission(person, p, 'expired')
    end
  end
end

local function drop_absent()
  local people = call('ZRANGEBYSCORE', ABSENT, '-inf', now, 'LIMIT', 0, 500)
  if #people == 0 then return end
  call('ZREM', ABSENT, unpack(people))
  local left = {}
  for _, person in ipairs(people) do
    local number = tonumber(call('ZSCORE', LINE, person) or nil)
    if number then
      call('ZREM', LINE, person)
      count_gone(number)
    else
      local p = load_person(person)
      if p and p.st == 'away' then
        number, p.st = p.n, 'out'
        save_person(person, p)
      end
    end
    if number then left[#left + 1], left[#left + 2] = person, number end
  end
  if #left > 0 then record('leave', {people = left, reason = 'grace'}) end
end

-- The strongest wish counts, and is forgotten when nobody repeats it.
local function set_brake(percent, why)
  local before, untill = numbers('brake', 'brake_until')
  if untill <= now or percent <= before then
    call('HSET', STATE, 'brake', percent, 'brake_why', why, 'brake_until', now + BRAKE_MS)
  end
end

local ticked, viewed, opened, due, closing = numbers('ticked', 'viewed', 'opened', 'due', 'closing')
local wait = -1
-- Before the work is shared out: of gateways that tick in step, the same one always comes too late for it.
if tonumber(ARGV[1]) < 100 then set_brake(tonumber(ARGV[1]), ARGV[2]) end
if math.abs(now - ticked) >= WORK_EVERY_MS or (due > 0 and now >= due) or (opened == 0 and is_open_now()) or (closing > 0 and wall >= closing) then
  call('HSET', STATE, 'ticked', now, 'clock', now)
  end_overdue()
  settle_lots()
  drop_absent()
  local admitted, next_in = admit()
  call('HSET', STATE, 'due', next_in > 0 and now + next_in or 0)
  if next_in == 0 then call('HDEL', STATE, 'ticked') end
  if admitted > 0 then wait = next_in end -- one gateway comes back at that time; if it cannot, the next tick of any does
  if math.abs(now - viewed) >= VIEW_EVERY_MS then
    call('HSET', STATE, 'viewed', now)
    if call('ZCARD', LINE) > 0 then
      local waiting, front, segments, next = view()
      publish('view', waiting, next, #front, front, segments)
    end
  end
  if may_publish then flush_news() end
end
local head, free, sold, total_admitted, seq, committed, handed_out, opens_at, epoch, blocked, gap =
  numbers('head', 'free', 'sold', 'admitted', 'seq', 'committed', 'handed_out', 'opens_at', 'epoch', 'blocked', 'gap')
local slowed, why = brake()
return {'ok', now, wait, head, call('ZCARD', LINE), call('ZCARD', ACTIVE), effective_status(), free, sold, total_admitted,
        seq, committed, handed_out, is_open_now() and 1 or 0, math.max(0, opens_at - wall), slowed, why, stock_left(call('HGET', STATE, 'status')), epoch, blocked,
        call('HGET', STATE, 'aside') or '', gap}
