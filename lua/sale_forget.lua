-- Nothing is decided any more in this sale until it is restored from the ledger (rule P2); what was decided before is still written.
-- returns  {code}
--- include sale
call('HSET', STATE, 'lost', 1)
return {'ok'}
