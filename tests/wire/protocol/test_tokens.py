# SPDX-License-Identifier: Apache-2.0
"""Tokens that must not be accepted: garbage, unsigned, forged, confused, out of time, of others."""

import json

from hfsupport import tokens
from hfsupport.cases import table
from hfsupport.client import login_client, secret_token, vault_client
from hfsupport.server import claims_of
from shared import WireCase

MALFORMED = "Error validating token: IDX12741: the token is malformed."
SIGNATURE = "Error validating token: IDX10501: signature validation failed."
EXPIRED = "[TokenExpired] Error validating token: 'S2S12086'."
NOT_YET = "Error validating token: IDX10222: the token is not yet valid."
HOUR = 3600


class TokenCase(WireCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.good = cls.vault.token
        cls.header, cls.payload, cls.signature = tokens.split(cls.good)
        cls.jwks = json.loads(login_client(cls.server).send("GET", f"/{cls.server.tenant}/discovery/v2.0/keys").body)[
            "keys"
        ]
        cls.jwk = next(key for key in cls.jwks if key["kid"] == cls.header["kid"])
        cls.own_key = tokens.rsa_key()

    def assert_refused(self, token, message):
        for method, path, body in (
            ("GET", "/secrets/sentinel", None),
            ("PUT", "/secrets/sentinel", {"value": "forged"}),
        ):
            answer = vault_client(self.server, token=token).call(method, path, body)
            self.assert_error(answer, 401, "Unauthorized", message)
            self.assertIn("resource=", answer.headers["www-authenticate"])


class GarbageTest(TokenCase):
    @table(
        ("text", "hello"),
        ("dots", ".."),
        ("two_parts", "a.b"),
        ("three_parts", "a.b.c"),
        ("four_parts", "a.b.c.d"),
        ("json", "{}.{}.{}"),
        ("binary_looking", "AAAA.AAAA.AAAA"),
        ("long", "A" * 20000),
        ("long_parts", ".".join(["A" * 6000] * 3)),
        ("jwe", "a.b.c.d.e"),
        ("null_json", "bnVsbA.bnVsbA.AAAA"),
        ("list_json", "W10.W10.AAAA"),
    )
    def test_garbage(self, token):
        self.assert_refused(token, MALFORMED)

    def forged(self, name):
        header, payload, _ = self.good.split(".")
        key = self.own_key
        text = {
            "unsigned": lambda: f"{header}.{payload}.",
            "without_signature_part": lambda: f"{header}.{payload}",
            "alg_none": lambda: tokens.make({**self.header, "alg": "none"}, self.payload, lambda _: b""),
            "alg_none_with_signature": lambda: tokens.make(
                {**self.header, "alg": "none"}, self.payload, lambda _: self.signature
            ),
            "alg_None": lambda: tokens.make({**self.header, "alg": "None"}, self.payload, lambda _: self.signature),
            "alg_empty": lambda: tokens.make({**self.header, "alg": ""}, self.payload, lambda _: self.signature),
            "alg_missing": lambda: tokens.make(
                {"typ": "JWT", "kid": self.header["kid"]}, self.payload, lambda _: self.signature
            ),
            "alg_number": lambda: tokens.make({**self.header, "alg": 256}, self.payload, lambda _: self.signature),
            "alg_lower_case": lambda: tokens.make(
                {**self.header, "alg": "rs256"}, self.payload, lambda _: self.signature
            ),
            "kid_number": lambda: tokens.make({**self.header, "kid": 1}, self.payload, lambda _: self.signature),
            "critical": lambda: tokens.make(
                {**self.header, "crit": ["x"], "x": 1}, self.payload, lambda text: tokens.sign(key, "RS256", text)
            ),
            "hs256_pem": lambda: tokens.hmac_signed(
                tokens.rsa_public_pem(self.jwk), "HS256", self.payload, kid=self.header["kid"]
            ),
            "hs256_modulus": lambda: tokens.hmac_signed(
                tokens.decode(self.jwk["n"]), "HS256", self.payload, kid=self.header["kid"]
            ),
            "hs256_modulus_text": lambda: tokens.hmac_signed(
                self.jwk["n"].encode(), "HS256", self.payload, kid=self.header["kid"]
            ),
            "hs256_certificate": lambda: tokens.hmac_signed(
                self.jwk.get("x5c", [""])[0].encode(), "HS256", self.payload, kid=self.header["kid"]
            ),
            "hs512_empty": lambda: tokens.hmac_signed(b"", "HS512", self.payload, kid=self.header["kid"]),
            "payload_list": lambda: tokens.signed(key, "RS256", [], kid=self.header["kid"]),
            "payload_text": lambda: tokens.make(self.header, b"hello", lambda _: self.signature),
            "padded": lambda: f"{header}=.{payload}.{tokens.encode(self.signature)}",
        }
        return text[name]()

    @table(
        *(
            (name, name)
            for name in (
                "unsigned",
                "without_signature_part",
                "alg_none",
                "alg_none_with_signature",
                "alg_None",
                "alg_empty",
                "alg_missing",
                "alg_number",
                "alg_lower_case",
                "kid_number",
                "critical",
                "hs256_pem",
                "hs256_modulus",
                "hs256_modulus_text",
                "hs256_certificate",
                "hs512_empty",
                "payload_list",
                "payload_text",
                "padded",
            )
        )
    )
    def test_malformed(self, name):
        self.assert_refused(self.forged(name), MALFORMED)


class SignatureTest(TokenCase):
    def signed(self, algorithm="RS256", key=None, payload=None, **header):
        return tokens.signed(
            key or self.own_key, algorithm, payload or self.payload, **{"kid": self.header["kid"], **header}
        )

    def test_own_key(self):
        self.assert_refused(self.signed(), SIGNATURE)

    def test_own_key_with_its_jwk_in_the_header(self):
        jwk = tokens.public_jwk(self.own_key, "mine")
        self.assert_refused(self.signed(jwk=jwk), SIGNATURE)
        self.assert_refused(self.signed(jwk=jwk, kid="mine"), SIGNATURE)

    def test_own_key_by_url(self):
        self.assert_refused(self.signed(jku="https://example.org/keys", x5u="https://example.org/cert"), SIGNATURE)

    @table(
        ("unknown", "AAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        ("empty", ""),
        ("path", "../../../../etc/passwd"),
        ("quote", "' OR 1=1 --"),
    )
    def test_key_id(self, kid):
        self.assert_refused(self.signed(kid=kid), SIGNATURE)

    @table(("ps256", "PS256"), ("rs384", "RS384"), ("rs512", "RS512"))
    def test_algorithm(self, algorithm):
        self.assert_refused(self.signed(algorithm), SIGNATURE)

    def test_elliptic_key(self):
        self.assert_refused(self.signed("ES256", tokens.ec_key()), SIGNATURE)

    @table(("rs512", "RS512"), ("ps256", "PS256"), ("es256", "ES256"))
    def test_algorithm_swapped_in_the_header(self, algorithm):
        self.assert_refused(
            tokens.make({**self.header, "alg": algorithm}, self.payload, lambda _: self.signature), SIGNATURE
        )

    @table(
        ("other_oid", "oid", "00000000-0000-4000-8000-000000000000"),
        ("longer", "exp", 4102444800),
        ("other_aud", "aud", "x"),
        ("more_groups", "groups", ["00000000-0000-4000-8000-000000000000"]),
    )
    def test_changed_claim(self, claim, value):
        forged = tokens.make(self.header, {**self.payload, claim: value}, lambda _: self.signature)
        self.assert_refused(forged, SIGNATURE)

    def test_changed_signature(self):
        head = self.good.rsplit(".", 1)[0]
        for at in (0, 1, 100, len(self.signature) - 1):
            changed = bytearray(self.signature)
            changed[at] ^= 1
            self.assert_refused(f"{head}.{tokens.encode(bytes(changed))}", SIGNATURE)

    @table(
        ("short", lambda signature: signature[:-1]),
        ("long", lambda signature: signature + b"\0"),
        ("one_byte", lambda _: b"\0"),
        ("zeros", lambda signature: bytes(len(signature))),
        ("ones", lambda signature: b"\xff" * len(signature)),
    )
    def test_signature_of_wrong_form(self, change):
        head = self.good.rsplit(".", 1)[0]
        self.assert_refused(f"{head}.{tokens.encode(change(self.signature))}", SIGNATURE)

    def test_seen_token_does_not_open_for_a_changed_one(self):
        self.assert_ok(vault_client(self.server, token=self.good).get("/secrets/sentinel"))
        changed = bytearray(self.signature)
        changed[5] ^= 0x10
        self.assert_refused(f"{self.good.rsplit('.', 1)[0]}.{tokens.encode(bytes(changed))}", SIGNATURE)


class IssuerTest(TokenCase):
    @table(
        ("other_tenant", "https://sts.windows.net/11111111-1111-4111-8111-111111111111/"),
        ("microsoft", "https://login.microsoftonline.com/common/v2.0"),
        ("empty", ""),
        ("prefix", "https://sts.windows.net/"),
    )
    def test_wrong(self, issuer):
        expected = claims_of(self.good)["iss"]
        forged = tokens.signed(self.own_key, "RS256", {**self.payload, "iss": issuer}, kid=self.header["kid"])
        self.assert_refused(forged, f"AKV10032: Invalid issuer. Expected one of {expected}, found {issuer}.")

    def test_tail(self):
        issuer = claims_of(self.good)["iss"] + "x"
        forged = tokens.signed(self.own_key, "RS256", {**self.payload, "iss": issuer}, kid=self.header["kid"])
        self.assert_refused(
            forged, f"AKV10032: Invalid issuer. Expected one of {claims_of(self.good)['iss']}, found {issuer}."
        )


class AudienceTest(TokenCase):
    @table(
        ("installation", "{resource}"),
        ("with_slash", "{resource}/"),
        ("azure", "https://vault.azure.net"),
        ("azure_slash", "https://vault.azure.net/"),
        ("without_port", "https://vault.localhost"),
    )
    def test_accepted(self, resource):
        resource = resource.format(resource=self.server.resource)
        token = secret_token(
            self.server, self.server.env["HOLDFAST_CLIENT_ID"], self.server.env["HOLDFAST_CLIENT_SECRET"], resource
        )
        self.assertEqual(claims_of(token)["aud"], resource)
        self.assert_ok(vault_client(self.server, token=token).get("/secrets/sentinel"))


class TimeTest(TokenCase):
    def fresh_token(self):
        return secret_token(
            self.server, self.server.env["HOLDFAST_CLIENT_ID"], self.server.env["HOLDFAST_CLIENT_SECRET"]
        )

    def moved(self, seconds):
        self.server.admin.advance(seconds)
        self.addCleanup(self.server.admin.advance, -seconds)

    @table(("just_after_the_skew", 302), ("much_later", 10 * HOUR))
    def test_expired(self, seconds):
        token = self.fresh_token()
        claims = claims_of(token)
        self.moved(claims["exp"] - self.server.admin.now() + seconds)
        self.assert_refused(token, EXPIRED)
        self.assert_ok(vault_client(self.server, token=self.fresh_token()).get("/secrets/sentinel"))

    def test_expired_within_the_skew(self):
        token = self.fresh_token()
        self.moved(claims_of(token)["exp"] - self.server.admin.now() + 200)
        self.assert_ok(vault_client(self.server, token=token).get("/secrets/sentinel"))

    def test_expired_after_it_was_seen(self):
        token = self.fresh_token()
        client = vault_client(self.server, token=token)
        self.assert_ok(client.get("/secrets/sentinel"))
        self.moved(2 * HOUR)
        self.assert_error(client.get("/secrets/sentinel"), 401, "Unauthorized", EXPIRED)

    def test_not_yet_valid(self):
        token = self.fresh_token()
        self.moved(-2 * HOUR)
        self.assert_refused(token, NOT_YET)

    def test_not_yet_valid_after_it_was_seen(self):
        token = self.fresh_token()
        client = vault_client(self.server, token=token)
        self.assert_ok(client.get("/secrets/sentinel"))
        self.moved(-2 * HOUR)
        self.assert_error(client.get("/secrets/sentinel"), 401, "Unauthorized", NOT_YET)

    def tearDown(self):
        self.doCleanups()
        super().tearDown()
