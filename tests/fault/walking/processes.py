# SPDX-License-Identifier: Apache-2.0
"""Processes under the fault injector."""

import subprocess

from hfsupport import inject
from hfsupport.server import program

COMMAND_SECONDS = 60


def run_injected(work, arguments, **faults):
    """A command of the program under the injector: exit code, and what it said."""
    done = subprocess.run(
        [program(), *map(str, arguments)],
        env=inject.environment(work, **faults),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=COMMAND_SECONDS,
    )
    return done.returncode, done.stdout + done.stderr


def injected(kind, work, env):
    """A server of this kind, started in this environment."""
    return type(f"Injected{kind.__name__}", (kind,), {"environment": env})(work)


def exit_code(server, is_killed):
    """0 for one that runs. One that was killed is gone soon after its client has noticed, and one that gives up too."""
    try:
        return server.process.wait(COMMAND_SECONDS if is_killed else 0.05)
    except subprocess.TimeoutExpired:
        return 0
