/**
 * What Redis decides by itself, as Lua: each script is one indivisible compare-and-set.
 *
 * They judge time by Redis' own clock (TIME), which all who ask share. They compare and set, and
 * compute nothing else: whatever can be decided outside is decided outside. An entry is JSON, with
 * its owner as one text, so that owners are equal when their texts are.
 */
import { garbageSign } from './redis-failure.ts';

/** Milliseconds by Redis' clock, and the entry under a name; both scripts below begin with it. */
const prelude = `
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function garbage(key)
  error('${garbageSign} ' .. key .. ' ')
end
local function entry_of(key, name)
  local text = redis.call('HGET', key, name)
  if not text then return nil end
  local ok, entry = pcall(cjson.decode, text)
  local is_ours = ok and type(entry) == 'table' and type(entry.owner) == 'string'
    and type(entry.fence) == 'number' and type(entry.renewedAtMs) == 'number'
    and type(entry.ttlMs) == 'number'
  if not is_ours then garbage(key) end
  return entry, text
end
local function whole(key, text)
  local number = tonumber(text or 0)
  if not number or number < 0 or number % 1 ~= 0 or number > 2^53 then garbage(key) end
  return number
end
`;

/**
 * Takes a lease that is free, expired, ours, or of a holder proven dead.
 *
 * KEYS: leases, fences. ARGV: name, owner, ttl, fence floor, doing, the entry of the dead holder,
 * the deals database of the owner.
 * Returns {1, fence}, or {0, entry, now} when somebody holds it.
 */
export const acquireScript = `${prelude}
local entry, text = entry_of(KEYS[1], ARGV[1])
local nowMs = now()
-- The dead cannot renew: the entry that was judged is still the same text, or it is not theirs.
if entry and entry.owner ~= ARGV[2] and text ~= ARGV[6] then
  local age = nowMs - entry.renewedAtMs
  -- A clock that stands before the entry by more than its span has been set back since.
  if age < entry.ttlMs and age >= -entry.ttlMs then return {0, text, nowMs} end
end
local known = whole(KEYS[2], redis.call('HGET', KEYS[2], ARGV[1]))
local fence = math.max(known, tonumber(ARGV[4]), entry and entry.fence or 0) + 1
redis.call('HSET', KEYS[2], ARGV[1], fence)
redis.call('HSET', KEYS[1], ARGV[1], cjson.encode({
  owner = ARGV[2], fence = fence, acquiredAtMs = nowMs, renewedAtMs = nowMs,
  ttlMs = tonumber(ARGV[3]), doing = ARGV[5], store = ARGV[7],
}))
return {1, fence}
`;

/**
 * Extends our lease. KEYS: leases. ARGV: name, owner, fence, ttl, doing. Returns 1, or 0 when it is
 * not ours.
 */
export const renewScript = `${prelude}
local entry = entry_of(KEYS[1], ARGV[1])
if not entry or entry.owner ~= ARGV[2] or entry.fence ~= tonumber(ARGV[3]) then return 0 end
entry.renewedAtMs = now()
entry.ttlMs = tonumber(ARGV[4])
entry.doing = ARGV[5]
redis.call('HSET', KEYS[1], ARGV[1], cjson.encode(entry))
return 1
`;

/** Gives our lease back. KEYS: leases. ARGV: name, owner, fence. Returns 1, or 0: not ours. */
export const releaseScript = `${prelude}
local entry = entry_of(KEYS[1], ARGV[1])
if not entry or entry.owner ~= ARGV[2] or entry.fence ~= tonumber(ARGV[3]) then return 0 end
return redis.call('HDEL', KEYS[1], ARGV[1])
`;

/**
 * Deletes a lease whoever holds it, and leaves a gap behind its fence; also what is no lease of
 * ours, which no other script touches, and alone: the entries beside it may be good. KEYS: leases,
 * fences. ARGV: name. Returns 1, or 0: there was none.
 */
export const clearScript = `${prelude}
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 0 end
local ok, entry = pcall(entry_of, KEYS[1], ARGV[1])
local known = whole(KEYS[2], redis.call('HGET', KEYS[2], ARGV[1]))
redis.call('HSET', KEYS[2], ARGV[1], math.max(known, ok and entry.fence or 0) + 1)
return redis.call('HDEL', KEYS[1], ARGV[1])
`;

/**
 * Writes a checkpoint unless a newer fence has written. KEYS: checkpoints, newest fence.
 * ARGV: name, value as JSON, fence. Returns 1, or 0 when it was refused.
 */
export const advanceScript = `${prelude}
local newest = whole(KEYS[2], redis.call('GET', KEYS[2]))
if newest > tonumber(ARGV[3]) then return 0 end
redis.call('SET', KEYS[2], ARGV[3])
local written = '{"writtenAtMs":' .. now() .. ',"value":' .. ARGV[2] .. '}'
redis.call('HSET', KEYS[1], ARGV[1], written)
return 1
`;

/** Renames a key that holds garbage, to the first name that is free. KEYS: key. Returns that. */
export const setAsideScript = `
local number = 1
while redis.call('EXISTS', KEYS[1] .. '.corrupt-' .. number) == 1 do number = number + 1 end
local aside = KEYS[1] .. '.corrupt-' .. number
redis.call('RENAME', KEYS[1], aside)
return aside
`;
