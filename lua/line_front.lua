-- What a gateway needs to work out everybody's position by itself (rule L5): the numbers of the first people
-- in line, exactly, and how many left behind them, by bucket of 1024 numbers.
-- returns  {code, waiting, {number, …}, {bucket, count, …}}
--- include sale
local front = call('ZRANGE', LINE, 0, BUCKET - 1, 'WITHSCORES')
local front_numbers = {}
for i = 2, #front, 2 do front_numbers[i / 2] = tonumber(front[i]) end
local gone = call('HGETALL', GONE)
for i = 1, #gone do gone[i] = tonumber(gone[i]) end
return {'ok', call('ZCARD', LINE), front_numbers, gone}
