-- Sends what a file holds, byte for byte, and reports in one line of numbers that keep their digits.
-- There is neither a request() nor a response(): wrk calls no Lua while it measures.

function init(arguments)
   local file = assert(io.open(arguments[1], "rb"))
   local bytes = file:read("*a")
   file:close()
   wrk.format = function() return bytes end
end

function done(summary, latency, requests)
   local errors = summary.errors
   io.write(string.format(
      '\n{"requests": %d, "seconds": %.6f, "p50": %.6f, "p99": %.6f, "p999": %.6f,'
      .. ' "connect": %d, "read": %d, "write": %d, "status": %d, "timeout": %d}\n',
      summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e6,
      latency:percentile(99) / 1e6, latency:percentile(99.9) / 1e6,
      errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
