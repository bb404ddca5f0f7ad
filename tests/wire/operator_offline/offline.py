# SPDX-License-Identifier: Apache-2.0
"""A data folder with its configuration, the operator's commands on it, and the programs that play tokens, TPMs and holders."""

import http.client
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from hfsupport import tokens
from hfsupport.cases import Case
from hfsupport.client import Caller
from hfsupport.server import AdminError, ServeServer, program

PATIENCE_SECONDS = 60
PASSPHRASE = "a passphrase to begin with"
NEW_PASSPHRASE = "another one, to go on with"
PIN = "7531"

OK, FAILED, USAGE, NOT_FOUND, DENIED, UNREACHABLE, CONFLICT, NOT_INTACT = range(8)

SOFTHSM_MODULES = (
    os.environ.get("HOLDFAST_SOFTHSM"),
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
)


def softhsm():
    """The module's path, or None."""
    if shutil.which("softhsm2-util") is None:
        return None
    return next((path for path in SOFTHSM_MODULES if path and os.access(path, os.R_OK)), None)


class Tpm:
    """swtpm on two ports of its own."""

    def __init__(self, folder):
        folder.mkdir()
        for _ in range(20):
            self.port, held = take_neighbours()
            self.process = subprocess.Popen(
                ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={folder}", "--server", f"type=tcp,port={self.port}",
                 "--ctrl", f"type=tcp,port={self.port + 1}", "--flags", "startup-clear,not-need-init"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )
            ready = self.answers(self.port + 1) and self.answers(self.port)
            for each in held:
                each.close()
            if ready:
                return
            self.stop()
        raise RuntimeError("swtpm does not start")

    def answers(self, port):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            with socket.socket() as connection:
                if connection.connect_ex(("127.0.0.1", port)) == 0:
                    return True
            time.sleep(0.005)
        return False

    def stop(self):
        self.process.kill()
        self.process.wait()


def take_neighbours():
    """A port and two sockets that hold it and the one behind it."""
    while True:
        held = []
        try:
            port = 0
            for _ in range(2):
                each = socket.socket()
                held.append(each)
                each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                each.bind(("127.0.0.1", port))
                port = each.getsockname()[1] + 1
            return port - 2, held
        except (OSError, OverflowError):
            for each in held:
                each.close()


class Served(ServeServer):
    """A server on the case's data folder, with its configuration; sealed or not."""

    def __init__(self, case):
        self.is_sealed = None
        super().__init__(None, folder=case.folder)
        case.addCleanup(self.close)

    def prepare(self):
        if not (self.folder / "server.pem").exists():
            tokens.Certificates().write(self.folder)

    def is_ready(self):
        try:
            self.is_sealed = self.admin.call("GET", "/operator/status")["sealed"]
            return self.is_sealed or super().is_ready()
        except (OSError, http.client.HTTPException, AdminError):
            return False

    def unseal(self, **order):
        answer = self.admin.call("POST", "/operator/unseal", order)
        if answer["sealed"]:
            return
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                if super().is_ready():
                    self.is_sealed = False
                    return
            except AdminError:  # between its two states
                pass
            time.sleep(0.005)
        raise RuntimeError("the server does not open")

    def fill(self):
        """A vault with a secret."""
        self.admin.vault("keep")
        if self.ask("put", {"value": "what is kept"}).status != 200:
            raise RuntimeError("not stored")

    def kept(self):
        answer = self.ask("get")
        return answer.json["value"] if answer.status == 200 else answer

    def ask(self, method, *body):
        """As somebody new with all rights."""
        caller = Caller(self, f"app-{time.monotonic_ns()}")
        caller.assign("Key Vault Administrator", "keep")
        client = caller.client("keep")
        try:
            return getattr(client, method)("/secrets/kept", *body)
        finally:
            client.close()


class OfflineCase(Case):
    """One place for each test."""

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="holdfast-operator-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.folder.chmod(0o700)
        self.data = self.folder / "data"
        self.key = self.folder / "seal.key"
        self.environment = dict(os.environ)
        self.environment.pop("CREDENTIALS_DIRECTORY", None)
        self.settings = {}
        self.config = self.folder / "holdfast.conf"
        self.files = 0
        self.configure("key-file")

    # ---- configurations ----

    def configure(self, kind, **settings):
        """Writes the configuration; settings stay for later ones: seal_shares is seal.shares."""
        self.settings.update(settings)
        self.write_config(self.config, kind)

    def write_config(self, path, kind, **changes):
        lines = {
            "data": self.data,
            "tls.certificate": self.folder / "server.pem",
            "tls.key": self.folder / "server.key",
            "listen": "127.0.0.1:0",
            "seal.kind": kind,
            "seal.key_file": self.key,
            "seal.argon2_memory": "32K",
            "seal.argon2_passes": 1,
        }
        for name, value in (self.settings | changes).items():
            lines[name.replace("_", ".", 1)] = value
        path.write_text("".join(f"{name} = {value}\n" for name, value in lines.items()), encoding="utf-8")

    def with_token(self):
        module = softhsm()
        if module is None:
            self.skipTest("SoftHSM is not installed")
        tokens = self.folder / "tokens"
        tokens.mkdir()
        conf = self.folder / "softhsm2.conf"
        conf.write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n", encoding="utf-8")
        self.environment["SOFTHSM2_CONF"] = str(conf)
        subprocess.run(
            ["softhsm2-util", "--init-token", "--free", "--label", "safe", "--so-pin", "135791", "--pin", PIN],
            check=True, capture_output=True, env=self.environment, stdin=subprocess.DEVNULL, timeout=PATIENCE_SECONDS,
        )
        pin = self.private("pin", PIN)
        self.settings.update(seal_pkcs11_module=module, seal_pkcs11_token="safe", seal_pkcs11_pin_file=pin)

    def with_tpm(self):
        if shutil.which("swtpm") is None:
            self.skipTest("swtpm is not installed")
        tpm = Tpm(self.folder / "tpm")
        self.addCleanup(tpm.stop)
        self.settings.update(seal_tpm_tcti=f"swtpm:host=127.0.0.1,port={tpm.port}")

    def with_credential(self, name="holdfast-seal", octet=7):
        """As the service manager hands it over."""
        from base64 import urlsafe_b64encode

        credentials = self.folder / "credentials"
        credentials.mkdir(exist_ok=True)
        text = urlsafe_b64encode(bytes([octet]) * 32).decode().rstrip("=")
        path = credentials / name
        path.write_text(f"holdfast-key-file-v1\n{text}\n", encoding="utf-8")
        path.chmod(0o400)
        self.environment["CREDENTIALS_DIRECTORY"] = str(credentials)

    # ---- files ----

    def private(self, name, text, mode=0o600):
        """A file of a secret."""
        path = self.folder / name
        path.write_text(f"{text}\n", encoding="utf-8")
        path.chmod(mode)
        return path

    def passphrase_file(self, text):
        self.files += 1
        return self.private(f"passphrase-{self.files}", text)

    def play(self, name, script):
        """A program of this name, found first."""
        folder = self.folder / "bin"
        folder.mkdir(exist_ok=True)
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o700)
        if not self.environment["PATH"].startswith(f"{folder}:"):
            self.environment["PATH"] = f"{folder}:{self.environment['PATH']}"

    def share_files(self, folder, *numbers):
        """Options that hand these shares in."""
        return [word for number in numbers for word in ("--share-file", folder / f"share-{number}.txt")]

    def shares(self, folder):
        """Number → text."""
        return {int(path.stem.split("-")[1]): path.read_text(encoding="utf-8").strip()
                for path in Path(folder).glob("share-*.txt")}

    def seal(self):
        path = self.data / "seal"
        return path.read_bytes() if path.exists() else None

    # ---- commands ----

    def run_operator(self, *words, typed="", config=None):
        return subprocess.run(
            [program(), *map(str, words), "--config", str(config or self.config)],
            input=typed, capture_output=True, text=True, check=False, env=self.environment, timeout=PATIENCE_SECONDS,
        )

    def succeed(self, *words, typed=""):
        done = self.run_operator(*words, typed=typed)
        self.assertEqual(done.returncode, OK, done.stderr)
        return done.stdout

    def refuse(self, code, text, *words, typed=""):
        """Refused with code and a message that holds text; the seal stays as it is."""
        before = self.seal()
        done = self.run_operator(*words, typed=typed)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertIn(text, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(self.seal(), before)
        return done.stderr

    def init(self, kind="key-file", *words, typed="", **settings):
        self.configure(kind, **settings)
        return self.succeed("init", *words, typed=typed)

    def init_shamir(self, folder="shares", *words):
        self.init("shamir", "--share-folder", self.folder / folder, *words)
        return self.folder / folder

    # ---- what opens the seal ----

    def opens(self, kind, *words, typed=""):
        """Whether the seal opens so: a copy of the data is changed to another kind."""
        self.files += 1
        copy = self.folder / f"copy-{self.files}"
        shutil.copytree(self.data, copy, ignore=shutil.ignore_patterns("*.sock"))
        config = self.folder / f"copy-{self.files}.conf"
        if kind == "passphrase":
            self.write_config(config, "key-file", data=copy, seal_key_file=copy / "key")
        else:
            self.write_config(config, "passphrase", data=copy)
            words += ("--passphrase-file", self.passphrase_file("only to find out"))
        done = self.run_operator("operator", "migrate-seal", *words, typed=typed, config=config)
        shutil.rmtree(copy)
        self.assertIn(done.returncode, (OK, DENIED, UNREACHABLE, FAILED), done.stderr)
        return done.returncode == OK

    def assert_opens(self, kind, *words, typed=""):
        self.assertTrue(self.opens(kind, *words, typed=typed), kind)

    def assert_opens_not(self, kind, *words, typed=""):
        self.assertFalse(self.opens(kind, *words, typed=typed), kind)
