-- Holds the first of several proposals that can be had: seats side by side, the best proposal first (rules S1-S4, O2).
-- ARGV     person, number, key, what he wished for in words, how many seats, then of each proposal the first and last seat of its row and
--          {seat index, price} of each seat
-- returns  {code, deadline, {held seat, price, …}}; none_together: none of them can be had any more, and nothing was changed
--- include sale
--- include choose
--- include hold
local person, number, key, count_wished = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[5])
local request = 'best ' .. ARGV[4]
local p = load_person(person)
local problem = hold_problem(p, number, key, request, count_wished)
if problem then return problem end

local tidy = keep_singles_away()
for at = 6, #ARGV, 2 + 2 * count_wished do
  local row, seats = {tonumber(ARGV[at]), tonumber(ARGV[at + 1])}, {}
  for i = at + 2, at + 1 + 2 * count_wished do seats[#seats + 1] = tonumber(ARGV[i]) end
  if #taken_among(seats) == 0 and not (tidy and #singles_left(seats, row) > 0) then return take(person, p, key, request, seats) end
end
return {'none_together'}
