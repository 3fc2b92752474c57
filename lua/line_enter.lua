-- Takes up an admission: from here the time for choosing runs (rules A5, A6). Entering again changes nothing.
-- ARGV     person, number the access token was issued for
-- returns  {code, now, stage, deadline, order, {held seat, price, …}}
--- include sale
--- include known
local person, number = ARGV[1], tonumber(ARGV[2])
local p = load_person(person)
if not p or p.n ~= number or not call('ZSCORE', ACTIVE, person) then return {'not_admitted'} end
if p.d <= now then return {'admission_expired'} end
if p.st == 'claim' then
  p.st, p.t, p.d = 'choose', nil, now + numbers('choose_ms')
  call('ZADD', ACTIVE, p.d, person)
  save_person(person, p)
  record('enter', {person = person, number = number, deadline = p.d})
end
return {'ok', now, p.st, p.d, p.o or '', p.h or {}}
