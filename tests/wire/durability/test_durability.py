# SPDX-License-Identifier: Apache-2.0
"""What was acknowledged is there: after an orderly stop, after kill -9 in the middle, several times on the same data."""

import http.client
import subprocess
import threading

from hfsupport.cases import Case
from hfsupport.client import vault_client
from hfsupport.server import DevServer, program, run_program

CLIENTS = 6
KILLS = 5
ACKNOWLEDGED_BEFORE_KILL = 120


class Writer(threading.Thread):
    """Sets secrets one by one; remembers those that were acknowledged."""

    def __init__(self, server, number, round_number, progress, token):
        super().__init__(daemon=True)
        self.client = vault_client(server, token=token)
        self.prefix = f"r{round_number}-c{number}"
        self.progress = progress
        self.acknowledged, self.attempted, self.refused = {}, {}, []

    def run(self):
        number = 0
        try:
            while True:
                name, value = f"{self.prefix}-{number % 20}", f"{self.prefix} value {number}"
                self.attempted[name] = value
                answer = self.client.exchange(
                    "PUT",
                    f"/secrets/{name}?api-version=7.4",
                    ('{"value":"%s"}' % value).encode(),
                    {"authorization": f"Bearer {self.client.token}", "content-type": "application/json"},
                )
                if answer.status != 200:
                    self.refused.append(answer.status)
                    return
                self.acknowledged[name] = value
                number += 1
                self.progress.release()
        except (OSError, http.client.HTTPException):
            return


class DurabilityTest(Case):
    def setUp(self):
        self.server = DevServer()
        self.addCleanup(self.server.close)
        self.expected = {}

    def write_until(self, stop, round_number):
        """Writers at work while stop() is called; expected is what must be there: acknowledged, or attempted at last."""
        progress = threading.Semaphore(0)
        token = vault_client(self.server).token
        writers = [Writer(self.server, number, round_number, progress, token) for number in range(CLIENTS)]
        for writer in writers:
            writer.start()
        for _ in range(ACKNOWLEDGED_BEFORE_KILL):
            self.assertTrue(progress.acquire(timeout=30), "the writers do not get on")
        stop()
        for writer in writers:
            writer.join(30)
            self.assertFalse(writer.is_alive())
            for name, value in writer.acknowledged.items():
                self.expected[name] = {value}
            for name, value in writer.attempted.items():
                self.expected.setdefault(name, {None}).add(value)
        return writers

    def check(self):
        client = vault_client(self.server)
        for name, values in self.expected.items():
            answer = client.get(f"/secrets/{name}")
            if answer.status == 404 and None in values:
                continue
            self.assertEqual(answer.status, 200, (name, answer))
            self.assertIn(answer.json["value"], values)
            self.expected[name] = {answer.json["value"]}
        client.close()

    def verify_audit(self):
        done = run_program("audit", "verify", "--data", self.server.data)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_kill_between_acknowledged_writes(self):
        for round_number in range(KILLS):
            self.write_until(self.server.kill, round_number)
            self.verify_audit()
            self.server.start()
            self.check()
        self.server.stop()
        self.verify_audit()

    def test_orderly_stop_loses_no_request(self):
        writers = self.write_until(lambda: self.assertEqual(self.server.stop(), 0), 0)
        for writer in writers:
            self.assertEqual(writer.refused, [])
        self.verify_audit()
        self.server.start()
        self.check()

    def test_everything_survives_a_restart(self):
        client = vault_client(self.server)
        bundles = [
            client.put("/secrets/versions", {"value": str(number), "tags": {"n": str(number)}}).json
            for number in range(3)
        ]
        client.put("/secrets/deleted", {"value": "v"})
        deleted = client.delete("/secrets/deleted").json
        blob = (
            client.put("/secrets/backed-up", {"value": "b"}) and client.post("/secrets/backed-up/backup").json["value"]
        )
        self.server.admin.vault("second", retentionDays=7, purgeProtection=True)
        vaults = self.server.admin.call("GET", "/vaults")
        env = dict(self.server.env)
        old_port = self.server.port
        self.server.stop()
        self.server.start()
        for name in (
            "IDENTITY_HEADER",
            "HOLDFAST_TENANT_ID",
            "HOLDFAST_CLIENT_ID",
            "HOLDFAST_CLIENT_SECRET",
            "SSL_CERT_FILE",
        ):
            self.assertEqual(self.server.env[name], env[name])

        def moved(value):
            return {
                **value,
                "id": value["id"].replace(f":{old_port}/", f":{self.server.port}/"),
                **(
                    {"recoveryId": value["recoveryId"].replace(f":{old_port}/", f":{self.server.port}/")}
                    if "recoveryId" in value
                    else {}
                ),
            }

        client = vault_client(self.server)
        for bundle in bundles:
            self.assertEqual(client.get(f"/secrets/versions/{bundle['id'].rsplit('/', 1)[1]}").json, moved(bundle))
        self.assertEqual(client.get("/deletedsecrets/deleted").json, moved(deleted))
        client.delete("/secrets/backed-up")
        client.delete("/deletedsecrets/backed-up")
        self.assertEqual(client.post("/secrets/restore", {"value": blob}).status, 200)
        self.assertEqual(client.get("/secrets/backed-up").json["value"], "b")
        for before, after in zip(vaults["value"], self.server.admin.call("GET", "/vaults")["value"]):
            self.assertEqual(after, {**before, "url": after["url"]})

    def test_second_server_is_refused(self):
        arguments = [
            program(),
            "dev",
            "--data",
            str(self.server.data),
            "--port",
            "0",
            "--env-file",
            str(self.server.folder / "second"),
        ]
        done = subprocess.run(
            arguments, capture_output=True, text=True, timeout=30, check=False, stdin=subprocess.DEVNULL
        )
        self.assertNotEqual(done.returncode, 0)
        self.assertTrue(done.stderr.strip())
        self.assertFalse((self.server.folder / "second").exists())
        self.assertEqual(vault_client(self.server).get("/secrets").status, 200)
        self.assertEqual(
            self.server.admin.call("GET", "/status")["status"], "ok", "the socket is still the first server's"
        )
