# SPDX-License-Identifier: Apache-2.0
"""The fault injector's page (tests/fault/inject.h) and the environment that loads it."""

import mmap
import os
import struct
from pathlib import Path

PAGE_BYTES = 4096
FAULTS = ["none", "kill-before", "kill-after", "eio", "enospc", "short", "short-enospc", "short-kill", "power-off"]
CLASSES = {"write": 1, "sync": 2, "name": 4, "size": 8, "mode": 16}
# Name → offset and form of the members of struct inject_control.
MEMBERS = {
    "fault": (0, "<I"),
    "classes": (4, "<I"),
    "at": (8, "<Q"),
    "span": (16, "<Q"),
    "one_in": (24, "<Q"),
    "seed": (32, "<Q"),
    "calls": (40, "<Q"),
    "faults": (48, "<Q"),
    "clock_step": (56, "<q"),
    "clock_asks": (64, "<Q"),
}


def library():
    """The injector beside the program under test."""
    return Path(os.environ["HOLDFAST"]).parent / "tests" / "fault" / "holdfast_inject.so"


def environment(under, control=None, trace=None, **settings):
    """The environment of a process under the injector; settings: fault, at, span, calls, one_in, seed."""
    env = dict(os.environ, LD_PRELOAD=str(library()), HOLDFAST_INJECT_UNDER=str(under))
    if control is not None:
        env["HOLDFAST_INJECT_CONTROL"] = str(control)
    if trace is not None:
        env["HOLDFAST_INJECT_TRACE"] = str(trace)
    for name, value in settings.items():
        env[f"HOLDFAST_INJECT_{name.upper()}"] = str(value)
    return env


class Control:
    """The page of a process that runs: its members are attributes."""

    def __init__(self, path):
        path.write_bytes(bytes(PAGE_BYTES))
        with open(path, "r+b") as file:
            page = mmap.mmap(file.fileno(), PAGE_BYTES)
        object.__setattr__(self, "page", page)

    def __getattr__(self, name):
        offset, form = MEMBERS[name]
        return struct.unpack_from(form, self.page, offset)[0]

    def __setattr__(self, name, value):
        offset, form = MEMBERS[name]
        struct.pack_into(form, self.page, offset, value)

    def inject(self, fault="none", at=0, span=1, one_in=0):
        """From now on; the fault is written last, because the process looks at it first."""
        self.fault = 0
        self.calls = self.faults = 0
        self.at, self.span, self.one_in = at, span, one_in
        self.fault = FAULTS.index(fault)

    def heal(self):
        self.fault = 0
