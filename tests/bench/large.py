# SPDX-License-Identifier: Apache-2.0
"""A vault with a million secrets beside one with a thousand: throughput, room, memory, and the first answer after a start."""
import os
import time
from pathlib import Path

import load
import process
import report
import state
from holdfast import Holdfast

SMALL, LARGE = 1_000, 1_000_000
NUMBER = "0000000"
FILL_CONNECTIONS = 64
FILL_SECONDS = 20
FILL_OVERLAP = 16 * FILL_CONNECTIONS  # none waits longer than this many others
FILL_LIMIT_SECONDS = 400
CLIENTS = 32
ROUNDS = 7
ROUND_SECONDS = 2
STARTS = 3
VALUE = "correct-horse-battery-staple-032"


class Vault:
    """One installation with so many secrets, their names numbered."""

    def __init__(self, bench, folder, count):
        self.bench, self.folder, self.count = bench, folder, count
        folder.mkdir()
        self.holdfast = Holdfast(bench.holdfast.binary, folder)
        self.holdfast.first_start(folder / "env")
        self.requests = {}

    def start(self):
        """Two servers take turns on one core: a request that waits is no overload here."""
        self.holdfast.start(self.bench.server_core, ("overload.target_delay = 0",))
        for name, text in (("set", self.holdfast.set_request(f"n-{NUMBER}", VALUE)),
                           ("get", self.holdfast.get_request(f"n-{NUMBER}"))):
            self.requests[name] = self.folder / f"{name}.request"
            self.requests[name].write_bytes(text)

    def run(self, what, connections, seconds, first, order):
        return load.run(self.holdfast.port, self.holdfast.process.pid, self.requests[what], connections, seconds,
                        self.bench.load_core, first, script=load.NUMBERED, more=(str(self.count), order))

    def fill(self):
        """Each round begins a little before the last one's end, where requests may have been left without an answer."""
        first, end = 0, time.monotonic() + FILL_LIMIT_SECONDS
        while first < self.count:
            if time.monotonic() > end:
                raise TimeoutError(f"{first} of {self.count} secrets were set in {FILL_LIMIT_SECONDS} s")
            seconds = FILL_SECONDS if self.count > SMALL else 1
            done = self.run("set", FILL_CONNECTIONS, seconds, first - 1, "in-order")["requests"]
            if first + done >= self.count:
                break
            first += max(done - FILL_OVERLAP, 1)

    def get(self, number):
        return self.run("get", CLIENTS, ROUND_SECONDS, number, "any")

    def bytes_on_disk(self):
        return {str(path.relative_to(self.folder)): path.stat().st_blocks * 512
                for path in (self.holdfast.data / "data.mdb",) if path.exists()}

    def stop(self):
        if self.holdfast.process is not None:
            process.stop(self.holdfast.process)


def forget_files(folder):
    """The page cache lets go of what is not in use: the next start reads from the disk."""
    for path in Path(folder).rglob("*"):
        if path.is_file():
            fd = os.open(path, os.O_RDONLY)
            try:
                os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(fd)


def first_answers(vault, cold):
    """cold: None of its files is in the page cache."""
    request = vault.holdfast.get_request(f"n-{NUMBER}")
    seconds = []
    for _ in range(STARTS):
        if cold:
            forget_files(vault.holdfast.data)
        seconds.append(state.first_answer_seconds(vault.holdfast, vault.bench.server_core, request))
        vault.stop()
    return report.spread(seconds)


def measure(bench):
    vaults = {count: Vault(bench, bench.folder / f"vault-{count}", count) for count in (SMALL, LARGE)}
    try:
        for vault in vaults.values():
            vault.start()
            begin = time.monotonic()
            vault.fill()
            vault.fill_seconds = time.monotonic() - begin
            vault.stop()
        result = {str(count): {
            "fill_seconds": vault.fill_seconds, "files": vault.bytes_on_disk(), "first_answer_cold": first_answers(vault, True),
            "first_answer_warm": first_answers(vault, False)} for count, vault in vaults.items()}
        for vault in vaults.values():
            vault.start()
        idle = {count: process.memory_kib(vault.holdfast.process.pid) for count, vault in vaults.items()}
        rounds = {count: [] for count in vaults}
        for number in range(ROUNDS):
            for count, vault in vaults.items():
                rounds[count].append(vault.get(number))
        for count, vault in vaults.items():
            result[str(count)].update({
                "get": report.summary(rounds[count]), "memory_idle_kib": idle[count],
                "memory_after_kib": process.memory_kib(vault.holdfast.process.pid)})
        result["kept"] = report.spread([many["per_second"] / few["per_second"]
                                        for many, few in zip(rounds[LARGE], rounds[SMALL])])
        return result
    finally:
        for vault in vaults.values():
            vault.stop()
