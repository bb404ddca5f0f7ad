# SPDX-License-Identifier: Apache-2.0
"""Keys that the vault makes: what it answers, and what it refuses without storing anything."""

import re

from hfsupport.cases import table
from hfsupport.tokens import decode
from key_case import (
    CURVES,
    DEFAULT_OPS,
    KeyCase,
    UNKNOWN_VERSION,
    VERSION,
    curve_bytes,
    integer,
    property_text,
    public_key,
    version_of,
)
from shared import fresh_name

FUTURE, FAR = 4102444800, 4133980800
HINT = (
    "If you recently deleted this key you may be able to recover it using the correct recovery command. For help "
    "resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182"
)


def not_found(text):
    return f"A key with (name/id) {text} was not found in this key vault. {HINT}"


class CreateTest(KeyCase):
    def assert_bundle(self, bundle, name, kty):
        self.assertEqual(set(bundle), {"key", "attributes"})
        jwk, attributes = bundle["key"], bundle["attributes"]
        self.assertRegex(jwk["kid"], f"^{re.escape(self.url)}/keys/{name}/{VERSION}$")
        self.assertEqual(jwk["kty"], kty)
        self.assertEqual(jwk["key_ops"], DEFAULT_OPS[kty])
        self.assertEqual(
            set(attributes),
            {"enabled", "created", "updated", "recoveryLevel", "recoverableDays", "exportable", "hsmPlatform"},
        )
        self.assertEqual(
            (attributes["enabled"], attributes["exportable"], attributes["hsmPlatform"]), (True, False, "0")
        )
        self.assertEqual((attributes["recoveryLevel"], attributes["recoverableDays"]), ("Recoverable+Purgeable", 90))
        self.assertIsInstance(attributes["created"], int)
        self.assertEqual(attributes["created"], attributes["updated"])

    @table(("default", None), ("2048", 2048), ("3072", 3072), ("4096", 4096))
    def test_rsa(self, size):
        name = fresh_name("rsa")
        before = self.server.admin.now()
        bundle = self.create(name, kty="RSA", key_size=size)
        self.assert_bundle(bundle, name, "RSA")
        self.assertEqual(set(bundle["key"]), {"kid", "kty", "key_ops", "n", "e"})
        self.assertEqual(bundle["key"]["e"], "AQAB")
        self.assertEqual(integer(bundle["key"]["n"]).bit_length(), size or 2048)
        self.assertEqual(len(decode(bundle["key"]["n"])), (size or 2048) // 8)
        self.assertTrue(before <= bundle["attributes"]["created"] <= self.server.admin.now())
        self.assertEqual(self.checked(self.vault.get(f"/keys/{name}")), bundle)

    @table(("default", None), *((curve, curve) for curve in CURVES))
    def test_ec(self, curve):
        name = fresh_name("ec")
        bundle = self.create(name, kty="EC", crv=curve)
        self.assert_bundle(bundle, name, "EC")
        self.assertEqual(set(bundle["key"]), {"kid", "kty", "key_ops", "crv", "x", "y"})
        curve = curve or "P-256"
        self.assertEqual(bundle["key"]["crv"], curve)
        for member in "xy":
            self.assertEqual(len(decode(bundle["key"][member])), curve_bytes(curve))
        public_key(bundle)  # a point of the curve, or it raises

    @table(("default", None), ("128", 128), ("192", 192), ("256", 256))
    def test_oct(self, size):
        name = fresh_name("oct")
        bundle = self.create(name, kty="oct", key_size=size)
        self.assert_bundle(bundle, name, "oct")
        self.assertEqual(set(bundle["key"]), {"kid", "kty", "key_ops"})

    @table(("3", 3, "Aw"), ("65537", 65537, "AQAB"))
    def test_exponent(self, exponent, text):
        self.assertEqual(self.create(kty="RSA", public_exponent=exponent)["key"]["e"], text)

    def test_key_size_of_ec_is_ignored(self):
        self.assertEqual(self.create(kty="EC", key_size=256)["key"]["crv"], "P-256")

    def test_everything_given_comes_back(self):
        name = fresh_name("all")
        given = {"enabled": False, "nbf": FUTURE, "exp": FAR}
        bundle = self.create(
            name, kty="EC", key_ops=["verify", "sign", "verify"], tags={"ü": "ä€😀", "b": ""}, attributes=given
        )
        self.assertEqual(bundle["key"]["key_ops"], ["verify", "sign"])
        self.assertEqual(bundle["tags"], {"ü": "ä€😀", "b": ""})
        self.assertEqual({name: bundle["attributes"][name] for name in given}, given)
        for path in (f"/keys/{name}", f"/keys/{name}/", f"/keys/{name}/{version_of(bundle).upper()}"):
            self.assertEqual(self.checked(self.vault.get(path)), bundle)

    @table(
        ("nulls", {"key_size": None, "crv": None, "key_ops": None, "attributes": None, "tags": None}),
        ("null_attributes", {"attributes": {"enabled": None, "nbf": None, "exp": None, "exportable": None}}),
        ("unknown_members", {"key_props": {}, "managed": True, "more": [1, {"d": 2}]}),
        ("read_only", {"attributes": {"created": 1, "updated": 2, "recoveryLevel": "x", "hsmPlatform": "2"}}),
        ("not_exportable", {"attributes": {"exportable": False}}),
        ("import_alone", {"kty": "RSA", "key_ops": ["import"]}),
    )
    def test_accepted(self, body):
        bundle = self.create(**{"kty": "EC", **body})
        self.assertNotEqual(bundle["attributes"]["created"], 1)
        self.assertEqual(bundle["attributes"]["hsmPlatform"], "0")

    def test_new_version_inherits_nothing(self):
        name = fresh_name("versions")
        first = self.create(name, kty="EC", tags={"a": "1"}, attributes={"exp": FAR}, key_ops=["sign"])
        second = self.create(name.upper(), kty="RSA")
        self.assertEqual((second["key"]["kty"], "tags" in second), ("RSA", False))
        self.assertNotIn("exp", second["attributes"])
        self.assertEqual(self.checked(self.vault.get(f"/keys/{name}")), second)
        self.assertEqual(self.checked(self.vault.get(f"/keys/{name}/{version_of(first)}")), first)
        self.assertEqual(self.name_of(second), name, "the case of the first is kept")
        self.assertEqual(len(self.versions(name)), 2)

    def test_key_and_secret_of_one_name(self):
        name = fresh_name("both")
        bundle = self.create(name, kty="EC")
        self.set_secret(name, "value")
        self.assertEqual(self.checked(self.vault.get(f"/keys/{name}")), bundle)
        self.checked(self.vault.delete(f"/keys/{name}"))
        self.assertEqual(self.assert_ok(self.vault.get(f"/secrets/{name}"))["value"], "value")
        self.assert_error(self.vault.get(f"/deletedsecrets/{name}"), 404, "SecretNotFound")
        self.assert_ok(self.vault.delete(f"/secrets/{name}"))
        self.checked(self.vault.post(f"/deletedkeys/{name}/recover"))
        self.assertEqual(self.checked(self.vault.get(f"/keys/{name}")), bundle)


SIXTEEN_TAGS = {str(n): "v" for n in range(16)}
# name, body, property that the answer names (None: another text)
REFUSED = (
    ("no_kty", {}, "kty"),
    ("null_kty", {"kty": None}, "kty"),
    ("number_kty", {"kty": 1}, "kty"),
    ("empty_kty", {"kty": ""}, "kty"),
    ("unknown_kty", {"kty": "DSA"}, "kty"),
    ("lower_kty", {"kty": "rsa"}, "kty"),
    ("longer_kty", {"kty": "RSA "}, "kty"),
    ("rsa_hsm", {"kty": "RSA-HSM"}, None),
    ("ec_hsm", {"kty": "EC-HSM"}, None),
    ("oct_hsm", {"kty": "oct-HSM"}, None),
    *(
        (f"rsa_size_{size}", {"kty": "RSA", "key_size": size}, "key_size")
        for size in (0, 1, 512, 1024, 2047, 2049, 2056, 8192, 16384, 65536, 67584, -2048, 2**32 + 2048, 2**63 - 1)
    ),
    ("rsa_size_huge", {"kty": "RSA", "key_size": 10**30}, None),
    ("rsa_size_text", {"kty": "RSA", "key_size": "2048"}, "key_size"),
    ("rsa_size_fraction", {"kty": "RSA", "key_size": 2048.5}, "key_size"),
    ("rsa_size_bool", {"kty": "RSA", "key_size": True}, "key_size"),
    *(
        (f"exponent_{e}", {"kty": "RSA", "public_exponent": e}, "public_exponent")
        for e in (0, 1, 2, 4, 17, 65536, 65539, -3, 2**32 + 3, 2**32 + 65537)
    ),
    ("exponent_text", {"kty": "RSA", "public_exponent": "AQAB"}, "public_exponent"),
    ("crv_unknown", {"kty": "EC", "crv": "P-192"}, "crv"),
    ("crv_lower", {"kty": "EC", "crv": "p-256"}, "crv"),
    ("crv_empty", {"kty": "EC", "crv": ""}, "crv"),
    ("crv_openssl", {"kty": "EC", "crv": "prime256v1"}, "crv"),
    ("crv_secp256k1", {"kty": "EC", "crv": "SECP256K1"}, "crv"),
    ("crv_number", {"kty": "EC", "crv": 256}, "crv"),
    *((f"oct_size_{n}", {"kty": "oct", "key_size": n}, "key_size") for n in (0, 8, 64, 127, 160, 512, 2048)),
    ("ops_text", {"kty": "EC", "key_ops": "sign"}, "key_ops"),
    ("ops_object", {"kty": "EC", "key_ops": {"sign": True}}, "key_ops"),
    ("ops_unknown", {"kty": "EC", "key_ops": ["sign", "mend"]}, "key_ops"),
    ("ops_lower", {"kty": "RSA", "key_ops": ["wrapkey"]}, "key_ops"),
    ("ops_number", {"kty": "EC", "key_ops": [1]}, "key_ops"),
    ("ops_null", {"kty": "EC", "key_ops": [None]}, "key_ops"),
    ("ops_nested", {"kty": "EC", "key_ops": [["sign"]]}, "key_ops"),
    *((f"ec_{op}", {"kty": "EC", "key_ops": ["sign", op]}, "key_ops") for op in ("encrypt", "decrypt", "wrapKey", "unwrapKey")),
    ("import_not_alone", {"kty": "RSA", "key_ops": ["import", "sign"]}, "key_ops"),
    ("import_of_ec", {"kty": "EC", "key_ops": ["import"]}, "key_ops"),
    ("import_of_oct", {"kty": "oct", "key_ops": ["import"]}, "key_ops"),
    ("export", {"kty": "RSA", "key_ops": ["export"]}, "key_ops"),
    ("attributes_text", {"kty": "EC", "attributes": "x"}, "attributes"),
    ("attributes_array", {"kty": "EC", "attributes": []}, "attributes"),
    ("enabled_text", {"kty": "EC", "attributes": {"enabled": "true"}}, "enabled"),
    ("nbf_text", {"kty": "EC", "attributes": {"nbf": "1"}}, "nbf"),
    ("exp_fraction", {"kty": "EC", "attributes": {"exp": 1.5}}, "exp"),
    ("exp_negative", {"kty": "EC", "attributes": {"exp": -1}}, "exp"),
    ("exp_is_nbf", {"kty": "EC", "attributes": {"nbf": FUTURE, "exp": FUTURE}}, "exp"),
    ("exp_before_nbf", {"kty": "EC", "attributes": {"nbf": FAR, "exp": FUTURE}}, "exp"),
    ("exportable", {"kty": "RSA", "attributes": {"exportable": True}}, None),
    ("exportable_text", {"kty": "RSA", "attributes": {"exportable": "false"}}, "exportable"),
    ("release_policy", {"kty": "RSA", "release_policy": {"data": "e30"}}, None),
    ("release_policy_text", {"kty": "RSA", "release_policy": "x"}, "release_policy"),
    ("tags_array", {"kty": "EC", "tags": ["a"]}, "tags"),
    ("tags_number", {"kty": "EC", "tags": {"a": 1}}, "tags"),
    ("tags_16", {"kty": "EC", "tags": SIXTEEN_TAGS}, "tags"),
    ("tag_name_257", {"kty": "EC", "tags": {"n" * 257: "v"}}, "tags"),
    ("tag_value_257", {"kty": "EC", "tags": {"n": "v" * 257}}, "tags"),
)
NO_JSON_OBJECT = (
    ("none", None),
    ("empty", b""),
    ("array", b"[]"),
    ("text", b'"RSA"'),
    ("null", b"null"),
    ("cut", b'{"kty":"RSA"'),
    ("two", b'{"kty":"RSA"}{}'),
    ("twice", b'{"kty":"RSA","kty":"EC"}'),
    ("nul", b'{"kty":"RSA\\u0000"}'),
    ("bad_utf8", b'{"kty":"RS\xff"}'),
    ("deep", b'{"kty":"RSA","key_ops":' + b"[" * 2000 + b"]" * 2000 + b"}"),
)


class CreateRefusedTest(KeyCase):
    @table(*REFUSED)
    def test_refused(self, body, name):
        key = fresh_name("none")
        self.assert_bad(self.vault.post(f"/keys/{key}/create", body), name)
        self.assert_nothing_stored(key)

    @table(*NO_JSON_OBJECT)
    def test_body(self, body):
        key = fresh_name("none")
        self.assert_bad(self.vault.post(f"/keys/{key}/create", body))
        self.assert_bad(self.vault.put(f"/keys/{key}", body))
        self.assert_nothing_stored(key)

    @table(("underscore", "a_b"), ("dot", "a.b"), ("long", "x" * 128), ("percent", "a%25b"), ("unicode", "%C3%A4"))
    def test_name(self, name):
        for answer in (
            self.vault.post(f"/keys/{name}/create", {"kty": "EC"}),
            self.vault.get(f"/keys/{name}"),
            self.vault.delete(f"/keys/{name}"),
            self.vault.post(f"/keys/{name}/sign", {"alg": "ES256", "value": "AA"}),
        ):
            self.assert_error(answer, 400, "BadParameter")

    def test_longest_name(self):
        self.create("k" * 127, kty="EC")

    def test_largest_tags(self):
        tags = {str(n).ljust(256, "n"): "v" * 256 for n in range(15)}
        self.assertEqual(self.create(kty="EC", tags=tags)["tags"], tags)

    def test_existing_key_stays(self):
        name = fresh_name("stays")
        bundle = self.create(name, kty="EC")
        self.assert_bad(self.vault.post(f"/keys/{name}/create", {"kty": "EC", "crv": "P-1"}), "crv")
        self.assert_bad(self.vault.post(f"/keys/{name}/create", {"kty": "EC", "key_ops": ["encrypt"]}), "key_ops")
        self.assertEqual(self.checked(self.vault.get(f"/keys/{name}")), bundle)
        self.assertEqual(len(self.versions(name)), 1)

    @table(
        ("get", "GET", "/keys/none"),
        ("get_version", "GET", f"/keys/none/{UNKNOWN_VERSION}"),
        ("get_no_version", "GET", "/keys/none/abc"),
        ("update", "PATCH", "/keys/none"),
        ("update_version", "PATCH", f"/keys/none/{UNKNOWN_VERSION}"),
        ("delete", "DELETE", "/keys/none"),
        ("rotate", "POST", "/keys/none/rotate"),
        ("backup", "POST", "/keys/none/backup"),
    )
    def test_unknown(self, method, path):
        text = path.removeprefix("/keys/").removesuffix("/rotate").removesuffix("/backup")
        answer = self.vault.call(method, path, {} if method == "PATCH" else None)
        self.assert_error(answer, 404, "KeyNotFound", not_found(text))

    @table(("get", "GET", ""), ("purge", "DELETE", ""), ("recover", "POST", "/recover"))
    def test_unknown_deleted(self, method, end):
        self.assert_error(
            self.vault.call(method, f"/deletedkeys/none{end}"), 404, "KeyNotFound", "Deleted Key not found: none"
        )

    def test_property_text(self):
        answer = self.vault.post("/keys/none/create", {"kty": "EC", "crv": "P-192"})
        self.assertEqual(answer.json, {"error": {"code": "BadParameter", "message": property_text("crv")}})
