-- From where on the log goes, and up to where; changes nothing. Also of a sale that is lost: what is left of its log counts.
-- returns  {code, number of the last decision (0: none is known), first number in the log, one more than the last where it is empty}
--- include sale
local last = numbers('seq')
return {'ok', last, last - call('XLEN', LOG) + 1}
