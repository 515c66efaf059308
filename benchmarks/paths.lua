-- wrk asks for each path of a file in turn, and begins anew at its end: wrk -s paths.lua URL -- FILE
local requests, at = {}, 0

function init(arguments)
  for path in io.lines(arguments[1]) do
    requests[#requests + 1] = wrk.format("GET", path)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end
