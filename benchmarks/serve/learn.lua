-- wrk: one durable learn a request, ten numbers and a category, another example each time.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local i = 0
local names = {"red", "green", "blue"}
request = function()
  i = i + 1
  local parts = {}
  for j = 0, 9 do parts[#parts + 1] = string.format('"x%d":%.3f', j, ((i * (j + 7)) % 997) / 100) end
  local y = ((i * 8) % 997) > ((i * 9) % 997) and "true" or "false"
  local body = '{"x":{' .. table.concat(parts, ",") .. ',"c":"' .. names[i % 3 + 1] .. '"},"y":' .. y .. '}'
  return wrk.format(nil, nil, nil, body)
end
