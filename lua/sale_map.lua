-- The map of seats as it is now, with the version that the pushed changes continue from.
-- returns  {code, version, states}
--- include sale
--- include known
return {'ok', numbers('version'), call('GET', MAP) or ''}
