-- Replaces a call's reservation by what it cost, once, and publishes its record.
--
-- KEYS  1 reservations   2 pending records   3 leases   4 settled marker   5 stream of records   6–9 spend by hour, day, week, month
--       10 calls settled since a comparison with the ledger began; absent when none is under way
-- ARGV  1 call id   2 the record   3 bill: {cost, subjects: […], expire: [4 times], tokens, marker_seconds}
--       4 only if its lease ended by this time (to reap it); empty: whatever its lease
-- Returns 1, or 0 when nothing was to do. A call whose reservation is lost is charged all the same.
-- The rate counters that a reservation names are no KEYS of ours, but carry the same hash tag and so lie in the same slot.

local id = ARGV[1]
if redis.call("EXISTS", KEYS[4]) == 1 then
  return 0
end
if ARGV[4] ~= "" then
  local lease = redis.call("ZSCORE", KEYS[3], id)
  if not lease or tonumber(lease) > tonumber(ARGV[4]) then
    return 0
  end
end

local bill = cjson.decode(ARGV[3])
local kept = redis.call("HGET", KEYS[1], id)
if redis.call("EXISTS", KEYS[10]) == 1 then
  redis.call("SADD", KEYS[10], id)
end
redis.call("XADD", KEYS[5], "*", "record", ARGV[2])
redis.call("SET", KEYS[4], "1", "EX", bill.marker_seconds)
if kept then
  redis.call("HDEL", KEYS[1], id)
  redis.call("HDEL", KEYS[2], id)
  redis.call("ZREM", KEYS[3], id)
end

-- From here on nothing is lost where a key turns out not to be what it should: asked again, this call is settled already, and
-- what a counter lacks is found when it is compared with the ledger.

local subjects, known = bill.subjects, {}
for _, subject in ipairs(subjects) do
  known[subject] = true
end

if kept then
  local reservation = cjson.decode(kept)
  if reservation.amount ~= "0" then
    for _, held in ipairs(reservation.held) do
      local key, field = KEYS[5 + held[1]], "held:" .. held[2]
      if redis.call("HINCRBY", key, field, "-" .. reservation.amount) == 0 then
        redis.call("HDEL", key, field)
      end
      redis.call("EXPIREAT", key, bill.expire[held[1]])
    end
  end
  for _, rate in ipairs(reservation.rates) do
    if redis.call("HEXISTS", rate[1], rate[2]) == 1 then
      redis.call("HINCRBY", rate[1], rate[2], string.format("%.0f", bill.tokens - reservation.tokens))
    end
  end
  for _, subject in ipairs(reservation.extra) do
    if not known[subject] then
      subjects[#subjects + 1] = subject
    end
  end
end

if bill.cost ~= "0" then
  for window = 1, 4 do
    for _, subject in ipairs(subjects) do
      redis.call("HINCRBY", KEYS[5 + window], subject, bill.cost)
    end
    redis.call("EXPIREAT", KEYS[5 + window], bill.expire[window])
  end
end
return 1
