#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a command on a terminal of its own, types a line once it is asked for one, and prints all that the terminal showed.

    type_value.py TEXT COMMAND...

TEXT may hold backslash escapes (\\x03 is an interrupt, \\n ends the line). The exit code is the command's.
"""
import os
import pty
import sys


def main():
    typed = sys.argv[1].encode().decode("unicode_escape").encode()
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.argv[2], sys.argv[2:])
    shown = b""
    is_typed = False
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
        if not is_typed and b"Value" in shown and shown.endswith(b": "):
            # the prompt comes before the echo is off; the command discards what was typed until then
            wait_for_silence(terminal)
            os.write(terminal, typed)
            is_typed = True
    sys.stdout.buffer.write(shown)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def wait_for_silence(terminal):
    import termios
    while termios.tcgetattr(terminal)[3] & termios.ECHO:
        os.sched_yield()


sys.exit(main())
