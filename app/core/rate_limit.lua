-- Decides one request against every counter of its principal, and counts it only if all let it pass.
-- KEYS: the block, the refusals, then one counter after the other.
-- ARGV: parts of a window, refusals that make a block (0: none), its ms, their window in ms,
--       then window in ms and limit of each counter.
-- Returns {blocked, blocked just now, ms until the next request passes, refusing counter or 0,
--          then for each counter: remaining, ms until that grows}.
-- A counter is a hash {number of the part: requests}. A part is forgotten once all of it is older than the
-- window, so nothing younger than the window is ever forgotten, and nothing is kept longer than one part more.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local parts, block_after, block_ms, refusal_window = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

local function read(key, window)
  local size, stored = window / parts, redis.call('HGETALL', key)
  local part = math.floor(now / size)
  -- A little of the future counts too: the clock may have been set back.
  local first, last, oldest, sum = part - parts, part + parts, part, 0
  for i = 1, #stored, 2 do
    local at = tonumber(stored[i])
    if at < first or at > last then
      redis.call('HDEL', key, stored[i])
    else
      sum = sum + stored[i + 1]
      if at < oldest then
        oldest = at
      end
    end
  end
  return {key = key, size = size, stored = stored, part = part, first = first, last = last, oldest = oldest, sum = sum}
end

local function add(counter)
  redis.call('HINCRBY', counter.key, string.format('%d', counter.part), 1)
  redis.call('PEXPIRE', counter.key, math.ceil(counter.size * (parts + 1)))
  counter.sum = counter.sum + 1
end

local function until_below(counter, limit) -- ms until fewer than limit are counted
  local kept, sum = {}, counter.sum
  for i = 1, #counter.stored, 2 do
    local at = tonumber(counter.stored[i])
    if at >= counter.first and at <= counter.last then
      kept[#kept + 1] = {at, counter.stored[i + 1]}
    end
  end
  table.sort(kept, function(a, b) return a[1] < b[1] end)
  for _, one in ipairs(kept) do
    sum = sum - one[2]
    if sum < limit then
      return math.ceil((one[1] + parts + 1) * counter.size - now)
    end
  end
  return 0
end

local wait, refusing, counters = 0, 0, {}
for i = 3, #KEYS do
  local counter = read(KEYS[i], tonumber(ARGV[2 * i - 1]))
  counter.limit = tonumber(ARGV[2 * i])
  counters[#counters + 1] = counter
  if counter.sum >= counter.limit then
    local needed = until_below(counter, counter.limit)
    if needed > wait then
      wait, refusing = needed, #counters
    end
  end
end

local blocked, begun = redis.call('PTTL', KEYS[1]), 0
if blocked <= 0 and refusing == 0 then
  for _, counter in ipairs(counters) do
    add(counter)
  end
elseif blocked <= 0 and block_after > 0 then
  local refusals = read(KEYS[2], refusal_window)
  add(refusals)
  if refusals.sum >= block_after then
    redis.call('SET', KEYS[1], '1', 'PX', block_ms)
    redis.call('DEL', KEYS[2])
    begun, wait = 1, math.max(wait, block_ms)
  end
end

local answer = {blocked > 0 and 1 or 0, begun, math.max(wait, blocked), refusing}
for _, counter in ipairs(counters) do
  answer[#answer + 1] = math.max(0, counter.limit - counter.sum)
  answer[#answer + 1] = math.ceil((counter.oldest + parts + 1) * counter.size - now)
end
return answer
