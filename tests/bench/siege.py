# SPDX-License-Identifier: Apache-2.0
"""What normal clients keep while others misbehave: idle connections, slow heads, more requests than can be served."""
import http.client
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import load
import process
import report
from holdfast import API_VERSION

IDLE_CONNECTIONS = 10_000
SLOW_CONNECTIONS = 1_000
CROWD = Path(__file__).with_name("crowd.py")
CROWD_SETTINGS = ("limits.connections_per_address = 20000", "timeouts.idle = 1h")
CLIENTS = 32
TURNS = 4
ROUNDS = 2
ROUND_SECONDS = 2
# One token issue takes so long that a load generator on one core can offer many times what the server can do.
OVERLOAD_CONNECTIONS = 16
OVERLOAD_FACTOR = 5
OVERLOAD_SECONDS = 5
PROBE_PAUSE = 0.02


class Crowd:
    """A process of crowd.py, ready when the constructor returns."""

    def __init__(self, kind, holdfast, count):
        command = [sys.executable, CROWD, kind, str(holdfast.port), holdfast.env["SSL_CERT_FILE"], str(count)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError(f"{kind} {count}: the crowd did not come")

    def end(self):
        self.process.stdin.close()
        self.process.wait(process.STOP_SECONDS)
        self.process.stdout.close()


def throughput(bench, first):
    holdfast = bench.holdfast
    return load.run(holdfast.port, holdfast.process.pid, bench.files["get secret"], CLIENTS, ROUND_SECONDS, bench.load_core,
                    first)["per_second"]


def keeps(bench, kind, count):
    """Throughput of normal clients with and without the crowd. Each turn is without, with, with, without: what the machine loses
    meanwhile (the audit log takes new memory) meets both alike."""
    alone, beside = [], []
    bench.holdfast.start(bench.server_core, CROWD_SETTINGS)
    for _ in range(TURNS):
        before = [throughput(bench, number) for number in range(ROUNDS)]
        crowd = Crowd(kind, bench.holdfast, count)
        try:
            beside.append(statistics.mean(throughput(bench, number) for number in range(2 * ROUNDS)))
            memory = process.memory_kib(bench.holdfast.process.pid)
        finally:
            crowd.end()
        after = [throughput(bench, number) for number in range(ROUNDS)]
        alone.append(statistics.mean(before + after))
    bench.end()
    return {"connections": count, "alone_per_second": report.spread(alone), "beside_per_second": report.spread(beside),
            "kept": report.spread([with_it / without for with_it, without in zip(beside, alone)]), "memory_kib": memory}


class Probe(threading.Thread):
    """One client that asks again and again, and notes status and latency; a refused one waits a little."""

    def __init__(self, holdfast, make_request):
        super().__init__()
        self.holdfast, self.make_request = holdfast, make_request
        self.seen, self.stop = [], threading.Event()

    def run(self):
        connection = self.holdfast.connect()
        while not self.stop.is_set():
            begin = time.monotonic()
            self.make_request(connection)
            try:
                answer = connection.getresponse()
                answer.read()
                status = answer.status
            except (http.client.HTTPException, OSError):
                status = 0
            self.seen.append((status, (time.monotonic() - begin) * 1e6))
            if status == 0:
                connection.close()
                connection = self.holdfast.connect()
            self.stop.wait(PROBE_PAUSE)
        connection.close()

    def summary(self):
        served = sorted(usec for status, usec in self.seen if status == 200)
        return {"asked": len(self.seen), "served": len(served), "p50_usec": served[len(served) // 2] if served else None,
                "p99_usec": served[len(served) * 99 // 100] if served else None}


def health_request(connection):
    connection.request("GET", "/health")


def get_request(holdfast, name):
    headers = {"Host": holdfast.vault_host, "Authorization": f"Bearer {holdfast.token}"}
    return lambda connection: connection.request("GET", f"/secrets/{name}?api-version={API_VERSION}", headers=headers)


def token_request(holdfast):
    head, _, body = holdfast.token_request().partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    target = first.split()[1]
    return lambda connection: connection.request("POST", target, body, headers)


def under_load(bench, settings, connections):
    """Tokens are asked for over so many connections; three probes look on."""
    holdfast = bench.holdfast
    holdfast.start(bench.server_core, settings)
    probes = {"token": Probe(holdfast, token_request(holdfast)), "get": Probe(holdfast, get_request(holdfast, bench.names[0])),
              "health": Probe(holdfast, health_request)}
    for probe in probes.values():
        probe.start()
    try:
        done = load.run(holdfast.port, holdfast.process.pid, bench.files["token issue"], connections, OVERLOAD_SECONDS,
                        bench.load_core, 0, refusals=True)
    finally:
        for probe in probes.values():
            probe.stop.set()
            probe.join()
    bench.end()
    return {"connections": connections, "per_second": done["per_second"], "served_per_second": done["served_per_second"],
            "probes": {name: probe.summary() for name, probe in probes.items()}}


def overload(bench):
    many = OVERLOAD_CONNECTIONS * OVERLOAD_FACTOR * OVERLOAD_FACTOR
    return {"normal": under_load(bench, (), OVERLOAD_CONNECTIONS),
            "with": under_load(bench, CROWD_SETTINGS, many),
            "without": under_load(bench, (*CROWD_SETTINGS, "overload.target_delay = 0ms"), many)}


def measure(bench):
    return {"idle": keeps(bench, "hold", IDLE_CONNECTIONS), "slow_heads": keeps(bench, "trickle", SLOW_CONNECTIONS),
            "overload": overload(bench)}
