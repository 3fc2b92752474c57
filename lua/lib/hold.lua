-- Holding seats (rules S1-S4, O2). Included by the scripts that do, behind choose. Seats are flat lists {index, price, …}.

-- Why he may not hold so many more, or the answer he was given to this key before; nil: he may.
local function hold_problem(p, number, key, request, count)
  local problem = choosing_problem(p, number, key, request)
  if problem then return problem end
  local limit, seq, committed, backlog_max = numbers('limit', 'seq', 'committed', 'backlog_max')
  if seq - committed > backlog_max then return {'overloaded'} end
  local left = limit - (p.b or 0) - #p.h / 2
  if count > left then return {'limit_reached', left} end
end

-- Those of them that somebody has.
local function taken_among(seats)
  local indexes, taken = {}, {}
  for i = 1, #seats, 2 do indexes[#indexes + 1] = seats[i] end
  local owners = call('HMGET', SEATS, unpack(indexes))
  for i, index in ipairs(indexes) do
    if owners[i] then taken[#taken + 1] = index end
  end
  return taken
end

-- The free seats between first and last, a row, that would stand alone if these were taken and do not yet. Where just one is left of
-- several side by side, that cannot be helped.
local function singles_of_row(wanted, first, last)
  local before = call('GETRANGE', MAP, first, last)
  local function free(i, then_) return i >= 1 and i <= #before and before:byte(i) == 48 and not (then_ and wanted[first + i - 1]) end
  local function alone(i, then_) return free(i, then_) and not free(i - 1, then_) and not free(i + 1, then_) end
  local function helpless(i)
    local from, to, taken = i, i, 0
    while free(from - 1) do from = from - 1 end
    while free(to + 1) do to = to + 1 end
    for k = from, to do taken = taken + (wanted[first + k - 1] and 1 or 0) end
    return taken == to - from
  end
  local singles = {}
  for i = 1, #before do
    if alone(i, true) and not alone(i) and not helpless(i) then singles[#singles + 1] = first + i - 1 end
  end
  return singles
end

-- rows: flat list {first seat, last seat, …} of the rows they are in.
local function singles_left(seats, rows)
  local wanted, singles = {}, {}
  for i = 1, #seats, 2 do wanted[seats[i]] = true end
  for i = 1, #rows, 2 do
    for _, seat in ipairs(singles_of_row(wanted, rows[i], rows[i + 1])) do singles[#singles + 1] = seat end
  end
  return singles
end

local function keep_singles_away()
  return call('HGET', STATE, 'no_single_seat') == '1'
end

local function take(person, p, key, request, seats)
  local owners = {}
  for i = 1, #seats, 2 do
    owners[#owners + 1], owners[#owners + 2] = seats[i], person
    p.h[#p.h + 1], p.h[#p.h + 2] = seats[i], seats[i + 1]
  end
  if #p.h == #seats then count('seeking', -1) end
  call('HSET', SEATS, unpack(owners))
  count('free', -#seats / 2)
  mark_seats(seats, '1')
  record('hold', {person = person, seats = seats})
  local answer = remember(p, key, request, {'ok', p.d, p.h})
  save_person(person, p)
  return answer
end
