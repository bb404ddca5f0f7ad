# SPDX-License-Identifier: Apache-2.0
"""`process.user`: the server that root starts becomes that user, in all its threads, and works; what it cannot have is refused at
the start, in words."""

import os
import pwd
import shutil
import signal
import socket
import tempfile
import time
import unittest
from pathlib import Path

from hfsupport import tokens
from hfsupport.cases import Case
from hfsupport.client import Client
from hfsupport.server import ServeServer, run_program

USER = "nobody"
HOST = "dev.vault.localhost"
NONE = "0" * 16
NET_BIND = "0000000000000400"
WAIT_SECONDS = 20


def give(folder, user=USER):
    """The folder and all below it become the user's."""
    entry = pwd.getpwnam(user)
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, entry.pw_uid, entry.pw_gid, follow_symlinks=False)


def low_port():
    """A port below 1024 that nobody has."""
    for port in range(1023, 600, -1):
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue
    raise unittest.SkipTest("no port below 1024 is free")


class GivenServer(ServeServer):
    """Set up by root, then given to the user."""

    def prepare(self):
        super().prepare()
        give(self.folder)
        with open(self.config, "a", encoding="utf-8") as config:
            config.write(f"process.user = {USER}\n")


def status_of(task):
    """Name → words, of /proc/…/status."""
    lines = (task / "status").read_text().splitlines()
    return {name: value.split() for name, value in (line.split(":", 1) for line in lines)}


@unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
class UserTest(Case):
    def start(self, kind=GivenServer, settings=()):
        server = kind(tokens.Certificates(), settings)
        self.addCleanup(server.close)
        return server

    def check_tasks(self, server, capabilities):
        entry = pwd.getpwnam(USER)
        filtered = "0" if "sandbox-without-calls" in server.log.read_text() else "2"
        tasks = list(Path(f"/proc/{server.process.pid}/task").iterdir())
        self.assertGreater(len(tasks), 2)
        for task in tasks:
            try:
                status = status_of(task)
            except (FileNotFoundError, ProcessLookupError):
                continue  # a thread that has ended
            self.assertEqual(status["Uid"], [str(entry.pw_uid)] * 4)
            self.assertEqual(status["Gid"], [str(entry.pw_gid)] * 4)
            self.assertNotIn("0", status["Groups"])
            self.assertEqual(status["CapInh"] + status["CapBnd"] + status["CapAmb"], [NONE] * 3)
            self.assertEqual(status["CapPrm"] + status["CapEff"], [capabilities] * 2)
            self.assertEqual(status["NoNewPrivs"], ["1"])
            self.assertEqual(status["Seccomp"], [filtered])

    def test_every_thread_is_the_user_without_capabilities(self):
        server = self.start()
        self.check_tasks(server, NONE)
        self.assertEqual(Client(server, HOST).send("GET", "/health").status, 200)

    def test_low_port_keeps_its_capability_alone(self):
        class LowServer(GivenServer):
            def prepare(self):
                super().prepare()
                self.config.write_text(self.config.read_text().replace("127.0.0.1:0", f"127.0.0.1:{low_port()}"))

        server = self.start(LowServer)
        self.assertLess(server.port, 1024)
        self.check_tasks(server, NET_BIND)
        self.assertEqual(Client(server, HOST).send("GET", "/health").status, 200)

        # the listeners are bound anew at each change between sealed and open
        for path, sealed in (("/operator/seal", True), ("/operator/unseal", False)):
            server.admin.call("POST", path, None if sealed else {})
            server.wait_until_sealed(sealed)
            self.check_tasks(server, NET_BIND)
        self.assertEqual(Client(server, HOST).send("GET", "/health").status, 200)

    def test_what_it_makes_belongs_to_the_user(self):
        server = self.start()
        server.admin.vault("payroll")
        done = run_program("backup", "create", "--socket", server.data / "admin.sock")
        self.assertEqual(done.returncode, 0, done.stderr)
        uid = pwd.getpwnam(USER).pw_uid
        self.assertEqual({str(path) for path in server.data.rglob("*") if path.lstat().st_uid != uid}, set())
        server.stop()
        server.start()
        self.assertEqual([vault["name"] for vault in server.admin.call("GET", "/vaults")["value"]], ["payroll"])

    def test_certificate_is_read_again_as_the_user(self):
        server = self.start()
        for mode, event in ((0o600, "certificate-reloaded"), (0o000, "certificate-not-reloaded")):
            (server.folder / "server.key").chmod(mode)
            server.process.send_signal(signal.SIGHUP)
            deadline = time.monotonic() + WAIT_SECONDS
            while event not in server.log.read_text():
                self.assertLess(time.monotonic(), deadline, server.log.read_text())
                time.sleep(0.02)

    def test_doctor_finds_no_right_to_spare(self):
        server = self.start()
        done = run_program("doctor", "--config", server.config)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertRegex(done.stdout, rf"(?m)^ok +user +the server is {USER}$")

    def test_root_without_a_user_is_warned(self):
        server = self.start(ServeServer)
        self.assertIn("running-as-root", server.log.read_text())


@unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
class RefusedTest(Case):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="holdfast-privileges-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.folder.chmod(0o755)
        self.data = self.folder / "data"
        self.data.mkdir(mode=0o700)
        paths = tokens.Certificates().write(self.folder)
        self.config = self.folder / "holdfast.conf"
        self.config.write_text(
            f"data = {self.data}\nlisten = 127.0.0.1:0\ntls.certificate = {paths['server.pem']}\n"
            f"tls.key = {paths['server.key']}\nseal.key_file = {self.folder / 'seal.key'}\nprocess.user = {USER}\n",
            encoding="utf-8",
        )

    def refuse(self, command, text):
        done = run_program(command, "--config", self.config)
        self.assertEqual(done.returncode, 1)
        self.assertIn(text, done.stderr)

    def test_folder_of_root(self):
        self.refuse("serve", f"belongs to user 0, not to {USER}; run: chown -R {USER}: {self.data}")
        self.assertEqual(list(self.data.iterdir()), [])

    def test_unknown_user(self):
        self.config.write_text(self.config.read_text().replace(USER, "no-such-user"))
        self.refuse("serve", "process.user: there is no user 'no-such-user'")

    def test_key_that_only_root_can_read(self):
        done = run_program("init", "--config", self.config)
        self.assertEqual(done.returncode, 0, done.stderr)
        give(self.folder)
        os.chown(self.folder / "server.key", 0, 0)
        self.refuse("serve", "server.key")
