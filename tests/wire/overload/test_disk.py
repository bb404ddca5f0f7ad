# SPDX-License-Identifier: Apache-2.0
"""The audit log's disk is full or fails, or somebody changes the log: noticed, said, refused, and over by itself."""

import os
import shutil
import subprocess
import time
import unittest
from pathlib import Path

from hfsupport import inject
from hfsupport.client import Client
from hfsupport.server import POLL_SECONDS, START_SECONDS, ServeServer, program, run_program

from shared import HOST, OverloadCase, make_server, officer

LONG_AGENT = {"user-agent": "x" * 4000}
DISK_BYTES = 3 * 1024 * 1024
RESERVE_BYTES = 1024 * 1024
NEXT_FILES = 400


class SmallDiskServer(ServeServer):
    """The audit folder is a file system of its own, in a mount namespace that ends with the server."""

    def start(self):
        self.disk.mkdir(exist_ok=True)
        script = f'mount -t tmpfs -o size={DISK_BYTES},mode=0700 none "$1" && shift && exec "$@"'
        command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", str(self.disk)]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*command, program(), *self.arguments()], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not start: {self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(POLL_SECONDS)

    @property
    def disk(self):
        return self.folder / "disk"

    @property
    def disk_inside(self):
        return Path(f"/proc/{self.process.pid}/root{self.disk}")

    def prepare(self):
        self.settings += [f"audit.folder = {self.disk}", f"audit.reserve = {RESERVE_BYTES // 1024}K"]
        super().prepare()


def can_mount():
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return False
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "mount", "-t", "tmpfs", "none", "/mnt"],
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


class FullDiskTest(OverloadCase):
    def setUp(self):
        if not can_mount():
            self.skipTest("needs root, and a kernel that lets it mount")
        self.server = make_server(kind=SmallDiskServer)
        self.addCleanup(self.server.close)
        self.vault = officer(self.server).client()
        self.assertEqual(self.vault.put("/secrets/there", {"value": "v"}).status, 200)

    def fill(self):
        filler = self.server.disk_inside / "filler"
        with open(filler, "ab", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                pass
        return filler

    def test_reads_go_on_until_the_reserve_is_used_up(self):
        filler = self.fill()
        answers = []
        while len(answers) < 3000:
            answers.append(self.vault.get("/secrets/there", headers=LONG_AGENT))
            if answers[-1].status != 200:
                break
            if self.health().json["status"] == "degraded":
                self.check_on_reserve()
        self.assert_refused(answers[-1], "disk is full")
        # Each read leaves 4 KiB: the reserve has held most of what it can.
        self.assertGreater(len(answers), RESERVE_BYTES // 4096 // 2)
        self.until(lambda: self.health().status == 503, "health says it")
        self.assertIn("disk is full", self.health().json["reason"])
        self.assertIn("disk is full", self.server.admin.call("GET", "/status")["status"])
        self.assert_refused(self.vault.put("/secrets/new", {"value": "v"}))

        filler.unlink()
        self.until(lambda: self.health().json == {"status": "ok"}, "the server comes back by itself")
        self.assertEqual(self.vault.get("/secrets/new").status, 404)
        self.assertEqual(self.vault.put("/secrets/new", {"value": "v"}).status, 200)
        reserve = (self.server.disk_inside / "audit.reserve").stat()
        self.assertGreaterEqual(reserve.st_blocks * 512, RESERVE_BYTES)
        done = run_program("audit", "verify", "--folder", self.server.disk_inside)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def check_on_reserve(self):
        """Changes are refused while reads are answered."""
        answer = self.vault.put("/secrets/new", {"value": "v"})
        if answer.status == 503:
            self.assertIn("disk is full", answer.message)
        else:
            self.fail(f"a change was made on the reserve: {answer}")


class FailingDiskServer(ServeServer):
    """The store's file lies on a disk that fails when told so; the audit log does not."""

    def prepare(self):
        super().prepare()
        self.page = inject.Control(self.folder / "control")
        self.page.classes = inject.CLASSES["sync"]
        self.environment = inject.environment(self.data / "data.mdb", self.folder / "control")


class FailingDiskTest(OverloadCase):
    def setUp(self):
        if not inject.library().exists():
            self.skipTest("this build has no fault injector")
        self.server = make_server(kind=FailingDiskServer)
        self.addCleanup(self.server.close)
        self.vault = officer(self.server).client()
        self.assertEqual(self.vault.put("/secrets/there", {"value": "v"}).status, 200)

    def test_changes_are_refused_until_the_disk_is_back(self):
        self.server.page.inject("eio", at=1, span=0)
        self.assert_refused(self.vault.put("/secrets/unknown", {"value": "v"}), "is not known")
        self.assert_refused(self.vault.put("/secrets/new", {"value": "v"}), "its disk fails. Nothing was changed")
        self.assertEqual(self.vault.get("/secrets/there").json["value"], "v")
        health = self.health()
        self.assertEqual((health.status, health.json["status"]), (200, "degraded"))
        self.assertIn("its disk fails", health.json["reason"])
        self.assertIn("its disk fails", self.server.admin.call("GET", "/status")["status"])
        self.until(lambda: "store-failed" in self.server.log.read_text(errors="replace"), "it is logged")

        self.server.page.heal()
        self.until(lambda: self.health().json == {"status": "ok"}, "the server comes back by itself")
        self.assertEqual(self.vault.get("/secrets/unknown").status, 404)
        self.assertEqual(self.vault.put("/secrets/new", {"value": "v"}).status, 200)
        self.assertEqual(self.server.admin.call("GET", "/status")["status"], "ok")
        self.until(lambda: "store-writable" in self.server.log.read_text(errors="replace"), "that too")
        self.server.stop()
        self.server.start()
        vault = officer(self.server, "later").client()
        self.assertEqual(vault.get("/secrets/new").json["value"], "v")
        self.assertEqual(vault.get("/secrets/unknown").status, 404)


class UnwritableTest(OverloadCase):
    """Without root: the next file of the log cannot be made, because folders are in its place."""

    def setUp(self):
        self.server = make_server(["audit.segment_size = 64K", "audit.reserve = 0"])
        self.addCleanup(self.server.close)
        self.vault = officer(self.server).client()
        self.assertEqual(self.vault.put("/secrets/there", {"value": "v"}).status, 200)

    def test_nothing_is_done_that_cannot_be_recorded(self):
        head = self.server.admin.call("GET", "/audit/head")["seq"]
        obstacles = [self.audit_folder() / f"audit-{number:020}.jsonl" for number in range(head + 1, head + NEXT_FILES)]
        for obstacle in obstacles:
            obstacle.mkdir()
        status = 200
        while status == 200:
            status = self.vault.get("/secrets/there", headers=LONG_AGENT).status
        self.assertEqual(status, 503)
        self.assert_refused(self.vault.get("/secrets/there"), "audit log cannot be written")
        self.assert_refused(self.vault.put("/secrets/new", {"value": "v"}), "audit log cannot be written")
        health = self.health()
        self.assertEqual((health.status, health.json["status"]), (503, "unavailable"))
        self.assertIn("audit log cannot be written", health.json["reason"])
        status = self.server.admin.call("GET", "/status")
        self.assertIn("cannot be written", status["status"])
        self.assertGreaterEqual(status["refusedAudit"], 2)

        for obstacle in obstacles:
            obstacle.rmdir()
        self.until(lambda: self.health().status == 200, "the server comes back by itself")
        self.assertEqual(self.vault.get("/secrets/new").status, 404)
        self.assertEqual(self.vault.put("/secrets/new", {"value": "v"}).status, 200)
        self.server.stop()
        self.assertGreaterEqual(self.sums(self.records()).get(503, 0), 2)
        done = run_program("audit", "verify", "--data", self.server.data)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class ChangedLogTest(OverloadCase):
    def setUp(self):
        self.server = make_server()
        self.addCleanup(self.server.close)
        self.vault = officer(self.server).client()
        self.assertEqual(self.vault.put("/secrets/there", {"value": "v"}).status, 200)
        self.file = self.audit_folder() / "audit-00000000000000000001.jsonl"

    def log_has(self, text):
        return text in self.server.log.read_text(errors="replace")

    def test_deleted_file_is_noticed_and_written_anew(self):
        before = self.file.read_bytes()
        self.file.unlink()
        self.until(self.file.exists, "the file is back")
        self.until(lambda: self.log_has("audit-log-changed"), "it is logged")
        self.assertTrue(self.file.read_bytes().startswith(before))
        self.until(lambda: self.health().status == 200, "the server serves")
        self.assertEqual(self.vault.get("/secrets/there").status, 200)
        self.until(lambda: any(r["operationName"] == "AuditLogChanged" for r in self.records()), "it is recorded")
        done = run_program("audit", "verify", "--data", self.server.data)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_cut_off_file_closes_the_server_and_is_provable(self):
        with open(self.file, "r+b") as file:
            file.truncate(self.file.stat().st_size - 10)
        self.until(lambda: self.health().status == 503, "it is noticed")
        self.assertIn("changed by somebody else", self.health().json["reason"])
        self.assertTrue(self.log_has("audit-log-changed"))
        self.assert_refused(self.vault.get("/secrets/there"), "changed by somebody else")
        done = run_program("audit", "verify", "--data", self.server.data)
        self.assertEqual(done.returncode, 7, done.stdout + done.stderr)

    def test_replaced_file_closes_the_server_until_it_is_back(self):
        away = self.file.with_suffix(".away")
        copy = self.file.with_suffix(".copy")
        copy.write_bytes(self.file.read_bytes())
        os.link(self.file, away)
        copy.replace(self.file)  # at no moment is there no file of that name
        self.until(lambda: self.health().status == 503, "it is noticed")
        self.assert_refused(Client(self.server, HOST).get("/secrets/there"))
        away.replace(self.file)
        self.until(lambda: self.health().status == 200, "the server comes back by itself")
        self.assertTrue(self.log_has("audit-log-put-back"))
        self.assertEqual(self.vault.get("/secrets/there").status, 200)
        done = run_program("audit", "verify", "--data", self.server.data)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
