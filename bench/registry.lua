-- Heartbeats for wrk: each connection walks through all instances.
local count = tonumber(os.getenv("INSTANCES"))
local dirty = os.getenv("DIRTY")
local at = 0

request = function()
  at = at % count + 1
  local path = string.format("/eureka/apps/BENCH-%d/127.0.0.1:bench:%d?status=UP&lastDirtyTimestamp=%s", at % 20, at, dirty)
  return wrk.format("PUT", path, { Accept = "application/json" })
end
