"""The cache's Lua scripts. Each runs whole or not at all, and each is one round trip.

What is stored: ``value:<key>``; ``claim:<key>``, there while somebody computes, whose text is the fence; and
the index, two sorted sets with one member for the key and one for each of its tags, the one in the order of
the letters (so that everything below a prefix is found without looking at anything else), the other in the
order in which entries end (so that ended ones are taken out by whoever writes next).
A value the index does not know is no hit: whatever Redis evicts, nothing escapes an invalidation.
"""

from __future__ import annotations

from app.core.redis import Script

BATCH = 1000  # members one script takes: Redis serves nobody else meanwhile
_CLOCK = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
"""
_ENTER = """
local function enter(index, ends, from, milliseconds)
  for i = from, #ARGV do
    redis.call('ZADD', index, 0, ARGV[i])
    redis.call('ZADD', ends, now + milliseconds, ARGV[i])
  end
end
"""
_PURGE = f"""
local function purge(index, ends)
  local ended = redis.call('ZRANGEBYSCORE', ends, '-inf', now, 'LIMIT', 0, {BATCH})
  if #ended > 0 then
    redis.call('ZREM', index, unpack(ended))
    redis.call('ZREM', ends, unpack(ended))
  end
  return #ended
end
"""

# KEYS value, claim, index, ends, statistics; ARGV new fence, its ms, 1 to give up the present value, members…
# Returns {value} or {nothing, fence of whoever computes}.
LOOK_UP = Script(
    f"""{_CLOCK}{_ENTER}
local value = redis.call('GET', KEYS[1])
if value and not redis.call('ZSCORE', KEYS[3], ARGV[4]) then
  value = false
end
if value and ARGV[3] == '0' then
  redis.pcall('HINCRBY', KEYS[5], 'hits', 1)
  return {{value}}
end
if value then
  redis.call('DEL', KEYS[1])
  redis.pcall('HINCRBY', KEYS[5], 'hits', -1)
end
redis.pcall('HINCRBY', KEYS[5], 'misses', 1)
local fence = redis.call('GET', KEYS[2])
if fence then
  return {{false, fence}}
end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
enter(KEYS[3], KEYS[4], 4, ARGV[2])
return {{false, ARGV[1]}}
"""
)

# KEYS value, claim. Returns {value or nothing, fence or nothing}.
PEEK = Script("return redis.call('MGET', KEYS[1], KEYS[2])")

# KEYS value, claim, index, ends; ARGV fence, value, ms to live, members… Returns 1 where it was stored: an
# invalidation since the fence was given took the fence away.
STORE = Script(
    f"""{_CLOCK}{_ENTER}{_PURGE}
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('DEL', KEYS[2])
enter(KEYS[3], KEYS[4], 4, ARGV[3])
purge(KEYS[3], KEYS[4])
return 1
"""
)

# KEYS claim; ARGV fence. Lets the next caller compute.
RELEASE = Script(
    """
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
end
return 1
"""
)

# KEYS index, ends; ARGV first member, member after the last, beginning of the names of values, of claims.
# Returns {members taken out, values deleted}; fewer members than BATCH were the last ones.
INVALIDATE = Script(
    f"""
local members = redis.call('ZRANGEBYLEX', KEYS[1], '[' .. ARGV[1], '(' .. ARGV[2], 'LIMIT', 0, {BATCH})
local deleted = 0
for _, member in ipairs(members) do
  local key = string.match(member, '[^%z]*$')
  deleted = deleted + redis.call('UNLINK', ARGV[3] .. key)
  redis.call('UNLINK', ARGV[4] .. key)
end
if #members > 0 then
  redis.call('ZREM', KEYS[1], unpack(members))
  redis.call('ZREM', KEYS[2], unpack(members))
end
return {{#members, deleted}}
"""
)

# KEYS index, ends, statistics; ARGV first member of a key, member after the last.
# Returns {ended members taken out, hits, misses, keys}.
STATISTICS = Script(
    f"""{_CLOCK}{_PURGE}
local ended = purge(KEYS[1], KEYS[2])
local counted = redis.call('HMGET', KEYS[3], 'hits', 'misses')
return {{ended, tonumber(counted[1]) or 0, tonumber(counted[2]) or 0,
  redis.call('ZLEXCOUNT', KEYS[1], '[' .. ARGV[1], '(' .. ARGV[2])}}
"""
)
