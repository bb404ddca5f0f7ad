# SPDX-License-Identifier: Apache-2.0
"""The 401 challenge, response headers, api-versions, hosts, routes and methods."""

import json
import re
import uuid

from hfsupport.cases import table
from hfsupport.client import Client, vault_client
from shared import WireCase, fresh_name

GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
MISSING = "AKV10000: Request is missing a Bearer or PoP token."
LATEST = "2026-04-01"
ACCEPTED = (
    "2016-10-01",
    "7.0",
    "7.1",
    "7.2",
    "7.3",
    "7.4",
    "7.5",
    "7.6",
    "2025-07-01",
    LATEST,
    "7.1-preview",
    "7.6-preview.1",
    "7.6-preview.2",
    "2025-06-01-preview",
    "2026-01-01-preview",
    "2026-03-01-preview",
)
REFUSED = (
    "7",
    "7.7",
    "7.4.1",
    "8.0",
    "2025-07-02",
    "2025-07-01 ",
    "7.6-PREVIEW",
    "7.6-preview.",
    "2026-04-01-preview",
    "x",
    "7.4,7.5",
    "%",
)


class ChallengeTest(WireCase):
    def setUp(self):
        self.stranger = Client(self.server, self.host)
        self.addCleanup(self.stranger.close)

    def challenge(self):
        return (
            f'Bearer authorization="{self.server.authority}/{self.server.tenant}", '
            f'resource="{self.server.resource}"'
        )

    def assert_challenged(self, answer):
        self.assert_error(answer, 401, "Unauthorized", MISSING)
        self.assertEqual(answer.headers["www-authenticate"], self.challenge())

    def test_challenge_body_is_exact(self):
        answer = self.stranger.get("/secrets/x")
        self.assert_challenged(answer)
        expected = '{"error":{"code":"Unauthorized","message":"' + MISSING + '"}}'
        self.assertEqual(answer.body.decode(), expected)

    @table(
        ("set_with_empty_body", "PUT", "/secrets/x", b""),
        ("set_with_body", "PUT", "/secrets/x", b'{"value":"v"}'),
        ("malformed_body", "PUT", "/secrets/x", b"{"),
        ("delete", "DELETE", "/secrets/x", None),
        ("list", "GET", "/secrets", None),
        ("unknown_path", "GET", "/nothing", None),
        ("wrong_method", "POST", "/secrets", None),
        ("invalid_name", "GET", "/secrets/a_b", None),
        ("key", "GET", "/keys/x", None),
        ("certificate_create", "POST", "/certificates/x/create", b"{}"),
        ("hsm_only", "POST", "/rng", b"{}"),
    )
    def test_first_request(self, method, path, body):
        answer = self.stranger.send(method, f"{path}?api-version=7.4", body, {"content-type": "application/json"})
        self.assert_challenged(answer)

    @table(("missing", ""), ("unknown", "?api-version=1.0"))
    def test_comes_before_the_api_version(self, query):
        self.assert_challenged(self.stranger.send("GET", f"/secrets/x{query}"))

    @table(
        ("basic", "Basic dXNlcjpwYXNz"),
        ("empty_bearer", "Bearer "),
        ("bare_bearer", "Bearer"),
        ("pop_without_token", "PoP "),
        ("nonsense", "nonsense"),
        ("glued", "BearerX"),
    )
    def test_other_authorization(self, value):
        self.assert_challenged(self.stranger.get("/secrets/x", headers={"authorization": value}))

    def test_scheme_is_case_insensitive(self):
        headers = {"authorization": f"bEaReR {self.vault.token}"}
        self.assert_ok(self.stranger.get("/secrets/sentinel", headers=headers))

    def test_no_challenge_on_success(self):
        self.assertNotIn("www-authenticate", self.vault.get("/secrets/sentinel").headers)


class HeadersTest(WireCase):
    FIXED = {
        "cache-control": "no-cache",
        "pragma": "no-cache",
        "expires": "-1",
        "strict-transport-security": "max-age=31536000;includeSubDomains",
        "x-content-type-options": "nosniff",
    }

    def check(self, answer):
        for name, value in self.FIXED.items():
            self.assertEqual(answer.headers.get(name), value, name)
        self.assertRegex(answer.headers["x-ms-request-id"], GUID)
        self.assertRegex(answer.headers["x-ms-keyvault-service-version"], r"^\d+\.\d+\.\d+\.\d+$")
        self.assertEqual(
            answer.headers["x-ms-keyvault-network-info"], "conn_type=Ipv4;addr=127.0.0.1;act_addr_fam=InterNetwork;"
        )
        self.assertIn("x-ms-keyvault-region", answer.headers)
        self.assertIn("date", answer.headers)

    def test_success(self):
        answer = self.vault.get("/secrets/sentinel")
        self.check(answer)
        self.assertEqual(answer.headers["content-type"], "application/json; charset=utf-8")
        self.assertEqual(int(answer.headers["content-length"]), len(answer.body))
        self.assertRegex(answer.headers["x-ms-keyvault-rbac-assignment-id"], r"^[0-9a-f]{32}$|" + GUID.pattern)

    @table(
        ("not_found", "GET", "/secrets/none", 404),
        ("bad_name", "GET", "/secrets/a_b", 400),
        ("unknown_path", "GET", "/none", 404),
        ("wrong_method", "POST", "/secrets", 405),
    )
    def test_error(self, method, path, status):
        answer = self.vault.call(method, path)
        self.assertEqual(answer.status, status)
        self.check(answer)

    def test_unauthorized(self):
        self.check(Client(self.server, self.host).get("/secrets/sentinel"))

    def test_client_request_id_is_echoed(self):
        for value in (str(uuid.uuid4()), "any text"):
            answer = self.vault.get("/secrets/sentinel", headers={"x-ms-client-request-id": value})
            self.assertEqual(answer.headers["x-ms-client-request-id"], value)

    def test_client_request_id_is_absent_if_not_sent(self):
        self.assertNotIn("x-ms-client-request-id", self.vault.get("/secrets/sentinel").headers)

    def test_request_ids_differ(self):
        ids = {self.vault.get("/secrets/sentinel").headers["x-ms-request-id"] for _ in range(5)}
        self.assertEqual(len(ids), 5)


class ApiVersionTest(WireCase):
    @table(*((version.replace(".", "_").replace("-", "_"), version) for version in ACCEPTED))
    def test_accepted(self, version):
        self.assert_ok(self.vault.get("/secrets/sentinel", version=version))

    @table(*((str(number), version) for number, version in enumerate(REFUSED)))
    def test_refused(self, version):
        self.assert_error(
            self.vault.get("/secrets/sentinel", version=version),
            400,
            "BadParameter",
            f"The specified version ({version}) is not recognized. Consider using the latest supported "
            f"version ({LATEST}).",
        )

    @table(("no_query", ""), ("another_parameter", "?maxresults=3"), ("empty", "?api-version="))
    def test_missing(self, query):
        answer = self.vault.send("GET", f"/secrets/sentinel{query}")
        self.assert_error(
            answer,
            400,
            "BadParameter",
            "The specified version () is not recognized. Consider using the " f"latest supported version ({LATEST}).",
        )

    @table(
        ("encoded_hyphen", "api%2Dversion=7.4"),
        ("upper_case", "API-VERSION=7.4"),
        ("encoded_value", "api-version=7%2E4"),
        ("second", "x=y&api-version=7.4"),
        ("encoded_letter", "%61pi%2Dversion=7.4"),
    )
    def test_name_and_value_are_decoded(self, query):
        self.assert_ok(self.vault.send("GET", f"/secrets/sentinel?{query}"))

    def test_refused_change_changes_nothing(self):
        name = fresh_name()
        self.assertEqual(self.vault.put(f"/secrets/{name}", {"value": "v"}, version="1.0").status, 400)
        self.assertEqual(self.vault.get(f"/secrets/{name}").status, 404)


class HostTest(WireCase):
    @table(
        ("address", "127.0.0.1"),
        ("domain", "localhost"),
        ("vault_domain", "vault.localhost"),
        ("other_domain", "dev.vault.example.org"),
        ("suffix_only", ".vault.localhost"),
        ("almost", "devvault.localhost"),
    )
    def test_unknown(self, host):
        answer = self.vault.get("/secrets/sentinel", headers={"host": host})
        self.assert_error(answer, 421, "MisdirectedRequest")

    @table(("unknown", "none"), ("sub", "dev.dev"), ("prefix", "dev-"))
    def test_vault(self, name):
        answer = self.vault.get("/secrets/sentinel", headers={"host": f"{name}.vault.localhost:{self.server.port}"})
        self.assert_error(answer, 404, "VaultNotFound")

    @table(
        ("upper_case", "DEV.VAULT.LOCALHOST"),
        ("without_port", "dev.vault.localhost"),
        ("other_port", "dev.vault.localhost:1"),
    )
    def test_same_vault(self, host):
        answer = self.assert_ok(self.vault.get("/secrets/sentinel", headers={"host": host}))
        self.assertTrue(answer["id"].startswith(f"{self.url}/secrets/sentinel/"), answer["id"])


class RouteTest(WireCase):
    @table(
        ("root", "/"),
        ("unknown", "/nothing"),
        ("storage", "/storage"),
        ("too_deep", "/secrets/a/b/c"),
        ("very_deep", "/" + "a/" * 40),
        ("inner_double_slash", "/secrets//sentinel"),
        ("typo", "/secret/sentinel"),
        ("dots", "/secrets/../secrets/sentinel"),
    )
    def test_unknown_path(self, path):
        self.assert_error(self.vault.get(path), 404, "NotFound")

    @table(
        *(
            (f"{method.lower()}_{number}", method, path)
            for number, (method, path) in enumerate(
                (
                    ("POST", "/secrets/sentinel"),
                    ("PUT", "/secrets"),
                    ("DELETE", "/secrets"),
                    ("PATCH", "/secrets"),
                    ("POST", "/secrets"),
                    ("PUT", "/secrets/sentinel/0123456789abcdef0123456789abcdef"),
                    ("DELETE", "/secrets/sentinel/x"),
                    ("PATCH", "/deletedsecrets/sentinel"),
                    ("PUT", "/deletedsecrets"),
                    ("OPTIONS", "/secrets"),
                    ("TRACE", "/secrets"),
                    ("BREW", "/secrets/sentinel"),
                    ("get", "/secrets/sentinel"),
                )
            )
        )
    )
    def test_wrong_method(self, method, path):
        self.assert_error(self.vault.call(method, path), 405, "MethodNotAllowed")

    def test_head_is_refused(self):
        self.assertEqual(self.vault.call("HEAD", "/secrets/sentinel").status, 405)

    @table(
        ("trailing_slash", "/secrets/sentinel/"),
        ("leading_double_slash", "//secrets/sentinel"),
        ("upper_case_segment", "/SECRETS/sentinel"),
        ("upper_case_name", "/secrets/SENTINEL"),
        ("encoded_name", "/secrets/%73entinel"),
        ("encoded_segment_case", "/Secrets/Sentinel/"),
    )
    def test_same_secret(self, path):
        answer = self.assert_ok(self.vault.get(path))
        self.assertRegex(answer["id"], f"^{re.escape(self.url)}/secrets/sentinel/[0-9a-f]{{32}}$")

    @table(("plain", "/secrets"), ("trailing_slash", "/secrets/"), ("leading_double_slash", "//secrets"))
    def test_list(self, path):
        self.assertIn("value", self.assert_ok(self.vault.get(path)))

    def test_empty_version_in_patch(self):
        name = fresh_name()
        self.set_secret(name)
        answer = self.assert_ok(self.vault.patch(f"/secrets/{name}/", {"contentType": "x"}))
        self.assertEqual(answer["contentType"], "x")

    @table(("bad_escape", "/secrets/%zz"), ("cut_escape", "/secrets/%4"), ("nul", "/secrets/a%00b"))
    def test_bad_escape(self, path):
        answer = self.vault.get(path)
        self.assertEqual(answer.status, 400, answer)
        self.assertEqual(answer.code, "BadParameter")


class MethodOverrideTest(WireCase):
    def test_whole_life(self):
        name = fresh_name()
        body = self.assert_ok(self.vault.post(f"/secrets/{name}", {"value": "v"}, headers={"X-HTTP-METHOD": "PUT"}))
        self.assertEqual(body["value"], "v")
        body = self.assert_ok(
            self.vault.post(f"/secrets/{name}", {"contentType": "x"}, headers={"X-HTTP-METHOD": "PATCH"})
        )
        self.assertEqual(body["contentType"], "x")
        self.assert_ok(self.vault.post(f"/secrets/{name}", headers={"X-HTTP-METHOD": "DELETE"}))
        self.assertEqual(self.vault.get(f"/secrets/{name}").status, 404)
        self.assert_ok(self.vault.post(f"/deletedsecrets/{name}", headers={"X-HTTP-METHOD": "DELETE"}), 204)

    def test_get(self):
        answer = self.assert_ok(self.vault.post("/secrets/sentinel", headers={"x-http-method": "GET"}))
        self.assertIn("value", answer)

    def test_counts_on_post_only(self):
        answer = self.vault.get("/secrets/sentinel", headers={"X-HTTP-METHOD": "DELETE"})
        self.assertIn("value", self.assert_ok(answer))

    @table(("unknown", "BREW"), ("lower_case", "delete"), ("empty", ""))
    def test_refused(self, value):
        self.assert_error(
            self.vault.post("/secrets/sentinel", headers={"X-HTTP-METHOD": value}), 405, "MethodNotAllowed"
        )


class ContentTypeTest(WireCase):
    @table(("plain", "application/json"), ("charset", "application/json; charset=utf-8"), ("upper", "Application/JSON"))
    def test_accepted(self, value):
        self.assert_ok(self.vault.put(f"/secrets/{fresh_name()}", {"value": "v"}, headers={"content-type": value}))

    @table(
        ("text", "text/plain"),
        ("form", "application/x-www-form-urlencoded"),
        ("none", None),
        ("empty", ""),
        ("suffix", "application/json5"),
        ("problem", "application/problem+json"),
    )
    def test_refused(self, value):
        name = fresh_name()
        answer = self.vault.put(f"/secrets/{name}", {"value": "v"}, headers={"content-type": value})
        self.assert_error(answer, 415, "UnsupportedMediaType")
        self.assertEqual(self.vault.get(f"/secrets/{name}").status, 404)

    def test_get_with_content_type_and_no_body(self):
        self.assert_ok(self.vault.get("/secrets/sentinel", headers={"content-type": "application/json"}))

    def test_health_needs_no_token(self):
        answer = vault_client(self.server, token="").send("GET", "/health", headers={"authorization": None})
        self.assertEqual((answer.status, json.loads(answer.body)), (200, {"status": "ok"}))
