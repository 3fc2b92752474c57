-- Commands of somebody who chooses. Included by the scripts that are one.

-- Why this command cannot be done, or the answer he was given to its key before; nil: it can.
local function choosing_problem(p, number, key, request)
  if not p or p.n ~= number then return {'not_admitted'} end
  local before = remembered(p, key, request)
  if before then return before end
  if p.st == 'pay' then return {'already_paying'} end
  if p.st ~= 'choose' then return {'not_admitted'} end
  if p.d <= now then return {'admission_expired'} end
end
