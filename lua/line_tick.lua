-- The clock's part, harmless to call from any number of servers: ends what ran out, admits who may come in.
-- returns  {code, now, wait ms until the rate allows more or -1, head, waiting, active, status, free, sold,
--           admitted, seq, committed, numbers handed out}
--- include sale
--- include admit
local function end_overdue()
  for _, person in ipairs(call('ZRANGEBYSCORE', ACTIVE, '-inf', now, 'LIMIT', 0, 100)) do
    end_admission(person, load_person(person), 'expired')
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

local status = call('HGET', STATE, 'status')
if not status then return {'unknown_sale'} end
end_overdue()
drop_absent()
local admitted, wait = admit()
local head, free, sold, total_admitted, seq, committed, handed_out =
  numbers('head', 'free', 'sold', 'admitted', 'seq', 'committed', 'next')
return {'ok', now, wait, head, call('ZCARD', LINE), call('ZCARD', ACTIVE), status, free, sold, total_admitted,
        seq, committed, handed_out}
