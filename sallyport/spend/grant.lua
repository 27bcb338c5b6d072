-- Sets aside for a worker a share of what a cap has left, to be spent while this server is away; renews its lease.
--
-- KEYS  1 reservations   2 leases   3 the cap's spend in its window   4 epoch
-- ARGV  1 the grant's id   2 end of its lease   3 subject   4 the cap's limit   5 one part in how many; 0: give all back
--       6 at least so much, of what was set aside before, stays: it is spent and not settled   7 when the counter may vanish
--       8 the grant as it is kept: {window, at}   9 only if its lease ended by this time (to reap it); empty: whatever its lease
-- Returns the amount that is set aside now; nothing while the counters are not whole.
--
-- What is set aside is held like what calls have reserved, so no cap is passed when it is spent.

local id, held = ARGV[1], "held:" .. ARGV[3]
local kept = redis.call("HGET", KEYS[1], id)
local before = kept and tonumber(cjson.decode(kept).amount) or 0
local amount = 0

if ARGV[9] ~= "" then
  local lease = redis.call("ZSCORE", KEYS[2], id)
  if not lease or tonumber(lease) > tonumber(ARGV[9]) then
    return nil
  end
elseif tonumber(ARGV[5]) > 0 then
  if redis.call("EXISTS", KEYS[4]) == 0 then
    return nil
  end
  local found = redis.call("HMGET", KEYS[3], ARGV[3], held)
  local left = tonumber(ARGV[4]) - tonumber(found[1] or "0") - (tonumber(found[2] or "0") - before)
  amount = math.max(math.floor(left / tonumber(ARGV[5])), math.min(tonumber(ARGV[6]), before), 0)
end

if amount ~= before then
  if redis.call("HINCRBY", KEYS[3], held, string.format("%.0f", amount - before)) == 0 then
    redis.call("HDEL", KEYS[3], held)
  end
  redis.call("EXPIREAT", KEYS[3], ARGV[7])
end
if amount == 0 then
  redis.call("HDEL", KEYS[1], id)
  redis.call("ZREM", KEYS[2], id)
else
  local grant = cjson.decode(ARGV[8])
  grant.amount, grant.subject = string.format("%.0f", amount), ARGV[3]
  redis.call("HSET", KEYS[1], id, cjson.encode(grant))
  redis.call("ZADD", KEYS[2], ARGV[2], id)
end
return string.format("%.0f", amount)
