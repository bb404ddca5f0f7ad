# SPDX-License-Identifier: Apache-2.0
"""The server of these tests, and what a refusal of the login host looks like."""

import atexit
import itertools
import re

from hfsupport.cases import Case
from hfsupport.client import Caller, form_post, login_client
from hfsupport.server import DevServer

GUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_servers = []
_numbers = itertools.count()


def server():
    if not _servers:
        _servers.append(DevServer())
        atexit.register(_servers[0].close)
    return _servers[0]


class LoginCase(Case):
    @classmethod
    def setUpClass(cls):
        cls.server = server()
        cls.tenant = cls.server.tenant
        cls.client = login_client(cls.server)
        cls.caller = Caller(cls.server, f"application-{next(_numbers)}")
        cls.v2 = f"/{cls.tenant}/oauth2/v2.0/token"
        cls.v1 = f"/{cls.tenant}/oauth2/token"

    @classmethod
    def tearDownClass(cls):
        cls.client.close()

    def tearDown(self):
        self.assertTrue(self.server.is_running(), "the server is gone")

    def form(self, **changes):
        """A correct v2 request with changes; None takes a member away."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self.caller.client_id,
            "client_secret": self.caller.secret,
            "scope": f"{self.server.resource}/.default",
            **changes,
        }
        return {name: value for name, value in form.items() if value is not None}

    def form_v1(self, **changes):
        return self.form(**{"scope": None, "resource": self.server.resource, **changes})

    def post(self, path, form, headers=None):
        return form_post(self.client, path, form, headers)

    def assert_refused(self, answer, status, error, number, text=None):
        """An OAuth error with Entra's number, in full form."""
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers["content-type"], "application/json; charset=utf-8")
        self.assertEqual(answer.headers["cache-control"], "no-store")
        body = answer.json
        self.assertEqual((body["error"], body["error_codes"]), (error, [number]), answer)
        description = body["error_description"]
        self.assertRegex(
            description,
            rf"(?s)^AADSTS{number}: .+\r\nTrace ID: {GUID}\r\nCorrelation ID: .+\r\nTimestamp: "
            r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$",
        )
        self.assertRegex(body["trace_id"], re.compile(f"^{GUID}$"))
        self.assertRegex(body["timestamp"], r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$")
        self.assertTrue(body["correlation_id"])
        self.assertEqual(body["error_uri"], f"{self.server.authority}/error?code={number}")
        self.assertNotIn("access_token", body)
        if text:
            self.assertIn(text, description)
