# SPDX-License-Identifier: Apache-2.0
"""Who may do what with keys: each role, each operation, and scopes."""

from hfsupport.cases import table
from hfsupport.client import Caller
from key_case import KeyCase, SENTINEL_KEY, version_of
from shared import fresh_name

# operation, method, path, body, data action
OPERATIONS = (
    ("create", "POST", "/keys/{}/create", {}, "keys/create/action"),
    ("import", "PUT", "/keys/{}", {}, "keys/import/action"),
    ("rotate", "POST", "/keys/{}/rotate", None, "keys/rotate/action"),
    ("update", "PATCH", "/keys/{}", {}, "keys/update/action"),
    ("get", "GET", "/keys/{}", None, "keys/read"),
    ("versions", "GET", "/keys/{}/versions", None, "keys/read"),
    ("list", "GET", "/keys", None, "keys/read"),
    ("delete", "DELETE", "/keys/{}", None, "keys/delete"),
    ("list_deleted", "GET", "/deletedkeys", None, "keys/read"),
    ("get_deleted", "GET", "/deletedkeys/{}", None, "keys/read"),
    ("recover", "POST", "/deletedkeys/{}/recover", None, "keys/recover/action"),
    ("purge", "DELETE", "/deletedkeys/{}", None, "keys/purge/action"),
    ("backup", "POST", "/keys/{}/backup", None, "keys/backup/action"),
    ("restore", "POST", "/keys/restore", {"value": "AAAA"}, "keys/restore/action"),
    ("encrypt", "POST", "/keys/{}/encrypt", {}, "keys/encrypt/action"),
    ("decrypt", "POST", "/keys/{}/decrypt", {}, "keys/decrypt/action"),
    ("wrap", "POST", "/keys/{}/wrapkey", {}, "keys/wrap/action"),
    ("unwrap", "POST", "/keys/{}/unwrapkey", {}, "keys/unwrap/action"),
    ("sign", "POST", "/keys/{}/sign", {}, "keys/sign/action"),
    ("verify", "POST", "/keys/{}/verify", {}, "keys/verify/action"),
)
READ = {"get", "versions", "list", "list_deleted", "get_deleted"}
ALL = {row[0] for row in OPERATIONS}
ROLES = {
    "Key Vault Administrator": ALL,
    "Key Vault Crypto Officer": ALL,
    "Key Vault Crypto User": READ | {"update", "backup", "encrypt", "decrypt", "wrap", "unwrap", "sign", "verify"},
    "Key Vault Crypto Service Encryption User": READ | {"wrap", "unwrap"},
    "Key Vault Reader": READ,
    "Key Vault Certificate User": READ,
    "Key Vault Secrets Officer": set(),
    "Key Vault Secrets User": set(),
    "Key Vault Certificates Officer": set(),
    "Key Vault Contributor": set(),
}


class RoleTest(KeyCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.callers = {}

    def client_with(self, role):
        if role not in self.callers:
            caller = Caller(self.server, fresh_name("role"))
            caller.assign(role, "dev")
            self.callers[role] = caller.client()
        return self.callers[role]

    @table(
        *(
            (f"{role.removeprefix('Key Vault ').replace(' ', '_').lower()}_{row[0]}", role, row)
            for role in ROLES
            for row in OPERATIONS
        )
    )
    def test_role(self, role, row):
        operation, method, path, body, action = row
        answer = self.client_with(role).call(method, path.format(fresh_name("role")), body)
        if operation in ROLES[role]:
            self.assertIn(answer.status, (200, 400, 404), answer)
        else:
            self.assert_error(answer, 403, "Forbidden", inner="ForbiddenByRbac")
            self.assertIn(f"Action: 'Microsoft.KeyVault/vaults/{action}'\r\n", answer.message)

    def test_refusal_changes_nothing_and_tells_nothing(self):
        caller = Caller(self.server, fresh_name("nobody")).client()
        for _, method, path, body, _ in OPERATIONS:
            texts = []
            for name in (SENTINEL_KEY, "none"):
                answer = caller.call(method, path.format(name), body)
                self.assert_error(answer, 403, "Forbidden", inner="ForbiddenByRbac")
                texts.append(answer.message.replace(name, "X"))
            self.assertEqual(texts[0], texts[1])

    def test_scope_of_one_key(self):
        mine, other = self.create(kty="EC"), self.create(kty="EC")
        name = self.name_of(mine)
        caller = Caller(self.server, fresh_name("scoped"))
        caller.assign("Key Vault Crypto Officer", f"dev/keys/{name}")
        client = caller.client()
        body = {"alg": "ES256", "value": "A" * 43}
        for path in (f"/keys/{name}/sign", f"/keys/{name.upper()}/{version_of(mine)}/sign"):
            self.checked(client.post(path, body))
        self.checked(client.get(f"/keys/{name}/versions"))
        for path in (f"/keys/{self.name_of(other)}", "/keys", f"/secrets/{name}", f"/keys/{name}x", "/deletedkeys"):
            self.assert_error(client.get(path), 403, "Forbidden", inner="ForbiddenByRbac")
        self.assert_error(client.post(f"/keys/{self.name_of(other)}/sign", body), 403, "Forbidden", inner="ForbiddenByRbac")

    def test_using_needs_no_reading_of_secrets(self):
        bundle = self.create(kty="EC")
        self.set_secret(self.name_of(bundle))
        self.assert_error(
            self.client_with("Key Vault Crypto Officer").get(f"/secrets/{self.name_of(bundle)}"), 403, "Forbidden",
            inner="ForbiddenByRbac",
        )
