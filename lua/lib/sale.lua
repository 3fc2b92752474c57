-- What every script of a sale shares. Included at build time in front of each script.
--
-- KEYS, always these fifteen in this order, all under one hash tag {sale}:
--   line    sorted set  person -> number                 who waits
--   active  sorted set  person -> deadline (ms)          who is inside: claiming, choosing or paying
--   state   hash        settings, counters, heads        one field per number, names below
--   people  hash        person -> packed record          only people who were admitted or stepped over
--   seats   hash        seat index -> person             held and sold seats, '-' for kept back; a free seat has no field
--   map     string      one character per seat           '0' free, '1' held, '2' sold, '3' kept back
--   absent  sorted set  person -> end of grace (ms)      waiting people without a connection
--   gone    hash        lane:number / 1024 -> count      who left the line ahead of being admitted
--   orders  hash        order -> packed order
--   log     stream      every decision, ids number-epoch  read by the scribe
--   feed    channel     what gateways hear: a line for each message, of words with one space between them
--   news    list        messages for the feed that wait for company
--   lanes   hash        d lane:bucket -> how many drew a number there; n lane -> how many people came in by it;
--                       m lane:person -> 1, that he is one of them; i invitation -> person
--   stock   hash        counted stock, its items        lib/stock.lua
--   grants  hash        who was given what of it
--
-- Seats and prices that come from a gateway stay the words they came as while people choose: to write a number into a command, Lua
-- formats it, which costs as much as the command. In orders and in the log they are numbers.
--
-- state.status is the operator's and nobody else's; state.sold_out is '1' while nothing of the sale can be had (rule O8).
--
-- A person's record: st stage ("claim", "choose", "pay", "out", "away"), n number, d deadline, t told that he is
-- admitted, h held seats {index, price, …}, r reduced ones among them {seat -> tariff}, b tickets bought, rb of these by tariff {tariff -> count},
-- c channel, e times that he asked for more time, o order, last the order before, m remembered commands, x what the last one was refused with.
-- Answers start with "ok" or with a code of include/boxoffice/error.def.

local LINE, ACTIVE, STATE, PEOPLE, SEATS, MAP, ABSENT, GONE, ORDERS, LOG, FEED, NEWS, LANES, STOCK, GRANTS = unpack(KEYS)
local call = redis.call
local BUCKET = 1024
local PLACES = 1000000 -- seats from here on are none of the map: places of an area, and lots (lib/stock.lua); numbers of places are below it
local POP_MAX = 1000
local GAP_MS = 10000   -- the sale's clock does not follow a jump that is longer than this
local COMPANY_MS = 20  -- messages of the feed that come closer together than this travel together; 1 ms per gateway where those are more
local COMPANY_MAX_MS = 100

-- The sale's own clock, in ms. It follows Redis' clock, but not when that jumps, nor over a time in which nobody ticked:
-- then it stands still, so that no place, admission or hold runs out because a clock was set or everything was down.
-- `wall` is Redis' clock as it is; only the opening goes by it.
local clock = call('TIME')
local wall = clock[1] * 1000 + math.floor(clock[2] / 1000)
local kept = call('HMGET', STATE, 'clock', 'skew', 'flushed', 'company', 'settings_version', 'lost', 'epoch')
local EPOCH = kept[7] or '0' -- as text; lib/epoch.lua
local now = wall + tonumber(kept[2] or 0)
if kept[1] and (now - kept[1] > GAP_MS or kept[1] - now > 1000) then
  now = tonumber(kept[1])
  call('HSET', STATE, 'skew', now - wall)
end

-- Tells the gateways. What comes too soon after the last message waits for the next script that has something to tell, or for the
-- next tick. Each gateway has to wake for a message, so the more they are, the more should be in it; who is let in waits less.
local since_flush = math.abs(now - tonumber(kept[3] or 0))
local may_publish, may_publish_head = since_flush >= tonumber(kept[4] or COMPANY_MS), since_flush >= COMPANY_MS
local function flush_news()
  local messages = call('LRANGE', NEWS, 0, -1)
  if #messages == 0 then return end
  call('DEL', NEWS)
  local gateways = call('PUBLISH', FEED, table.concat(messages, '\n'))
  call('HSET', STATE, 'flushed', now, 'company', math.min(math.max(COMPANY_MS, gateways), COMPANY_MAX_MS))
end

-- Every gateway hears every message, so it is made to be read without effort: ids have no space in them, and a list is its words.
local function publish(...)
  local words = {}
  for _, said in ipairs({...}) do
    if type(said) == 'table' then
      for _, word in ipairs(said) do words[#words + 1] = word end
    else
      words[#words + 1] = said
    end
  end
  call('RPUSH', NEWS, table.concat(words, ' '))
  if may_publish then flush_news() end
end

-- Appends a decision to the log; numbers are dense, so a gap would show a loss. The second part of the id is the epoch.
local function append(kind, json)
  local seq = call('HINCRBY', STATE, 'seq', 1)
  call('XADD', LOG, seq .. '-' .. EPOCH, 'kind', kind, 'at', now, 'body', json)
  return seq
end

-- Lists of records that may be empty. Lua does not know an empty list from an empty object, and cjson writes {}: they are written by hand.
local MAY_BE_EMPTY = {'seats', 'settings'}

local function record(kind, body)
  local empty = {}
  for _, name in ipairs(MAY_BE_EMPTY) do
    if type(body[name]) == 'table' and next(body[name]) == nil then
      empty[#empty + 1], body[name] = '"' .. name .. '":[]', nil
    end
  end
  local json = cjson.encode(body)
  if #empty > 0 then json = '{' .. table.concat(empty, ',') .. (next(body) and ',' or '') .. json:sub(2) end
  return append(kind, json)
end

-- Several fields of the state as numbers (0 where unset).
local function numbers(...)
  local got = call('HMGET', STATE, ...)
  for i = 1, #got do got[i] = tonumber(got[i] or 0) end
  return unpack(got)
end

local function count(field, by)
  return call('HINCRBY', STATE, field, by)
end

local function load_person(person)
  local packed = call('HGET', PEOPLE, person)
  return packed and cmsgpack.unpack(packed)
end

local function save_person(person, p)
  call('HSET', PEOPLE, person, cmsgpack.pack(p))
end

-- The last commands of a person are remembered as one short text, because Lua hashes every text of a record whenever it is unpacked or
-- packed: for each \1, the token and a letter for what the answer was. A token is what a gateway makes of a command (src/edge/command_token.h):
-- a digest of its idempotency key, a dot, a digest of what it asks for. The answer to "ok" is what holds now; of refusals, that of the
-- last command is kept whole. What cannot be done at the moment, for reasons outside of the command, is not remembered.
local LETTERS = {ok = 'o', seat_taken = 's', leaves_single = 'a', limit_reached = 'l', quota_reached = 'q', tariff_limit = 't', none_together = 'n',
                 stock_gone = 'g', seat_not_yours = 'y', something_held = 'h', no_more_time = 'x', invitation_used = 'i', unknown_item = 'u',
                 bid_too_low = 'b', bid_too_high = 'c', wrong_currency = 'w', lot_closed = 'd'}
local CODES = {}
for code, letter in pairs(LETTERS) do CODES[letter] = code end
local ENTRY = 12                 -- bytes of an entry
local REMEMBERED = 15 * ENTRY    -- so many are left when the text is cut, and the next one is the sixteenth
local REMEMBERED_MAX = 20 * ENTRY

-- What was answered to a command before, or "key_reused" for another one with its key; an "ok" without its list.
local function remembered(p, token)
  local m = p.m
  if not m then return end
  local _, at = m:find('\1' .. token:sub(1, -4), 1, true)
  if not at then return end
  if m:sub(at + 1, at + 3) ~= token:sub(-3) then return {'key_reused'} end
  if p.x and at + 4 == #m then return p.x end
  return {CODES[m:sub(at + 4, at + 4)], 0, {}}
end

local function remember(p, token, said)
  local m, ok = p.m or '', said[1] == 'ok'
  if #m >= REMEMBERED_MAX then m = m:sub(m:find('\1', #m - REMEMBERED + 1, true) or #m + 1) end
  p.m = m .. '\1' .. token .. LETTERS[said[1]]
  p.x, p.k = not ok and said or nil, nil -- k: how 0.1.0 remembered
  return said
end

local function publish_seats(state, seats)
  if #seats > 0 then publish('seats', call('HINCRBY', STATE, 'version', 1), state, seats) end
end

local function is_place(seat) return tonumber(seat) >= PLACES end

-- A place that nobody has any more is there for others, and its number is used again when all others were (lib/stock.lua).
local function give_back_place(seat, person)
  local index = math.floor(tonumber(seat) / PLACES)
  call('HINCRBY', STOCK, 'given:' .. index, -1)
  call('HINCRBY', GRANTS, 'p:' .. index .. ':' .. person, -1)
end

-- Sets every seat of a flat list {index, price, …} to one state and publishes the change.
local function mark_seats(held, state)
  local changes = {}
  for i = 1, #held, 2 do
    if not is_place(held[i]) then
      call('SETRANGE', MAP, held[i], state)
      changes[#changes + 1] = held[i]
    end
  end
  publish_seats(state, changes)
end

-- What a channel or a tariff has a number of is there for others again.
local function give_back_quotas(channel, reduced, seats)
  if channel then count('used:' .. channel, -seats) end
  for _, tariff in pairs(reduced or {}) do count('tariff:' .. tariff, -1) end
end

local function free_seats(person, p)
  local held = p.h or {}
  if #held == 0 then return end
  for i = 1, #held, 2 do
    call('HDEL', SEATS, held[i])
    if is_place(held[i]) then give_back_place(held[i], person) end
  end
  count('free', #held / 2)
  give_back_quotas(p.c, p.r, #held / 2)
  mark_seats(held, '0')
  p.h, p.r = {}, nil
end

-- What people and gateways are told: the operator's status, and beside it that nothing is left (rule O8).
local function effective_status()
  local s = call('HMGET', STATE, 'status', 'sold_out')
  return s[2] == '1' and s[1] ~= 'closed' and s[1] ~= 'draft' and 'sold_out' or s[1]
end

-- The sale is sold out when something of it was sold and nothing can be had any more: no seat or place that is not kept back, no lot
-- that is not over, nothing of the counted stock. When something is put back or added, it goes on.
local function settle_stock()
  local total, sold, blocked, lots, grants_left, granted, before =
    numbers('total', 'sold', 'blocked', 'lots', 'grants_left', 'granted', 'sold_out')
  local gone = sold + granted > 0 and sold + blocked >= total and lots <= 0 and grants_left <= 0
  if gone == (before == 1) then return end
  call('HSET', STATE, 'sold_out', gone and 1 or 0)
  record('status', {status = gone and 'sold_out' or 'open'})
  publish('status', effective_status())
end

local function as_numbers(words)
  local list = {}
  for i, word in ipairs(words) do list[i] = tonumber(word) end
  return list
end
