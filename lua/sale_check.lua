-- Could these settings be taken over? Asked before they are written to PostgreSQL; sale_load has the last word.
-- ARGV     field, value, …
-- returns  {code}; setting_fixed: {code, setting, what stands against it}
--- include sale
--- include known
--- include order
--- include line
--- include admit
--- include stock
--- include auction
--- include settings
local setting, why = fixed_setting(ARGV)
if setting then return {'setting_fixed', setting, why} end
return {'ok'}
