# SPDX-License-Identifier: Apache-2.0
"""Servers on the folders of a walk."""

import functools
import shutil
import time

from hfsupport.client import vault_client
from hfsupport.server import DevServer, ServeServer, run_program

from steps import Wrong, expect

BUSY_SECONDS = 20
NAMES = ("alpha", "beta", "gamma")


def despite_overload(function):
    """Does it again for a while if the server was busy: the machine may be, and what is asked for here is the same each time."""

    @functools.wraps(function)
    def again(*arguments, **options):
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                return function(*arguments, **options)
            except (RuntimeError, Wrong) as error:
                if "overloaded" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    return again


class Serving(ServeServer):
    """`holdfast serve` on a folder of the walk; its configuration and certificate are there."""

    def __init__(self, folder):
        super().__init__(None, folder=folder)

    def prepare(self):
        pass


def start(kind, folder):
    """A server; or, if it refuses to start, what it said. It must end by itself and not crash."""
    try:
        return kind(folder), ""
    except RuntimeError as error:
        return None, str(error)


def write_config(folder, data="data", key="seal.key", settings=()):
    """The configuration for `serve`, `init`, `backup`; its paths are of this folder."""
    lines = [
        f"data = {folder / data}",
        "listen = 127.0.0.1:0",
        f"tls.certificate = {folder / 'tls' / 'server.pem'}",
        f"tls.key = {folder / 'tls' / 'server.key'}",
        f"seal.key_file = {folder / key}",
        *settings,
    ]
    path = folder / "holdfast.conf"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def copy_certificate(server, folder):
    (folder / "tls").mkdir(exist_ok=True)
    for name in ("server.pem", "server.key"):
        shutil.copy(server.data / "tls" / name, folder / "tls" / name)
    shutil.copy(server.data / "tls" / "ca.pem", folder / "ca.pem")


@despite_overload
def put_secrets(server, value, names=NAMES):
    vault = vault_client(server)
    for name in names:
        answer = vault.put(f"/secrets/{name}", {"value": f"{name} {value}"})
        expect(answer.status == 200, f"set: {answer}")
    vault.close()


@despite_overload
def check_secrets(server, value, names=NAMES, can_write=True):
    """All are there with this value; new ones can be written, where it is said so."""
    vault = vault_client(server)
    for name in names:
        answer = vault.get(f"/secrets/{name}")
        expect(answer.status == 200 and answer.json["value"] == f"{name} {value}", f"get {name}: {answer}")
    if can_write:
        answer = vault.put("/secrets/written-later", {"value": "x"})
        expect(answer.status == 200, f"set after it: {answer}")
    vault.close()


def check_audit(data):
    done = run_program("audit", "verify", "--data", data)
    expect(done.returncode == 0, f"audit verify: {done.returncode} {done.stdout}{done.stderr}")


def make_dev(folder, value="one"):
    """A development server with secrets, running; its data is in folder/data."""
    server = DevServer(folder)
    put_secrets(server, value)
    return server
