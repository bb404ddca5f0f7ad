# SPDX-License-Identifier: Apache-2.0
"""What the tests of keys share: keys made and used by raw requests, local keys as JWKs, and a guard: whatever a test sends, a key
that is there stays as it is."""

import base64
import re

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from hfsupport.tokens import decode, encode, number
from shared import WireCase, fresh_name

VERSION = "[0-9a-f]{32}"
UNKNOWN_VERSION = "0123456789abcdef0123456789abcdef"
SENTINEL_KEY = "sentinel-key"
PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "k", "key_hsm"}
CURVES = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1, "P-256K": ec.SECP256K1}
DEFAULT_OPS = {
    "RSA": ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"],
    "EC": ["sign", "verify"],
    "oct": ["encrypt", "decrypt", "wrapKey", "unwrapKey"],
}
ROUTES = {"wrapKey": "wrapkey", "unwrapKey": "unwrapkey"}
_sentinels = {}


def property_text(name):
    return f"Property {name} has invalid value\r\n"


def version_of(bundle):
    return bundle["key"]["kid"].rsplit("/", 1)[1]


def curve_bytes(curve):
    return (CURVES[curve]().key_size + 7) // 8


def private_members(value):
    """The names of members of private keys anywhere in an answer."""
    if isinstance(value, dict):
        return {name for name in value if name in PRIVATE_MEMBERS}.union(*map(private_members, value.values()))
    return set().union(*map(private_members, value)) if isinstance(value, list) else set()


def rsa_jwk(key):
    numbers = key.private_numbers()
    public = numbers.public_numbers
    return {
        "kty": "RSA",
        "n": number(public.n),
        "e": number(public.e),
        "d": number(numbers.d),
        "p": number(numbers.p),
        "q": number(numbers.q),
        "dp": number(numbers.dmp1),
        "dq": number(numbers.dmq1),
        "qi": number(numbers.iqmp),
    }


def ec_jwk(key, curve):
    numbers = key.private_numbers()
    size = curve_bytes(curve)
    return {
        "kty": "EC",
        "crv": curve,
        "x": number(numbers.public_numbers.x, size),
        "y": number(numbers.public_numbers.y, size),
        "d": number(numbers.private_value, size),
    }


def oct_jwk(octets):
    return {"kty": "oct", "k": encode(octets)}


def public_key(bundle):
    """The public key of an answer, for the independent implementation."""
    jwk = bundle["key"]
    if jwk["kty"] == "RSA":
        return rsa.RSAPublicNumbers(integer(jwk["e"]), integer(jwk["n"])).public_key()
    return ec.EllipticCurvePublicNumbers(integer(jwk["x"]), integer(jwk["y"]), CURVES[jwk["crv"]]()).public_key()


def integer(text):
    return int.from_bytes(decode(text), "big")


def standard_base64(octets):
    return base64.b64encode(octets).decode()


class KeyCase(WireCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not _sentinels:
            answer = cls.vault.post(f"/keys/{SENTINEL_KEY}/create", {"kty": "EC", "tags": {"a": "b"}})
            if answer.status != 200:
                raise RuntimeError(f"sentinel: {answer}")
            _sentinels["bundle"] = answer.json

    def tearDown(self):
        """Over the kept connection: a new one for each test would take longer than the test."""
        self.assertTrue(self.server.is_running(), "the server is gone")
        bundle = self.assert_ok(self.vault.get(f"/keys/{SENTINEL_KEY}"))
        self.assertEqual(bundle, _sentinels["bundle"])
        versions = self.vault.get(f"/keys/{SENTINEL_KEY}/versions").json["value"]
        self.assertEqual([item["kid"] for item in versions], [bundle["key"]["kid"]])

    def checked(self, answer):
        """An answer of a key operation: 200, and no private member in it."""
        body = self.assert_ok(answer)
        self.assertEqual(answer.headers["content-type"], "application/json; charset=utf-8")
        self.assertEqual(private_members(body), set())
        return body

    def create(self, name=None, client=None, **body):
        name = name or fresh_name("key")
        return self.checked((client or self.vault).post(f"/keys/{name}/create", body))

    def bring(self, jwk, name=None, **body):
        """An imported key."""
        return self.checked(self.vault.put(f"/keys/{name or fresh_name('key')}", {"key": jwk, **body}))

    def name_of(self, bundle):
        return re.fullmatch(rf"{re.escape(self.url)}/keys/([^/]+)/{VERSION}", bundle["key"]["kid"]).group(1)

    def send(self, operation, bundle, body, version=None):
        """Uses the version of the bundle, or another one; "" is the newest."""
        version = version_of(bundle) if version is None else version
        return self.vault.post(f"/keys/{self.name_of(bundle)}/{version}/{ROUTES.get(operation, operation)}", body)

    def use(self, operation, bundle, **body):
        answer = self.checked(self.send(operation, bundle, body))
        if operation != "verify":
            self.assertEqual(answer["kid"], bundle["key"]["kid"])
        return answer

    def assert_bad(self, answer, name=None):
        """400 with the service's text about a property; None: any."""
        self.assert_error(answer, 400, "BadParameter", None if name is None else property_text(name))

    def assert_nothing_stored(self, name):
        self.assert_error(self.vault.get(f"/keys/{name}"), 404, "KeyNotFound")
        self.assert_error(self.vault.get(f"/deletedkeys/{name}"), 404, "KeyNotFound")
        self.assertEqual(self.assert_ok(self.vault.get(f"/keys/{name}/versions"))["value"], [])

    def versions(self, name):
        return self.assert_ok(self.vault.get(f"/keys/{name}/versions"))["value"]
