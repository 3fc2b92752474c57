-- Holds the first of several proposals that can be had: seats side by side, the best proposal first (rules S1-S4, O2).
-- ARGV     person, number, token, what he wished for in words, how many seats, then of each proposal the first and last seat of its row and
--          {seat index, price} of each seat
-- returns  {code, deadline, {held seat, price, …}}; none_together: none of them can be had any more, and nothing was changed
--- include sale
--- include known
--- include choose
--- include hold
local person, number, token, wanted = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[5])
local proposals, seats_of_all = {}, {}
for at = 6, #ARGV, 2 + 2 * wanted do
  local proposal = {row = {ARGV[at], ARGV[at + 1]}, seats = {}}
  for i = at + 2, at + 1 + 2 * wanted do proposal.seats[#proposal.seats + 1] = ARGV[i] end
  for i = 1, #proposal.seats, 2 do seats_of_all[#seats_of_all + 1] = proposal.seats[i] end
  proposals[#proposals + 1] = proposal
end
if #proposals == 0 then seats_of_all = {'0'} end
read_desk({person}, seats_of_all)
local p = people[person]
local problem = hold_problem(p, number, token)
if problem then return problem end
problem = limit_problem(p, wanted) or quota_problem(p, wanted)
if problem then
  answer(person, token, problem)
  write_desk()
  return problem
end

for _, proposal in ipairs(proposals) do
  if #taken_among(proposal.seats) == 0 and not (terms.tidy and #singles_left(proposal.seats, proposal.row) > 0) then
    local said = take(person, p, token, proposal.seats, {})
    write_desk()
    return said
  end
end
return {'none_together'}
