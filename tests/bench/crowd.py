#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clients that want nothing good: connections that idle, or that send a request's head one byte at a time.

    tests/bench/crowd.py hold|trickle PORT CA_FILE COUNT

Says "ready" when all are connected, and ends with its standard input. `trickle` connects again whenever it is cut off.
"""
import selectors
import socket
import ssl
import sys
import time

PER_ADDRESS = 1000
CONNECT_SECONDS = 20
BYTE_SECONDS = 1.0
HEAD = b"GET /secrets/slow?api-version=7.5 HTTP/1.1\r\nHost: slow\r\nX-Slow: " + b"s" * 4096


def connect(made, port, number):
    """From 127.0.0.1, .2, …: a server allows one address only so many."""
    plain = socket.create_connection(("127.0.0.1", port), CONNECT_SECONDS, (f"127.0.0.{1 + number // PER_ADDRESS}", 0))
    return made.wrap_socket(plain)


def wait_for_end(seconds):
    """Whether standard input has ended within the time."""
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin, selectors.EVENT_READ)
        return bool(selector.select(seconds)) and not sys.stdin.read(1)


def hold(made, port, count):
    crowd = [connect(made, port, number) for number in range(count)]
    print("ready", flush=True)
    while not wait_for_end(60):
        pass
    return len(crowd)


class Slow:
    """One connection and how far its request has come."""

    def __init__(self, made, port):
        self.made, self.port = made, port
        self.tls, self.sent = connect(made, port, 0), 0

    def send_one(self):
        try:
            self.tls.setblocking(False)
            self.tls.send(HEAD[self.sent : self.sent + 1])
            self.sent += 1
            if self.tls.recv(4096):  # the server has answered, and is about to close
                raise ConnectionError
        except ssl.SSLWantReadError:
            return
        except OSError:
            self.tls.close()
            self.tls, self.sent = connect(self.made, self.port, 0), 0


def trickle(made, port, count):
    crowd = [Slow(made, port) for _ in range(count)]
    print("ready", flush=True)
    due = time.monotonic()
    while True:
        for index, one in enumerate(crowd):
            one.send_one()
            if index % 50 == 49 and wait_for_end(max(due - time.monotonic(), 0)):
                return count
            due += BYTE_SECONDS / count


def main(arguments):
    if len(arguments) != 4 or arguments[0] not in ("hold", "trickle"):
        sys.exit(__doc__)
    made = ssl.create_default_context(cafile=arguments[2])
    made.check_hostname = False
    {"hold": hold, "trickle": trickle}[arguments[0]](made, int(arguments[1]), int(arguments[3]))


if __name__ == "__main__":
    main(sys.argv[1:])
