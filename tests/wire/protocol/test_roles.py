# SPDX-License-Identifier: Apache-2.0
"""Authorisation on the wire: each role, each operation; scopes; changes that take effect at once; the text of a refusal."""

from hfsupport.cases import table
from hfsupport.client import Caller, form_post, login_client, vault_client
from hfsupport.server import AdminError, claims_of
from shared import WireCase, fresh_name

PREFIX = "Microsoft.KeyVault/vaults/"
# operation, method, path, body, data action
OPERATIONS = (
    ("set", "PUT", "/secrets/{}", {"value": "v"}, "secrets/setSecret/action"),
    ("update", "PATCH", "/secrets/{}", {}, "secrets/update/action"),
    ("get", "GET", "/secrets/{}", None, "secrets/getSecret/action"),
    ("list", "GET", "/secrets", None, "secrets/readMetadata/action"),
    ("versions", "GET", "/secrets/{}/versions", None, "secrets/readMetadata/action"),
    ("delete", "DELETE", "/secrets/{}", None, "secrets/delete"),
    ("list_deleted", "GET", "/deletedsecrets", None, "secrets/readMetadata/action"),
    ("get_deleted", "GET", "/deletedsecrets/{}", None, "secrets/readMetadata/action"),
    ("purge", "DELETE", "/deletedsecrets/{}", None, "secrets/purge/action"),
    ("recover", "POST", "/deletedsecrets/{}/recover", None, "secrets/recover/action"),
    ("backup", "POST", "/secrets/{}/backup", None, "secrets/backup/action"),
    ("restore", "POST", "/secrets/restore", {"value": "AAAA"}, "secrets/restore/action"),
)
METADATA = {"list", "versions", "list_deleted", "get_deleted"}
ALL = {row[0] for row in OPERATIONS}
ROLES = {
    "Key Vault Administrator": ALL,
    "Key Vault Secrets Officer": ALL,
    "Key Vault Secrets User": METADATA | {"get"},
    "Key Vault Reader": METADATA,
    "Key Vault Certificate User": METADATA | {"get"},
    "Key Vault Crypto Officer": set(),
    "Key Vault Crypto User": set(),
    "Key Vault Certificates Officer": set(),
}


def forbidden_text(server, vault, caller, action, name=None):
    subscription = server.admin.call("GET", "/status")["subscriptionId"]
    location = server.admin.call("GET", f"/vaults/{vault}")["location"]
    resource = f"/subscriptions/{subscription}/resourcegroups/holdfast/providers/microsoft.keyvault/vaults/{vault}"
    if name is not None:
        resource += f"/{action.split('/')[0]}/{name}"
    return (
        "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role definitions "
        f"were changed recently, please observe propagation time.\r\nCaller: appid={caller.client_id};oid={caller.object_id};"
        f"iss={claims_of(caller.token)['iss']}\r\nAction: '{PREFIX}{action}'\r\nResource: '{resource}'\r\nAssignment: (not found)\r\n"
        f"DenyAssignmentId: null\r\nDecisionReason: null \r\nVault: {vault};location={location}\r\n"
    )


class RoleTest(WireCase):
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
        operation, method, path, body, _ = row
        answer = self.client_with(role).call(method, path.format(fresh_name("role")), body)
        if operation in ROLES[role]:
            self.assertNotIn(answer.status, (401, 403, 405, 501), answer)
        else:
            self.assert_error(answer, 403, "Forbidden", inner="ForbiddenByRbac")


class ForbiddenTest(WireCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.caller = Caller(cls.server, fresh_name("nobody"))
        cls.client = cls.caller.client()

    @table(*((row[0], row) for row in OPERATIONS))
    def test_text(self, row):
        _, method, path, body, action = row
        name = "sentinel" if "{}" in path else None
        answer = self.client.call(method, path.format("sentinel"), body)
        self.assert_error(
            answer, 403, "Forbidden", forbidden_text(self.server, "dev", self.caller, action, name), "ForbiddenByRbac"
        )
        self.assertNotIn("www-authenticate", answer.headers)
        self.assertNotIn("x-ms-keyvault-rbac-assignment-id", answer.headers)

    def test_tells_nothing_about_existence(self):
        texts = [self.client.get(f"/secrets/{name}").message.replace(name, "X") for name in ("sentinel", "none")]
        self.assertEqual(texts[0], texts[1])

    def test_comes_before_the_body(self):
        self.assertEqual(self.client.put("/secrets/sentinel", b"{").status, 403)

    def test_comes_after_the_name(self):
        self.assert_error(self.client.get("/secrets/a_b"), 400, "BadParameter")

    def test_comes_after_the_api_version(self):
        self.assert_error(self.client.get("/secrets/sentinel", version="1.0"), 400, "BadParameter")

    def test_in_another_vault(self):
        vault = fresh_name("alone")
        self.server.admin.vault(vault)
        caller = Caller(self.server, fresh_name("owner"))
        caller.assign("Key Vault Administrator", vault)
        self.set_secret("name", client=caller.client(vault))
        self.assertEqual(caller.client().get("/secrets/sentinel").inner, "ForbiddenByRbac")
        self.assertEqual(vault_client(self.server, vault).get("/secrets/name").inner, "ForbiddenByRbac")


class ScopeTest(WireCase):
    def setUp(self):
        self.caller = Caller(self.server, fresh_name("scoped"))
        self.client = self.caller.client()
        self.name = fresh_name("mine")
        self.set_secret(self.name)

    def test_object_scope(self):
        self.caller.assign("Key Vault Secrets Officer", f"dev/secrets/{self.name}")
        self.assertEqual(self.assert_ok(self.client.get(f"/secrets/{self.name}"))["value"], "value")
        self.assert_ok(self.client.get(f"/secrets/{self.name.upper()}"))
        self.assert_ok(self.client.get(f"/secrets/{self.name}/versions"))
        self.set_secret(self.name, "new", client=self.client)
        self.assert_error(
            self.client.get("/secrets/sentinel"),
            403,
            "Forbidden",
            forbidden_text(self.server, "dev", self.caller, "secrets/getSecret/action", "sentinel"),
            "ForbiddenByRbac",
        )
        self.assert_error(
            self.client.get("/secrets"),
            403,
            "Forbidden",
            forbidden_text(self.server, "dev", self.caller, "secrets/readMetadata/action"),
            "ForbiddenByRbac",
        )
        for path in ("/deletedsecrets", f"/secrets/{self.name}x", f"/secrets/{self.name[:-1]}"):
            self.assertEqual(self.client.get(path).status, 403, path)
        self.assert_ok(self.client.delete(f"/secrets/{self.name}"))
        self.assert_ok(self.client.get(f"/deletedsecrets/{self.name}"))
        self.assert_ok(self.client.post(f"/deletedsecrets/{self.name}/recover"))

    def test_key_of_that_name_is_not_in_scope(self):
        self.caller.assign("Key Vault Administrator", f"dev/secrets/{self.name}")
        self.assertEqual(self.client.get(f"/keys/{self.name}").status, 403)

    @table(
        ("subscription", "/subscriptions/{s}"),
        ("group", "/subscriptions/{s}/resourceGroups/holdfast"),
        ("group_upper", "/SUBSCRIPTIONS/{s}/RESOURCEGROUPS/HOLDFAST"),
        ("vault", "/subscriptions/{s}/resourceGroups/holdfast/providers/Microsoft.KeyVault/vaults/dev"),
    )
    def test_arm_scope(self, scope):
        subscription = self.server.admin.call("GET", "/status")["subscriptionId"]
        self.caller.assign("Key Vault Secrets User", scope.format(s=subscription))
        self.assert_ok(self.client.get(f"/secrets/{self.name}"))
        self.assert_ok(self.client.get("/secrets"))

    @table(
        ("another_group", "/subscriptions/{s}/resourceGroups/other"),
        ("longer_vault_name", "/subscriptions/{s}/resourceGroups/holdfast/providers/Microsoft.KeyVault/vaults/devx"),
        ("another_subscription", "/subscriptions/11111111-1111-4111-8111-111111111111"),
    )
    def test_foreign_scope(self, scope):
        subscription = self.server.admin.call("GET", "/status")["subscriptionId"]
        try:
            self.caller.assign("Key Vault Administrator", scope.format(s=subscription))
        except AdminError as error:
            self.assertIn(error.status, (400, 404))
        self.assertEqual(self.client.get(f"/secrets/{self.name}").status, 403)

    @table(("empty", ""), ("no_such_vault", "none"), ("nonsense", "/nonsense"), ("bad_collection", "dev/things/x"))
    def test_scope_refused(self, scope):
        with self.assertRaises(AdminError) as caught:
            self.caller.assign("Key Vault Administrator", scope)
        self.assertIn(caught.exception.status, (400, 404))


class AtOnceTest(WireCase):
    def setUp(self):
        self.caller = Caller(self.server, fresh_name("changing"))
        self.client = self.caller.client()

    def test_granted_and_revoked(self):
        for _ in range(3):
            self.assertEqual(self.client.get("/secrets/sentinel").status, 403)
            assignment = self.caller.assign("Key Vault Secrets User", "dev")
            self.assert_ok(self.client.get("/secrets/sentinel"))
            self.server.admin.unassign(assignment)
        self.assertEqual(self.client.get("/secrets/sentinel").status, 403)

    def test_on_every_connection(self):
        assignment = self.caller.assign("Key Vault Secrets User", "dev")
        clients = [self.caller.client() for _ in range(8)]
        for client in clients:
            self.assert_ok(client.get("/secrets/sentinel"))
        self.server.admin.unassign(assignment)
        self.assertEqual({client.get("/secrets/sentinel").status for client in clients}, {403})
        for client in clients:
            client.close()

    def token_answer(self):
        return form_post(
            login_client(self.server),
            f"/{self.server.tenant}/oauth2/v2.0/token",
            {
                "grant_type": "client_credentials",
                "client_id": self.caller.client_id,
                "client_secret": self.caller.secret,
                "scope": f"{self.server.resource}/.default",
            },
        )

    def enable(self, enabled):
        self.server.admin.call("PATCH", f"/identities/{self.caller.object_id}", {"enabled": enabled})

    def test_identity_disabled(self):
        self.caller.assign("Key Vault Secrets User", "dev")
        self.assert_ok(self.client.get("/secrets/sentinel"))
        self.enable(False)
        answer = self.client.get("/secrets/sentinel")
        self.assertEqual((answer.status, answer.code), (401, "Unauthorized"))
        self.assertIn("www-authenticate", answer.headers)
        refused = self.token_answer()
        self.assertEqual((refused.status, refused.json["error_codes"]), (400, [7000112]))
        self.enable(True)
        self.assert_ok(self.client.get("/secrets/sentinel"))
        self.assertEqual(self.token_answer().status, 200)

    def test_identity_deleted(self):
        self.caller.assign("Key Vault Secrets User", "dev")
        self.assert_ok(self.client.get("/secrets/sentinel"))
        self.server.admin.call("DELETE", f"/identities/{self.caller.object_id}")
        self.assertEqual(self.client.get("/secrets/sentinel").status, 401)
        self.assertEqual(self.token_answer().json["error_codes"], [700016])

    def test_credential_deleted(self):
        path = f"/identities/{self.caller.object_id}/credentials"
        credential = self.server.admin.call("GET", path)["value"][0]["id"]
        self.server.admin.call("DELETE", f"{path}/{credential}")
        self.assertEqual(self.token_answer().json["error_codes"], [7000215])
