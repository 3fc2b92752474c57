-- Epochs of a sale (rule P7). Every start or promotion of a Redis primary is another epoch; PostgreSQL numbers them (function sale_fence), and nothing of an
-- earlier one is taken as of a later one: ids of the log and the word "committed" carry the epoch. Includes line before it.

local EPOCH_GAP = 2 ^ 18 -- numbers of each lane that the primary before may have given out and lost: nobody else is given them
local QUIET_MS = 3000    -- nobody is let in so long: gateways say first who is here

-- Nobody stands under these numbers as far as is known, so they count as gone. Returns the last of them.
local function leave_gap(lane)
  local field = lane_field('next', lane)
  local at = numbers(field) + 1
  local last = at - 1 + EPOCH_GAP
  while at <= last do
    local bucket = math.floor(at / BUCKET)
    local final = math.min(last, bucket * BUCKET + BUCKET - 1)
    call('HINCRBY', GONE, lane .. ':' .. bucket, final - at + 1)
    at = final + 1
  end
  call('HSET', STATE, field, last)
  return last
end

-- Somebody stands again under a number he was told before. Returns true where it had been counted as gone.
local function count_back(number)
  local lane = lane_of(number)
  local place, head = number + lane * LANE, call('HGET', STATE, lane_field('lane_head', lane))
  if place > numbers(lane_field('next', lane)) then
    call('HSET', STATE, lane_field('next', lane), place)
    return false
  end
  if head and number <= tonumber(head) then return false end -- positions do not count with it any more
  call('HINCRBY', GONE, lane .. ':' .. math.floor(place / BUCKET), -1)
  return true
end

-- epoch, server: as text; committed: log number up to which PostgreSQL has this log.
local function begin_epoch(epoch, server, committed)
  local before, next_numbers = numbers('epoch'), {}
  local in_use = {[0] = true} -- the first of a lane may be among those who were lost
  for _, lane in pairs(lanes_of(call('HGET', STATE, 'lanes'))) do in_use[lane.number] = true end
  for lane = 0, LANE_MAX do
    if in_use[lane] or call('HEXISTS', STATE, lane_field('next', lane)) == 1 then next_numbers[tostring(lane)] = leave_gap(lane) end
  end
  EPOCH = epoch
  call('HSET', STATE, 'epoch', epoch, 'server', server, 'quiet_until', now + QUIET_MS, 'committed', committed)
  record('epoch', {epoch = tonumber(epoch), before = before, next = next_numbers})
  publish('epoch', epoch)
  flush_news()
end

-- What PostgreSQL has fenced: this sale is decided by this server, in this epoch; written is the epoch of the last record it has, committed its number. Returns
-- nil where that is settled, or the answer: superseded, with the epoch Redis has, which is a later one; or the sale is lost, because PostgreSQL has what is not here.
local function settle_epoch(committed, epoch, written, server)
  local here, seq = numbers('epoch', 'seq')
  if tonumber(epoch) < here then return {'superseded', here} end
  if kept[6] then return {'redis_lost_sale', here} end
  if committed > seq or written > here then
    call('UNLINK', LOG) -- of a history that did not go on: what it had more than PostgreSQL is no gap
    call('HSET', STATE, 'lost', 1, 'seq', math.min(seq, committed))
    return {'redis_lost_sale', here}
  end
  if tonumber(epoch) > here then begin_epoch(epoch, server, committed) end
end
