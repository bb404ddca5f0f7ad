# SPDX-License-Identifier: Apache-2.0
"""The development server that most of these tests share, and a guard: whatever a test sends, data and service stay intact."""

import atexit
import itertools

from hfsupport.cases import Case
from hfsupport.client import vault_client
from hfsupport.server import DevServer

SENTINEL = "sentinel"
SENTINEL_VALUE = "unchanged, whatever comes in"

_servers = []
_numbers = itertools.count()


def server():
    """Started at the first call, stopped at the end."""
    if not _servers:
        _servers.append(DevServer())
        atexit.register(_servers[0].close)
        answer = vault_client(_servers[0]).put(f"/secrets/{SENTINEL}", {"value": SENTINEL_VALUE, "tags": {"a": "b"}})
        if answer.status != 200:
            raise RuntimeError(f"sentinel: {answer}")
    return _servers[0]


def fresh_name(prefix="name"):
    return f"{prefix}-{next(_numbers)}"


class WireCase(Case):
    """Gives each class a client of the administrator; afterwards the sentinel must be as it was."""

    @classmethod
    def setUpClass(cls):
        cls.server = server()
        cls.vault = vault_client(cls.server)
        cls.host = "dev.vault.localhost"
        cls.url = f"https://{cls.host}:{cls.server.port}"

    @classmethod
    def tearDownClass(cls):
        cls.vault.close()

    def tearDown(self):
        self.assertTrue(self.server.is_running(), "the server is gone")
        answer = vault_client(self.server).get(f"/secrets/{SENTINEL}")
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.json["value"], SENTINEL_VALUE)
        versions = self.vault.get(f"/secrets/{SENTINEL}/versions").json["value"]
        self.assertEqual([item["tags"] for item in versions], [{"a": "b"}])

    def set_secret(self, name=None, value="value", client=None, **members):
        """A secret that is there; the bundle."""
        name = name or fresh_name()
        answer = (client or self.vault).put(f"/secrets/{name}", {"value": value, **members})
        self.assertEqual(answer.status, 200, answer)
        return answer.json

    def assert_error(self, answer, status, code, message=None, inner=None):
        """An error in Azure's form; message None: any, but not empty."""
        self.assertEqual(answer.status, status, answer)
        self.assertEqual(answer.headers.get("content-type"), "application/json; charset=utf-8")
        error = answer.json["error"]
        self.assertEqual(error["code"], code, answer)
        self.assertTrue(error["message"])
        if message is not None:
            self.assertEqual(error["message"], message)
        self.assertEqual(answer.inner, inner, answer)

    def assert_ok(self, answer, status=200):
        self.assertEqual(answer.status, status, answer)
        return answer.json if answer.body else None
