# SPDX-License-Identifier: Apache-2.0
"""The walk: main.py [--sample N] [--seed N] [COMMAND...]"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

import commands
import operators
from steps import walk_all

SHARED_MEMORY = Path("/dev/shm")


def pick_folder():
    """In memory if there is room: what is walked through are calls, and no disk has to be waited for."""
    is_roomy = SHARED_MEMORY.is_dir() and shutil.disk_usage(SHARED_MEMORY).free > 1 << 30
    return tempfile.mkdtemp(prefix="holdfast-walk-", dir=SHARED_MEMORY if is_roomy else None)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sample", type=int, help="so many steps of each command; default: all")
    parser.add_argument("--seed", type=int, default=1, help="of the sample")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("names", nargs="*", help="commands; default: all")
    arguments = parser.parse_args()
    wanted = [command for command in (*commands.ALL, *operators.ALL) if not arguments.names or command.name in arguments.names]
    print("all steps" if arguments.sample is None else f"{arguments.sample} steps of each, seed {arguments.seed}", flush=True)
    folder = pick_folder()
    passed, failed = walk_all(wanted, folder, arguments.sample, arguments.seed, arguments.jobs)
    if not failed:
        shutil.rmtree(folder)
    print(f"walk: {passed} passed, {failed} failed, 0 skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
