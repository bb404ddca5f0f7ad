# SPDX-License-Identifier: Apache-2.0
"""Walks through the calls of a command that change the disk: each is where it is once killed, or the disk fails."""

import random
import shutil
import signal
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

KILLS = ("kill-before", "kill-after", "power-off")
WRITES = ("short-kill", "short-enospc", "short")
WRITING_CALLS = ("write", "pwrite", "writev", "pwritev", "copy_file_range", "sendfile")
CALLS_WITHOUT_ROOM = ("fsync", "fdatasync", "chmod", "fchmod", "unlink", "unlinkat", "rmdir")  # these need none


AFTER_THE_END = "after the last one"
# Of a command that makes the same calls each time, so many may end before theirs.
UNREACHED_MAX = 2


class Wrong(Exception):
    """Neither the old state nor the new one, or a command that told something else than what it did."""


def expect(condition, text):
    if not condition:
        raise Wrong(text)


def read_lines(path):
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def is_kill(fault):
    return fault.endswith(("kill", *KILLS))


class Step:
    """One run: what happens to which call."""

    def __init__(self, number, fault, call):
        self.number, self.fault, self.call = number, fault, call

    @property
    def is_last(self):
        return self.call == AFTER_THE_END

    def __str__(self):
        return f"{self.fault} at call {self.number}: {self.call}"


class Command:
    """What is walked through. A walk makes the starting folder once, and copies it for each step."""

    name = ""
    is_exact = True  # the same calls in each run

    def prepare(self, base):
        """Makes the starting folder."""

    def run(self, work, **faults):
        """Runs the command under the injector: its exit code (negative: the signal) and what it said."""
        raise NotImplementedError

    def check(self, work, step, code, said):
        """Raises Wrong."""
        raise NotImplementedError

    def close(self):
        """Ends what prepare() started."""


def steps_of(calls):
    """All steps for the calls that a run without faults made. What is killed after a call is what is killed before the next one,
    so only the last call has both."""
    steps = []
    for number, call in enumerate(calls, 1):
        faults = ["kill-before", "power-off", "eio"]
        if call.split()[0] not in CALLS_WITHOUT_ROOM:
            faults.append("enospc")
        if call.split()[0] in WRITING_CALLS:
            faults += WRITES
        if number == len(calls):
            faults.append("kill-after")
        steps += [Step(number, fault, call) for fault in faults]
    return [*steps, Step(len(calls) + 1, "power-off", AFTER_THE_END)]


def chosen(steps, count, seed):
    """So many of them, spread over all calls; all of them if count is None."""
    if count is None or count >= len(steps):
        return steps
    return sorted(random.Random(seed).sample(steps, count), key=lambda step: step.number)


class Walk:
    """One command's walk, in a temporary folder."""

    def __init__(self, command, folder):
        self.command = command
        self.folder = Path(tempfile.mkdtemp(prefix="w-", dir=folder))
        self.base = self.folder / "base"
        self.base.mkdir()
        self.unreached = 0
        self.wrong = []

    def copy(self, name):
        work = self.folder / name
        shutil.copytree(self.base, work, ignore=shutil.ignore_patterns("audit.reserve", "*.sock"))
        return work

    def find_calls(self):
        work = self.copy("trace")
        trace = self.folder / "trace.txt"
        code, said = self.command.run(work, trace=trace)
        expect(code == 0, f"{self.command.name} fails without a fault: {said}")
        calls = [line.split(" ", 1)[1] for line in read_lines(trace)]
        expect(calls, f"{self.command.name} changes nothing")
        shutil.rmtree(work)
        return [call.replace(f"{work}/", "") for call in calls]

    def take(self, step):
        work = self.copy(f"{step.number}-{step.fault}")
        try:
            code, said = self.command.run(work, fault=step.fault, at=step.number, span=1)
            if is_kill(step.fault) and code != -signal.SIGKILL and not step.is_last:
                expect(code == 0, f"was not killed, but ended with {code}: {said}")
                self.unreached += 1
            expect(code >= 0 or is_kill(step.fault), f"crashed: {code}: {said}")
            self.command.check(work, step, code, said)
        except Exception as error:  # whatever it is, the walk goes on and tells it
            self.wrong.append(f"{self.command.name}: {step}: {type(error).__name__}: {error} (kept: {work})")
            return
        shutil.rmtree(work)

    def go(self, count, seed, jobs):
        """How many steps were taken."""
        self.command.prepare(self.base)
        try:
            calls = self.find_calls()
            steps = chosen(steps_of(calls), count, seed)
            with ThreadPoolExecutor(jobs) as pool:
                list(pool.map(self.take, steps))
        finally:
            self.command.close()
        if self.command.is_exact and self.unreached > UNREACHED_MAX:
            self.wrong.append(f"{self.command.name}: {self.unreached} kills were not reached")
        if not self.wrong:
            shutil.rmtree(self.folder)
        return len(calls), len(steps)


def walk_all(commands, folder, count, seed, jobs):
    """Walks through each; the number of those that held and of those that did not."""
    passed = failed = 0
    for command in commands:
        started = time.monotonic()
        walk = Walk(command, folder)
        calls, steps = walk.go(count, seed, jobs)
        for text in walk.wrong[:10]:
            print(f"  {text}")
        print(
            f"{command.name}: {calls} calls, {steps} steps, {len(walk.wrong)} wrong"
            + (f", {walk.unreached} past its end" if walk.unreached else "")
            + f" ({time.monotonic() - started:.0f} s)",
            flush=True,
        )
        passed, failed = passed + (not walk.wrong), failed + bool(walk.wrong)
    return passed, failed
