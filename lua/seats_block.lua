-- Keeps seats back from the sale, or puts them back into it; all or none. Their owner is then nobody, and their state '3'.
-- ARGV     "block" or "unblock", who does it, why, seat index, …
-- returns  {code, free, blocked, log number after whose commit it may be told} or {code, {seat that is in the way, …}}
--- include sale
--- include known
--- include order
--- include line
--- include admit
local NOBODY = '-'
local action, actor, why = ARGV[1], ARGV[2], ARGV[3]
local seats, in_the_way = {}, {}
for i = 4, #ARGV do seats[i - 3] = tonumber(ARGV[i]) end
local owners = call('HMGET', SEATS, unpack(seats))
for i, seat in ipairs(seats) do
  if action == 'block' and owners[i] or action == 'unblock' and owners[i] ~= NOBODY then in_the_way[#in_the_way + 1] = seat end
end
if #in_the_way > 0 then return {action == 'block' and 'seat_taken' or 'not_blocked', in_the_way} end

local changes, flat = {}, {}
for _, seat in ipairs(seats) do
  changes[#changes + 1], changes[#changes + 2] = seat, NOBODY
  flat[#flat + 1], flat[#flat + 2] = seat, 0
end
local by = #seats
if action == 'block' then
  call('HSET', SEATS, unpack(changes))
else
  call('HDEL', SEATS, unpack(seats))
  by = -by
end
local free, blocked = count('free', -by), count('blocked', by)
mark_seats(flat, action == 'block' and '3' or '0')
local seq = record(action, {seats = seats, actor = actor, why = why})
settle_stock()
admit()
return {'ok', free, blocked, seq}
