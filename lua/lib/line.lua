-- The numbers of the line. Whoever has the smaller one is served first (rules L2, L4).
--
-- Arrivals of lane 0, where everybody is without an invitation, are numbered 1, 2, 3, … Lane k lies k * LANE below, so that
-- whoever is in a higher lane comes before everyone in a lower one. Who gathers before the opening of a sale with
-- a lottery draws a number below the arrivals of his lane: 40 bits of the SHA-1 of the sale's secret seed and his
-- name. So nothing has to be shuffled at the opening, and leaving and joining again draws the same number.
-- All numbers have at most 14 digits, which is what cjson prints exactly.
local LANE = 2 ^ 42
local DRAW = 2 ^ 40
local DRAW_BUCKET = 2 ^ 30
local LANE_MAX = 15

-- The lanes as the operator has set them: name -> {number, quota}. A lane is its name; its number is fixed once somebody has stood in it
-- (lib/settings.lua).
local function lanes_of(text)
  local lanes = {}
  for i, lane in ipairs(text and text ~= '' and cjson.decode(text) or {}) do
    lanes[lane.name] = {number = LANE_MAX + 1 - i, quota = lane.quota}
  end
  return lanes
end

local function lane_of(number) return math.floor((LANE / 2 - number) / LANE) end
local function is_drawn(number) return number + lane_of(number) * LANE <= 0 end
local function lane_field(name, lane) return lane == 0 and name or name .. ':' .. lane end

local function draw(person, lane, seed)
  local number = tonumber(redis.sha1hex(seed .. person):sub(1, 13), 16) % DRAW
  return -1 - number - lane * LANE
end

-- A person leaves the line ahead of his turn: those behind move up.
local function count_gone(number)
  local lane = lane_of(number)
  local place = number + lane * LANE
  if place <= 0 then
    call('HINCRBY', LANES, 'd' .. lane .. ':' .. math.floor((place + DRAW) / DRAW_BUCKET), -1)
  else
    call('HINCRBY', GONE, lane .. ':' .. math.floor(place / BUCKET), 1)
  end
end

local function is_open_now()
  local s = call('HMGET', STATE, 'opened', 'opens_at')
  return s[1] == '1' or wall >= tonumber(s[2] or 0)
end
