# SPDX-License-Identifier: Apache-2.0
"""Servers that start sealed, what opens them, and what everybody is answered meanwhile."""

import hashlib
import http.client
import os
import pty
import re
import time
import unittest

from hfsupport import tokens
from hfsupport.client import Caller, Client, secret_token, vault_client
from hfsupport.server import AdminError, ServeServer, UnixConnection, program, run_program

PASSPHRASE = "correct horse battery staple"
VAULT = "keep"
HOST = f"{VAULT}.vault.localhost"
PATIENCE_SECONDS = 60
# Argon2id as cheap as it gets: what is tested is not its cost
CHEAP = ["seal.argon2_memory = 64K", "seal.argon2_passes = 1", "seal.argon2_lanes = 1"]


class SealedServer(ServeServer):
    """`holdfast serve` with a seal that asks people; ready as soon as it answers, sealed or not."""

    def __init__(self, kind, settings=(), folder=None):
        self.kind = kind
        self.caller = None
        self.log_before = 0  # bytes of earlier starts
        super().__init__(tokens.Certificates(), [f"seal.kind = {kind}", *settings], folder)

    @property
    def passphrase_file(self):
        return self.folder / "passphrase"

    @property
    def share_folder(self):
        return self.folder / "shares"

    def init_options(self):
        if self.kind == "passphrase":
            self.passphrase_file.touch(0o600)
            self.passphrase_file.write_text(PASSPHRASE + "\n", encoding="utf-8")
            return ["--passphrase-file", self.passphrase_file]
        if self.kind == "shamir":
            self.share_folder.mkdir(mode=0o700)
            return ["--share-folder", self.share_folder]
        return []

    @property
    def shares(self):
        return [path.read_text(encoding="utf-8").split()[0] for path in sorted(self.share_folder.iterdir())]

    def start(self):
        self.log.touch()
        self.log_before = self.log.stat().st_size
        super().start()

    def is_ready(self):
        try:
            self.status()
        except (OSError, http.client.HTTPException):
            return False
        log = self.log.read_bytes()[self.log_before :].decode()
        found = re.search(r"(?:sealed|serving) .*\bport=(\d+)", log)
        if found:
            self.port = int(found[1])
        return bool(found)

    def status(self):
        return self.admin.call("GET", "/operator/status")

    def unseal(self, **order):
        """Status and answer; a try that came too soon after a wrong one is made again."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            status, answer = self.post("/operator/unseal", order)
            if status != 429 or time.monotonic() > deadline:
                return status, answer
            time.sleep(0.05)

    def post(self, path, order=None):
        """Status and answer, whatever they are."""
        try:
            return 200, self.admin.call("POST", path, order)
        except AdminError as error:
            return error.status, error.body

    def wait_until(self, sealed):
        """Between its two states the server does not answer at all."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                if self.status()["sealed"] == sealed:
                    break
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.01)
        else:
            raise RuntimeError(f"not {'sealed' if sealed else 'open'}: {self.log.read_text(errors='replace')[-2000:]}")
        if not sealed and self.tenant is None:
            self.tenant = self.admin.call("GET", "/status")["tenantId"]

    def open(self):
        """With what opens it."""
        if self.kind == "passphrase":
            done = self.unseal(passphrase=PASSPHRASE)
        elif self.kind == "shamir":
            done = [self.unseal(share=share) for share in self.shares[:3]][-1]
        else:
            done = self.unseal()
        if done[0] != 200 or done[1]["sealed"]:
            raise RuntimeError(f"not opened: {done}")
        self.wait_until(sealed=False)

    def fill(self):
        """A vault, somebody with rights in it, and a secret; a client of theirs."""
        self.admin.vault(VAULT)
        self.caller = Caller(self, "app")
        self.caller.assign("Key Vault Administrator", VAULT)
        client = self.client()
        answer = client.put("/secrets/kept", {"value": "what is kept"})
        if answer.status != 200:
            raise RuntimeError(f"not stored: {answer}")
        return client

    def client(self):
        """Of the filled vault, with a new token: another start is another port, which is in the token."""
        return vault_client(self, VAULT, secret_token(self, self.caller.client_id, self.caller.secret))

    def fill_open(self):
        """The same for one that opens by itself."""
        self.wait_until(sealed=False)
        return self.fill()

    def operator(self, verb, *options, **more):
        return run_program("operator", verb, "--socket", self.admin.path, *options, **more)


def server_of_kind(case, kind, settings=()):
    """Closed with the test; skips it if the build lacks the kind."""
    try:
        server = SealedServer(kind, settings)
    except RuntimeError as error:
        if "not in this build" in str(error):
            raise unittest.SkipTest(f"{kind} is not in this build") from error
        raise
    case.addCleanup(server.close)
    return server


def mistype(share):
    """One character is another."""
    middle = len(share) // 2
    return share[:middle] + ("A" if share[middle] != "A" else "B") + share[middle + 1 :]


def forge(share):
    """Of the same set and with a right checksum, but never given out."""
    head, set_name, number, rest = share.split("-", 3)
    data = rest[:-9]
    text = f"{head}-{set_name}-{number}-{('A' if data[0] != 'A' else 'B') + data[1:]}"
    return f"{text}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def local(server, method, path, body=None):
    """Status, headers and text of an answer on the local socket; the body as it is."""
    connection = UnixConnection(server.admin.path)
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read().decode()
    finally:
        connection.close()


def outside(server, host=HOST):
    return Client(server, host)


def type_into(arguments, prompt, text):
    """Runs the program on a terminal of its own and types text at the prompt; exit code and what the terminal showed."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(program(), [program(), *map(str, arguments)])
    shown, is_typed = b"", False
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
        if not is_typed and prompt.encode() in shown:
            wait_for_silence(terminal)
            os.write(terminal, text.encode() + b"\n")
            is_typed = True
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()


def wait_for_silence(terminal):
    """The prompt comes before the echo is off; what was typed until then is discarded."""
    import termios

    while termios.tcgetattr(terminal)[3] & termios.ECHO:
        time.sleep(0.005)
