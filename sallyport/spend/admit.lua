-- Takes a call from every budget and rate limit that holds for it, or, where one is used up, from none.
--
-- KEYS  1 reservations   2 pending records   3 leases   4 settled marker   5–8 spend by hour, day, week, month   9 epoch
--       10… rate counters
-- ARGV  1 call id   2 end of the lease   3 the pending record
--       4 reservation, kept until the call is settled: {amount, held: [[window, subject]…], extra: […], rates: […], tokens}
--       5 plan: {caps: [[window, subject, limit, need, most subjects in the window or 0]…], limits: [[counter, value]…],
--                counters: [{amount, bucket, width, buckets, seconds}…], expire: [4 times]}
--       6 only from who found that this server did not know the script: "first"
-- Returns every violated one: {"cap", its index, 1 if settled spend alone reaches it} or {"limit", its index, when to retry};
-- or {"lost"}: the counters are not whole, so no cap can be checked.
--
-- A server's memory of scripts ends with it: one that does not know this script was started since the last call, and may lack
-- what it acknowledged last. Its counters are whole again when they were compared with the ledger.
--
-- Amounts are whole numbers, given as strings and added by the server in 64 bits; they are only compared as Lua numbers, which
-- are exact to 2^53 (9 million dollars in nano-dollars).

local id = ARGV[1]
if ARGV[6] == "first" then
  redis.call("DEL", KEYS[9])
end
if redis.call("HEXISTS", KEYS[1], id) == 1 or redis.call("EXISTS", KEYS[4]) == 1 then
  return {}
end

local reservation, plan = cjson.decode(ARGV[4]), cjson.decode(ARGV[5])
local violated = {}

if #plan.caps > 0 and redis.call("EXISTS", KEYS[9]) == 0 then
  return {{"lost"}}
end

for index, cap in ipairs(plan.caps) do
  local window, subject, limit, need, most = cap[1], cap[2], cap[3], cap[4], cap[5]
  local found = redis.call("HMGET", KEYS[4 + window], subject, "held:" .. subject)
  local settled, held = tonumber(found[1] or "0"), tonumber(found[2] or "0")
  local crowded = most > 0 and not found[1] and not found[2] and redis.call("HLEN", KEYS[4 + window]) >= most
  if crowded or settled + held + need > limit then
    violated[#violated + 1] = {"cap", index, settled >= limit and 1 or 0}
  end
end

-- A counter's buckets that still count, and their sum. A bucket counts until its last instant is one window old.
local function count(key, counter)
  local oldest, sum, live, gone = counter.bucket - counter.buckets, 0, {}, {}
  local entries = redis.call("HGETALL", key)
  for at = 1, #entries, 2 do
    local bucket, amount = tonumber(entries[at]), tonumber(entries[at + 1])
    if bucket < oldest then
      gone[#gone + 1] = entries[at]
    else
      live[#live + 1] = {bucket, amount}
      sum = sum + amount
    end
  end
  if #gone > 0 then
    redis.call("HDEL", key, unpack(gone))
  end
  return sum, live
end

-- When enough buckets have gone for the sum to fall below `value`.
local function free_at(sum, live, counter, value)
  table.sort(live, function(one, other) return one[1] < other[1] end)
  local bucket = counter.bucket
  for _, entry in ipairs(live) do
    if sum < value then
      break
    end
    bucket, sum = entry[1], sum - entry[2]
  end
  return (bucket + counter.buckets + 1) * counter.width
end

local sums, lives = {}, {}
for index, counter in ipairs(plan.counters) do
  sums[index], lives[index] = count(KEYS[9 + index], counter)
end
for index, limit in ipairs(plan.limits) do
  local counter, value = limit[1], limit[2]
  if sums[counter] >= value then
    violated[#violated + 1] = {"limit", index, free_at(sums[counter], lives[counter], plan.counters[counter], value)}
  end
end

if #violated > 0 then
  return violated
end

for index, counter in ipairs(plan.counters) do
  redis.call("HINCRBY", KEYS[9 + index], string.format("%d", counter.bucket), counter.amount)
  redis.call("EXPIRE", KEYS[9 + index], counter.seconds)
end
if reservation.amount ~= "0" then
  for _, held in ipairs(reservation.held) do
    local key = KEYS[4 + held[1]]
    redis.call("HINCRBY", key, "held:" .. held[2], reservation.amount)
    redis.call("EXPIREAT", key, plan.expire[held[1]])
  end
end
redis.call("HSET", KEYS[1], id, ARGV[4])
redis.call("HSET", KEYS[2], id, ARGV[3])
redis.call("ZADD", KEYS[3], ARGV[2], id)
return {}
