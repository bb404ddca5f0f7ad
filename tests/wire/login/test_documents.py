# SPDX-License-Identifier: Apache-2.0
"""Discovery documents, key sets, instance discovery; routes and methods of the login host."""

import json

from hfsupport import tokens
from hfsupport.cases import table
from login_case import LoginCase

TENANTS = ("guid", "upper", "common", "organizations")


class DocumentTest(LoginCase):
    def tenant_text(self, kind):
        return {"guid": self.tenant, "upper": self.tenant.upper()}.get(kind, kind)

    def get(self, path):
        answer = self.client.send("GET", path)
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.headers["content-type"], "application/json; charset=utf-8")
        return answer.json

    @table(*((kind, kind) for kind in TENANTS))
    def test_v2(self, kind):
        document = self.get(f"/{self.tenant_text(kind)}/v2.0/.well-known/openid-configuration")
        base = f"{self.server.authority}/{self.tenant}"
        self.assertEqual(document["issuer"], f"{base}/v2.0")
        self.assertEqual(document["token_endpoint"], f"{base}/oauth2/v2.0/token")
        self.assertEqual(document["authorization_endpoint"], f"{base}/oauth2/v2.0/authorize")
        self.assertEqual(document["device_authorization_endpoint"], f"{base}/oauth2/v2.0/devicecode")
        self.assertEqual(document["end_session_endpoint"], f"{base}/oauth2/v2.0/logout")
        self.assertEqual(document["jwks_uri"], f"{base}/discovery/v2.0/keys")
        self.assertIn("client_secret_post", document["token_endpoint_auth_methods_supported"])
        self.assertIn("private_key_jwt", document["token_endpoint_auth_methods_supported"])
        self.assertEqual(document["id_token_signing_alg_values_supported"], ["RS256"])
        self.assertEqual(document["subject_types_supported"], ["pairwise"])
        for name in ("response_modes_supported", "response_types_supported", "scopes_supported"):
            self.assertIsInstance(document[name], list)

    @table(*((kind, kind) for kind in TENANTS))
    def test_v1(self, kind):
        document = self.get(f"/{self.tenant_text(kind)}/.well-known/openid-configuration")
        base = f"{self.server.authority}/{self.tenant}"
        self.assertEqual(document["token_endpoint"], f"{base}/oauth2/token")
        self.assertEqual(document["jwks_uri"], f"{base}/discovery/keys")

    @table(
        ("v2", "/v2.0/.well-known/openid-configuration"),
        ("v1", "/.well-known/openid-configuration"),
        ("keys", "/discovery/v2.0/keys"),
    )
    def test_unknown_tenant(self, tail):
        answer = self.client.send("GET", "/11111111-1111-4111-8111-111111111111" + tail)
        self.assert_refused(answer, 400, "invalid_tenant", 90002)

    @table(
        ("lower", str.lower),
        ("upper", str.upper),
        ("trailing_slash", lambda path: path + "/"),
        ("double_slash", lambda path: "/" + path),
    )
    def test_spelling(self, change):
        self.assertIn("issuer", self.get(change(f"/{self.tenant}/v2.0/.well-known/openid-configuration")))

    @table(
        ("v2", "/{}/discovery/v2.0/keys"),
        ("v1", "/{}/discovery/keys"),
        ("common_v2", "/common/discovery/v2.0/keys"),
        ("common_v1", "/common/discovery/keys"),
    )
    def test_keys(self, path):
        keys = self.get(path.format(self.tenant))["keys"]
        self.assertTrue(keys)
        for key in keys:
            self.assertEqual((key["kty"], key["use"], key["e"]), ("RSA", "sig", "AQAB"))
            self.assertEqual(len(tokens.decode(key["n"])) * 8, 2048)
            self.assertTrue(key["kid"])
            self.assertFalse(set(key) & {"d", "p", "q", "dp", "dq", "qi", "k"}, "private members")

    def test_instance_discovery(self):
        endpoint = f"{self.server.authority}/{self.tenant}/oauth2/v2.0/authorize"
        for path in (
            f"/common/discovery/instance?api-version=1.1&authorization_endpoint={endpoint}",
            f"/{self.tenant}/discovery/instance?authorization_endpoint={endpoint}",
        ):
            answer = self.get(path)
            self.assertEqual(
                answer["tenant_discovery_endpoint"],
                f"{self.server.authority}/{self.tenant}/v2.0/.well-known/openid-configuration",
            )
            host = self.server.authority.removeprefix("https://")
            self.assertEqual(
                answer["metadata"], [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}]
            )

    @table(
        ("foreign", "?authorization_endpoint=https://login.example.org/common/oauth2/v2.0/authorize"),
        ("missing", ""),
        ("prefix", "?authorization_endpoint={}.example.org/common/oauth2/v2.0/authorize"),
    )
    def test_instance_discovery_of_another(self, query):
        answer = self.client.send("GET", "/common/discovery/instance" + query.format(self.server.authority))
        self.assert_refused(answer, 400, "invalid_instance", 50049)

    @table(
        ("root", "GET", "/"),
        ("unknown", "GET", "/x/y/z"),
        ("vault_path", "GET", "/secrets/x"),
        ("deep", "GET", "/a" * 30),
    )
    def test_unknown_path_is_json(self, method, path):
        answer = self.client.send(method, path)
        self.assertEqual(answer.status, 404, answer)
        self.assertIn("error_description", json.loads(answer.body))

    @table(
        ("get_token", "GET", "/{}/oauth2/v2.0/token"),
        ("put_token", "PUT", "/{}/oauth2/token"),
        ("post_keys", "POST", "/{}/discovery/v2.0/keys"),
    )
    def test_wrong_method(self, method, path):
        answer = self.client.send(method, path.format(self.tenant))
        self.assertEqual(answer.status, 405, answer)
        self.assertEqual(answer.json["error_codes"], [900561])

    def test_documents_are_not_cached(self):
        answer = self.client.send("GET", f"/{self.tenant}/v2.0/.well-known/openid-configuration")
        self.assertEqual(answer.headers["cache-control"], "no-store")
