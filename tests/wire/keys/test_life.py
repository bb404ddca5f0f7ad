# SPDX-License-Identifier: Apache-2.0
"""The life of a key behind its making: update, rotation, lists, soft delete, backup; and the record of each attempt."""

import json

from hfsupport.cases import table
from hfsupport.client import identity_token, vault_client
from hfsupport.server import claims_of
from hfsupport.tokens import decode, encode
from key_case import KeyCase, UNKNOWN_VERSION, private_members, property_text, version_of
from shared import fresh_name

FUTURE = 4102444800
SIGN = {"alg": "ES256", "value": encode(bytes(32))}


class UpdateTest(KeyCase):
    def setUp(self):
        self.bundle = self.create(kty="EC", tags={"a": "1"}, attributes={"exp": FUTURE})
        self.name = self.name_of(self.bundle)

    def patch(self, body, version=""):
        return self.vault.patch(f"/keys/{self.name}/{version}", body)

    @table(
        ("nothing", {}),
        ("tags", {"tags": {"b": "2"}}),
        ("no_tags", {"tags": {}}),
        ("ops", {"key_ops": ["verify"]}),
        ("disabled", {"attributes": {"enabled": False}}),
        ("nbf", {"attributes": {"nbf": 1000000000}}),
        ("null", {"tags": None, "key_ops": None, "attributes": None}),
        ("kty_is_ignored", {"kty": "RSA", "key": {"kty": "RSA"}}),
    )
    def test_update(self, body):
        updated = self.checked(self.patch(body, version_of(self.bundle)))
        expected = json.loads(json.dumps(self.bundle))
        expected["attributes"].update({**(body.get("attributes") or {}), "updated": updated["attributes"]["updated"]})
        if body.get("key_ops"):
            expected["key"]["key_ops"] = body["key_ops"]
        if body.get("tags") is not None:
            expected["tags"] = body["tags"]
        if updated.get("tags", {}) == {} == expected.get("tags"):
            updated.pop("tags", None)
            expected.pop("tags")
        self.assertEqual(updated, expected)
        got = self.checked(self.vault.get(f"/keys/{self.name}"))
        self.assertEqual(got["key"], expected["key"])
        self.assertEqual(len(self.versions(self.name)), 1)

    @table(
        ("ops_unknown", {"key_ops": ["x"]}, "key_ops"),
        ("ops_of_another_type", {"key_ops": ["encrypt"]}, "key_ops"),
        ("ops_text", {"key_ops": "sign"}, "key_ops"),
        ("enabled", {"attributes": {"enabled": 1}}, "enabled"),
        ("exp_before_nbf", {"attributes": {"nbf": FUTURE + 1}}, None),
        ("exportable", {"attributes": {"exportable": True}}, None),
        ("release_policy", {"release_policy": {"data": "e30"}}, None),
        ("tags", {"tags": {"a": None}}, "tags"),
        ("tags_16", {"tags": {str(n): "" for n in range(16)}}, "tags"),
        ("no_json", b"{", None),
    )
    def test_refused(self, body, name):
        self.assert_bad(self.patch(body), name)
        self.assertEqual(self.checked(self.vault.get(f"/keys/{self.name}")), self.bundle)

    def test_unknown_version(self):
        for version in (UNKNOWN_VERSION, "abc"):
            self.assert_error(self.patch({"tags": {}}, version), 404, "KeyNotFound")

    def test_older_version(self):
        newest = self.create(self.name, kty="EC")
        self.checked(self.patch({"attributes": {"enabled": False}}, version_of(self.bundle)))
        self.assertEqual(self.checked(self.vault.get(f"/keys/{self.name}")), newest)
        self.assert_error(self.send("sign", self.bundle, SIGN), 403, "Forbidden", inner="KeyDisabled")
        self.use("sign", newest, **SIGN)


class RotateTest(KeyCase):
    @table(
        ("rsa", {"kty": "RSA", "key_size": 3072, "key_ops": ["sign", "verify"]}),
        ("ec", {"kty": "EC", "crv": "P-521"}),
        ("oct", {"kty": "oct", "key_size": 192, "key_ops": ["wrapKey"]}),
    )
    def test_rotate(self, body):
        first = self.create(tags={"a": "1"}, attributes={"enabled": False, "exp": FUTURE}, **body)
        name = self.name_of(first)
        second = self.checked(self.vault.post(f"/keys/{name}/rotate"))
        self.assertNotEqual(version_of(first), version_of(second))
        for member in ("kty", "key_ops", "crv"):
            self.assertEqual(second["key"].get(member), first["key"].get(member))
        for member in ("n", "x"):
            if member in first["key"]:
                self.assertEqual(len(second["key"][member]), len(first["key"][member]))
                self.assertNotEqual(second["key"][member], first["key"][member])
        self.assertEqual((second["tags"], second["attributes"]["enabled"]), ({"a": "1"}, True))
        self.assertNotIn("exp", second["attributes"])
        self.assertEqual(self.checked(self.vault.get(f"/keys/{name}/{version_of(first)}")), first)
        self.assertEqual(len(self.versions(name)), 2)

    def test_deleted(self):
        name = self.name_of(self.create(kty="EC"))
        self.checked(self.vault.delete(f"/keys/{name}"))
        self.assert_error(self.vault.post(f"/keys/{name}/rotate"), 404, "KeyNotFound")


class ListTest(KeyCase):
    """A vault of its own, so that the lists hold what this test made."""

    def setUp(self):
        self.name = fresh_name("lists")
        self.server.admin.vault(self.name)
        self.server.admin.assign(claims_of(identity_token(self.server))["oid"], "Key Vault Administrator", self.name)
        self.own = vault_client(self.server, self.name)
        self.addCleanup(self.own.close)

    def pages(self, path, **query):
        pages = []
        answer = self.assert_ok(self.own.get(path, **query))
        while True:
            self.assertEqual(set(answer), {"value", "nextLink"})
            pages.append(answer["value"])
            if answer["nextLink"] is None:
                return pages
            self.assertLess(len(pages), 20)
            answer = self.assert_ok(self.own.send("GET", answer["nextLink"].split(f":{self.server.port}", 1)[1]))

    def test_many(self):
        names = sorted(fresh_name("many") for _ in range(52))
        for name in names:
            self.create(name, client=self.own, kty="EC", tags={"n": name})
        self.assertEqual([len(page) for page in self.pages("/keys")], [25, 25, 2])
        items = [item for page in self.pages("/keys", maxresults=20) for item in page]
        self.assertEqual([item["kid"].rsplit("/", 1)[1] for item in items], names)
        for item in items:
            self.assertEqual(set(item), {"kid", "attributes", "tags"})
            self.assertEqual((item["attributes"]["exportable"], private_members(item)), (False, set()))
        for name in names[:27]:
            self.checked(self.own.delete(f"/keys/{name}"))
        items = [item for page in self.pages("/deletedkeys") for item in page]
        self.assertEqual([item["kid"].rsplit("/", 1)[1] for item in items], names[:27])
        for item in items:
            self.assertEqual(
                set(item), {"kid", "attributes", "tags", "recoveryId", "deletedDate", "scheduledPurgeDate"}
            )
        self.assertEqual(sum(map(len, self.pages("/keys"))), 25)

    def test_versions(self):
        kids = {self.create("versions", client=self.own, kty="EC")["key"]["kid"] for _ in range(26)}
        pages = self.pages("/keys/versions/versions", maxresults=7)
        self.assertEqual([len(page) for page in pages], [7, 7, 7, 5])
        listed = [item["kid"] for page in pages for item in page]
        self.assertEqual((set(listed), listed), (kids, sorted(listed)))

    def test_empty(self):
        for path in ("/keys", "/deletedkeys", "/keys/none/versions"):
            self.assertEqual(self.pages(path), [[]])

    @table(("zero", 0), ("26", 26), ("text", "x"), ("negative", -1), ("empty", ""))
    def test_maxresults(self, value):
        for path in ("/keys", "/deletedkeys", "/keys/none/versions"):
            self.assert_bad(self.own.get(path, maxresults=value))

    def test_token_of_another_list(self):
        for number in range(2):
            self.create(f"k{number}", client=self.own, kty="EC")
            self.own.put(f"/secrets/k{number}", {"value": "v"})
        token = self.own.get("/keys", maxresults=1).json["nextLink"].split("skiptoken=")[1].split("&")[0]
        self.assertEqual(len(self.assert_ok(self.own.get("/keys", __skiptoken=token))["value"]), 1)
        for path in ("/secrets", "/deletedkeys", "/keys/k0/versions"):
            self.assert_bad(self.own.get(path, __skiptoken=token))
        self.assert_bad(self.vault.get("/keys", __skiptoken=token))


class SoftDeleteTest(KeyCase):
    def test_delete_recover_purge(self):
        first = self.create(kty="EC", tags={"a": "1"})
        name = self.name_of(first)
        second = self.create(name, kty="RSA")
        deleted = self.checked(self.vault.delete(f"/keys/{name}"))
        more = {"recoveryId", "deletedDate", "scheduledPurgeDate"}
        self.assertEqual(set(deleted), {"key", "attributes"} | more)
        self.assertEqual((deleted["key"], deleted["attributes"]), (second["key"], second["attributes"]))
        self.assertEqual(deleted["recoveryId"], f"{self.url}/deletedkeys/{name}")
        self.assertEqual(deleted["scheduledPurgeDate"], deleted["deletedDate"] + 90 * 86400)
        self.assertEqual(self.checked(self.vault.get(f"/deletedkeys/{name}")), deleted)
        for answer in (
            self.vault.get(f"/keys/{name}"),
            self.vault.get(f"/keys/{name}/{version_of(first)}"),
            self.vault.delete(f"/keys/{name}"),
            self.vault.patch(f"/keys/{name}", {}),
            self.vault.post(f"/keys/{name}/backup"),
        ):
            self.assert_error(answer, 404, "KeyNotFound")
        text = f"Key {name} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the key can only be recovered or purged."
        jwk = {"kty": "oct", "k": encode(bytes(range(32)))}
        for _ in range(10):  # a refusal of the writer that is quicker than the handing over must not be lost
            for answer in (
                self.vault.post(f"/keys/{name}/create", {"kty": "EC"}),
                self.vault.put(f"/keys/{name}", {"key": jwk}),
            ):
                self.assert_error(answer, 409, "Conflict", text, "ObjectIsDeletedButRecoverable")
        self.assertEqual(self.versions(name), [])
        self.assertEqual(self.checked(self.vault.post(f"/deletedkeys/{name}/recover")), second)
        self.assertEqual(self.checked(self.vault.get(f"/keys/{name}/{version_of(first)}")), first)
        self.use("sign", first, **SIGN)
        self.checked(self.vault.delete(f"/keys/{name}"))
        answer = self.vault.delete(f"/deletedkeys/{name}")
        self.assertEqual((answer.status, answer.body), (204, b""))
        self.assert_nothing_stored(name)
        self.create(name, kty="EC")
        self.assertEqual(len(self.versions(name)), 1)

    def test_disabled_key_that_is_deleted(self):
        name = self.name_of(self.create(kty="EC", attributes={"enabled": False}))
        self.checked(self.vault.delete(f"/keys/{name}"))
        self.assertFalse(self.checked(self.vault.get(f"/deletedkeys/{name}"))["attributes"]["enabled"])

    def test_purge_protection(self):
        vault = fresh_name("protect")
        self.server.admin.vault(vault, retentionDays=7, purgeProtection=True)
        self.server.admin.assign(claims_of(identity_token(self.server))["oid"], "Key Vault Administrator", vault)
        own = vault_client(self.server, vault)
        self.addCleanup(own.close)
        attributes = self.create("k", client=own, kty="EC")["attributes"]
        self.assertEqual((attributes["recoveryLevel"], attributes["recoverableDays"]), ("CustomizedRecoverable", 7))
        self.checked(own.delete("/keys/k"))
        self.assert_error(own.delete("/deletedkeys/k"), 403, "Forbidden", inner="ForbiddenByPolicy")
        self.checked(own.post("/deletedkeys/k/recover"))


class BackupTest(KeyCase):
    def setUp(self):
        self.first = self.create(kty="EC", tags={"a": "1"}, attributes={"exp": FUTURE})
        self.name = self.name_of(self.first)
        self.second = self.create(self.name, kty="RSA", key_ops=["sign"])
        self.blob = self.checked(self.vault.post(f"/keys/{self.name}/backup"))["value"]

    def remove(self):
        self.checked(self.vault.delete(f"/keys/{self.name}"))
        self.assertEqual(self.vault.delete(f"/deletedkeys/{self.name}").status, 204)

    def test_restore(self):
        self.remove()
        restored = self.checked(self.vault.post("/keys/restore", {"value": self.blob}))
        self.assertEqual(restored["key"], self.second["key"])
        for bundle in (self.first, self.second):
            got = self.checked(self.vault.get(f"/keys/{self.name}/{version_of(bundle)}"))
            self.assertEqual((got["key"], got.get("tags")), (bundle["key"], bundle.get("tags")))
            self.assertEqual(got["attributes"].get("exp"), bundle["attributes"].get("exp"))
        self.use("sign", self.first, **SIGN)
        self.use("sign", self.second, alg="RS256", value=SIGN["value"])

    def test_restore_in_another_vault(self):
        vault = fresh_name("other")
        self.server.admin.vault(vault)
        self.server.admin.assign(claims_of(identity_token(self.server))["oid"], "Key Vault Administrator", vault)
        other = vault_client(self.server, vault)
        self.addCleanup(other.close)
        restored = self.checked(other.post("/keys/restore", {"value": self.blob}))
        self.assertEqual(restored["key"]["kid"].split("/keys/")[1], self.second["key"]["kid"].split("/keys/")[1])
        self.assertIn(f"//{vault}.vault.", restored["key"]["kid"])
        kid = f"{self.name}/{version_of(self.first)}"
        signature = self.checked(other.post(f"/keys/{kid}/sign", SIGN))["value"]
        body = {"alg": "ES256", "digest": SIGN["value"], "value": signature}
        self.assertIs(self.use("verify", self.first, **body)["value"], True)

    def test_conflicts(self):
        answer = self.vault.post("/keys/restore", {"value": self.blob})
        self.assert_error(answer, 409, "Conflict")
        self.assertTrue(answer.message.startswith("There was a conflict restoring the key '"), answer)
        self.checked(self.vault.delete(f"/keys/{self.name}"))
        self.assert_error(
            self.vault.post("/keys/restore", {"value": self.blob}), 409, "Conflict", inner="ObjectIsDeletedButRecoverable"
        )
        self.checked(self.vault.post(f"/deletedkeys/{self.name}/recover"))
        self.assertEqual(len(self.versions(self.name)), 2)

    def test_not_as_a_secret(self):
        self.remove()
        text = "Backup blob contains invalid or corrupt version."
        self.assert_error(self.vault.post("/secrets/restore", {"value": self.blob}), 400, "BadParameter", text)
        self.assert_error(self.vault.get(f"/secrets/{self.name}"), 404, "SecretNotFound")
        self.set_secret(self.name)
        secret = self.assert_ok(self.vault.post(f"/secrets/{self.name}/backup"))["value"]
        self.assert_error(self.vault.post("/keys/restore", {"value": secret}), 400, "BadParameter", text)
        self.assert_nothing_stored(self.name)

    def test_damaged(self):
        self.remove()
        blob = decode(self.blob)
        step = max(1, len(blob) // 25)
        wrong = [blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1 :] for at in range(0, len(blob), step)]
        wrong += [b"", b"x", blob[:-1], blob + b"\0", blob[: len(blob) // 2]]
        for damaged in wrong:
            self.assert_error(self.vault.post("/keys/restore", {"value": encode(damaged)}), 400, "BadParameter")
        self.assert_nothing_stored(self.name)

    @table(("none", {}), ("null", {"value": None}), ("number", {"value": 1}))
    def test_body(self, body):
        self.assert_error(self.vault.post("/keys/restore", body), 400, "BadParameter", property_text("value"))

    def test_holds_no_private_key_in_the_clear(self):
        octets = bytes(range(40, 72))
        name = self.name_of(self.bring({"kty": "oct", "k": encode(octets)}))
        self.assertNotIn(octets, decode(self.checked(self.vault.post(f"/keys/{name}/backup"))["value"]))


class AuditTest(KeyCase):
    def records(self):
        return [
            json.loads(line)
            for path in sorted((self.server.data / "audit").glob("*.jsonl"))
            for line in path.read_text(encoding="utf-8").splitlines()
        ]

    @table(
        ("create", "POST", "/create", {"kty": "EC"}, "KeyCreate", 200),
        ("create_refused", "POST", "/create", {"kty": "x"}, "KeyCreate", 400),
        ("import_refused", "PUT", "", {"key": {"kty": "oct", "k": ""}}, "KeyImport", 400),
        ("rotate", "POST", "/rotate", None, "KeyRotate", 200),
        ("update", "PATCH", "", {}, "KeyUpdate", 200),
        ("get", "GET", "", None, "KeyGet", 200),
        ("versions", "GET", "/versions", None, "KeyListVersions", 200),
        ("delete", "DELETE", "", None, "KeyDelete", 200),
        ("backup", "POST", "/backup", None, "KeyBackup", 200),
        ("sign", "POST", "/sign", SIGN, "KeySign", 200),
        ("verify", "POST", "/verify", {**SIGN, "digest": "AA"}, "KeyVerify", 400),
        ("encrypt", "POST", "/encrypt", {**SIGN, "alg": "RSA-OAEP"}, "KeyEncrypt", 403),
        ("decrypt", "POST", "/decrypt", {}, "KeyDecrypt", 400),
        ("wrap", "POST", "/wrapkey", {**SIGN, "alg": "RSA-OAEP"}, "KeyWrap", 403),
        ("unwrap", "POST", "/unwrapkey", {**SIGN, "alg": "RSA-OAEP"}, "KeyUnwrap", 403),
    )
    def test_one_record(self, method, end, body, operation, status):
        name = self.name_of(self.create(kty="EC"))
        before = len(self.records())
        answer = self.vault.call(method, f"/keys/{name}{end}", body)
        self.assertEqual(answer.status, status, answer)
        records = self.records()[before:]
        self.assertEqual(len(records), 1, records)
        properties = records[0]["properties"]
        self.assertEqual((records[0]["operationName"], properties["httpStatusCode"]), (operation, status))
        if status == 200 and operation != "KeyListVersions" and operation != "KeyBackup":
            self.assertIn(f"/keys/{name}/", properties["id"])
            self.assertEqual((properties["keyProperties"]["type"], properties["keyProperties"]["size"]), ("EC", 256))
        if operation == "KeySign":
            self.assertEqual(properties["algorithm"], "ES256")
            self.assertNotIn(answer.json["value"], json.dumps(records))

    def test_no_private_key_in_any_record(self):
        octets = encode(bytes(range(70, 102)))
        bundle = self.bring({"kty": "oct", "k": octets})
        plain = encode(b"planted plaintext 5a71d2")
        sent = self.use("encrypt", bundle, alg="A256GCM", value=plain)
        self.use("decrypt", bundle, alg="A256GCM", **{name: sent[name] for name in ("value", "iv", "tag")})
        text = json.dumps(self.records())
        for planted in (octets, plain, sent["value"]):
            self.assertNotIn(planted, text)
