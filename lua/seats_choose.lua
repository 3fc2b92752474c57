-- What people who choose do with seats, many commands in the order in which they came, each all or none (rules S1-S4, S8, O2).
-- ARGV     for each command: person, number, key, "hold" or "release", then the lengths of the three lists that follow: rows {first seat,
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
    local c = {person = ARGV[at], number = tonumber(ARGV[at + 1]), key = ARGV[at + 2], what = what, rows = take_list(from, rows),
               seats = take_list(from + rows, listed), reduced = take_list(from + rows + listed, reduced),
               request = what .. table.concat(ARGV, ' ', from + rows + 1, from + rows + listed + reduced)}
    at = from + rows + listed + reduced + 1
    commands[#commands + 1], persons[#persons + 1] = c, c.person
    for i = 1, listed, what == 'hold' and 2 or 1 do seats[#seats + 1] = c.seats[i] end
  end
  return commands, persons, seats
end

local function hold(c, p)
  local problem = hold_problem(p, c.number, c.key, c.request, #c.seats / 2)
  if problem then return problem end
  local code, refused = 'seat_taken', taken_among(c.seats)
  if #refused == 0 and terms.tidy then code, refused = 'leaves_single', singles_left(c.seats, c.rows) end
  if #refused > 0 then return answer(c.person, c.key, c.request, {code, 0, refused}) end
  return quota_problem(p, #c.seats / 2) or tariff_problem(p, c.reduced) or take(c.person, p, c.key, c.request, c.seats, c.reduced)
end

local function release(c, p)
  local problem = choosing_problem(p, c.number, c.key, c.request)
  if problem then return problem end
  local back = {}
  for _, seat in ipairs(c.seats) do back[seat] = true end
  return give_back(c.person, p, c.key, c.request, back)
end

local commands, persons, seats = read_commands()
read_desk(persons, seats)
local answers = {'ok'}
for i, c in ipairs(commands) do answers[i + 1] = (c.what == 'hold' and hold or release)(c, people[c.person]) end
if write_desk() then admit() end
return answers
