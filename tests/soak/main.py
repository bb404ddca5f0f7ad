# SPDX-License-Identifier: Apache-2.0
"""The soak: load in rounds of a minute. At the end of each all connections are closed, the server is looked at, the audit log
is checked and the clock is moved by two days: tokens expire, signing keys change, deleted secrets are purged."""

import os
import re
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import hfsupport.server
import load
from hfsupport.client import Caller
from hfsupport.server import DevServer, program

WORKERS = 8
ROUND_SECONDS = 60
CLOCK_STEP_SECONDS = 2 * 86400
RETENTION_DAYS = 7
PATIENT_ROUNDS = 2 + RETENTION_DAYS * 86400 // CLOCK_STEP_SECONDS
SETTINGS = {
    "audit.segment_size": "1M",
    "token.signing_key_lifetime": "2d",
    "journal.keep": "3d",
    "overload.target_delay": "0s",  # an answer is right or wrong; refusals for lack of time have tests of their own
}
QUIET_SECONDS = 60
LOG_TAIL_CHARACTERS = 8000
MEMCHECK_SECONDS = 900  # to start or to stop, on a busy machine
BACKUPS_KEPT = 4
# The part of the rounds that is warm-up, and what may be added after it to the most that was seen in it.
WARM_UP = 1 / 3
MEMORY_GROWTH, MEMORY_KIB = 0.10, 8192
DESCRIPTORS_MORE = 4
THREADS_MORE = 0


class SoakServer(DevServer):
    def arguments(self):
        changes = [word for name, value in SETTINGS.items() for word in ("--set", f"{name}={value}")]
        return [*super().arguments(), *changes]


def status_kib(pid, name):
    return int(re.search(rf"^{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.M)[1])


class Watch:
    """What is seen of the server while nothing is under way."""

    def __init__(self, server):
        self.server = server
        self.samples = []

    def wait_until_quiet(self):
        deadline = time.monotonic() + QUIET_SECONDS
        while (status := self.server.admin.call("GET", "/status"))["connectionsOpen"] > 1:  # ours
            if time.monotonic() > deadline:
                raise RuntimeError(f"{status['connectionsOpen']} connections are still open")
            time.sleep(0.05)
        return status

    def sample(self):
        status = self.wait_until_quiet()
        pid = self.server.process.pid
        audit = list((self.server.data / "audit").glob("audit-*.jsonl"))
        sample = {
            "memory_kib": status_kib(pid, "RssAnon"),
            "resident_kib": status_kib(pid, "VmRSS"),
            "descriptors": len(os.listdir(f"/proc/{pid}/fd")),
            "threads": len(os.listdir(f"/proc/{pid}/task")),
            "store_kib": status["storeUsedBytes"] // 1024,
            "audit_files": len(audit),
            "audit_kib": sum(path.stat().st_size for path in audit) // 1024,
        }
        self.samples.append(sample)
        return sample

    def growth(self):
        """What grew beyond its bound after the warm-up."""
        warm = max(2, round(len(self.samples) * WARM_UP))
        bounds = {
            "memory_kib": lambda most: most * (1 + MEMORY_GROWTH) + MEMORY_KIB,
            "descriptors": lambda most: most + DESCRIPTORS_MORE,
            "threads": lambda most: most + THREADS_MORE,
        }
        for name, bound in bounds.items():
            limit = bound(max(sample[name] for sample in self.samples[:warm]))
            found = max((sample[name] for sample in self.samples[warm:]), default=0)
            yield f"{name}: {found} after the warm-up, at most {limit:.0f}", found <= limit


class Soak:
    def __init__(self, server):
        self.server = server
        self.gate, self.clock, self.watch = load.Gate(), load.Time(server.admin), Watch(server)
        server.admin.vault("soak", retentionDays=RETENTION_DAYS)
        caller = Caller(server, "soak")
        caller.assign("Key Vault Administrator", "soak")
        self.workers = [load.Worker(i, server, caller, self.gate, self.clock) for i in range(WORKERS)]
        self.churn = load.Churn(server, self.gate)
        self.wrong, self.backups, self.requests = [], 0, 0
        self.config = server.folder / "verify.conf"
        tls = server.data / "tls"
        self.config.write_text(
            f"data = {server.data}\nlisten = 127.0.0.1:0\ntls.certificate = {tls / 'server.pem'}\n"
            f"tls.key = {tls / 'server.key'}\nseal.key_file = {server.data / 'seal.key'}\n",
            encoding="utf-8",
        )

    def command(self, *words):
        """Runs the program; whatever it says when it fails is wrong."""
        done = subprocess.run([program(), *map(str, words)], capture_output=True, text=True, check=False, timeout=600)
        if done.returncode != 0:
            self.wrong.append(f"{' '.join(map(str, words[:2]))}: {done.stdout}{done.stderr}")
        return done.stdout

    def backup(self):
        """A full one, then incremental ones; each is checked with those it builds on."""
        options = ["--incremental"] if self.backups % BACKUPS_KEPT else []
        path = self.command("backup", "create", "--socket", self.server.data / "admin.sock", *options).strip()
        if not path:
            return
        folder = Path(path).parent
        if not options:
            for old in folder.iterdir():
                if old != Path(path):
                    old.unlink()
        self.backups += 1
        self.command("backup", "verify", "--config", self.config, *sorted(folder.iterdir(), key=lambda one: one.stat().st_mtime))

    def round(self, seconds):
        """Load, and in the middle of it a signal to read the certificate again, and a backup."""
        end = time.monotonic() + seconds
        self.gate.open()
        time.sleep(seconds / 3)
        self.server.process.send_signal(signal.SIGHUP)
        self.backup()
        time.sleep(max(0, end - time.monotonic()))
        self.gate.close()
        for worker in self.workers:
            worker.vault.close()
            worker.must_leave_one = True
        times = sorted(one for worker in self.workers for one in worker.take_times())
        self.requests += len(times)
        self.wrong += [one.wrong for one in (*self.workers, self.churn) if one.wrong]
        return times, seconds

    def tell(self, number, times, seconds):
        sample = self.watch.sample()
        if len(times) < 2:
            self.wrong.append("there was no load")
            return
        cuts = statistics.quantiles(times, n=100)
        columns = (number, len(times) / seconds, cuts[49] * 1e3, cuts[98] * 1e3, times[-1] * 1e3, *sample.values())
        print("%5d %7.0f %7.2f %7.2f %8.2f %8d %9d %4d %7d %9d %6d %9d" % columns, flush=True)

    def run(self, minutes):
        seconds = min(ROUND_SECONDS, minutes * 60 / 3)
        rounds = max(3, round(minutes * 60 / seconds))
        for thread in (*self.workers, self.churn):
            thread.start()
        print("round  req/s  p50_ms  p99_ms   max_ms  mem_KiB   rss_KiB  fds threads store_KiB audits audit_KiB", flush=True)
        for number in range(1, rounds + 1):
            self.tell(number, *self.round(seconds))
            self.command("audit", "verify", "--data", self.server.data)
            if self.wrong or not self.server.is_running():
                break
            self.clock.move(CLOCK_STEP_SECONDS)
        self.gate.end()
        return rounds

    def judge(self, rounds, is_memcheck):
        """Text and whether it is as it should be, of each thing to look at."""
        log = self.server.log.read_text(errors="replace")
        errors = [line for line in log.splitlines() if "level=error" in line or "assertion" in line]
        keys = len(set().union(*(worker.keys for worker in self.workers)))
        purged = sum(int(count) for count in re.findall(r"retention-purged.*?objects=(\d+)", log))
        days = rounds * CLOCK_STEP_SECONDS // 86400
        yield f"answers: {self.requests} of {WORKERS} workers, {self.churn.count} peers that left, wrong: {self.wrong[:3]}", not self.wrong
        yield f"errors in the log: {errors[:3]}", not errors
        yield f"backups made and checked: {self.backups}", self.backups > 0
        if is_memcheck:  # too slow for the rest
            return
        # The server looks after keys and purges once a minute.
        yield f"signing keys seen: {keys} in {days} days", keys > 1 or rounds <= PATIENT_ROUNDS
        yield f"purged after their retention: {purged}", purged > 0 or rounds <= PATIENT_ROUNDS
        yield f"audit files: {self.watch.samples[-1]['audit_files']}", self.watch.samples[-1]["audit_files"] > 1
        yield from self.watch.growth()


def main():
    minutes, is_memcheck = float(sys.argv[1]), "--memcheck" in sys.argv
    if is_memcheck:
        hfsupport.server.START_SECONDS = hfsupport.server.STOP_SECONDS = MEMCHECK_SECONDS
    failed = passed = 0
    with SoakServer() as server:
        soak = Soak(server)
        rounds = soak.run(minutes)
        for line, is_right in soak.judge(rounds, is_memcheck):
            print(f"{'ok    ' if is_right else 'FAILED'} {line}")
            passed, failed = passed + is_right, failed + (not is_right)
        code = server.stop()
        if code:
            print(server.log.read_text(errors="replace")[-LOG_TAIL_CHARACTERS:])
        print(f"{'FAILED' if code else 'ok    '} the server stopped with code {code}")
        passed, failed = passed + (code == 0), failed + (code != 0)
    print(f"soak: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
