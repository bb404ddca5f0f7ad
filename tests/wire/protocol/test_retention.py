# SPDX-License-Identifier: Apache-2.0
"""Soft delete over time: what is left when the retention has passed. The clock is moved, on a server of its own."""

from hfsupport.cases import Case, table
from hfsupport.client import identity_token, vault_client
from hfsupport.server import DevServer, claims_of

DAY = 86400


class RetentionTest(Case):
    @classmethod
    def setUpClass(cls):
        cls.server = DevServer()
        cls.addClassCleanup(cls.server.close)
        cls.administrator = claims_of(identity_token(cls.server))["oid"]

    def client(self, vault):
        self.server.identity_tokens.clear()
        return vault_client(self.server, vault)

    def deleted(self, vault, days, name="name", **settings):
        """A new vault with one deleted secret."""
        self.server.admin.vault(vault, retentionDays=days, **settings)
        self.server.admin.assign(self.administrator, "Key Vault Administrator", vault)
        client = self.client(vault)
        self.assertEqual(client.put(f"/secrets/{name}", {"value": "old"}).status, 200)
        answer = client.delete(f"/secrets/{name}")
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.json["scheduledPurgeDate"], answer.json["deletedDate"] + days * DAY)
        return answer.json

    def move_to(self, time):
        self.server.admin.advance(time - self.server.admin.now())

    @table(
        ("shortest", "short", 7, {}),
        ("longest", "long", 90, {}),
        ("protected", "protected", 8, {"purgeProtection": True}),
    )
    def test_object_is_gone_after_the_retention(self, vault, days, settings):
        deleted = self.deleted(vault, days, **settings)
        self.move_to(deleted["scheduledPurgeDate"] - 60)
        client = self.client(vault)
        self.assertEqual(client.get("/deletedsecrets/name").status, 200)
        self.assertEqual(client.put("/secrets/name", {"value": "new"}).status, 409)
        self.move_to(deleted["scheduledPurgeDate"] + 1)
        client = self.client(vault)
        self.assertEqual(client.get("/deletedsecrets/name").status, 404)
        self.assertEqual(client.get("/deletedsecrets").json["value"], [])
        self.assertEqual(client.post("/deletedsecrets/name/recover").status, 404)
        self.assertEqual(client.delete("/deletedsecrets/name").status, 404)
        self.assertEqual(client.get("/secrets/name").status, 404)
        self.assertEqual(client.put("/secrets/name", {"value": "new"}).status, 200)
        versions = client.get("/secrets/name/versions").json["value"]
        self.assertEqual(len(versions), 1)
        old = deleted["id"].rsplit("/", 1)[1]
        self.assertEqual(client.get(f"/secrets/name/{old}").status, 404)

    def test_recovered_in_time_stays(self):
        deleted = self.deleted("recovered", 7)
        self.move_to(deleted["scheduledPurgeDate"] - 60)
        self.assertEqual(self.client("recovered").post("/deletedsecrets/name/recover").status, 200)
        self.move_to(deleted["scheduledPurgeDate"] + 10 * DAY)
        self.assertEqual(self.client("recovered").get("/secrets/name").json["value"], "old")

    def test_restart_in_between(self):
        deleted = self.deleted("restarted", 7)
        moved = self.server.admin.now()
        self.server.stop()
        self.server.start()
        self.move_to(moved)
        self.assertEqual(
            self.client("restarted").get("/deletedsecrets/name").json["scheduledPurgeDate"],
            deleted["scheduledPurgeDate"],
        )
        self.move_to(deleted["scheduledPurgeDate"] + 1)
        self.assertEqual(self.client("restarted").get("/deletedsecrets/name").status, 404)
