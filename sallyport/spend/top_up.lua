-- Raises what a running call has reserved, in every budget that holds for it, as far as its strict caps have room.
--
-- KEYS  1 reservations   2–5 spend by hour, day, week, month
-- ARGV  1 call id   2 what it has spent so far   3 what it wants reserved   4 plan: {caps: [[window, subject, limit, strict]…], expire: [4 times]}
-- Returns {"held", amount reserved}, or {"exhausted", {its index, 1 if settled spend alone reaches it}…} for the strict caps that
-- leave no room for what is spent. A call without a reservation has been charged: it may go on.
--
-- Asked twice it changes nothing more: the amounts are totals. They are compared as Lua numbers, as in admit.lua.

local kept = redis.call("HGET", KEYS[1], ARGV[1])
if not kept then
  return {"held", ARGV[3]}
end
local reservation, plan = cjson.decode(kept), cjson.decode(ARGV[4])
local held, spent, wanted = tonumber(reservation.amount), tonumber(ARGV[2]), tonumber(ARGV[3])
local exhausted = {"exhausted"}

for index, cap in ipairs(plan.caps) do
  local window, subject, limit, strict = cap[1], cap[2], cap[3], cap[4]
  if strict then
    local found = redis.call("HMGET", KEYS[1 + window], subject, "held:" .. subject)
    local settled = tonumber(found[1] or "0")
    local room = limit - settled - (tonumber(found[2] or "0") - held)
    if room < spent then
      exhausted[#exhausted + 1] = {index, settled >= limit and 1 or 0}
    end
    wanted = math.min(wanted, room)
  end
end
if #exhausted > 1 then
  return exhausted
end
if wanted > held then
  for _, entry in ipairs(reservation.held) do
    local key = KEYS[1 + entry[1]]
    redis.call("HINCRBY", key, "held:" .. entry[2], string.format("%.0f", wanted - held))
    redis.call("EXPIREAT", key, plan.expire[entry[1]])
  end
  reservation.amount = string.format("%.0f", wanted)
end
if spent > tonumber(reservation.expected) then
  reservation.expected = string.format("%.0f", spent)
end
redis.call("HSET", KEYS[1], ARGV[1], cjson.encode(reservation))
return {"held", reservation.amount}
