# SPDX-License-Identifier: Apache-2.0
"""A server that is sealed: what it refuses, what opens it, and that nothing else is open while it is sealed."""

import fcntl
import http.client
import json
import os
import signal
import tempfile
import time
from pathlib import Path

from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError
from azure.keyvault.secrets import SecretClient

from hfsupport import tokens
from hfsupport.cases import Case, table
from hfsupport.client import vault_client
from hfsupport.server import DevServer, UnixConnection, run_program
from sealed_server import (
    CHEAP,
    HOST,
    PASSPHRASE,
    SealedServer,
    forge,
    local,
    mistype,
    outside,
    server_of_kind,
    type_into,
)

STORE_FILE = "data.mdb"
SEALED = "The server is sealed; its operator must unseal it."


class FixedToken:
    """A credential that never asks."""

    def get_token(self, *_scopes, **_options):
        return AccessToken("token", 4102444800)


class ShutTest(Case):
    """What a sealed server answers; one server for all."""

    @classmethod
    def setUpClass(cls):
        cls.server = SealedServer("shamir")
        cls.addClassCleanup(cls.server.close)

    def tearDown(self):
        self.assertTrue(self.server.status()["sealed"])

    @table(
        ("get", "GET", "/secrets/x?api-version=7.4", None),
        ("put", "PUT", "/secrets/x?api-version=7.4", {"value": "x"}),
        ("delete", "DELETE", "/secrets/x?api-version=7.4", None),
        ("unknown", "GET", "/", None),
        ("status", "GET", "/operator/status", None),
        ("unseal", "POST", "/operator/unseal", {"reset": True}),
        ("health_by_post", "POST", "/health", {}),
        ("large", "PUT", "/secrets/x?api-version=7.4", {"value": "x" * 2_000_000}),
    )
    def test_everything_over_tls_is_refused(self, method, path, body):
        answer = outside(self.server).send(method, path, body, {"authorization": "Bearer x"})
        self.assertEqual((answer.status, answer.code, answer.message), (503, "ServiceUnavailable", SEALED))
        self.assertGreaterEqual(int(answer.headers["retry-after"]), 1)
        self.assertIn("application/json", answer.headers["content-type"])

    def test_login_is_refused_in_its_own_form(self):
        answer = outside(self.server, "login.localhost").send("POST", "/x/oauth2/v2.0/token", b"grant_type=x")
        self.assertEqual((answer.status, answer.json["error"]), (503, "temporarily_unavailable"))
        self.assertIn(SEALED, answer.json["error_description"])

    def test_health(self):
        answer = outside(self.server).send("GET", "/health")
        self.assertEqual((answer.status, answer.json), (503, {"status": "sealed"}))
        status, headers, text = local(self.server, "GET", "/health")
        self.assertEqual((status, json.loads(text)), (503, {"status": "sealed"}))
        self.assertGreaterEqual(int(headers["retry-after"]), 1)

    @table(
        ("status", "GET", "/status"),
        ("vaults", "GET", "/vaults"),
        ("seal", "POST", "/operator/seal"),
        ("wrong_method", "GET", "/operator/unseal"),
        ("backup", "POST", "/backups"),
        ("unknown", "GET", "/x"),
    )
    def test_the_local_socket_refuses_the_rest(self, method, path):
        status, headers, text = local(self.server, method, path)
        self.assertEqual((status, json.loads(text)["error"]["code"]), (503, "Sealed"))
        self.assertGreaterEqual(int(headers["retry-after"]), 1)

    @table(
        ("no_json", "{", 400),
        ("list", "[]", 400),
        ("number", '{"share":1}', 400),
        ("text_for_a_flag", '{"reset":"yes"}', 400),
        ("two", '{"share":"x","reset":true}', 400),
        ("no_share", '{"share":""}', 400),
        ("nothing", "", 409),
        ("empty", "{}", 409),
        ("passphrase", '{"passphrase":"x"}', 409),
        ("large", '{"share":"' + "x" * 20000 + '"}', 413),
    )
    def test_wrong_orders(self, body, expected):
        status, _headers, text = local(self.server, "POST", "/operator/unseal", body)
        self.assertEqual(status, expected, text)
        self.assertEqual(self.server.status()["sharesGiven"], 0)

    def test_status(self):
        status = self.server.status()
        share_set = self.server.shares[0].split("-")[1]
        expected = {
            "sealed": True,
            "kind": "shamir",
            "generation": 1,
            "rotating": False,
            "shares": 5,
            "threshold": 3,
            "sharesGiven": 0,
            "shareSet": share_set,
            "asksPeople": True,
            "reason": "waiting for shares",
        }
        self.assertEqual(status, expected)
        done = self.server.operator("status")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^Sealed +yes$")

    def test_sdk(self):
        client = SecretClient(
            f"https://{HOST}:{self.server.port}", FixedToken(), connection_verify=self.server.ca, retry_total=0
        )
        with client, self.assertRaises(HttpResponseError) as raised:
            client.get_secret("x")
        self.assertEqual(raised.exception.status_code, 503)
        self.assertEqual(raised.exception.error.code, "ServiceUnavailable")
        self.assertIn(SEALED, str(raised.exception))

    def test_other_commands_say_what_to_do(self):
        done = run_program("vault", "list", "--socket", self.server.admin.path)
        self.assertEqual((done.returncode, done.stdout), (5, ""))
        self.assertIn("'holdfast operator unseal' opens it", done.stderr)


def recorded(server, operation):
    done = run_program("audit", "tail", "--data", server.data, "--lines", "1000", "--json")
    return [record for record in json.loads(done.stdout) if record["operationName"] == operation]


class RecordTest(Case):
    """What was asked of a sealed server is in the audit log of the open one, and nothing that was typed."""

    def test_tries_and_shares(self):
        server = server_of_kind(self, "shamir")
        shares = server.shares
        self.assertEqual(recorded(server, "ServerInit")[0]["properties"]["httpStatusCode"], 200)
        for _ in range(3):
            self.assertEqual(server.post("/operator/unseal", {"share": mistype(shares[0])})[0], 400)
        for share in (shares[0], shares[1], forge(shares[2])):
            status, answer = server.unseal(share=share)
        self.assertEqual(status, 403, answer)
        self.assertEqual(recorded(server, "ServerUnseal"), [])
        server.open()
        records = recorded(server, "ServerUnseal")
        found = [(record["properties"]["httpStatusCode"], record["properties"]["id"]) for record in records]
        refused = [text for status, text in found if status == 400]
        self.assertEqual(len(refused), 1, found)
        self.assertTrue(refused[0].startswith("times=3,until="), found)
        self.assertIn((202, "share=1,times=1"), found)
        self.assertIn((403, "times=1"), found)
        self.assertEqual(found[-1][0], 200)
        self.assertRegex(found[-1][1], r"^kind=shamir,failed=\d+,shares=1\+2\+3$")
        self.assertEqual({record["identity"]["claim"]["upn"] for record in records}, {f"local:uid={os.getuid()}"})
        log = "".join(path.read_text(encoding="utf-8") for path in (server.data / "audit").glob("*.jsonl"))
        for share in shares:
            self.assertNotIn(share.split("-")[3], log)
        done = run_program("audit", "verify", "--data", server.data)
        self.assertEqual(done.returncode, 0, done.stdout)

    @table(
        ("nothing", {}),
        ("unknown", {"operation": "SecretGet", "detail": "x", "status": 200}),
        ("text", {"operation": "SealRekey", "detail": 'a b"', "status": 200}),
        ("long", {"operation": "SealRekey", "detail": "x" * 193, "status": 200}),
        ("status", {"operation": "SealRekey", "detail": "x", "status": 199}),
    )
    def test_wrong_acts(self, body):
        server = server_of_kind(self, "key-file")
        self.assertEqual(server.post("/operator/acts", body)[0], 400)
        self.assertEqual(recorded(server, "SealRekey"), [])

    @table(("open", True), ("sealed", False), ("stopped", None))
    def test_rekey(self, is_open):
        """Whoever has the log open writes it: the server, or the command itself."""
        server = server_of_kind(self, "passphrase", CHEAP)
        if is_open is not False:
            server.open()
        if is_open is None:
            server.stop()
        new = server.folder / "new"
        new.touch(0o600)
        new.write_text("another passphrase\n", encoding="utf-8")
        options = ["--old-passphrase-file", server.passphrase_file, "--passphrase-file", new]
        done = run_program("operator", "rekey", "--config", server.folder / "holdfast.conf", *options)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        found = recorded(server, "SealRekey")
        self.assertEqual([record["properties"]["httpStatusCode"] for record in found], [202, 200])
        self.assertEqual(found[0]["identity"]["claim"]["upn"], f"local:uid={os.getuid()}")
        self.assertIn("from=passphrase,to=passphrase,generation=1", found[0]["properties"]["id"])
        done = run_program("audit", "verify", "--data", server.data)
        self.assertEqual(done.returncode, 0, done.stdout)


class PassphraseTest(Case):
    def test_wrong_then_right(self):
        server = server_of_kind(self, "passphrase", CHEAP)
        self.assertEqual(server.status()["reason"], "waiting for the passphrase")
        status, text = server.unseal(passphrase="correct horse battery stapler")
        self.assertEqual(status, 403, text)
        self.assertIn("wrong passphrase", server.status()["reason"])
        status, answer = server.unseal(passphrase=PASSPHRASE)
        self.assertEqual((status, answer["sealed"]), (200, False), answer)
        server.wait_until(sealed=False)
        client = server.fill()
        self.assertEqual(client.get("/secrets/kept").json["value"], "what is kept")
        log = server.log.read_text()
        self.assertRegex(log, r"warn unseal-failed .*wrong passphrase")
        self.assertRegex(log, r"notice unsealed kind=passphrase")
        self.assertNotIn("correct horse", log)

    def test_one_try_at_a_time(self):
        """Two requests are there at once: the second is looked at while the first is computed, or within the pause after it."""
        server = server_of_kind(self, "passphrase", ["seal.argon2_memory = 64M", "seal.argon2_passes = 3"])
        server.process.send_signal(signal.SIGSTOP)
        self.addCleanup(lambda: server.process and server.process.send_signal(signal.SIGCONT))
        connections = [UnixConnection(server.admin.path) for _ in range(2)]
        for connection in connections:
            connection.request("POST", "/operator/unseal", '{"passphrase":"wrong"}')
        server.process.send_signal(signal.SIGCONT)
        statuses = []
        for connection in connections:
            statuses.append(connection.getresponse().status)
            connection.close()
        self.assertIn(403, statuses)
        statuses.remove(403)
        self.assertIn(statuses[0], (409, 429))
        server.open()

    @table(("on_input", "input"), ("in_a_file", "file"), ("typed", "typed"))
    def test_command(self, way):
        server = server_of_kind(self, "passphrase", CHEAP)
        if way == "typed":
            code, shown = type_into(["operator", "unseal", "--socket", server.admin.path], "Passphrase", PASSPHRASE)
            self.assertNotIn("horse", shown)
        elif way == "file":
            done = server.operator("unseal", "--input-file", server.passphrase_file)
            code, shown = done.returncode, done.stdout + done.stderr
        else:
            read_end, write_end = os.pipe()
            os.write(write_end, PASSPHRASE.encode())
            os.close(write_end)
            with os.fdopen(read_end) as given:
                done = run_program("operator", "unseal", "--socket", server.admin.path, stdin=given)
            code, shown = done.returncode, done.stdout + done.stderr
        self.assertEqual(code, 0, shown)
        self.assertIn("The server is unsealed.", shown)
        self.assertFalse(server.status()["sealed"])
        done = server.operator("unseal")
        self.assertEqual((done.returncode, done.stdout), (6, ""))

    def test_first_line_counts(self):
        """As with what makes the seal: the rest of the file is for people."""
        server = server_of_kind(self, "passphrase", CHEAP)
        server.passphrase_file.write_text(f"{PASSPHRASE}\nkept in the safe, too\n", encoding="utf-8")
        done = server.operator("unseal", "--input-file", server.passphrase_file)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_command_with_nothing(self):
        server = server_of_kind(self, "passphrase", CHEAP)
        done = server.operator("unseal")  # an empty input
        self.assertEqual(done.returncode, 1, done.stderr)
        wrong = server.folder / "wrong"
        wrong.write_text("not this one at all\n", encoding="utf-8")
        done = server.operator("unseal", "--input-file", wrong)
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn("wrong passphrase", done.stderr)


class ShareTest(Case):
    def setUp(self):
        self.server = server_of_kind(self, "shamir")
        self.shares = self.server.shares

    def give(self, share, expected, given):
        """Its answer must have that status, and the server that many shares afterwards."""
        status, answer = self.server.unseal(share=share)
        self.assertEqual(status, expected, answer)
        self.assertEqual(self.server.status()["sharesGiven"], given)
        return answer

    def test_refused_shares_and_reset(self):
        other = server_of_kind(self, "shamir").shares
        self.give(self.shares[4], 200, 1)
        for wrong in (mistype(self.shares[1]), other[1], self.shares[4], "hfs1", forge(self.shares[1])[:-1]):
            self.give(wrong, 400, 1)
        self.give(self.shares[0], 200, 2)
        status, answer = self.server.unseal(reset=True)
        self.assertEqual((status, answer["sharesGiven"], answer["sealed"]), (200, 0, True))
        self.give(self.shares[4], 200, 1)
        self.give(f"  {self.shares[2]}\n", 200, 2)
        status, answer = self.server.unseal(share=self.shares[1])
        self.assertEqual((status, answer["sealed"]), (200, False))
        self.server.wait_until(sealed=False)
        self.assertEqual(self.server.fill().get("/secrets/kept").json["value"], "what is kept")
        log = self.server.log.read_text()
        for share in self.shares + other:
            self.assertNotIn(share, log)
            self.assertNotIn(share.split("-", 3)[3][:20], log)

    def test_forged_share_and_all_are_forgotten(self):
        self.give(self.shares[0], 200, 1)
        self.give(forge(self.shares[1]), 200, 2)
        self.give(self.shares[2], 403, 0)
        self.server.open()

    def test_holders_one_after_the_other(self):
        for number, share in enumerate(self.shares[:2], 1):
            code, shown = type_into(["operator", "unseal", "--socket", self.server.admin.path], "Share", share)
            self.assertEqual(code, 0, shown)
            self.assertNotIn(share, shown)
            self.assertIn(f"{number} of 3 shares given; the server is still sealed.", shown)
        done = self.server.operator("unseal", "--reset")
        self.assertEqual((done.returncode, done.stdout), (0, "What was given is forgotten.\n"), done.stderr)
        for number, share in enumerate(self.shares[2:], 1):
            path = self.server.folder / f"holder-{number}"
            path.write_text(share, encoding="utf-8")
            done = self.server.operator("unseal", "--input-file", path)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, "The server is unsealed.\n")
        self.assertFalse(self.server.status()["sealed"])


class AgainTest(Case):
    """Sealed, open, sealed again."""

    @table(("passphrase", "passphrase", CHEAP), ("shamir", "shamir", []), ("key_file", "key-file", []))
    def test_seal_and_unseal(self, kind, settings):
        server = server_of_kind(self, kind, settings)
        if kind != "key-file":
            server.open()
        port = server.port
        client = server.fill_open()
        for _ in range(2):
            done = server.operator("seal")
            self.assertEqual((done.returncode, done.stdout), (0, "The server is sealed.\n"), done.stderr)
            status = server.status()
            self.assertEqual((status["sealed"], status["reason"]), (True, "sealed by its operator"))
            answer = client.get("/secrets/kept")
            self.assertEqual((answer.status, answer.message), (503, SEALED))
            server.open()
            self.assertEqual(server.port, port)
            self.assertEqual(client.get("/secrets/kept").json["value"], "what is kept")
        self.assert_recorded(server, "ServerSeal", 2)
        self.assertEqual(server.stop(), 0)
        done = run_program("audit", "verify", "--folder", server.data / "audit")
        self.assertEqual(done.returncode, 0, done.stderr)

    def assert_recorded(self, server, operation, count):
        done = run_program("audit", "tail", "--data", server.data, "--lines", "1000", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        found = [record for record in json.loads(done.stdout) if record["operationName"] == operation]
        self.assertEqual(len(found), count)

    def test_key_file_waits_for_its_operator(self):
        server = server_of_kind(self, "key-file")
        self.assertEqual(server.post("/operator/seal")[0], 200)
        server.wait_until(sealed=True)
        key, away = server.folder / "seal.key", server.folder / "away"
        key.rename(away)
        status, text = server.post("/operator/unseal", {})
        self.assertEqual(status, 503, text)
        self.assertIn("the key file is missing", server.status()["reason"])
        self.assertEqual(server.post("/operator/unseal", {"passphrase": "x"})[0], 409)
        away.rename(key)
        done = server.operator("unseal")
        self.assertEqual((done.returncode, done.stdout), (0, "The server is unsealed.\n"), done.stderr)
        self.assertEqual(server.post("/operator/seal")[0], 200)
        server.wait_until(sealed=True)
        server.stop()
        server.start()
        self.assertFalse(server.status()["sealed"])

    def test_development_server(self):
        with DevServer() as server:
            client = vault_client(server)
            self.assertEqual(client.put("/secrets/kept", {"value": "x"}).status, 200)
            for verb in ("seal", "unseal"):
                done = run_program("operator", verb, "--socket", server.data / "admin.sock")
                self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(client.get("/secrets/kept").json["value"], "x")
            self.assertEqual(server.admin.advance(0), server.admin.now())


class ProcessTest(Case):
    """The process of a sealed server."""

    @table(("term", signal.SIGTERM), ("int", signal.SIGINT))
    def test_signals_end_it(self, number):
        server = server_of_kind(self, "shamir")
        server.unseal(share=server.shares[0])
        self.assertEqual(server.stop(number), 0)
        server.start()
        self.assertEqual(server.status()["sharesGiven"], 0)
        server.open()
        self.assertEqual(server.stop(number), 0)

    def test_new_certificate(self):
        server = server_of_kind(self, "shamir")
        self.assertEqual(outside(server).send("GET", "/health").status, 503)
        tokens.Certificates().write(server.folder)
        with self.assertRaises(OSError):  # not trusted: it still serves the old one
            outside(server).send("GET", "/health")
        server.process.send_signal(signal.SIGHUP)
        for _ in range(1000):
            if "certificate-reloaded" in server.log.read_text():
                break
            time.sleep(0.01)
        self.assertEqual(outside(server).send("GET", "/health").status, 503)

    def test_the_data_are_left_alone(self):
        """Neither store nor audit log is open: an operator's commands can have them, and what they did is seen."""
        server = server_of_kind(self, "passphrase", CHEAP)
        self.assert_not_open(server, (STORE_FILE, "lock", "audit", "seal"))
        new = server.folder / "new"
        new.touch(0o600)
        new.write_text("another passphrase\n", encoding="utf-8")
        done = run_program(
            "operator", "rekey", "--config", server.config,
            "--old-passphrase-file", server.passphrase_file, "--passphrase-file", new,
        )  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(server.unseal(passphrase=PASSPHRASE)[0], 403)
        self.assertEqual(server.unseal(passphrase="another passphrase")[0], 200)
        server.wait_until(sealed=False)
        self.assertIn("in use", self.try_store(server))
        self.assertEqual(server.post("/operator/seal")[0], 200)
        server.wait_until(sealed=True)
        self.assertIn("is initialised already", self.try_store(server))

    def operate(self, server, verb, *options):
        done = run_program("operator", verb, "--config", server.config, *options)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_root_key_is_rotated_while_it_is_sealed(self):
        server = server_of_kind(self, "passphrase", CHEAP)
        server.open()
        client = server.fill()
        for generation in (2, 3):
            self.assertEqual(server.post("/operator/seal")[0], 200)
            server.wait_until(sealed=True)
            self.operate(server, "rotate-root", "--passphrase-file", server.passphrase_file)
            self.assertEqual(server.status()["generation"], generation)
            server.open()
            self.assertEqual(client.get("/secrets/kept").json["value"], "what is kept")

    def test_kind_is_changed_while_it_is_open(self):
        """It opens with the new kind from the next unsealing on, and after a restart with the changed setting."""
        server = server_of_kind(self, "passphrase", CHEAP)
        server.open()
        client = server.fill()
        server.config.write_text(server.config.read_text().replace("seal.kind = passphrase", "seal.kind = shamir"))
        server.share_folder.mkdir(mode=0o700)
        self.operate(
            server, "migrate-seal", "--old-passphrase-file", server.passphrase_file,
            "--share-folder", server.share_folder,
        )  # fmt: skip
        self.assertEqual(client.get("/secrets/kept").json["value"], "what is kept")
        server.kind = "shamir"
        for _ in range(2):
            self.assertEqual(server.post("/operator/seal")[0], 200)
            server.wait_until(sealed=True)
            self.assertEqual(server.status()["kind"], "shamir")
            server.open()
            self.assertEqual(client.get("/secrets/kept").json["value"], "what is kept")
        server.stop()
        server.start()
        server.open()
        self.assertEqual(server.client().get("/secrets/kept").json["value"], "what is kept")

    def try_store(self, server):
        """What init says, which opens the store."""
        done = run_program("init", "--config", server.config, "--passphrase-file", server.folder / "new")
        self.assertNotEqual(done.returncode, 0)
        return done.stderr

    def assert_not_open(self, server, names):
        folder = Path(f"/proc/{server.process.pid}/fd")
        try:
            targets = [os.readlink(path) for path in folder.iterdir()]
        except PermissionError:
            return  # only root sees them
        for name in names:
            self.assertFalse([target for target in targets if target.startswith(str(server.data / name))])

    def test_seal_of_another_kind_is_refused(self):
        server = server_of_kind(self, "shamir")
        server.stop()
        text = server.config.read_text().replace("seal.kind = shamir", "seal.kind = key-file")
        server.config.write_text(text)
        done = run_program("serve", "--config", server.config)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("seal.kind is key-file, but the seal", done.stderr)
        self.assertIn("holdfast operator migrate-seal", done.stderr)

    def test_no_seal(self):
        with tempfile.TemporaryDirectory(prefix="holdfast-wire-") as name:
            folder = Path(name)
            paths = tokens.Certificates().write(folder)
            config = folder / "holdfast.conf"
            config.write_text(
                f"data = {folder}\nlisten = 127.0.0.1:0\ntls.certificate = {paths['server.pem']}\n"
                f"tls.key = {paths['server.key']}\nseal.kind = shamir\n",
                encoding="utf-8",
            )
            done = run_program("serve", "--config", config)
            self.assertEqual(done.returncode, 1)
            self.assertIn("is not initialised; run 'holdfast init' first", done.stderr)

    def test_unsealed_while_somebody_has_the_store(self):
        """An operator's command may be at work on it: the server stays, sealed."""
        server = server_of_kind(self, "passphrase", CHEAP)
        with open(server.data / "lock", "r+b") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.assertEqual(server.unseal(passphrase=PASSPHRASE)[0], 200)
            for _ in range(2000):
                if "in use" in self.reason(server):
                    break
                time.sleep(0.01)
            self.assertIn("in use by another process", self.reason(server))
        server.open()

    def reason(self, server):
        try:
            return server.status().get("reason", "")
        except (OSError, http.client.HTTPException):
            return ""

    def test_slow_senders_do_not_hold_the_opening_up(self):
        server = server_of_kind(self, "passphrase", [*CHEAP, "timeouts.drain = 1h", "timeouts.body = 1h"])
        slow = outside(server)
        self.addCleanup(slow.close)
        slow.send("GET", "/health")
        slow.connection.putrequest("PUT", "/secrets/x")
        slow.connection.putheader("Content-Length", "100")
        slow.connection.endheaders(b"a part")
        server.open()

    def test_instance_that_does_not_open_ends_the_process(self):
        server = server_of_kind(self, "shamir")
        server.open()
        server.fill()
        server.stop()
        server.start()
        (server.data / STORE_FILE).write_bytes(bytes(65536))
        for share in server.shares[:3]:
            server.unseal(share=share)
        self.assertEqual(server.process.wait(60), 1)
        self.assertIn("holdfast serve:", server.log.read_text())
