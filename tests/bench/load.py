# SPDX-License-Identifier: Apache-2.0
"""Load on a server for a few seconds, and what it cost; and how often the disk can be made to keep its promise."""
import json
import os
import subprocess
import time
from pathlib import Path

import process

SCRIPT = Path(__file__).with_name("requests.lua")
NUMBERED = Path(__file__).with_name("numbered.lua")
FSYNC_BLOCK_BYTES = 4096
FSYNC_FILE_BLOCKS = 1024


def write_requests(path, requests):
    path.write_bytes(b"".join(b"%d\n%s" % (len(one), one) for one in requests))
    return path


def run(port, pid, requests_file, connections, seconds, core, first, *, script=SCRIPT, more=(), refusals=False):
    """One round. The costs are the server's own; the handshakes of the connections are part of them."""
    before = process.cpu_seconds(pid)
    done = subprocess.run(
        ["taskset", "-c", str(core), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", script,
         f"https://127.0.0.1:{port}", "--", requests_file, str(first), *more],
        capture_output=True, text=True, timeout=seconds + 30, check=False)
    after = process.cpu_seconds(pid)
    lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if done.returncode != 0 or not lines:
        raise RuntimeError(f"wrk failed: {done.stdout}{done.stderr}")
    result = json.loads(lines[0][len("RESULT "):])
    if (result["refused"] and not refusals) or result["broken"] or not result["requests"]:
        raise RuntimeError(f"not every request was answered well: {result}")
    return {
        "requests": result["requests"],
        "per_second": result["requests"] * 1e6 / result["usec"],
        "served_per_second": (result["requests"] - result["refused"]) * 1e6 / result["usec"],
        "user_usec": (after[0] - before[0]) * 1e6 / result["requests"],
        "system_usec": (after[1] - before[1]) * 1e6 / result["requests"],
        "cpu_usec": (sum(after) - sum(before)) * 1e6 / result["requests"],
        "p50_usec": result["p50"],
        "p99_usec": result["p99"],
    }


def fdatasync_per_second(path, seconds):
    """One block written anywhere in a file and made durable, one after the other."""
    block = os.urandom(FSYNC_BLOCK_BYTES)
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.pwrite(fd, bytes(FSYNC_BLOCK_BYTES * FSYNC_FILE_BLOCKS), 0)
        os.fdatasync(fd)
        count, begin = 0, time.monotonic()
        while time.monotonic() < begin + seconds:
            os.pwrite(fd, block, count * 7919 % FSYNC_FILE_BLOCKS * FSYNC_BLOCK_BYTES)
            os.fdatasync(fd)
            count += 1
        return count / (time.monotonic() - begin)
    finally:
        os.close(fd)
