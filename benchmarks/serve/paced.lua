-- wrk: learn at a stated rate: each thread sends RATE requests a second over its connections.
dofile("benchmarks/serve/learn.lua")
local per = tonumber(os.getenv("RATE") or "4000")
local connections = tonumber(os.getenv("CONNECTIONS") or "16")
delay = function() return 1000 * connections / per end
