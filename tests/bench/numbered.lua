-- SPDX-License-Identifier: Apache-2.0
-- For wrk: one request with another number in it each time, and what came of it as JSON.
--
--     wrk … -s numbered.lua URL -- FILE FIRST COUNT in-order|any
--
-- FILE holds the request with 0000000 where the number stands (seven digits): FIRST, FIRST + 1, … or any below COUNT.

local before, after
local number, count, any = 0, 0, false

function init(arguments)
    local file = assert(io.open(arguments[1], "rb"))
    local text = file:read("*a")
    file:close()
    local from, to = text:find("0000000", 1, true)
    before, after = text:sub(1, from - 1), text:sub(to + 1)
    number, count, any = tonumber(arguments[2]), tonumber(arguments[3]), arguments[4] == "any"
    math.randomseed(number)
end

function request()
    if any then
        number = math.random(0, count - 1)
    else
        number = (number + 1) % count
    end
    return before .. string.format("%07d", number) .. after
end

function done(summary, latency, _)
    local errors = summary.errors
    io.write(string.format(
        '\nRESULT {"requests": %d, "usec": %d, "refused": %d, "broken": %d, "p50": %d, "p99": %d}\n',
        summary.requests, summary.duration, errors.status,
        errors.connect + errors.read + errors.write + errors.timeout,
        latency:percentile(50), latency:percentile(99)))
end
