-- Gives back held seats while choosing (rule S8: not any more while paying).
-- ARGV     person, number, key, seat index, …
-- returns  {code, deadline, {held seat, price, …}} or {code, 0, {refused seat, …}}
--- include sale
--- include line
--- include admit
--- include choose
local person, number, key = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local request = 'release ' .. table.concat(ARGV, ' ', 4)
local p = load_person(person)
local problem = choosing_problem(p, number, key, request)
if problem then return problem end

local back, kept, freed, foreign = {}, {}, {}, {}
for i = 4, #ARGV do back[tonumber(ARGV[i])] = true end
for i = 1, #p.h, 2 do
  local into = back[p.h[i]] and freed or kept
  into[#into + 1], into[#into + 2] = p.h[i], p.h[i + 1]
  back[p.h[i]] = nil
end
for index in pairs(back) do foreign[#foreign + 1] = index end
if #foreign > 0 then return {'seat_not_yours', 0, foreign} end

p.h = freed
free_seats(p)
p.h = kept
if #freed > 0 and #kept == 0 then count('seeking', 1) end
record('release', {person = person, seats = freed})
local answer = remember(p, key, request, {'ok', p.d, p.h})
save_person(person, p)
admit()
return answer
