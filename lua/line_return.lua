-- After another epoch has begun, gateways say who is connected to them (rule L6). Who was told a place that had not reached PostgreSQL stands there
-- again; everyone else is found where the ledger has him.
-- ARGV     person, number he was told, …
-- returns  {code, now, then per person {number, stage, deadline, order}}
--- include sale
--- include known
--- include order
--- include line
--- include epoch
--- include admit
local names, told = {}, {}
for i = 1, #ARGV, 2 do names[#names + 1], told[#told + 1] = ARGV[i], tonumber(ARGV[i + 1]) end
local waiting = call('ZMSCORE', LINE, unpack(names))
local records = call('HMGET', PEOPLE, unpack(names))
local answer, back, counted = {'ok', now}, {}, {}

local function stand_again(person, number)
  local lane = lane_of(number)
  call('ZADD', LINE, number, person)
  count('handed_out', 1)
  back[#back + 1], back[#back + 2] = person, number
  if is_drawn(number) then
    call('HINCRBY', LANES, 'd' .. lane .. ':' .. math.floor((number + lane * LANE + DRAW) / DRAW_BUCKET), 1)
  elseif count_back(number) then
    counted[#counted + 1] = number
  end
  return {number, 'wait', 0, ''}
end

for i, person in ipairs(names) do
  local p = records[i] and cmsgpack.unpack(records[i])
  local number = tonumber(waiting[i] or nil)
  if number then
    answer[i + 2] = {number, 'wait', 0, ''}
  elseif not p or p.st == 'out' and p.n ~= told[i] then
    answer[i + 2] = stand_again(person, told[i])
  elseif p.st == 'away' then
    call('ZADD', LINE, p.n, person)
    p.st = 'out'
    save_person(person, p)
    answer[i + 2] = {p.n, 'wait', 0, ''}
  else
    tell_admitted(person, p)
    answer[i + 2] = {p.n, p.st, p.d or 0, p.o or p.last or ''}
  end
end
call('ZREM', ABSENT, unpack(names))
if #back > 0 then record('join', {people = back, again = true, counted = #counted > 0 and counted or nil}) end
return answer
