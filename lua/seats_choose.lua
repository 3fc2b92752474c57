-- What people who choose do with seats, many commands in the order in which they came, each all or none (rules S1-S4, S8, O2).
-- ARGV     for each command: person, number, token, "hold" or "release", then the lengths of the three lists that follow: rows {first seat,
--          last seat, …} that the seats are in; seats, to hold {seat, price, …}, to release {seat, …}; those at a reduced price {seat, tariff,
--          most per person, most in all, …}
-- returns  {"ok", then for each command {code, deadline, {held seat, price, …}} or {code, 0, {refused seat, …}} or {code, how many are left}}
--- include sale
--- include known
--- include order
--- include line
--- include admit
--- include choose
--- include hold

local NONE = {}

local function take_list(from, length)
  if length == 0 then return NONE end
  local list = {}
  for i = 1, length do list[i] = ARGV[from + i] end
  return list
end

local function read_commands()
  local commands, persons, seats, at = {}, {}, {}, 1
  while at <= #ARGV do
    local rows, listed, reduced = tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6])
    local what, from = ARGV[at + 3], at + 6
    local c = {person = ARGV[at], number = tonumber(ARGV[at + 1]), token = ARGV[at + 2], what = what, rows = take_list(from, rows),
               seats = take_list(from + rows, listed), reduced = take_list(from + rows + listed, reduced)}
    at = from + rows + listed + reduced + 1
    commands[#commands + 1], persons[#persons + 1] = c, c.person
    for i = 1, listed, what == 'hold' and 2 or 1 do seats[#seats + 1] = c.seats[i] end
  end
  return commands, persons, seats
end

-- What he holds already is not taken: it is left out of the command.
local function leave_out_held(c, p)
  local mine, seats, reduced = {}, {}, {}
  for i = 1, #p.h, 2 do mine[p.h[i]] = true end
  for i = 1, #c.seats, 2 do
    if not mine[c.seats[i]] then seats[#seats + 1], seats[#seats + 2] = c.seats[i], c.seats[i + 1] end
  end
  for i = 1, #c.reduced, 4 do
    if not mine[c.reduced[i]] then
      for k = i, i + 3 do reduced[#reduced + 1] = c.reduced[k] end
    end
  end
  c.seats, c.reduced = seats, reduced
end

-- Why these seats cannot be had; nil: they can.
local function seats_problem(c, p, refused)
  local wanted, code = #c.seats / 2, 'seat_taken'
  local problem = limit_problem(p, wanted)
  if problem then return problem end
  if #refused == 0 and terms.tidy then code, refused = 'leaves_single', singles_left(c.seats, c.rows) end
  if #refused > 0 then return {code, 0, refused} end
  return quota_problem(p, wanted) or tariff_problem(p, c.reduced)
end

local function hold(c, p)
  local problem = hold_problem(p, c.number, c.token)
  if problem then return problem end
  local refused = taken_among(c.seats)
  if #refused > 0 and #p.h > 0 then
    leave_out_held(c, p)
    if #c.seats == 0 then return answer(c.person, c.token, {'ok', p.d, p.h}) end -- a command that was forgotten
    refused = taken_among(c.seats)
  end
  problem = seats_problem(c, p, refused)
  if problem then return answer(c.person, c.token, problem) end
  return take(c.person, p, c.token, c.seats, c.reduced)
end

local function release(c, p)
  local problem = choosing_problem(p, c.number, c.token)
  if problem then return problem end
  local back = {}
  for _, seat in ipairs(c.seats) do back[seat] = true end
  return give_back(c.person, p, c.token, back)
end

local commands, persons, seats = read_commands()
read_desk(persons, seats)
local answers = {'ok'}
for i, c in ipairs(commands) do answers[i + 1] = (c.what == 'hold' and hold or release)(c, people[c.person]) end
if write_desk() then admit() end
return answers
