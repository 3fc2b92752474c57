-- Holds several seats, all or none (rules S1-S4, O2).
-- ARGV     person, number, key, how many rows they are in, {first seat, last seat} of each, then {seat index, price} of each seat
-- returns  {code, deadline, {held seat, price, …}} or {code, 0, {refused seat, …}}
--- include sale
--- include choose
--- include hold
local person, number, key, row_count = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local request = 'hold ' .. table.concat(ARGV, ' ', 5 + 2 * row_count)
local rows, seats = {}, {}
for i = 5, 4 + 2 * row_count do rows[#rows + 1] = tonumber(ARGV[i]) end
for i = 5 + 2 * row_count, #ARGV do seats[#seats + 1] = tonumber(ARGV[i]) end
local p = load_person(person)
local problem = hold_problem(p, number, key, request, #seats / 2)
if problem then return problem end

local code, refused = 'seat_taken', taken_among(seats)
if #refused == 0 and keep_singles_away() then code, refused = 'leaves_single', singles_left(seats, rows) end
if #refused == 0 then return take(person, p, key, request, seats) end
local answer = remember(p, key, request, {code, 0, refused})
save_person(person, p)
return answer
