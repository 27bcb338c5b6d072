-- Adds to the counters what they lack of the ledger, if nothing has come between since the two were compared.
--
-- KEYS  1–4 spend by hour, day, week, month   5 calls settled since the comparison began   6 epoch
-- ARGV  1 who compares   2 corrections: [[window, subject, nano]…]   3 when each counter may vanish: [4 times]   4 a name for what begins if they were lost
-- Returns 1, or 0 when the counters were lost meanwhile, another comparison began, or this one took too long.
--
-- Adding a difference, not setting a sum, keeps what calls were charged since.

if redis.call("SISMEMBER", KEYS[5], ARGV[1]) == 0 then
  return 0
end
local expire = cjson.decode(ARGV[3])
for _, correction in ipairs(cjson.decode(ARGV[2])) do
  local key = KEYS[correction[1]]
  redis.call("HINCRBY", key, correction[2], correction[3])
  redis.call("EXPIREAT", key, expire[correction[1]])
end
redis.call("DEL", KEYS[5])
redis.call("SET", KEYS[6], ARGV[4], "NX")
return 1
