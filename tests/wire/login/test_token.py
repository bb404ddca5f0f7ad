# SPDX-License-Identifier: Apache-2.0
"""The token endpoints: answers of both versions, and every refusal."""

import base64
import json
import urllib.parse
import uuid

import jwt
from cryptography.hazmat.primitives import hashes

from hfsupport import tokens
from hfsupport.cases import table
from hfsupport.client import login_client, vault_client
from hfsupport.server import claims_of
from login_case import LoginCase

HOUR = 3600
UNKNOWN = "11111111-1111-4111-8111-111111111111"


class AnswerTest(LoginCase):
    def ok(self, answer):
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.headers["content-type"], "application/json; charset=utf-8")
        self.assertEqual((answer.headers["cache-control"], answer.headers["pragma"]), ("no-store", "no-cache"))
        return answer.json

    def test_v2(self):
        body = self.ok(self.post(self.v2, self.form()))
        self.assertEqual(set(body) - {"scope"}, {"token_type", "expires_in", "ext_expires_in", "access_token"})
        self.assertEqual(body["token_type"], "Bearer")
        for name in ("expires_in", "ext_expires_in"):
            self.assertIsInstance(body[name], int)
        self.assertTrue(3590 <= body["expires_in"] <= 3600, body["expires_in"])

    def test_v1(self):
        body = self.ok(self.post(self.v1, self.form_v1()))
        self.assertEqual(
            set(body),
            {"token_type", "expires_in", "ext_expires_in", "expires_on", "not_before", "resource", "access_token"},
        )
        for name in ("expires_in", "ext_expires_in", "expires_on", "not_before"):
            self.assertIsInstance(body[name], str)
            int(body[name])
        self.assertEqual(body["resource"], self.server.resource)
        self.assertEqual(int(body["expires_on"]), claims_of(body["access_token"])["exp"])

    def test_token(self):
        token = self.ok(self.post(self.v2, self.form()))["access_token"]
        header, claims, signature = tokens.split(token)
        self.assertEqual((header["typ"], header["alg"]), ("JWT", "RS256"))
        self.assertEqual(header["kid"], header["x5t"])
        self.assertEqual(len(signature), 256)
        expected = {
            "aud": self.server.resource,
            "appid": self.caller.client_id,
            "appidacr": "1",
            "oid": self.caller.object_id,
            "sub": self.caller.object_id,
            "tid": self.tenant,
            "ver": "1.0",
            "idtyp": "app",
        }
        self.assertEqual({name: claims[name] for name in expected}, expected)
        self.assertEqual(claims["iss"], claims["idp"])
        self.assertEqual(claims["nbf"], claims["iat"])
        for name in ("iat", "nbf", "exp"):
            self.assertIsInstance(claims[name], int)
        self.assertTrue(claims["uti"])

    def test_token_is_signed_with_a_published_key(self):
        token = self.ok(self.post(self.v2, self.form()))["access_token"]
        kid = tokens.split(token)[0]["kid"]
        keys = self.client.send("GET", f"/{self.tenant}/discovery/v2.0/keys").json["keys"]
        key = jwt.PyJWK(next(key for key in keys if key["kid"] == kid), "RS256")
        # The server's clock may be ahead of this one in other tests.
        claims = jwt.decode(
            token, key, ["RS256"], audience=self.server.resource, options={"verify_iat": False, "verify_nbf": False}
        )
        self.assertEqual(claims["oid"], self.caller.object_id)

    def test_tokens_differ(self):
        texts = {self.ok(self.post(self.v2, self.form()))["access_token"] for _ in range(3)}
        self.assertEqual(len(texts), 3)

    @table(
        ("installation", "{}"),
        ("slash", "{}/"),
        ("azure", "https://vault.azure.net"),
        ("azure_slash", "https://vault.azure.net/"),
    )
    def test_resource(self, resource):
        resource = resource.format(self.server.resource)
        for answer in (
            self.post(self.v2, self.form(scope=f"{resource}/.default")),
            self.post(self.v1, self.form_v1(resource=resource)),
        ):
            self.assertEqual(claims_of(self.ok(answer)["access_token"])["aud"], resource)

    @table(
        ("after", "{} openid offline_access profile"),
        ("before", "openid email {}"),
        ("around", "  profile   {}  openid "),
    )
    def test_openid_scopes_beside(self, scope):
        body = self.ok(self.post(self.v2, self.form(scope=scope.format("https://vault.azure.net/.default"))))
        self.assertEqual(claims_of(body["access_token"])["aud"], "https://vault.azure.net")

    def test_basic_authentication(self):
        user = f"{urllib.parse.quote(self.caller.client_id)}:{urllib.parse.quote(self.caller.secret, safe='')}"
        headers = {"authorization": "Basic " + base64.b64encode(user.encode()).decode()}
        self.ok(self.post(self.v2, self.form(client_id=None, client_secret=None), headers))

    def test_what_msal_sends_besides(self):
        extra = {
            "client_info": "1",
            "x-client-SKU": "msal.js.node",
            "x-client-VER": "3.0",
            "x-ms-lib-capability": "retry-after, h429",
            "claims": '{"access_token":{"xms_cc":{"values":["cp1"]}}}',
            "x-client-current-telemetry": "5|771,2,,,|,",
            "brk_client_id": "x",
        }
        self.ok(self.post(f"{self.v2}?client-request-id={uuid.uuid4()}", self.form(**extra)))

    @table(("upper", str.upper), ("trailing_slash", lambda path: path + "/"), ("double_slash", lambda path: "/" + path))
    def test_spelling_of_the_path(self, change):
        self.ok(self.post(change(self.v2), self.form()))

    def test_client_id_in_upper_case(self):
        self.ok(self.post(self.v2, self.form(client_id=self.caller.client_id.upper())))

    def test_escaped_form(self):
        body = "&".join(
            f"{name}={''.join(f'%{byte:02X}' for byte in value.encode())}" for name, value in self.form().items()
        )
        self.ok(self.post(self.v2, body))

    def test_correlation_id_is_the_clients(self):
        answer = self.post(self.v2, self.form(client_secret="wrong"), {"client-request-id": UNKNOWN})
        self.assertEqual(answer.json["correlation_id"], UNKNOWN)
        self.assertEqual(answer.headers["client-request-id"], UNKNOWN)


class RefusalTest(LoginCase):
    @table(
        ("wrong_secret", {"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ("empty_secret", {"client_secret": ""}, 401, "invalid_client", None),
        ("huge_secret", {"client_secret": "x" * 5000}, 401, "invalid_client", 7000215),
        ("unknown_client", {"client_id": UNKNOWN}, 400, "unauthorized_client", 700016),
        ("odd_client", {"client_id": "me"}, 400, "unauthorized_client", 700016),
        ("no_secret", {"client_secret": None}, 401, "invalid_client", 7000218),
        ("scope_without_default", {"scope": "https://vault.azure.net"}, 400, "invalid_scope", 1002012),
        ("user_scope", {"scope": "https://vault.azure.net/user_impersonation"}, 400, "invalid_scope", 1002012),
        ("openid_scope", {"scope": "openid"}, 400, "invalid_scope", 1002012),
        (
            "two_scopes",
            {"scope": "https://vault.azure.net/.default https://x/.default"},
            400,
            "invalid_request",
            700022,
        ),
        ("only_openid_scopes", {"scope": "openid profile offline_access"}, 400, "invalid_scope", 1002012),
        ("resource_on_v2", {"resource": "https://vault.azure.net"}, 400, "invalid_request", 901002),
        (
            "resource_instead_of_scope",
            {"scope": None, "resource": "https://vault.azure.net"},
            400,
            "invalid_request",
            901002,
        ),
        ("unknown_resource", {"scope": "https://example.org/.default"}, 400, "invalid_resource", 500011),
        ("resource_prefix", {"scope": "https://vault.azure.net.example.org/.default"}, 400, "invalid_resource", 500011),
        ("empty_resource", {"scope": "/.default"}, 400, "invalid_resource", 500011),
        ("no_grant", {"grant_type": None}, 400, "invalid_request", 900144),
        ("no_client", {"client_id": None}, 400, "invalid_request", 900144),
        ("no_scope", {"scope": None}, 400, "invalid_request", 900144),
        ("password_grant", {"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
        (
            "device_grant",
            {"grant_type": "urn:ietf:params:oauth:grant-type:device_code"},
            400,
            "unsupported_grant_type",
            70003,
        ),
        ("odd_grant", {"grant_type": "CLIENT_CREDENTIALS"}, 400, "unsupported_grant_type", 70003),
    )
    def test_v2(self, changes, status, error, number):
        answer = self.post(self.v2, self.form(**changes))
        self.assert_refused(answer, status, error, number or answer.json["error_codes"][0])

    @table(
        ("wrong_secret", {"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ("no_resource", {"resource": None}, 400, "invalid_request", 900144),
        ("unknown_resource", {"resource": "https://example.org"}, 400, "invalid_resource", 500011),
        ("no_secret", {"client_secret": None}, 401, "invalid_client", 7000218),
    )
    def test_v1(self, changes, status, error, number):
        self.assert_refused(self.post(self.v1, self.form_v1(**changes)), status, error, number)

    @table(("grant_type", "grant_type"), ("client_id", "client_id"), ("scope", "scope"))
    def test_names_what_is_missing(self, name):
        answer = self.post(self.v2, self.form(**{name: None}))
        self.assertTrue(
            answer.json["error_description"].startswith(
                f"AADSTS900144: The request body must contain the following parameter: '{name}'."
            ),
            answer,
        )

    def test_names_client_secret_or_assertion(self):
        answer = self.post(self.v2, self.form(client_secret=None))
        self.assertTrue(
            answer.json["error_description"].startswith(
                "AADSTS7000218: The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
            ),
            answer,
        )

    @table(("unknown", UNKNOWN), ("common", "common"), ("organizations", "organizations"), ("text", "example.org"))
    def test_tenant(self, tenant):
        answer = self.post(f"/{tenant}/oauth2/v2.0/token", self.form())
        self.assert_refused(answer, 400, "invalid_request", 90002, tenant)

    @table(("nothing", ""), ("json", '{"grant_type":"client_credentials"}'))
    def test_empty_or_foreign_body(self, body):
        answer = self.post(self.v2, body)
        self.assert_refused(answer, 400, "invalid_request", 900144)

    @table(("json", "application/json"), ("text", "text/plain"), ("multipart", "multipart/form-data"))
    def test_content_type(self, value):
        answer = self.client.send(
            "POST", self.v2, urllib.parse.urlencode(self.form()).encode(), {"content-type": value}
        )
        self.assert_refused(answer, 400, "invalid_request", 9002313)

    @table(
        ("bad_escape", "client_id=%zz"),
        ("cut_escape", "scope=%4"),
        ("twice", "grant_type=client_credentials&grant_type=password"),
        ("secret_twice", "client_secret=a&client_secret=b"),
        ("nul", "client_id=%00"),
    )
    def test_malformed(self, body):
        self.assert_refused(self.post(self.v2, body), 400, "invalid_request", 9002313)

    @table(("no_base64", "Basic !!!"), ("no_colon", "Basic " + base64.b64encode(b"me").decode()))
    def test_basic(self, value):
        answer = self.post(self.v2, self.form(client_id=None, client_secret=None), {"authorization": value})
        self.assert_refused(answer, 400, "invalid_request", 9002313)

    def test_too_large(self):
        answer = login_client(self.server).send(
            "POST", self.v2, b"x=" + b"y" * 300000, {"content-type": "application/x-www-form-urlencoded"}
        )
        self.assertEqual(answer.status, 413)

    def test_secret_of_another_application(self):
        other = self.server.admin.identity("other-application")
        secret = self.server.admin.client_secret(other)
        self.assert_refused(self.post(self.v2, self.form(client_secret=secret)), 401, "invalid_client", 7000215)

    def test_identity_header_is_no_client_secret(self):
        answer = self.post(self.v2, self.form(client_secret=self.server.env["IDENTITY_HEADER"]))
        self.assert_refused(answer, 401, "invalid_client", 7000215)

    def test_expired_secret(self):
        identity = self.server.admin.identity("with-expiry")
        expires = self.server.admin.now() + HOUR
        secret = self.server.admin.call(
            "POST", f"/identities/{identity['objectId']}/credentials", {"kind": "client-secret", "expires": expires}
        )["secret"]
        form = self.form(client_id=identity["clientId"], client_secret=secret)
        self.assertEqual(self.post(self.v2, form).status, 200)
        self.server.admin.advance(2 * HOUR)
        self.addCleanup(self.server.admin.advance, -2 * HOUR)
        self.assert_refused(self.post(self.v2, form), 401, "invalid_client", 7000222)

    def test_two_secrets_at_a_time(self):
        second = self.server.admin.client_secret(self.caller.identity)
        for secret in (self.caller.secret, second):
            self.assertEqual(self.post(self.v2, self.form(client_secret=secret)).status, 200)

    def test_answer_repeats_no_secret(self):
        answer = self.post(self.v2, self.form(client_secret="tell-nobody"))
        self.assertNotIn(b"tell-nobody", answer.body)


class AssertionTest(LoginCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.key = tokens.rsa_key()
        cls.certificate = tokens.certificate_of(cls.key, "application")
        cls.server.admin.certificate(cls.caller.identity, tokens.pem(cls.certificate).decode())
        cls.audience = f"{cls.server.authority}{cls.v2}"

    def assertion(self, algorithm="RS256", key=None, header=None, **changes):
        now = self.server.admin.now()
        if header is None:
            header = (
                {"x5t": tokens.thumbprint(self.certificate, hashes.SHA1())}
                if algorithm == "RS256"
                else {"x5t#S256": tokens.thumbprint(self.certificate, hashes.SHA256())}
            )
        claims = {
            "aud": self.audience,
            "iss": self.caller.client_id,
            "sub": self.caller.client_id,
            "nbf": now,
            "exp": now + 600,
            "jti": str(uuid.uuid4()),
            **changes,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        return tokens.signed(key or self.key, algorithm, claims, **header)

    def ask(self, assertion, **changes):
        return self.post(
            self.v2,
            self.form(
                client_secret=None,
                client_assertion=assertion,
                **{"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", **changes},
            ),
        )

    @table(("rs256", "RS256"), ("ps256", "PS256"))
    def test_accepted(self, algorithm):
        answer = self.ask(self.assertion(algorithm))
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(claims_of(answer.json["access_token"])["appidacr"], "2")

    @table(
        ("v1_endpoint", "{}/oauth2/token"), ("issuer", "{}/v2.0"), ("tenant", "{}"), ("upper", "{}/OAUTH2/V2.0/TOKEN")
    )
    def test_audience(self, audience):
        audience = audience.format(f"{self.server.authority}/{self.tenant}")
        self.assertEqual(self.ask(self.assertion(aud=audience)).status, 200)

    def test_padded_segments(self):
        def pad(text):
            return text + "=" * (-len(text) % 4)

        header, payload, _ = self.assertion().split(".")
        text = f"{pad(header)}.{pad(payload)}"
        self.assertEqual(
            self.ask(f"{text}.{pad(tokens.encode(tokens.sign(self.key, 'RS256', text.encode())))}").status, 200
        )

    def test_fractional_times(self):
        """RFC 7519 allows them, MSAL for Python sends them."""
        now = self.server.admin.now()
        answer = self.ask(self.assertion(nbf=now + 0.25, exp=now + 600.75, iat=now + 0.5))
        self.assertEqual(answer.status, 200, answer)

    def test_without_client_id(self):
        self.assertEqual(self.ask(self.assertion(), client_id=None).status, 200)

    def test_by_kid(self):
        kid = self.certificate.fingerprint(hashes.SHA1()).hex().upper()
        self.assertEqual(self.ask(self.assertion(header={"kid": kid})).status, 200)

    @table(
        ("expired", {"nbf": 1000000000, "exp": 1000000600}, 401, "invalid_client", 700024),
        ("not_yet", {"nbf": 4102444800, "exp": 4102445400}, 401, "invalid_client", 700024),
        ("too_long", {"exp": 4102444800}, 401, "invalid_client", 700024),
        (
            "foreign_audience",
            {"aud": "https://login.microsoftonline.com/x/oauth2/v2.0/token"},
            401,
            "invalid_client",
            50012,
        ),
        ("other_tenant", {"aud": "{authority}/" + UNKNOWN + "/oauth2/v2.0/token"}, 401, "invalid_client", 50012),
    )
    def test_refused(self, changes, status, error, number):
        changes = {
            name: value.format(authority=self.server.authority) if isinstance(value, str) else value
            for name, value in changes.items()
        }
        self.assert_refused(self.ask(self.assertion(**changes)), status, error, number)

    def test_another_key(self):
        self.assert_refused(self.ask(self.assertion(key=tokens.rsa_key())), 401, "invalid_client", 700027)

    def test_certificate_not_registered(self):
        key = tokens.rsa_key()
        certificate = tokens.certificate_of(key, "application")
        header = {
            "x5t": tokens.thumbprint(certificate, hashes.SHA1()),
            "x5c": [base64.b64encode(tokens.pem(certificate)).decode()],
        }
        self.assert_refused(self.ask(self.assertion(key=key, header=header)), 401, "invalid_client", 700027)

    def test_certificate_of_another_application(self):
        other = self.server.admin.identity("another-application")
        assertion = self.assertion(iss=other["clientId"], sub=other["clientId"])
        self.assert_refused(self.ask(assertion, client_id=other["clientId"]), 401, "invalid_client", 700027)

    @table(("garbage", "hello"), ("dots", "..."), ("hs256", None), ("none", None))
    def test_malformed(self, text):
        claims = claims_of(self.assertion())
        name = self._testMethodName.rsplit("_", 1)[1]
        if name == "hs256":
            text = tokens.hmac_signed(tokens.pem(self.certificate), "HS256", claims)
        elif name == "none":
            text = tokens.make({"alg": "none"}, claims, lambda _: b"")
        answer = self.ask(text)
        self.assertEqual(answer.status // 100, 4, answer)
        self.assertNotIn("access_token", answer.json)
        self.assertIn("error_description", answer.json)

    def test_other_client_id(self):
        answer = self.ask(self.assertion(), client_id=self.server.env["HOLDFAST_CLIENT_ID"])
        self.assertIn(answer.status, (400, 401))
        self.assertNotIn("access_token", answer.json)

    def test_other_assertion_type(self):
        self.assert_refused(self.ask(self.assertion(), client_assertion_type="urn:x"), 400, "invalid_request", 90014)

    def test_own_access_token_is_no_assertion(self):
        token = self.post(self.v2, self.form()).json["access_token"]
        answer = self.ask(token)
        self.assertIn(answer.status, (400, 401))

    def test_expired_certificate(self):
        key = tokens.rsa_key()
        identity = self.server.admin.identity("short-certificate")
        certificate = tokens.certificate_of(key, "short", days=(-1, 1))
        self.server.admin.certificate(identity, tokens.pem(certificate).decode())
        header = {"x5t": tokens.thumbprint(certificate, hashes.SHA1())}

        def ask():
            assertion = self.assertion(key=key, header=header, iss=identity["clientId"], sub=identity["clientId"])
            return self.ask(assertion, client_id=identity["clientId"])

        self.assertEqual(ask().status, 200)
        self.server.admin.advance(2 * 24 * HOUR)
        self.addCleanup(self.server.admin.advance, -2 * 24 * HOUR)
        self.assert_refused(ask(), 401, "invalid_client", 700027)


class RotationTest(LoginCase):
    def kids(self):
        return {key["kid"] for key in self.client.send("GET", f"/{self.tenant}/discovery/v2.0/keys").json["keys"]}

    def test_rotation_keeps_old_tokens_valid(self):
        self.caller.assign("Key Vault Secrets Officer", "dev")
        before = self.kids()
        old = vault_client(self.server, token=self.post(self.v2, self.form()).json["access_token"])
        self.assertEqual(old.put("/secrets/rotation", {"value": "v"}).status, 200)
        self.server.admin.call("POST", "/signing-keys", {})
        self.assertTrue(before < self.kids(), "a new key is published beside the old ones")
        self.assertEqual(old.get("/secrets/rotation").status, 200)
        again = vault_client(self.server, token=old.token)
        self.assertEqual(again.get("/secrets/rotation").status, 200)

    def test_new_tokens_are_signed_with_a_published_key(self):
        self.server.admin.call("POST", "/signing-keys", {})
        for hours in (0, 30):
            self.server.admin.advance(hours * HOUR)
            token = self.post(self.v2, self.form()).json["access_token"]
            self.assertIn(tokens.split(token)[0]["kid"], self.kids())
        self.server.admin.advance(-30 * HOUR)

    def test_new_key_is_used_in_the_end(self):
        first = tokens.split(self.post(self.v2, self.form()).json["access_token"])[0]["kid"]
        self.server.admin.call("POST", "/signing-keys", {})
        self.server.admin.advance(3 * 24 * HOUR)
        self.addCleanup(self.server.admin.advance, -3 * 24 * HOUR)
        self.assertNotEqual(tokens.split(self.post(self.v2, self.form()).json["access_token"])[0]["kid"], first)


class ManagedIdentityTest(LoginCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.path = urllib.parse.urlsplit(cls.server.env["IDENTITY_ENDPOINT"]).path
        cls.secret = cls.server.env["IDENTITY_HEADER"]

    def ask(self, resource="https://vault.azure.net", headers=None, **query):
        query = {"api-version": "2019-08-01", "resource": resource, **query}
        query = {name: value for name, value in query.items() if value is not None}
        sent = {"x-identity-header": self.secret, **(headers or {})}
        return login_client(self.server).send("GET", f"{self.path}?{urllib.parse.urlencode(query)}", None, sent)

    def assert_identity_error(self, answer, status, text=None):
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(set(answer.json), {"statusCode", "message", "correlationId"})
        self.assertEqual(answer.json["statusCode"], status)
        if text:
            self.assertIn(text, answer.json["message"])

    @table(("azure", "https://vault.azure.net"), ("slash", "https://vault.azure.net/"))
    def test_answer(self, resource):
        answer = self.ask(resource)
        self.assertEqual(answer.status, 200, answer)
        body = answer.json
        for name in ("access_token", "expires_on", "resource", "token_type", "client_id"):
            self.assertIsInstance(body[name], str)
        self.assertEqual((body["resource"], body["token_type"]), (resource, "Bearer"))
        claims = claims_of(body["access_token"])
        self.assertEqual((claims["aud"], claims["appid"], claims["appidacr"]), (resource, body["client_id"], "2"))
        self.assertEqual(int(body["expires_on"]), claims["exp"])

    def test_named_identity(self):
        client_id = self.ask().json["client_id"]
        for query in (
            {"client_id": client_id},
            {"client_id": client_id.upper()},
            {"object_id": claims_of(self.ask().json["access_token"])["oid"]},
        ):
            self.assertEqual(self.ask(**query).status, 200, query)

    @table(
        ("client_id", {"client_id": UNKNOWN}),
        ("object_id", {"object_id": UNKNOWN}),
        ("principal_id", {"principal_id": UNKNOWN}),
        ("nonsense", {"client_id": "x"}),
    )
    def test_another_identity(self, query):
        self.assert_identity_error(self.ask(**query), 400, "Identity not found")

    @table(
        ("missing", None, 400),
        ("empty", "", None),
        ("wrong", "x" * 76, 401),
        ("short", "x", 401),
        ("long", "x" * 5000, 401),
    )
    def test_header(self, value, status):
        answer = self.ask(headers={"x-identity-header": value})
        self.assert_identity_error(answer, status or answer.status)
        self.assertIn(answer.status, (400, 401))

    def test_changed_header(self):
        for at in (0, 10, 33, len(self.secret) - 1):
            changed = self.secret[:at] + ("0" if self.secret[at] != "0" else "1") + self.secret[at + 1 :]
            self.assert_identity_error(self.ask(headers={"x-identity-header": changed}), 401)

    def test_client_secret_is_no_header(self):
        self.assert_identity_error(
            self.ask(headers={"x-identity-header": self.server.env["HOLDFAST_CLIENT_SECRET"]}), 401
        )

    def test_forwarded(self):
        self.assert_identity_error(self.ask(headers={"x-forwarded-for": "192.0.2.1"}), 400)

    @table(("missing", None, 400, "resource"), ("empty", "", 400, "resource"))
    def test_resource_missing(self, resource, status, text):
        self.assert_identity_error(self.ask(resource), status, text)

    def test_unknown_resource(self):
        self.assert_identity_error(self.ask("https://example.org"), 400, "AADSTS500011")

    def test_disabled(self):
        identity = self.server.admin.identity("robot", "managed-identity")
        header = self.server.admin.call(
            "POST", f"/identities/{identity['objectId']}/credentials", {"kind": "identity-header"}
        )["secret"]
        self.assertEqual(self.ask(headers={"x-identity-header": header}).json["client_id"], identity["clientId"])
        self.server.admin.call("PATCH", f"/identities/{identity['objectId']}", {"enabled": False})
        self.assert_identity_error(self.ask(headers={"x-identity-header": header}), 401)

    def test_wrong_method(self):
        self.assertEqual(
            login_client(self.server).send("POST", self.path, b"", {"x-identity-header": self.secret}).status, 405
        )

    def test_on_a_vault_host(self):
        answer = vault_client(self.server, token="").send(
            "GET",
            f"{self.path}?resource=https://vault.azure.net",
            headers={"authorization": None, "x-identity-header": self.secret},
        )
        self.assertEqual(answer.status, 401)
        self.assertNotIn("access_token", json.loads(answer.body))
