# SPDX-License-Identifier: Apache-2.0
"""Processes of the benchmark: starting them on one core, what they cost by their own accounting, ending them."""
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
START_SECONDS = 60
STOP_SECONDS = 30


def cores():
    """The core of the servers and the core of the load generator: the same one if there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[1 % len(allowed)]


def start(command, core, log):
    """core None leaves the process free to run anywhere."""
    def pin():
        if core is not None:
            os.sched_setaffinity(0, {core})
    with open(log, "ab") as out:
        # pylint: disable-next=subprocess-popen-preexec-fn
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, preexec_fn=pin)


def wait_until(is_true, process, what):
    end = time.monotonic() + START_SECONDS
    while not is_true():
        if process.poll() is not None:
            raise RuntimeError(f"{what} ended with code {process.returncode}")
        if time.monotonic() > end:
            raise RuntimeError(f"{what} was not ready after {START_SECONDS} s")
        time.sleep(0.02)


def stop(process):
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def is_listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def children(pid):
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def cpu_seconds(pid):
    """(user, system), of all threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) / TICKS_PER_SECOND, int(fields[12]) / TICKS_PER_SECOND


def memory_kib(pid):
    """What is resident: in all, and the part that is the process's own (not mapped files); and what is locked."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    return {"resident": int(lines["VmRSS"].split()[0]), "own": int(lines["RssAnon"].split()[0]),
            "locked": int(lines["VmLck"].split()[0])}
