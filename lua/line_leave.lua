-- Someone leaves on purpose, from whatever stage; his place is free at once (rules L6, A3, A6).
-- ARGV     person
-- returns  {code}
--- include sale
--- include known
--- include order
--- include line
--- include admit
local person = ARGV[1]
local number = call('ZSCORE', LINE, person)
if number then
  call('ZREM', LINE, person)
  call('ZREM', ABSENT, person)
  count_gone(tonumber(number))
  record('leave', {people = {person, tonumber(number)}, reason = 'left'})
  return {'ok'}
end
local p = load_person(person)
if not p or p.st == 'out' then return {'not_in_line'} end
if p.st == 'away' then
  p.st = 'out'
  save_person(person, p)
  call('ZREM', ABSENT, person)
  record('leave', {people = {person, p.n}, reason = 'left'})
  return {'ok'}
end
end_admission(person, p, 'left')
admit()
return {'ok'}
