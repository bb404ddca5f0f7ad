# SPDX-License-Identifier: Apache-2.0
"""More requests than the server can do in time: refused at once, in the clouds' form, and counted; health is not refused."""

import json
import os
import signal
import socket
import ssl
import unittest
import urllib.parse

from hfsupport.client import Answer, Client, form_post, login_client

from shared import HOST, OverloadCase, make_server, officer

BURST = 300
STRANGERS = 1150


def connect(server, host):
    context = ssl.create_default_context(cafile=server.ca)
    raw = socket.create_connection(("127.0.0.1", server.port), 30)
    return context.wrap_socket(raw, server_hostname=host)


def request(method, host, target, body=b"", **headers):
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def read_answer(connection):
    with connection.makefile("rb") as stream:
        status = int(stream.readline().split()[1])
        headers = {}
        while line := stream.readline().strip().decode():
            name, value = line.split(":", 1)
            headers[name.lower()] = value.strip()
        return Answer(status, headers, stream.read(int(headers.get("content-length", 0))))


class BurstTest(OverloadCase):
    """All requests of a burst are there before the server looks: it is stopped while they are sent."""

    @classmethod
    def setUpClass(cls):
        cls.server = make_server(["overload.target_delay = 1ms", "threads.loops = 1", "threads.compute = 1"])
        cls.addClassCleanup(cls.server.close)
        cls.caller = officer(cls.server)
        cls.vault = cls.caller.client()
        for number in range(5):
            assert cls.vault.put(f"/secrets/warm-{number}", {"value": "v"}).status == 200

    def burst(self, requests):
        """(host, bytes) each on a connection of its own; their answers."""
        connections = [connect(self.server, host) for host, _ in requests]
        os.kill(self.server.process.pid, signal.SIGSTOP)
        try:
            for connection, (_, data) in zip(connections, requests):
                connection.sendall(data)
        finally:
            os.kill(self.server.process.pid, signal.SIGCONT)
        answers = [read_answer(connection) for connection in connections]
        self.reuse([connection for connection, answer in zip(connections, answers) if answer.status == 503][:5])
        for connection in connections:
            connection.close()
        return answers

    def reuse(self, connections):
        """A refused connection is not read for a while, then serves as before."""
        for connection in connections:
            connection.sendall(request("GET", HOST, "/health"))
        for connection in connections:
            self.assertEqual(read_answer(connection).status, 200)

    def check(self, answers, refused_before):
        refused = [answer for answer in answers if answer.status == 503]
        self.assertEqual({answer.status for answer in answers}, {200, 503})
        self.assertGreaterEqual(len(answers) - len(refused), 16)
        for answer in refused:
            self.assertEqual(answer.headers["retry-after"], "1")
        status = self.server.admin.call("GET", "/status")
        self.assertEqual(status["refusedOverload"] - refused_before, len(refused))
        return refused

    def before(self):
        return self.server.admin.call("GET", "/status")["refusedOverload"]

    def test_changes_beyond_what_the_writer_can_do_are_refused(self):
        body = json.dumps({"value": "v"}).encode()
        headers = {"Authorization": f"Bearer {self.caller.token}", "Content_Type": "application/json"}
        requests = [
            (HOST, request("PUT", HOST, f"/secrets/burst-{number}?api-version=7.4", body, **headers))
            for number in range(BURST)
        ]
        before = self.before()
        answers = self.burst([*requests, (HOST, request("GET", HOST, "/health"))])
        self.assertEqual(answers.pop().status, 200)
        for answer in self.check(answers, before):
            self.assertEqual(answer.code, "ServiceUnavailable")
        for number, answer in enumerate(answers):
            there = self.vault.get(f"/secrets/burst-{number}").status
            self.assertEqual(there, 200 if answer.status == 200 else 404, (number, answer))

    def test_tokens_beyond_what_the_pool_can_do_are_refused(self):
        host = "login.localhost"
        form = urllib.parse.urlencode(
            {
                "grant_type": "client_credentials",
                "client_id": self.caller.client_id,
                "client_secret": self.caller.secret,
                "scope": f"{self.server.resource}/.default",
            }
        ).encode()
        target = f"/{self.server.tenant}/oauth2/v2.0/token"
        data = request("POST", host, target, form, Content_Type="application/x-www-form-urlencoded")
        before = self.before()
        answers = self.burst([(host, data)] * BURST)
        for answer in self.check(answers, before):
            self.assertEqual(answer.json["error"], "temporarily_unavailable")

    def test_server_is_well_afterwards(self):
        self.assertEqual(self.vault.get("/secrets/warm-0").status, 200)
        self.assertEqual(self.health().json, {"status": "ok"})


class QuotaTest(OverloadCase):
    def make(self, *settings):
        self.server = make_server(settings)
        self.addCleanup(self.server.close)
        return officer(self.server, "one"), officer(self.server, "two")

    def assert_throttled(self, answer):
        self.assertEqual(answer.status, 429, answer)
        self.assertEqual(answer.code, "Throttled")
        self.assertIn("too many requests", answer.message)
        self.assertGreaterEqual(int(answer.headers["retry-after"]), 1)

    def flood(self, client, count=10):
        """The first that is refused."""
        for _ in range(count):
            answer = client.get("/secrets")
            if answer.status != 200:
                return answer
        return answer

    def test_principal_above_its_rate_is_throttled_alone(self):
        one, two = self.make("quota.principal_rate = 1")
        self.assert_throttled(self.flood(one.client()))
        self.assertEqual(two.client().get("/secrets").status, 200)
        self.assertEqual(self.health().status, 200)
        refused = self.server.admin.call("GET", "/status")["refusedQuota"]
        self.assertGreaterEqual(refused, 1)
        self.server.stop()
        records = self.records()
        self.assertEqual(self.sums(records).get(429), refused)
        throttled = [r for r in records if r["properties"].get("httpStatusCode") == 429]
        self.assertTrue(all(r["operationName"] == "RequestsRefused" for r in throttled))

    def test_vault_above_its_rate_throttles_everybody_there(self):
        one, two = self.make("quota.vault_rate = 1")
        self.server.admin.vault("other", retentionDays=7)
        one.assign("Key Vault Secrets User", "other")
        self.assert_throttled(self.flood(one.client()))
        self.assertIn(self.flood(two.client(), 3).status, (200, 429))
        self.assertEqual(one.client("other").get("/secrets").status, 200)

    def test_callers_without_a_token_use_up_no_quota(self):
        one, _ = self.make("quota.vault_rate = 1")
        stranger = Client(self.server, HOST)
        for _ in range(20):
            self.assertEqual(stranger.get("/secrets").status, 401)
        self.assertEqual(one.client().get("/secrets").status, 200)

    def test_sdk_waits_and_succeeds(self):
        try:
            from azure.core.credentials import AccessToken
            from azure.keyvault.secrets import SecretClient
        except ImportError as error:
            raise unittest.SkipTest("azure-keyvault-secrets is not installed") from error
        one, _ = self.make("quota.principal_rate = 1")
        self.assertEqual(one.client().put("/secrets/sdk", {"value": "patience"}).status, 200)

        class Credential:
            def get_token(self, *_, **__):
                return AccessToken(one.token, 4102444800)

        statuses = []
        client = SecretClient(
            f"https://{HOST}:{self.server.port}",
            Credential(),
            connection_verify=self.server.ca,
            raw_response_hook=lambda answer: statuses.append(answer.http_response.status_code),
        )
        for _ in range(3):
            self.assertEqual(client.get_secret("sdk").value, "patience")
        self.assertEqual(statuses.count(200), 3)
        self.assertGreaterEqual(self.server.admin.call("GET", "/status")["refusedQuota"], 1)


class StrangerTest(OverloadCase):
    def test_flood_without_a_token_is_recorded_as_a_sum(self):
        self.server = make_server()
        self.addCleanup(self.server.close)
        caller = officer(self.server)
        before = len(self.records())
        stranger = Client(self.server, HOST)
        for _ in range(STRANGERS):
            self.assertEqual(stranger.get("/secrets").status, 401)
        self.assertEqual(caller.client().get("/secrets").status, 200)
        login = login_client(self.server)
        refused = form_post(login, f"/{self.server.tenant}/oauth2/v2.0/token", {"grant_type": "client_credentials"})
        self.assertIn(refused.status, (400, 401))
        self.server.stop()
        records = self.records()[before:]
        single = [r for r in records if r["properties"].get("httpStatusCode") in (400, 401)]
        single = [r for r in single if r["operationName"] != "RequestsRefused"]
        counted = self.sums(records).get(401, 0)
        self.assertEqual(len(single) + counted, STRANGERS + 1)
        self.assertGreaterEqual(counted, 1)
        self.assertGreaterEqual(len(single), 1000)
        self.assertEqual(len([r for r in records if r["operationName"] == "SecretList"]), 1)

    def test_requests_without_a_head_are_counted(self):
        self.server = make_server()
        self.addCleanup(self.server.close)
        for data in (b"GARBAGE\r\n\r\n", b"GET /" + b"x" * 70000 + b" HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nA b\r\n\r\n"):
            with connect(self.server, HOST) as connection:
                connection.sendall(data)
                self.assertIn(read_answer(connection).status, (400, 414))
        self.assertEqual(self.server.admin.call("GET", "/status")["refusedIncomplete"], 3)
        self.server.stop()
        self.assertEqual(self.sums(self.records()).get(400), 3)
