# SPDX-License-Identifier: Apache-2.0
"""The wall clock is stepped by an hour, forth and back, under load: dates and tokens follow it, and nothing else does."""

import http.client
import shutil
import socket
import ssl
import tempfile
import threading
import time
from datetime import datetime, timezone
from pathlib import Path

from hfsupport import inject
from hfsupport.cases import Case
from hfsupport.client import identity_token, vault_client
from hfsupport.server import DevServer, claims_of, run_program

HOUR = 3600
STEPS = (HOUR, -HOUR, 0, HOUR, 0)  # ahead of the true time, one after the other
CLIENTS = 4
ROUNDS_EACH = 15  # of each client, after each step
WAIT_SECONDS = 60
TRIES = 100
SLACK = 30  # seconds that a slow machine may need between a step and the look at it


class SteppedServer(DevServer):
    """Its wall clock is the true one and what the injector's page says."""

    def __init__(self, folder):
        self.lock = threading.Lock()
        self.page = inject.Control(folder / "control")
        self.environment = inject.environment(folder, folder / "control", folder / "trace")
        super().__init__(folder)

    def step(self, seconds):
        self.page.clock_step = seconds * 1_000_000_000
        with self.lock:
            self.identity_tokens.clear()

    def new_token(self):
        with self.lock:
            self.identity_tokens.clear()
            return identity_token(self)

    def now(self):
        return time.time() + self.page.clock_step / 1e9


class Worker(threading.Thread):
    """Sets and reads a secret of its own; a new token whenever the old one is refused."""

    def __init__(self, server, number):
        super().__init__(daemon=True)
        self.vault = vault_client(server)
        self.server = server
        self.name = f"worker-{number}"
        self.count = 0
        self.refused = 0
        self.wrong = None
        self.stop = threading.Event()

    def send(self, method, body=None):
        for _ in range(TRIES):
            answer = self.vault.call(method, f"/secrets/{self.name}", body)
            if answer.status == 401:  # the clock may be stepped once more between a token and its use
                self.refused += 1
                self.vault.token = self.server.new_token()
            elif answer.status == 503 and "overloaded" in answer.message:
                time.sleep(0.05)
            else:
                break
        return answer

    def run(self):
        try:
            while not self.stop.is_set() and self.wrong is None:
                value = str(self.count)
                answer = self.send("PUT", {"value": value})
                if answer.status == 200:
                    answer = self.send("GET")
                if answer.status != 200 or answer.json["value"] != value:
                    self.wrong = answer
                self.count += 1
        except (OSError, http.client.HTTPException, RuntimeError, KeyError) as error:
            self.wrong = error


class ClockCase(Case):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="holdfast-clock-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.server = SteppedServer(self.folder)
        self.addCleanup(self.server.close)

    def vault(self):
        return vault_client(self.server)

    def assert_now(self, seconds):
        self.assertLess(abs(seconds - self.server.now()), SLACK)

    def verify_audit(self):
        done = run_program("audit", "verify", "--data", self.server.data)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class LoadTest(ClockCase):
    def test_steps_under_load(self):
        workers = [Worker(self.server, number) for number in range(CLIENTS)]
        for worker in workers:
            worker.start()
        for step in STEPS:
            self.server.step(step)
            before = [worker.count for worker in workers]
            deadline = time.monotonic() + WAIT_SECONDS
            while any(worker.count < count + ROUNDS_EACH for worker, count in zip(workers, before)):
                self.assertLess(time.monotonic(), deadline, f"no progress at {step}")
                for worker in workers:
                    self.assertIsNone(worker.wrong, f"at {step}: {worker.wrong}")
                time.sleep(0.01)
        for worker in workers:
            worker.stop.set()
        for worker in workers:
            worker.join(WAIT_SECONDS)
            self.assertIsNone(worker.wrong)
        self.assertGreater(sum(worker.refused for worker in workers), 0, "no token was out of its time: nothing was stepped")
        self.assertEqual(self.server.stop(), 0)
        self.verify_audit()


class DatesTest(ClockCase):
    def test_objects_have_the_date_of_their_change_and_the_order_of_changes(self):
        for number, step in enumerate(STEPS):
            self.server.step(step)
            answer = self.vault().put("/secrets/a", {"value": str(number)})
            self.assertEqual(answer.status, 200)
            for date in ("created", "updated"):
                self.assert_now(answer.json["attributes"][date])
            self.assertEqual(self.vault().get("/secrets/a").json["value"], str(number), "the newest is the last one set")
        self.server.step(-HOUR)
        answer = self.vault().patch("/secrets/a", {"contentType": "text"})
        self.assertEqual(answer.status, 200)
        self.assert_now(answer.json["attributes"]["updated"])
        self.assertGreater(answer.json["attributes"]["created"], answer.json["attributes"]["updated"])
        answer = self.vault().delete("/secrets/a")
        self.assert_now(answer.json["deletedDate"])
        self.server.step(HOUR)
        self.assertEqual(self.vault().get("/deletedsecrets/a").status, 200, "two hours are not the days of retention")
        self.assertEqual(self.vault().post("/deletedsecrets/a/recover").status, 200)
        self.server.kill()
        self.server.start()
        self.assertEqual(self.vault().get("/secrets/a").json["value"], str(len(STEPS) - 1))
        self.verify_audit()

    def test_tokens_are_good_in_their_time_only(self):
        token = identity_token(self.server)
        left = int(claims_of(token)["exp"] - self.server.now())
        cases = [(0, 200), (-HOUR, 401), (0, 200), (left + HOUR, 401), (left - HOUR // 2, 200), (-HOUR, 401), (0, 200)]
        for step, status in cases:
            self.server.step(step)
            answer = vault_client(self.server, token=token).put("/secrets/a", {"value": "x"})
            self.assertEqual(answer.status, status, f"at {step}: {answer}")

    def test_moments_of_a_backup_are_a_prefix_of_the_changes(self):
        def create(*options):
            done = run_program("backup", "create", *options, "--socket", self.server.data / "admin.sock")
            self.assertEqual(done.returncode, 0, done.stderr)
            return done.stdout.strip()

        files = [create()]
        for name, step in (("a", 0), ("b", HOUR), ("c", 0), ("d", -HOUR), ("e", HOUR)):
            self.server.step(step)
            self.assertEqual(self.vault().put(f"/secrets/{name}", {"value": name}).status, 200)
            if name in "bd":
                files.append(create("--incremental"))
        files.append(create("--incremental"))
        self.server.step(0)
        moment = datetime.fromtimestamp(time.time() + HOUR // 2, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        for number, (options, names) in enumerate(((["--to", moment], "a"), ([], "abcde"))):
            folder = self.folder / str(number)
            folder.mkdir()
            config = folder / "holdfast.conf"
            tls = self.server.data / "tls"
            config.write_text(
                f"data = {folder / 'data'}\nlisten = 127.0.0.1:0\ntls.certificate = {tls / 'server.pem'}\n"
                f"tls.key = {tls / 'server.key'}\nseal.key_file = {self.server.data / 'seal.key'}\n", encoding="utf-8")
            done = run_program("backup", "restore", "--config", config, *files, *options)
            self.assertEqual(done.returncode, 0, done.stderr)
            shutil.copy(self.server.data / "seal.key", folder / "data" / "seal.key")
            with DevServer(folder) as restored:
                vault = vault_client(restored)
                there = [name for name in "abcde" if vault.get(f"/secrets/{name}").status == 200]
                vault.close()
            self.assertEqual("".join(there), names)


class MonotonicTest(ClockCase):
    def open_half(self):
        """A connection on which half of a request was sent."""
        raw = socket.create_connection(("127.0.0.1", self.server.port), WAIT_SECONDS)
        secured = ssl.create_default_context(cafile=self.server.ca).wrap_socket(raw, server_hostname="login.localhost")
        secured.sendall(b"GET /health HTTP/1.1\r\nHost: login.local")
        return secured

    def test_time_outs_do_not_follow_the_wall_clock(self):
        idle = self.vault()
        self.assertEqual(idle.put("/secrets/a", {"value": "x"}).status, 200)
        connection = idle.connection.sock
        for step in (HOUR, -HOUR, 0):
            half = self.open_half()
            self.server.step(step)
            self.assertEqual(self.vault().put("/secrets/b", {"value": "x"}).status, 200)
            half.sendall(b"host\r\nConnection: close\r\n\r\n")
            self.assertTrue(half.recv(100).startswith(b"HTTP/1.1 200 "), f"at {step}")
            half.close()
        idle.token = identity_token(self.server)
        self.assertEqual(idle.get("/secrets/a").status, 200)
        self.assertIs(idle.connection.sock, connection, "the idle connection was closed")

    def test_maintenance_goes_on(self):
        """The audit log reaches the disk about once a second, whatever the clock says."""
        for step in (-HOUR, HOUR, 0):
            self.server.step(step)
            vault = self.vault()
            before = self.count_audit_syncs()
            deadline = time.monotonic() + WAIT_SECONDS
            while self.count_audit_syncs() < before + 2:
                self.assertLess(time.monotonic(), deadline, f"the audit log is not synced at {step}")
                vault.get("/secrets/none")
                time.sleep(0.05)
            vault.close()

    def count_audit_syncs(self):
        lines = (self.folder / "trace").read_text(encoding="utf-8").splitlines()
        return sum(1 for line in lines if " fdatasync " in line and "/audit/audit-" in line)
