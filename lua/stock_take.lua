-- Holds places of an area for somebody who chooses; they are paid for with his seats (rules S2, S5).
-- ARGV     person, number, token, item, how many
-- returns  {code, deadline, {held seat or place, price, …}} or {code, how many are left}
--- include sale
--- include known
--- include order
--- include line
--- include admit
--- include stock
--- include choose
--- include hold
local person, number, token, name, wanted = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], tonumber(ARGV[5])
read_desk({person}, {'0'})
local p = people[person]
local problem = hold_problem(p, number, token)
if problem then return problem end
local index, item = find_item(name)
local is_area = item and item.kind == 'area'
problem = not is_area and {'unknown_item'} or limit_problem(p, wanted) or quota_problem(p, wanted) or item_problem(index, item, person, wanted)
if problem then
  answer(person, token, problem)
  write_desk()
  return problem
end

local places = {}
for _, seat in ipairs(give_places(index, item, person, wanted)) do
  places[#places + 1], places[#places + 2] = seat, string.format('%d', item.price)
end
local said = take(person, p, token, places, {})
write_desk()
tell_stock(index, item)
return said
