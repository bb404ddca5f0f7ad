# SPDX-License-Identifier: Apache-2.0
"""One AuditEvent per attempt, with what it was and who did it; and no planted value in any file the server writes."""

import base64
import json
import uuid

from hfsupport import tokens
from hfsupport.cases import Case, table
from hfsupport.client import Caller, Client, form_post, identity_token, login_client, vault_client
from hfsupport.server import DevServer, claims_of, run_program

PLANTED = "planted-9f3c5a71d2-"


class AuditCase(Case):
    @classmethod
    def setUpClass(cls):
        cls.server = DevServer()
        cls.addClassCleanup(cls.server.close)
        cls.vault = vault_client(cls.server)
        cls.administrator = claims_of(identity_token(cls.server))
        cls.caller = Caller(cls.server, "nobody")
        cls.stranger = Client(cls.server, "dev.vault.localhost")

    def records(self):
        """All records, oldest first."""
        return [
            json.loads(line)
            for path in sorted((self.server.data / "audit").glob("*.jsonl"))
            for line in path.read_text(encoding="utf-8").splitlines()
        ]

    def records_of(self, action):
        """What action added to the log, the administration of this test left out."""
        before = len(self.records())
        action()
        return [record for record in self.records()[before:] if record["category"] != "Administrative"]


class RecordTest(AuditCase):
    def one(self, action):
        records = self.records_of(action)
        self.assertEqual(len(records), 1, records)
        return records[0]

    def test_get(self):
        self.vault.put("/secrets/get", {"value": "v", "contentType": "type", "attributes": {"exp": 4102444800}})
        request = str(uuid.uuid4())
        headers = {"x-ms-client-request-id": request, "user-agent": "test/1.0"}
        record = self.one(lambda: self.vault.get("/secrets/get", headers=headers, version="7.4"))
        self.assertEqual(
            {
                name: record[name]
                for name in (
                    "category",
                    "operationName",
                    "operationVersion",
                    "resultType",
                    "resultSignature",
                    "callerIpAddress",
                    "correlationId",
                )
            },
            {
                "category": "AuditEvent",
                "operationName": "SecretGet",
                "operationVersion": "7.4",
                "resultType": "Success",
                "resultSignature": "OK",
                "callerIpAddress": "127.0.0.1",
                "correlationId": request,
            },
        )
        self.assertRegex(record["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$")
        self.assertRegex(record["durationMs"], r"^\d+$")
        claim = record["identity"]["claim"]
        self.assertEqual((claim["oid"], claim["appid"]), (self.administrator["oid"], self.administrator["appid"]))
        self.assertRegex(
            record["resourceId"],
            r"^/SUBSCRIPTIONS/.+/RESOURCEGROUPS/HOLDFAST/PROVIDERS/MICROSOFT\.KEYVAULT/VAULTS/DEV$",
        )
        properties = record["properties"]
        self.assertRegex(properties["id"], r"^https://dev\.vault\.localhost:\d+/secrets/get/[0-9a-f]{32}$")
        self.assertEqual(
            (properties["clientInfo"], properties["httpStatusCode"], properties["isRbacAuthorized"]),
            ("test/1.0", 200, True),
        )
        self.assertEqual((properties["isAddressAuthorized"], properties["tlsVersion"]), (True, "TLS1_3"))
        self.assertIn("/secrets/get?api-version=7.4", properties["requestUri"])
        self.assertTrue(properties["appliedAssignmentId"])
        self.assertEqual(
            properties["secretProperties"], {"type": "type", "attributes": {"enabled": True, "exp": 4102444800}}
        )

    @table(
        ("set", "PUT", "/secrets/{}", {"value": "v"}, "SecretSet", 200),
        ("get", "GET", "/secrets/{}", None, "SecretGet", 200),
        ("update", "PATCH", "/secrets/{}", {}, "SecretUpdate", 200),
        ("list", "GET", "/secrets", None, "SecretList", 200),
        ("versions", "GET", "/secrets/{}/versions", None, "SecretListVersions", 200),
        ("backup", "POST", "/secrets/{}/backup", None, "SecretBackup", 200),
        ("delete", "DELETE", "/secrets/{}", None, "SecretDelete", 200),
        ("restore", "POST", "/secrets/restore", {"value": "AAAA"}, "SecretRestore", 400),
        ("list_deleted", "GET", "/deletedsecrets", None, "SecretListDeleted", 200),
        ("get_deleted", "GET", "/deletedsecrets/none", None, "SecretGetDeleted", 404),
        ("purge", "DELETE", "/deletedsecrets/none", None, "SecretPurge", 404),
        ("recover", "POST", "/deletedsecrets/none/recover", None, "SecretRecover", 404),
        ("later", "GET", "/certificates/x", None, "CertificateGet", 501),
        ("bad_name", "GET", "/secrets/a_b", None, "SecretGet", 400),
        ("bad_body", "PUT", "/secrets/{}", b"{", "SecretSet", 400),
    )
    def test_operation(self, method, path, body, operation, status):
        name = self._testMethodName.replace("_", "-")
        self.vault.put(f"/secrets/{name}", {"value": "v"})
        record = self.one(lambda: self.vault.call(method, path.format(name), body))
        self.assertEqual((record["operationName"], record["properties"]["httpStatusCode"]), (operation, status))
        self.assertEqual(record["identity"]["claim"]["oid"], self.administrator["oid"])
        self.assertEqual(
            record["properties"]["isRbacAuthorized"] if "isRbacAuthorized" in record["properties"] else None,
            None if status == 400 and operation == "SecretGet" else True,
        )

    def test_denied(self):
        record = self.one(lambda: self.caller.client().get("/secrets/get"))
        self.assertEqual((record["operationName"], record["properties"]["httpStatusCode"]), ("SecretGet", 403))
        self.assertEqual(record["resultSignature"], "Forbidden")
        self.assertIs(record["properties"]["isRbacAuthorized"], False)
        self.assertEqual(record["identity"]["claim"]["oid"], self.caller.object_id)
        self.assertIn("Caller is not authorized", record["resultDescription"])

    @table(("no_token", None), ("garbage", "garbage"), ("unsigned", "a.b."))
    def test_unauthenticated(self, token):
        record = self.one(
            lambda: vault_client(self.server, token=token or "").get(
                "/secrets/get", headers={} if token else {"authorization": None}
            )
        )
        self.assertEqual(
            (record["operationName"], record["properties"]["httpStatusCode"], record["resultSignature"]),
            ("Authentication", 401, "Unauthorized"),
        )
        self.assertEqual(record["identity"], {})

    def test_disguised_method(self):
        self.vault.put("/secrets/disguised", {"value": "v"})
        record = self.one(lambda: self.vault.post("/secrets/disguised", headers={"X-HTTP-METHOD": "DELETE"}))
        self.assertEqual(record["operationName"], "SecretDelete")

    @table(
        ("unknown_path", "GET", "/nothing", 404),
        ("wrong_method", "POST", "/secrets", 405),
        ("unknown_version", "GET", "/secrets/x?api-version=1", 400),
    )
    def test_attempt_without_operation(self, method, path, status):
        target = path if "?" in path else f"{path}?api-version=7.4"
        record = self.one(lambda: self.vault.send(method, target))
        self.assertEqual(record["properties"]["httpStatusCode"], status)

    def test_unknown_vault(self):
        record = self.one(lambda: self.vault.get("/secrets/x", headers={"host": "none.vault.localhost"}))
        self.assertEqual(record["properties"]["httpStatusCode"], 404)

    def test_sign_in(self):
        record = self.one(
            lambda: form_post(
                login_client(self.server),
                f"/{self.server.tenant}/oauth2/v2.0/token",
                {
                    "grant_type": "client_credentials",
                    "client_id": self.caller.client_id,
                    "client_secret": self.caller.secret,
                    "scope": "https://vault.azure.net/.default",
                },
            )
        )
        self.assertEqual(
            (record["category"], record["properties"]["httpStatusCode"]), ("ServicePrincipalSignInLogs", 200)
        )
        self.assertEqual(record["identity"]["claim"]["appid"], self.caller.client_id)

    def test_failed_sign_in(self):
        record = self.one(
            lambda: form_post(
                login_client(self.server),
                f"/{self.server.tenant}/oauth2/v2.0/token",
                {
                    "grant_type": "client_credentials",
                    "client_id": self.caller.client_id,
                    "client_secret": "wrong",
                    "scope": "https://vault.azure.net/.default",
                },
            )
        )
        self.assertEqual(record["properties"]["httpStatusCode"], 401)
        self.assertIn("AADSTS7000215", record["resultDescription"])

    def test_public_documents_and_health_are_no_attempts(self):
        records = self.records_of(
            lambda: (
                login_client(self.server).send("GET", f"/{self.server.tenant}/discovery/v2.0/keys"),
                self.stranger.send("GET", "/health"),
            )
        )
        self.assertEqual(records, [])

    def test_text_of_clients_stays_in_its_line(self):
        agent = 'x","operationName":"forged"\\'
        record = self.one(lambda: self.vault.get("/secrets/get", headers={"user-agent": agent}))
        self.assertEqual((record["operationName"], record["properties"]["clientInfo"]), ("SecretGet", agent))

    def test_administration_is_recorded(self):
        before = len(self.records())
        self.server.admin.vault("recorded")
        record = self.records()[before]
        self.assertEqual(
            (record["category"], record["operationName"], record["properties"]["httpStatusCode"]),
            ("Administrative", "VaultPut", 200),
        )
        self.assertTrue(record["identity"]["claim"]["upn"].startswith("local:uid="))

    def test_order_and_number(self):
        def act():
            for number in range(20):
                self.vault.get(f"/secrets/number-{number}")

        records = self.records_of(act)
        self.assertEqual(
            [record["properties"]["requestUri"].split("/")[-1].split("?")[0] for record in records],
            [f"number-{number}" for number in range(20)],
        )
        sequence = [record["holdfast"]["seq"] for record in self.records()]
        self.assertEqual(sequence, list(range(1, len(sequence) + 1)))
        hashes = [record["holdfast"]["hash"] for record in self.records()]
        self.assertEqual([record["holdfast"]["prev"] for record in self.records()][1:], hashes[:-1])


class VerifyTest(Case):
    def verify(self, server, **options):
        return run_program("audit", "verify", "--data", server.data, **options)

    def setUp(self):
        self.server = DevServer()
        self.addCleanup(self.server.close)
        client = vault_client(self.server)
        for number in range(10):
            client.put(f"/secrets/verify-{number}", {"value": "v"})
        client.close()
        self.server.stop()
        self.file = next((self.server.data / "audit").glob("*.jsonl"))
        self.lines = self.file.read_text(encoding="utf-8").splitlines(True)

    def test_intact(self):
        done = self.verify(self.server)
        self.assertEqual(done.returncode, 0, done.stderr)

    @table(
        ("changed", 5, lambda lines: lines[:4] + [lines[4].replace("SecretSet", "SecretGet")] + lines[5:]),
        ("dropped", 5, lambda lines: lines[:4] + lines[5:]),
        ("first_dropped", 1, lambda lines: lines[1:]),
        ("swapped", 5, lambda lines: lines[:4] + [lines[5], lines[4]] + lines[6:]),
        ("twice", 6, lambda lines: lines[:5] + lines[4:]),
    )
    def test_names_the_first_bad_record(self, number, change):
        self.file.write_text("".join(change(self.lines)), encoding="utf-8")
        done = self.verify(self.server)
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stdout + done.stderr, rf"\b{number}\b")

    def test_cut_off_end_is_known_to_the_running_server(self):
        self.server.start()
        lines = self.file.read_text(encoding="utf-8").splitlines(True)
        self.assertEqual(self.verify(self.server).returncode, 0)
        self.file.write_text("".join(lines[:-2]), encoding="utf-8")
        self.assertNotEqual(self.verify(self.server).returncode, 0)

    def test_server_does_not_start_on_a_cut_log(self):
        self.file.write_text("".join(self.lines[:-2]), encoding="utf-8")
        with self.assertRaises(RuntimeError):
            self.server.start()


class NoValueTest(AuditCase):
    def scenario(self):
        """Values through every operation that carries one, rightly and wrongly; names and tags are not secret."""
        values = [f"{PLANTED}{number}" for number in range(12)]
        for number, value in enumerate(values[:6]):
            self.vault.put(f"/secrets/planted-{number}", {"value": value})
            self.vault.get(f"/secrets/planted-{number}")
        self.vault.put("/secrets/planted-0", f'{{"value":"{values[6]}"')
        self.vault.put("/secrets/a_b", {"value": values[7]})
        self.caller.client().put("/secrets/planted-0", {"value": values[8]})
        self.stranger.put("/secrets/planted-0", {"value": values[9]})
        self.vault.put("/secrets/planted-0", {"value": values[10] + "x" * 30000})
        self.vault.put("/secrets/planted-0", {"value": values[11], "attributes": {"exp": "x"}})
        blob = self.vault.post("/secrets/planted-1/backup").json["value"]
        self.vault.delete("/secrets/planted-1")
        self.vault.delete("/deletedsecrets/planted-1")
        self.vault.post("/secrets/restore", {"value": blob})
        self.vault.post("/secrets/restore", {"value": blob[:-8]})
        self.vault.patch("/secrets/planted-2", {"value": values[2]})
        vault_client(self.server, token=tokens.make({"alg": "none"}, {"x": 1}, lambda _: b"")).get("/secrets/planted-0")
        credentials = [
            self.caller.secret,
            self.server.env["HOLDFAST_CLIENT_SECRET"],
            self.server.env["IDENTITY_HEADER"],
            self.vault.token,
            self.caller.token,
        ]
        form_post(
            login_client(self.server),
            f"/{self.server.tenant}/oauth2/v2.0/token",
            {"client_secret": PLANTED + "credential"},
        )
        return values, credentials

    def test_nothing_in_any_file(self):
        values, credentials = self.scenario()
        self.server.stop()
        needles = {text.encode() for text in [PLANTED + "0", PLANTED + "credential", PLANTED, *credentials]}
        needles |= {token.rsplit(".", 1)[1].encode() for token in credentials[-2:]}
        for value in values:
            for at in range(3):
                needles.add(base64.b64encode(b"x" * at + value.encode())[4:20])
            needles.add(value.encode("utf-16-le"))
            needles.add(value.encode().hex().encode())
        searched = 0
        for path in sorted(self.server.folder.rglob("*")):
            if not path.is_file() or path.name == "env":
                continue
            content = path.read_bytes()
            searched += 1
            for needle in needles:
                self.assertNotIn(needle, content, f"{path.name} holds {needle!r}")
        self.assertGreater(searched, 5)

    def tearDown(self):
        if not self.server.is_running():
            self.server.start()
