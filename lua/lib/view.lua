-- What gateways work out everybody's position from (rule L5): the numbers of the first people in line, exactly, and behind
-- them the whole range of numbers as segments, each with how many of it wait, spread evenly.

-- Arrivals of a lane above `from`: buckets from which somebody left one by one, runs of whole ones as one segment.
local function add_arrivals(segments, lane, from, gone)
  local base, last = -lane * LANE, numbers(lane_field('next', lane))
  table.sort(gone, function(a, b) return a[1] < b[1] end)
  local function add(first, final, count)
    if final >= first and count > 0 then
      segments[#segments + 1], segments[#segments + 2], segments[#segments + 3] = base + first, base + final, count
    end
  end
  local at = from
  for _, g in ipairs(gone) do
    local first, final = math.max(g[1] * BUCKET, from), math.min(g[1] * BUCKET + BUCKET - 1, last)
    if final >= first then
      add(at, first - 1, first - at)
      local whole = math.min(g[1] * BUCKET + BUCKET - 1, last) - math.max(g[1] * BUCKET, 1) + 1 -- there is no number 0
      add(first, final, math.max(0, math.floor((final - first + 1) * (whole - g[2]) / whole + 0.5)))
      at = final + 1
    else
      call('HDEL', GONE, lane .. ':' .. g[1]) -- the head is past it
    end
  end
  add(at, last, last - at + 1)
end

-- Drawn numbers of a lane above `from`, by bucket.
local function add_drawn(segments, lane, from, counts)
  local base = -lane * LANE - DRAW
  for bucket = 0, DRAW / DRAW_BUCKET - 1 do
    local count = counts[bucket]
    local first, final = base + bucket * DRAW_BUCKET, base + (bucket + 1) * DRAW_BUCKET - 1
    if count and count > 0 and final >= from then
      if from > first then count, first = math.floor(count * (final - from) / DRAW_BUCKET + 0.5), from end
      segments[#segments + 1], segments[#segments + 2], segments[#segments + 3] = first, final, count
    end
  end
end

-- lane -> {{bucket, count}, …} of who left ahead of being admitted.
local function gone_by_lane()
  local lanes, all = {}, call('HGETALL', GONE)
  for i = 1, #all, 2 do
    local lane, bucket = all[i]:match('^(%d+):(%d+)$')
    if lane then
      lane = tonumber(lane)
      lanes[lane] = lanes[lane] or {}
      lanes[lane][#lanes[lane] + 1] = {tonumber(bucket), tonumber(all[i + 1])}
    end
  end
  return lanes
end

-- {{bucket, count}, …} of a lane. By name: the hash has an entry for everyone who was invited, too.
local function drawn_in(lane)
  local drawn, names, base = {}, {}, -lane * LANE
  if call('ZCOUNT', LINE, base - DRAW, base) == 0 then return drawn end
  for bucket = 0, DRAW / DRAW_BUCKET - 1 do names[bucket + 1] = 'd' .. lane .. ':' .. bucket end
  for i, count in ipairs(call('HMGET', LANES, unpack(names))) do
    if count then drawn[#drawn + 1] = {i - 1, tonumber(count)} end
  end
  return drawn
end

local function add_lane(segments, lane, gone, drawn)
  local lowest = -lane * LANE - DRAW
  local head = tonumber(call('HGET', STATE, lane_field('lane_head', lane)) or lowest - 1)
  local behind = head >= lowest and call('ZCOUNT', LINE, lowest, head) or 0 -- came back after being stepped over
  if behind > 0 then segments[#segments + 1], segments[#segments + 2], segments[#segments + 3] = lowest, head, behind end
  if #drawn > 0 then
    local counts = {}
    for _, d in ipairs(drawn) do counts[d[1]] = d[2] end
    add_drawn(segments, lane, head + 1, counts)
  end
  add_arrivals(segments, lane, math.max(1, head + lane * LANE + 1), gone)
end

-- waiting, {number, …}, {first, last, count, …} rising, number handed out last in lane 0
local function view()
  local front = call('ZRANGE', LINE, 0, BUCKET - 1, 'WITHSCORES')
  local numbers_in_front, segments = {}, {}
  for i = 2, #front, 2 do numbers_in_front[i / 2] = tonumber(front[i]) end
  local gone = gone_by_lane()
  for lane = LANE_MAX, 0, -1 do
    local drawn = drawn_in(lane)
    if lane == 0 or call('HEXISTS', STATE, lane_field('next', lane)) == 1 or #drawn > 0 then
      add_lane(segments, lane, gone[lane] or {}, drawn)
    end
  end
  return call('ZCARD', LINE), numbers_in_front, segments, numbers('next')
end
