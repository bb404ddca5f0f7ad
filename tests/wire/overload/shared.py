# SPDX-License-Identifier: Apache-2.0
"""A `serve` server with a vault, an officer of its secrets, and its audit log."""

import json
import time

from hfsupport import tokens
from hfsupport.cases import Case
from hfsupport.client import Caller, Client
from hfsupport.server import ServeServer

PATIENCE_SECONDS = 30
POLL_SECONDS = 0.05
OFFICER = "Key Vault Secrets Officer"
HOST = "dev.vault.localhost"


def make_server(settings=(), kind=ServeServer):
    server = kind(tokens.Certificates(), settings)
    server.admin.vault("dev", retentionDays=7)
    return server


def officer(server, name="officer"):
    caller = Caller(server, name)
    caller.assign(OFFICER, "dev")
    return caller


class OverloadCase(Case):
    def health(self):
        client = Client(self.server, HOST)
        answer = client.send("GET", "/health")
        client.close()
        return answer

    def until(self, condition, what):
        """Waits for what the server does by itself each second."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(POLL_SECONDS)

    def audit_folder(self):
        return self.server.data / "audit"

    def records(self):
        return [
            json.loads(line)
            for path in sorted(self.audit_folder().glob("*.jsonl"))
            for line in path.read_text(encoding="utf-8").splitlines()
        ]

    def sums(self, records):
        """Status to number, of the sums for what has no record of its own."""
        found = {}
        for record in records:
            if record["operationName"] == "RequestsRefused":
                status = record["properties"]["httpStatusCode"]
                found[status] = found.get(status, 0) + int(record["properties"]["id"].removeprefix("count="))
        return found

    def assert_refused(self, answer, message=None):
        """503 in Azure's form."""
        self.assertEqual(answer.status, 503, answer)
        self.assertEqual(answer.code, "ServiceUnavailable")
        if message is not None:
            self.assertIn(message, answer.message)
