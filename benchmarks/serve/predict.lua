-- wrk: one prediction a request; KEEP=1 in the environment asks for an id, which is on disk before the answer.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local i = 0
local keep = os.getenv("KEEP") == "1" and "true" or "false"
request = function()
  i = i + 1
  local parts = {}
  for j = 0, 9 do parts[#parts + 1] = string.format('"x%d":%.3f', j, ((i * (j + 7)) % 997) / 100) end
  return wrk.format(nil, nil, nil, '{"x":{' .. table.concat(parts, ",") .. ',"c":"red"},"keep":' .. keep .. '}')
end
