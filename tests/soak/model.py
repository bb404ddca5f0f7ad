# SPDX-License-Identifier: Apache-2.0
"""What a worker knows of its own secrets, so that every answer can be judged."""

import random
import uuid

ABSENT, ACTIVE, DELETED = "absent", "active", "deleted"
# A deleted secret is left alone this close to its purge, when its state depends on who looks first.
NEAR_SECONDS = 5
VERSIONS_MAX = 20


class Wrong(Exception):
    """An answer that the model does not allow."""


class Secret:
    def __init__(self, name):
        self.name = name
        self.state, self.versions, self.content_type, self.purge_at = ABSENT, {}, None, None
        self.newest = None
        self.blob = None  # of a backup: text, versions, newest, content type

    def forget(self):
        self.state, self.versions, self.content_type, self.purge_at, self.newest = ABSENT, {}, None, None, None

    def look(self, now):
        """Purges what is due; false if that cannot be said right now."""
        if self.state == DELETED:
            if abs(now - self.purge_at) < NEAR_SECONDS:
                return False
            if now > self.purge_at:
                self.forget()
        return True

    # ---- operations: method, path, body; allowed states; what a success does ----

    def op_set(self, vault):
        value = f"{uuid.uuid4()}" * random.choice((1, 1, 1, 30))
        answer = vault.put(f"/secrets/{self.name}", {"value": value})
        if self.expect(answer, 409 if self.state == DELETED else 200):
            self.newest = answer.json["id"].rsplit("/", 1)[1]
            self.versions[self.newest] = value
            self.state, self.content_type = ACTIVE, None

    def op_get(self, vault):
        answer = vault.get(f"/secrets/{self.name}")
        if self.expect(answer, 200 if self.state == ACTIVE else 404):
            self.same(answer, answer.json["value"], self.versions[self.newest])
            self.same(answer, answer.json.get("contentType"), self.content_type)

    def op_get_version(self, vault):
        version = random.choice(list(self.versions)) if self.versions else uuid.uuid4().hex
        answer = vault.get(f"/secrets/{self.name}/{version}")
        if self.expect(answer, 200 if self.state == ACTIVE else 404):
            self.same(answer, answer.json["value"], self.versions[version])

    def op_versions(self, vault):
        found, path = [], f"/secrets/{self.name}/versions?api-version=7.4"
        while path:
            answer = vault.send("GET", path)
            self.expect(answer, 200)
            found += [item["id"].rsplit("/", 1)[1] for item in answer.json["value"]]
            path = next_path(answer)
        self.same(answer, sorted(found), sorted(self.versions) if self.state == ACTIVE else [])

    def op_update(self, vault):
        answer = vault.patch(f"/secrets/{self.name}", {"contentType": uuid.uuid4().hex})
        if self.expect(answer, 200 if self.state == ACTIVE else 404):
            self.content_type = answer.json["contentType"]

    def op_delete(self, vault):
        answer = vault.delete(f"/secrets/{self.name}")
        if self.expect(answer, 200 if self.state == ACTIVE else 404):
            self.state, self.purge_at = DELETED, answer.json["scheduledPurgeDate"]

    def op_get_deleted(self, vault):
        answer = vault.get(f"/deletedsecrets/{self.name}")
        if self.expect(answer, 200 if self.state == DELETED else 404):
            self.same(answer, answer.json["scheduledPurgeDate"], self.purge_at)

    def op_recover(self, vault):
        answer = vault.post(f"/deletedsecrets/{self.name}/recover")
        if self.expect(answer, 200 if self.state == DELETED else 404):
            self.state, self.purge_at = ACTIVE, None

    def op_purge(self, vault):
        answer = vault.delete(f"/deletedsecrets/{self.name}")
        if self.expect(answer, 204 if self.state == DELETED else 404):
            self.forget()

    def op_backup(self, vault):
        answer = vault.post(f"/secrets/{self.name}/backup")
        if self.expect(answer, 200 if self.state == ACTIVE else 404):
            self.blob = (answer.json["value"], dict(self.versions), self.newest, self.content_type)

    def op_restore(self, vault):
        if self.blob is None:
            return
        answer = vault.post("/secrets/restore", {"value": self.blob[0]})
        if self.expect(answer, 200 if self.state == ABSENT else 409):
            _, versions, self.newest, self.content_type = self.blob
            self.state, self.versions = ACTIVE, dict(versions)

    # ---- judging ----

    def expect(self, answer, status):
        """True for a success."""
        if answer.status != status:
            raise Wrong(f"{self.name} is {self.state}: expected {status}, got {answer}")
        return status < 300

    def same(self, answer, found, wanted):
        if found != wanted:
            raise Wrong(f"{self.name} is {self.state}: {found!r} instead of {wanted!r} in {answer}")


def next_path(answer):
    """Path and query of the next page; None at the end."""
    link = answer.json["nextLink"]
    return link and link[link.index("/", len("https://")) :]


# name of the operation: how often of all
WEIGHTS = {
    "set": 22,
    "get": 34,
    "get_version": 8,
    "versions": 2,
    "update": 6,
    "delete": 8,
    "get_deleted": 4,
    "recover": 4,
    "purge": 3,
    "backup": 3,
    "restore": 3,
}


def pick(secret):
    """A method of the secret. One with many versions goes, so that the store stays as large as it is."""
    if secret.state == ACTIVE and len(secret.versions) >= VERSIONS_MAX:
        return secret.op_delete
    if secret.state == DELETED and len(secret.versions) >= VERSIONS_MAX and random.random() < 0.2:
        return secret.op_purge
    return getattr(secret, "op_" + random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0])
