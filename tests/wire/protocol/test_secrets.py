# SPDX-License-Identifier: Apache-2.0
"""The operations on secrets: what they answer, and what they make of wrong names, versions, bodies and attributes."""

import base64
import json
import re

from hfsupport.cases import table
from hfsupport.client import Caller, secret_token, vault_client
from shared import WireCase, fresh_name

VERSION = "[0-9a-f]{32}"
UNKNOWN_VERSION = "0123456789abcdef0123456789abcdef"
LONGEST_VALUE = 25600
HINT = (
    "If you recently deleted this secret you may be able to recover it using the correct recovery command. For help "
    "resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182"
)


def not_found(text):
    return f"A secret with (name/id) {text} was not found in this key vault. {HINT}"


def property_text(name):
    return f"Property {name} has invalid value\r\n"


def version_of(bundle):
    return bundle["id"].rsplit("/", 1)[1]


class BundleTest(WireCase):
    def test_set_answers_the_bundle(self):
        name = fresh_name()
        before = self.server.admin.now()
        bundle = self.set_secret(name, "v")
        self.assertEqual(set(bundle), {"value", "id", "attributes"})
        self.assertRegex(bundle["id"], f"^{re.escape(self.url)}/secrets/{name}/{VERSION}$")
        attributes = bundle["attributes"]
        self.assertEqual(set(attributes), {"enabled", "created", "updated", "recoveryLevel", "recoverableDays"})
        self.assertIs(attributes["enabled"], True)
        self.assertIsInstance(attributes["created"], int)
        self.assertEqual(attributes["created"], attributes["updated"])
        self.assertTrue(before <= attributes["created"] <= self.server.admin.now())

    def test_everything_given_comes_back(self):
        name = fresh_name()
        attributes = {"enabled": True, "nbf": 1000000000, "exp": 4102444800}
        bundle = self.set_secret(
            name, "v", tags={"a": "1", "ü": "ä€😀"}, contentType="text/plain", attributes=attributes
        )
        got = self.assert_ok(self.vault.get(f"/secrets/{name}"))
        self.assertEqual(got, bundle)
        self.assertEqual((got["tags"], got["contentType"]), ({"a": "1", "ü": "ä€😀"}, "text/plain"))
        for key, value in attributes.items():
            self.assertEqual(got["attributes"][key], value)

    def test_set_inherits_nothing(self):
        name = fresh_name()
        self.set_secret(name, "v", tags={"a": "1"}, contentType="x", attributes={"exp": 4102444800})
        bundle = self.set_secret(name, "v")
        self.assertNotIn("tags", bundle)
        self.assertNotIn("contentType", bundle)
        self.assertNotIn("exp", bundle["attributes"])

    def test_set_always_makes_a_version(self):
        name = fresh_name()
        first, second = self.set_secret(name, "v"), self.set_secret(name, "v")
        self.assertNotEqual(first["id"], second["id"])
        self.assertEqual(self.assert_ok(self.vault.get(f"/secrets/{name}"))["id"], second["id"])
        self.assertEqual(self.assert_ok(self.vault.get(f"/secrets/{name}/{version_of(first)}")), first)

    def test_version_is_case_insensitive(self):
        name = fresh_name()
        bundle = self.set_secret(name)
        self.assertEqual(self.assert_ok(self.vault.get(f"/secrets/{name}/{version_of(bundle).upper()}")), bundle)

    def test_name_is_case_insensitive_and_kept(self):
        name = fresh_name("CamelCase")
        first = self.set_secret(name)
        second = self.set_secret(name.lower())
        for bundle in (first, second, self.assert_ok(self.vault.get(f"/secrets/{name.upper()}"))):
            self.assertIn(f"/secrets/{name}/", bundle["id"])
        self.assertEqual(len(self.vault.get(f"/secrets/{name.upper()}/versions").json["value"]), 2)
        deleted = self.assert_ok(self.vault.delete(f"/secrets/{name.upper()}"))
        self.assertEqual(deleted["recoveryId"], f"{self.url}/deletedsecrets/{name}")

    @table(
        ("empty", ""),
        ("blank", " "),
        ("controls", "\x01\x1f\x7f"),
        ("quotes", '"\\/\b\f\n\r\t'),
        ("unicode", "äöü€\u2028\u2029\ufeff😀"),
        ("json", '{"value":"x"}'),
        ("longest", "x" * LONGEST_VALUE),
        ("longest_unicode", "ü" * (LONGEST_VALUE // 2)),
        ("longest_escaped", "\x01" * LONGEST_VALUE),
    )
    def test_value(self, value):
        name = fresh_name()
        self.assertEqual(self.set_secret(name, value)["value"], value)
        self.assertEqual(self.assert_ok(self.vault.get(f"/secrets/{name}"))["value"], value)

    @table(
        ("escaped", r'{"value":"\u0041\ud83d\ude00"}', "A😀"),
        ("null_members", '{"value":"v","tags":null,"contentType":null,"attributes":null}', "v"),
        ("null_attributes", '{"value":"v","attributes":{"enabled":null,"nbf":null,"exp":null}}', "v"),
        ("unknown_members", '{"value":"v","managed":true,"kid":"x","key_props":{},"more":[1,2]}', "v"),
        (
            "read_only_attributes",
            '{"value":"v","attributes":{"created":1,"updated":2,"recoveryLevel":"x","recoverableDays":1}}',
            "v",
        ),
        ("blanks", ' \r\n\t{ "value" : "v" } \n', "v"),
    )
    def test_body(self, body, value):
        bundle = self.assert_ok(self.vault.put(f"/secrets/{fresh_name()}", body))
        self.assertEqual(bundle["value"], value)
        self.assertNotEqual(bundle["attributes"]["created"], 1)


class UpdateTest(WireCase):
    def setUp(self):
        self.name = fresh_name()
        self.first = self.set_secret(
            self.name,
            "one",
            tags={"a": "1", "b": "2"},
            contentType="x",
            attributes={"nbf": 1000000000, "exp": 4102444800},
        )

    def patch(self, body, version=""):
        return self.vault.patch(f"/secrets/{self.name}/{version}", body)

    def test_answers_without_value(self):
        bundle = self.assert_ok(self.patch({"contentType": "y"}))
        self.assertNotIn("value", bundle)
        self.assertEqual(bundle["id"], self.first["id"])

    def test_changes_only_what_is_sent(self):
        bundle = self.assert_ok(self.patch({"attributes": {"enabled": True}}))
        self.assertEqual((bundle["tags"], bundle["contentType"]), ({"a": "1", "b": "2"}, "x"))
        self.assertEqual((bundle["attributes"]["nbf"], bundle["attributes"]["exp"]), (1000000000, 4102444800))
        self.assertEqual(self.assert_ok(self.vault.get(f"/secrets/{self.name}"))["value"], "one")

    def test_tags_are_replaced(self):
        self.assertEqual(self.assert_ok(self.patch({"tags": {"c": "3"}}))["tags"], {"c": "3"})

    def test_empty_tags_clear(self):
        self.assertFalse(self.assert_ok(self.patch({"tags": {}})).get("tags"))

    def test_nothing_to_change(self):
        for body in ({}, None):
            bundle = self.assert_ok(self.patch(body))
            self.assertEqual(bundle["tags"], {"a": "1", "b": "2"})

    def test_one_version(self):
        second = self.set_secret(self.name, "two")
        self.assert_ok(self.patch({"contentType": "old"}, version_of(self.first)))
        got = self.assert_ok(self.vault.get(f"/secrets/{self.name}"))
        self.assertEqual(got, second)
        got = self.assert_ok(self.vault.get(f"/secrets/{self.name}/{version_of(self.first)}"))
        self.assertEqual((got["value"], got["contentType"]), ("one", "old"))

    def test_updated_changes(self):
        self.server.admin.advance(5)
        bundle = self.assert_ok(self.patch({"contentType": "y"}))
        self.assertEqual(bundle["attributes"]["created"], self.first["attributes"]["created"])
        self.assertGreaterEqual(bundle["attributes"]["updated"], self.first["attributes"]["updated"] + 5)

    def test_value_is_not_taken(self):
        self.assert_ok(self.patch({"value": "changed"}))
        self.assertEqual(self.assert_ok(self.vault.get(f"/secrets/{self.name}"))["value"], "one")

    def test_dates_are_checked_together(self):
        answer = self.patch({"attributes": {"exp": 999999999}})
        self.assertEqual((answer.status, answer.code), (400, "BadParameter"))
        self.assertEqual(self.assert_ok(self.vault.get(f"/secrets/{self.name}")), self.first)

    def test_unknown(self):
        self.assert_error(self.vault.patch("/secrets/none/", {}), 404, "SecretNotFound", not_found("none"))
        self.assert_error(
            self.patch({}, UNKNOWN_VERSION), 404, "SecretNotFound", not_found(f"{self.name}/{UNKNOWN_VERSION}")
        )

    @table(
        ("text", '"x"'),
        ("list", "[]"),
        ("bad_tags", '{"tags":[]}'),
        ("bad_type", '{"contentType":1}'),
        ("bad_enabled", '{"attributes":{"enabled":"true"}}'),
        ("cut", '{"tags":{'),
    )
    def test_refused(self, body):
        answer = self.patch(body)
        self.assertEqual((answer.status, answer.code), (400, "BadParameter"), answer)
        self.assertEqual(self.assert_ok(self.vault.get(f"/secrets/{self.name}")), self.first)


class DisabledTest(WireCase):
    def test_disabled_secret(self):
        name = fresh_name()
        bundle = self.set_secret(name, "v", attributes={"enabled": False})
        self.assertIs(bundle["attributes"]["enabled"], False)
        for path in (f"/secrets/{name}", f"/secrets/{name}/{version_of(bundle)}"):
            self.assert_error(
                self.vault.get(path),
                403,
                "Forbidden",
                "Operation get is not allowed on a disabled secret.",
                "SecretDisabled",
            )
        items = self.assert_ok(self.vault.get(f"/secrets/{name}/versions"))["value"]
        self.assertEqual([item["attributes"]["enabled"] for item in items], [False])
        self.assert_ok(self.vault.post(f"/secrets/{name}/backup"))
        self.assert_ok(self.vault.patch(f"/secrets/{name}/", {"attributes": {"enabled": True}}))
        self.assertEqual(self.assert_ok(self.vault.get(f"/secrets/{name}"))["value"], "v")

    def test_newest_disabled_does_not_fall_back(self):
        name = fresh_name()
        old = self.set_secret(name, "old")
        self.set_secret(name, "new", attributes={"enabled": False})
        self.assertEqual(self.vault.get(f"/secrets/{name}").inner, "SecretDisabled")
        self.assertEqual(self.assert_ok(self.vault.get(f"/secrets/{name}/{version_of(old)}"))["value"], "old")

    def test_deleted_disabled(self):
        name = fresh_name()
        self.set_secret(name, "v", attributes={"enabled": False})
        self.assert_ok(self.vault.delete(f"/secrets/{name}"))
        self.assert_error(
            self.vault.get(f"/deletedsecrets/{name}"),
            403,
            "Forbidden",
            "Operation get is not permitted on this object.",
            "AccessDenied",
        )

    @table(("expired", {"exp": 1000000001}), ("not_yet_valid", {"nbf": 4102444800}))
    def test_out_of_time_can_be_read(self, attributes):
        name = fresh_name()
        self.set_secret(name, "v", attributes=attributes)
        self.assertEqual(self.assert_ok(self.vault.get(f"/secrets/{name}"))["value"], "v")


class NameTest(WireCase):
    OPERATIONS = (
        ("PUT", "/secrets/{}", {"value": "v"}),
        ("GET", "/secrets/{}", None),
        ("PATCH", "/secrets/{}", {}),
        ("DELETE", "/secrets/{}", None),
        ("GET", "/secrets/{}/versions", None),
        ("POST", "/secrets/{}/backup", None),
        ("GET", "/deletedsecrets/{}", None),
        ("DELETE", "/deletedsecrets/{}", None),
        ("POST", "/deletedsecrets/{}/recover", None),
    )

    @table(
        ("underscore", "a_b", "a_b"),
        ("dot", "a.b", "a.b"),
        ("too_long", "a" * 128, "a" * 128),
        ("blank", "a%20b", "a b"),
        ("slash", "a%2Fb", "a/b"),
        ("umlaut", "%C3%A4", "ä"),
        ("percent", "a%25b", "a%b"),
        ("colon", "a:b", "a:b"),
        ("newline", "a%0Ab", "a\nb"),
        ("quote", "%22a", '"a'),
    )
    def test_refused(self, raw, name):
        for method, path, body in self.OPERATIONS:
            answer = self.vault.call(method, path.format(raw), body)
            self.assert_error(answer, 400, "BadParameter", f"The request URI contains an invalid name: {name}")

    def test_bytes_that_are_no_text(self):
        answer = self.vault.get("/secrets/%ff%fe")
        self.assertEqual((answer.status, answer.code), (400, "BadParameter"))

    @table(
        ("shortest", "a"),
        ("digit", "0"),
        ("hyphen", "-"),
        ("longest", "Z" * 127),
        ("like_a_route", "versions"),
        ("restore", "restore"),
        ("backup", "backup"),
        ("like_a_version", UNKNOWN_VERSION),
    )
    def test_accepted(self, name):
        self.set_secret(name, name)
        self.assertEqual(self.assert_ok(self.vault.get(f"/secrets/{name}"))["value"], name)
        self.assertEqual(len(self.assert_ok(self.vault.get(f"/secrets/{name}/versions"))["value"]), 1)


class VersionTest(WireCase):
    @table(
        ("unknown", UNKNOWN_VERSION),
        ("short", "abc"),
        ("long", UNKNOWN_VERSION + "0"),
        ("not_hexadecimal", "z" * 32),
        ("guid", "01234567-89ab-cdef-0123-456789abcdef"),
        ("encoded", "a%20b"),
    )
    def test_unknown(self, version):
        text = version.replace("%20", " ")
        self.assert_error(
            self.vault.get(f"/secrets/sentinel/{version}"), 404, "SecretNotFound", not_found(f"sentinel/{text}")
        )

    def test_of_another_secret(self):
        bundle = self.set_secret()
        answer = self.vault.get(f"/secrets/sentinel/{version_of(bundle)}")
        self.assert_error(answer, 404, "SecretNotFound")

    @table(
        ("get", "GET", "/secrets/none", "none"),
        ("delete", "DELETE", "/secrets/none", "none"),
        ("backup", "POST", "/secrets/none/backup", "none"),
        ("patch", "PATCH", "/secrets/none", "none"),
    )
    def test_unknown_secret(self, method, path, text):
        self.assert_error(self.vault.call(method, path), 404, "SecretNotFound", not_found(text))

    @table(
        ("get", "GET", "/deletedsecrets/none"),
        ("purge", "DELETE", "/deletedsecrets/none"),
        ("recover", "POST", "/deletedsecrets/none/recover"),
        ("of_active", "GET", "/deletedsecrets/sentinel"),
        ("purge_active", "DELETE", "/deletedsecrets/sentinel"),
        ("recover_active", "POST", "/deletedsecrets/sentinel/recover"),
    )
    def test_unknown_deleted_secret(self, method, path):
        self.assert_error(
            self.vault.call(method, path), 404, "SecretNotFound", f"Deleted Secret not found: {path.split('/')[2]}"
        )


class BadBodyTest(WireCase):
    def assert_refused(self, body, message=None):
        name = fresh_name()
        answer = self.vault.put(f"/secrets/{name}", body)
        self.assert_error(answer, 400, "BadParameter", message)
        self.assertEqual(self.vault.get(f"/secrets/{name}").status, 404)
        return answer

    @table(
        ("nothing", b""),
        ("text", b"hello"),
        ("cut", b'{"value":"v"'),
        ("cut_text", b'{"value":"v'),
        ("two", b'{"value":"v"}{}'),
        ("rest", b'{"value":"v"} x'),
        ("list", b'["value"]'),
        ("string", b'"value"'),
        ("number", b"1"),
        ("null", b"null"),
        ("trailing_comma", b'{"value":"v",}'),
        ("single_quotes", b"{'value':'v'}"),
        ("no_quotes", b"{value:1}"),
        ("comment", b'{"value":"v"} // x'),
        ("bad_utf8", b'{"value":"\xff"}'),
        ("overlong", b'{"value":"\xc0\xaf"}'),
        ("raw_control", b'{"value":"a\nb"}'),
        ("raw_nul", b'{"value":"a\x00b"}'),
        ("escaped_nul", b'{"value":"a\\u0000b"}'),
        ("lone_surrogate", b'{"value":"\\ud800"}'),
        ("bad_escape", b'{"value":"\\x"}'),
        ("bom", b'\xef\xbb\xbf{"value":"v"}'),
        ("utf16", '{"value":"v"}'.encode("utf-16")),
        ("deep", b'{"value":' + b"[" * 5000 + b"]" * 5000 + b"}"),
        ("twice", b'{"value":"a","value":"b"}'),
        ("huge_number", b'{"value":"v","x":1e999999}'),
        ("leading_zero", b'{"value":"v","x":01}'),
    )
    def test_json(self, body):
        self.assert_refused(body, property_text(""))

    @table(
        ("missing", {}),
        ("null", {"value": None}),
        ("number", {"value": 1}),
        ("list", {"value": []}),
        ("object", {"value": {}}),
        ("bool", {"value": True}),
        ("case", {"Value": "v"}),
    )
    def test_value(self, body):
        self.assert_refused(body, property_text("value"))

    @table(
        ("one_more", "x" * (LONGEST_VALUE + 1)),
        ("unicode", "ü" * (LONGEST_VALUE // 2 + 1)),
        ("escaped", "\x01" * (LONGEST_VALUE + 1)),
    )
    def test_value_too_large(self, value):
        self.assert_refused({"value": value})

    @table(
        ("list", []),
        ("text", "x"),
        ("number_value", {"a": 1}),
        ("null_value", {"a": None}),
        ("bool_value", {"a": True}),
        ("object_value", {"a": {}}),
    )
    def test_tags(self, tags):
        self.assert_refused({"value": "v", "tags": tags}, property_text("tags"))

    @table(
        ("too_many", {str(number): "x" for number in range(16)}),
        ("long_name", {"n" * 513: "x"}),
        ("long_value", {"n": "x" * 513}),
    )
    def test_tags_beyond_limits(self, tags):
        answer = self.assert_refused({"value": "v", "tags": tags})
        self.assertTrue(answer.message.startswith("Property "), answer)

    def test_tags_at_the_limits(self):
        tags = {f"{number:0512}": "x" * 512 for number in range(15)}
        name = fresh_name()
        self.set_secret(name, tags=tags)
        self.assertEqual(self.assert_ok(self.vault.get(f"/secrets/{name}"))["tags"], tags)

    @table(("number", 1), ("list", []), ("object", {}))
    def test_content_type(self, content_type):
        self.assert_refused({"value": "v", "contentType": content_type}, property_text("contentType"))

    def test_content_type_limit(self):
        self.assert_refused({"value": "v", "contentType": "x" * 256})
        self.set_secret(contentType="x" * 255)

    @table(
        ("attributes_text", "attributes", "x"),
        ("attributes_list", "attributes", []),
        ("enabled_text", "enabled", {"enabled": "true"}),
        ("enabled_number", "enabled", {"enabled": 1}),
        ("nbf_text", "nbf", {"nbf": "1000"}),
        ("exp_text", "exp", {"exp": "2030-01-01T00:00:00Z"}),
        ("nbf_float", "nbf", {"nbf": 1000.5}),
        ("exp_float", "exp", {"exp": 1e10 + 0.5}),
        ("exp_integral_float", "exp", {"exp": 4102444800.0}),
        ("nbf_negative", "nbf", {"nbf": -1}),
        ("exp_negative", "exp", {"exp": -4102444800}),
        ("exp_huge", "exp", {"exp": 10**18}),
        ("exp_beyond_int64", None, {"exp": 10**30}),
        ("exp_bool", "exp", {"exp": True}),
        ("exp_list", "exp", {"exp": [1]}),
    )
    def test_attributes(self, name, attributes):
        message = None if name is None else property_text(name)
        self.assert_refused({"value": "v", "attributes": attributes}, message)

    @table(("before", {"nbf": 2000000000, "exp": 1999999999}), ("equal", {"nbf": 2000000000, "exp": 2000000000}))
    def test_exp_not_after_nbf(self, attributes):
        answer = self.assert_refused({"value": "v", "attributes": attributes})
        self.assertTrue(answer.message.startswith("Property "), answer)

    def test_refused_set_leaves_the_secret(self):
        name = fresh_name()
        first = self.set_secret(name, "one")
        for body in (
            b"{",
            {"value": 1},
            {"value": "two", "attributes": {"exp": "x"}},
            {"value": "x" * (LONGEST_VALUE + 1)},
        ):
            self.assertEqual(self.vault.put(f"/secrets/{name}", body).status, 400)
        self.assertEqual(self.assert_ok(self.vault.get(f"/secrets/{name}")), first)
        self.assertEqual(len(self.assert_ok(self.vault.get(f"/secrets/{name}/versions"))["value"]), 1)

    def test_error_shows_nothing_of_the_body(self):
        for body in (
            '{"value":"tell-nobody"',
            '{"value":"tell-nobody","tags":1}',
            '{"value":"' + "tell-nobody" * 3000 + '"}',
        ):
            answer = self.vault.put(f"/secrets/{fresh_name()}", body)
            self.assertEqual(answer.status, 400)
            self.assertNotIn(b"tell-nobody", answer.body)


class DeletedTest(WireCase):
    def deleted(self, **members):
        name = fresh_name()
        bundle = self.set_secret(name, "v", **members)
        return name, bundle, self.assert_ok(self.vault.delete(f"/secrets/{name}"))

    def test_delete_answers_the_deleted_bundle(self):
        name, bundle, deleted = self.deleted(tags={"a": "1"}, contentType="x")
        self.assertEqual(
            set(deleted), {"recoveryId", "deletedDate", "scheduledPurgeDate", "id", "attributes", "tags", "contentType"}
        )
        self.assertEqual(deleted["recoveryId"], f"{self.url}/deletedsecrets/{name}")
        self.assertEqual(deleted["id"], bundle["id"])
        self.assertEqual(deleted["scheduledPurgeDate"], deleted["deletedDate"] + 90 * 86400)
        self.assertEqual(self.assert_ok(self.vault.get(f"/deletedsecrets/{name}")), deleted)

    def test_is_gone_everywhere_else(self):
        name, bundle, _ = self.deleted()
        for method, path in (
            ("GET", f"/secrets/{name}"),
            ("GET", f"/secrets/{name}/{version_of(bundle)}"),
            ("PATCH", f"/secrets/{name}/"),
            ("DELETE", f"/secrets/{name}"),
            ("POST", f"/secrets/{name}/backup"),
        ):
            self.assert_error(self.vault.call(method, path), 404, "SecretNotFound")
        self.assertEqual(self.assert_ok(self.vault.get(f"/secrets/{name}/versions")), {"value": [], "nextLink": None})

    def test_name_is_not_free(self):
        name, _, _ = self.deleted()
        self.assert_error(
            self.vault.put(f"/secrets/{name}", {"value": "v"}),
            409,
            "Conflict",
            f"Secret {name} is currently in a deleted but recoverable state, and its name cannot be reused; in "
            "this state, the secret can only be recovered or purged.",
            "ObjectIsDeletedButRecoverable",
        )

    def test_recover_brings_all_versions_back(self):
        name = fresh_name()
        bundles = [self.set_secret(name, str(number), tags={"n": str(number)}) for number in range(3)]
        self.assert_ok(self.vault.delete(f"/secrets/{name}"))
        recovered = self.assert_ok(self.vault.post(f"/deletedsecrets/{name}/recover"))
        self.assertNotIn("value", recovered)
        self.assertNotIn("recoveryId", recovered)
        self.assertEqual(recovered["id"], bundles[-1]["id"])
        for bundle in bundles:
            self.assertEqual(self.assert_ok(self.vault.get(f"/secrets/{name}/{version_of(bundle)}")), bundle)
        self.assertEqual(self.vault.get(f"/deletedsecrets/{name}").status, 404)

    @table(("none", None), ("empty_object", {}))
    def test_recover_body(self, body):
        name, _, _ = self.deleted()
        self.assert_ok(self.vault.post(f"/deletedsecrets/{name}/recover", body))

    def test_purge(self):
        name, _, _ = self.deleted()
        answer = self.vault.delete(f"/deletedsecrets/{name}")
        self.assertEqual((answer.status, answer.body), (204, b""))
        self.assertNotIn("content-type", answer.headers)
        self.assertEqual(self.vault.get(f"/deletedsecrets/{name}").status, 404)
        self.set_secret(name, "again")
        self.assertEqual(len(self.assert_ok(self.vault.get(f"/secrets/{name}/versions"))["value"]), 1)


class RecoveryLevelTest(WireCase):
    @table(
        ("default", {}, "Recoverable+Purgeable", 90),
        ("short", {"retentionDays": 7}, "CustomizedRecoverable+Purgeable", 7),
        ("almost_longest", {"retentionDays": 89}, "CustomizedRecoverable+Purgeable", 89),
        ("protected", {"purgeProtection": True}, "Recoverable", 90),
        ("short_protected", {"retentionDays": 7, "purgeProtection": True}, "CustomizedRecoverable", 7),
    )
    def test_level(self, settings, level, days):
        vault = fresh_name("level")
        self.server.admin.vault(vault, **settings)
        administrator = self.server.env["HOLDFAST_CLIENT_ID"]
        self.server.admin.assign(administrator, "Key Vault Administrator", vault)
        client = vault_client(
            self.server, vault, secret_token(self.server, administrator, self.server.env["HOLDFAST_CLIENT_SECRET"])
        )
        bundle = self.set_secret("name", client=client)
        self.assertEqual(bundle["attributes"]["recoveryLevel"], level)
        self.assertEqual(bundle["attributes"]["recoverableDays"], days)
        self.assertTrue(bundle["id"].startswith(f"https://{vault}.vault.localhost:{self.server.port}/secrets/name/"))
        deleted = self.assert_ok(client.delete("/secrets/name"))
        self.assertEqual(deleted["scheduledPurgeDate"] - deleted["deletedDate"], days * 86400)
        answer = client.delete("/deletedsecrets/name")
        if settings.get("purgeProtection"):
            self.assert_error(answer, 403, "Forbidden", inner="ForbiddenByPolicy")
            self.assert_ok(client.post("/deletedsecrets/name/recover"))
            self.assertEqual(self.assert_ok(client.get("/secrets/name"))["value"], "value")
        else:
            self.assertEqual(answer.status, 204)

    def test_protection_can_be_switched_on(self):
        vault = fresh_name("protect")
        self.server.admin.vault(vault)
        self.assertIs(self.server.admin.call("POST", f"/vaults/{vault}/protect")["purgeProtection"], True)


class BackupTest(WireCase):
    CONFLICT = (
        "There was a conflict restoring the secret '{}'. This can happen if either: a second secret with the same name "
        "was created after the first secret was deleted; thus trying to restore a secret whose name is already in use. "
        "To fix this, rename the second secret to something else so that the restore works. The second probable cause of "
        "this exception is when multiple operations are performed in parallel against the secret. To avoid this error, "
        "perform operations against a secret in a sequential manner."
    )
    CORRUPT = "Backup blob contains invalid or corrupt version."

    def backup(self, versions=3):
        name = fresh_name()
        bundles = [
            self.set_secret(
                name, f"{name} {number}", tags={"n": str(number)}, contentType="x", attributes={"exp": 4102444800}
            )
            for number in range(versions)
        ]
        return name, bundles, self.assert_ok(self.vault.post(f"/secrets/{name}/backup"))["value"]

    def remove(self, name):
        self.assert_ok(self.vault.delete(f"/secrets/{name}"))
        self.assertEqual(self.vault.delete(f"/deletedsecrets/{name}").status, 204)

    def restore(self, blob, client=None):
        return (client or self.vault).post("/secrets/restore", {"value": blob})

    def test_form(self):
        name, _, blob = self.backup()
        self.assertRegex(blob, r"^[0-9A-Za-z_-]+$")
        self.assertNotEqual(blob, self.assert_ok(self.vault.post(f"/secrets/{name}/backup", {}))["value"])

    def test_all_versions_come_back(self):
        name, bundles, blob = self.backup()
        self.remove(name)
        restored = self.assert_ok(self.restore(blob))
        self.assertNotIn("value", restored)
        self.assertEqual(restored["id"], bundles[-1]["id"])
        for bundle in bundles:
            self.assertEqual(self.assert_ok(self.vault.get(f"/secrets/{name}/{version_of(bundle)}")), bundle)

    def test_into_another_vault(self):
        name, bundles, blob = self.backup(2)
        vault = fresh_name("other")
        self.server.admin.vault(vault)
        caller = Caller(self.server, fresh_name("restorer"))
        caller.assign("Key Vault Secrets Officer", vault)
        client = caller.client(vault)
        restored = self.assert_ok(self.restore(blob, client))
        self.assertEqual(restored["id"], bundles[-1]["id"].replace("//dev.", f"//{vault}."))
        self.assertEqual(self.assert_ok(client.get(f"/secrets/{name}"))["value"], f"{name} 1")

    def test_over_an_active_name(self):
        name, bundles, blob = self.backup()
        self.assert_error(self.restore(blob), 409, "Conflict", self.CONFLICT.format(bundles[-1]["id"]))
        self.assertEqual(len(self.assert_ok(self.vault.get(f"/secrets/{name}/versions"))["value"]), 3)

    def test_over_a_deleted_name(self):
        name, _, blob = self.backup()
        self.assert_ok(self.vault.delete(f"/secrets/{name}"))
        self.assert_error(self.restore(blob), 409, "Conflict", inner="ObjectIsDeletedButRecoverable")

    def test_padded_and_ordinary_alphabet(self):
        name, _, blob = self.backup()
        self.remove(name)
        self.assert_ok(self.restore(blob.replace("-", "+").replace("_", "/") + "=" * (-len(blob) % 4)))

    def test_changed_anywhere(self):
        name, _, blob = self.backup()
        self.remove(name)
        for at in [*range(0, min(len(blob), 160)), *range(160, len(blob) - 1, 37)]:
            changed = blob[:at] + ("A" if blob[at] != "A" else "B") + blob[at + 1 :]
            self.assert_error(self.restore(changed), 400, "BadParameter", self.CORRUPT)
        self.assertEqual(self.vault.get(f"/secrets/{name}").status, 404)

    def test_cut_or_extended(self):
        name, _, blob = self.backup()
        self.remove(name)
        lengths = [*range(0, 200, 4), *range(200, len(blob), 101), len(blob) - 4]
        for text in [blob[:length] for length in lengths] + [blob + "AAAA", "AAAA" + blob, blob + blob]:
            self.assert_error(self.restore(text), 400, "BadParameter", self.CORRUPT)

    @table(
        ("empty", ""),
        ("no_base64", "!!!!"),
        ("zeros", "A" * 4000),
        ("text", "hello"),
        ("azure_header", "JkF6dXJlS2V5VmF1bHRLZXlCYWNrdXBWMS5taWNyb3NvZnQuY29t"),
        ("bad_length", "AAAAA"),
        ("umlaut", "ä"),
    )
    def test_not_a_blob(self, blob):
        self.assert_error(self.restore(blob), 400, "BadParameter", self.CORRUPT)

    @table(("missing", {}), ("number", {"value": 1}), ("null", {"value": None}))
    def test_no_text(self, body):
        self.assert_error(self.vault.post("/secrets/restore", body), 400, "BadParameter", property_text("value"))

    def test_nothing(self):
        self.assert_error(self.vault.post("/secrets/restore"), 400, "BadParameter", property_text(""))

    def test_blob_hides_the_value(self):
        name, _, blob = self.backup(1)
        self.assertNotIn(name.encode(), base64.urlsafe_b64decode(blob + "=" * (-len(blob) % 4)))

    def test_many_versions(self):
        name = fresh_name()
        for number in range(60):
            self.set_secret(name, f"{number} " + "x" * 20000)
        blob = self.assert_ok(self.vault.post(f"/secrets/{name}/backup"))["value"]
        self.assertGreater(len(blob), 1200000)
        self.remove(name)
        self.assert_ok(self.restore(blob))
        self.assertTrue(json.loads(self.vault.get(f"/secrets/{name}").body)["value"].startswith("59 "))
