-- SPDX-License-Identifier: Apache-2.0
-- For wrk: sends the requests of a file, one after the other and round again, and prints what came of it as JSON.
--
--     wrk … -s requests.lua URL -- FILE FIRST
--
-- FILE holds whole requests, each after a line with its length; FIRST is the one to begin with. Nothing is made while
-- requests are sent, so that the load generator costs little.

local requests = {}
local position = 0

function init(arguments)
    local file = assert(io.open(arguments[1], "rb"))
    for line in file:lines() do
        requests[#requests + 1] = assert(file:read(tonumber(line)))
    end
    file:close()
    assert(#requests > 0, "no requests")
    position = tonumber(arguments[2]) % #requests
end

function request()
    position = position % #requests + 1
    return requests[position]
end

function done(summary, latency, _)
    local errors = summary.errors
    io.write(string.format(
        '\nRESULT {"requests": %d, "usec": %d, "refused": %d, "broken": %d, "p50": %d, "p99": %d}\n',
        summary.requests, summary.duration, errors.status,
        errors.connect + errors.read + errors.write + errors.timeout,
        latency:percentile(50), latency:percentile(99)))
end
