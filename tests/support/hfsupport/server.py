# SPDX-License-Identifier: Apache-2.0
"""Servers under test: started on a free port, stopped and cleaned up whatever happens; and their administration socket."""

import base64
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

START_SECONDS = 60
STOP_SECONDS = 60
POLL_SECONDS = 0.02


def program():
    """The program under test."""
    return os.environ.get("HOLDFAST", str(Path(__file__).resolve().parents[3] / "build" / "holdfast"))


def run_program(*arguments, **options):
    """Runs a command of the program to its end."""
    return subprocess.run(
        [program(), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=STOP_SECONDS,
        **{"stdin": subprocess.DEVNULL, **options},
    )


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class AdminError(Exception):
    """An answer other than 200."""

    def __init__(self, status, body):
        super().__init__(f"{status}: {body}")
        self.status, self.body = status, body


class Admin:
    """The local administration socket."""

    def __init__(self, path):
        self.path = path

    def call(self, method, path, body=None):
        """The JSON answer; AdminError for anything but 200."""
        connection = UnixConnection(self.path)
        try:
            connection.request(
                method, path, None if body is None else json.dumps(body), {"content-type": "application/json"}
            )
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        if response.status != 200:
            raise AdminError(response.status, text)
        return json.loads(text)

    def vault(self, name, **settings):
        return self.call("PUT", f"/vaults/{name}", settings)

    def identity(self, name, kind="application"):
        return self.call("POST", "/identities", {"name": name, "kind": kind})

    def client_secret(self, identity):
        return self.call("POST", f"/identities/{identity['objectId']}/credentials", {"kind": "client-secret"})["secret"]

    def certificate(self, identity, pem):
        return self.call(
            "POST", f"/identities/{identity['objectId']}/credentials", {"kind": "certificate", "certificate": pem}
        )

    def assign(self, principal, role, scope):
        """The assignment's id."""
        return self.call("POST", "/assignments", {"principal": principal, "role": role, "scope": scope})["id"]

    def unassign(self, assignment):
        self.call("DELETE", f"/assignments/{assignment}")

    def advance(self, seconds):
        """Moves the server's clock; the new time in seconds."""
        return self.call("POST", "/clock", {"seconds": seconds})["now"]

    def now(self):
        return self.advance(0)


class Server:
    """A process of the program with a folder of its own. Subclasses say how to start it and when it is ready."""

    environment = None  # of the process; None: ours

    def __init__(self, folder=None):
        self.own_folder = folder is None
        self.folder = Path(folder or tempfile.mkdtemp(prefix="holdfast-wire-"))
        self.data = self.folder / "data"
        self.log = self.folder / "stderr"
        self.admin = Admin(self.data / "admin.sock")
        self.process = None
        self.port = None
        self.identity_tokens = {}
        try:
            self.prepare()
            self.start()
        except BaseException:
            self.close()
            raise

    def prepare(self):
        """What is done once, before the first start."""

    def arguments(self):
        raise NotImplementedError

    def is_ready(self):
        raise NotImplementedError

    def start(self):
        with open(self.log, "ab") as log, open(self.folder / "stdout", "ab") as out:
            self.process = subprocess.Popen(
                [program(), *self.arguments()],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=log,
                env=self.environment,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not start: {self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(POLL_SECONDS)

    def stop(self, sig=signal.SIGTERM):
        """Its exit code."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(sig)
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        self.process = None
        self.identity_tokens.clear()
        return code

    def kill(self):
        self.stop(signal.SIGKILL)

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def close(self):
        try:
            self.stop()
        finally:
            if self.own_folder:
                shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def resource(self):
        return f"https://vault.localhost:{self.port}"

    @property
    def authority(self):
        return f"https://login.localhost:{self.port}"


class DevServer(Server):
    """`holdfast dev` with a movable clock."""

    def __init__(self, folder=None):
        self.env = {}
        super().__init__(folder)

    @property
    def env_file(self):
        return self.folder / "env"

    def arguments(self):
        self.env_file.unlink(missing_ok=True)
        return ["dev", "--data", str(self.data), "--port", "0", "--env-file", str(self.env_file), "--movable-clock"]

    def is_ready(self):
        if not self.env_file.exists():
            return False
        pairs = (line.split("=", 1) for line in self.env_file.read_text().splitlines())
        self.env = {name: value for name, value in pairs}
        self.port = int(self.env["AZURE_KEYVAULT_URL"].rsplit(":", 1)[1])
        return True

    @property
    def ca(self):
        return self.env["SSL_CERT_FILE"]

    @property
    def tenant(self):
        return self.env["HOLDFAST_TENANT_ID"]


class ServeServer(Server):
    """`holdfast init` and `holdfast serve` with a configuration file; settings are its lines."""

    def __init__(self, certificates, settings=(), folder=None):
        self.certificates = certificates
        self.settings = list(settings)
        self.tenant = None
        super().__init__(folder)

    def prepare(self):
        self.data.mkdir(mode=0o700)
        paths = self.certificates.write(self.folder)
        lines = [
            f"data = {self.data}",
            "listen = 127.0.0.1:0",
            f"tls.certificate = {paths['server.pem']}",
            f"tls.key = {paths['server.key']}",
            f"seal.key_file = {self.folder / 'seal.key'}",
            *self.settings,
        ]
        self.config.write_text("\n".join(lines) + "\n", encoding="utf-8")
        done = run_program("init", "--config", self.config, *self.init_options())
        if done.returncode != 0:
            raise RuntimeError(f"init: {done.stderr}")

    def init_options(self):
        """What init is told besides the configuration."""
        return []

    @property
    def config(self):
        return self.folder / "holdfast.conf"

    @property
    def ca(self):
        return str(self.folder / "ca.pem")

    def arguments(self):
        return ["serve", "--config", str(self.config)]

    def is_ready(self):
        try:
            status = self.admin.call("GET", "/status")
        except (OSError, http.client.HTTPException):
            return False
        self.port = int(status["loginUrl"].rsplit(":", 1)[1])
        self.tenant = status["tenantId"]
        return True

    def wait_until_sealed(self, sealed):
        """Until it is sealed, or open again. Between the two it does not answer at all."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                if sealed and self.admin.call("GET", "/operator/status")["sealed"]:
                    return
                if not sealed and self.admin.call("GET", "/status"):
                    return
            except (OSError, http.client.HTTPException, AdminError):
                pass
            if time.monotonic() > deadline:
                raise RuntimeError(f"the server is not {'sealed' if sealed else 'open'}")
            time.sleep(POLL_SECONDS)


def claims_of(token):
    """The payload of a token, unverified."""
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
