-- Commands of somebody who chooses. Included by the scripts that are one.

-- Why a visitor who was admitted with this number cannot choose; nil: he can.
local function chooser_problem(p, number)
  if not p or p.n ~= number then return {'not_admitted'} end
  if p.st == 'pay' then return {'already_paying'} end
  if p.st ~= 'choose' then return {'not_admitted'} end
  if p.d <= now then return {'admission_expired'} end
end

-- Why this command cannot be done, or the answer it was given before; nil: it can. now_is(p): the list of an "ok" that is given again; without,
-- it is what he holds.
local function choosing_problem(p, number, token, now_is)
  if not p or p.n ~= number then return {'not_admitted'} end
  local before = remembered(p, token)
  if before and before[1] == 'ok' then return {'ok', p.d, now_is and now_is(p) or p.h or {}} end
  if before then return before end
  return chooser_problem(p, number)
end
