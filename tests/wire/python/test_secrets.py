# SPDX-License-Identifier: Apache-2.0
"""Every operation on secrets through azure-keyvault-secrets, with both ways to a token and several api-versions. No client option
but trust in the CA and, for the client secret, the authority and switched-off instance discovery."""

import atexit
import datetime
import itertools
import os
from pathlib import Path

from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.identity import CertificateCredential, ClientSecretCredential, DefaultAzureCredential
from azure.keyvault.secrets import SecretClient

from hfsupport import tokens
from hfsupport.cases import Case
from hfsupport.server import DevServer

FUTURE = datetime.datetime(2035, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
PAST = datetime.datetime(2020, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
POLLING = {"_polling_interval": 0.05}
_servers = []
_numbers = itertools.count()


def server():
    if not _servers:
        _servers.append(DevServer())
        atexit.register(_servers[0].close)
        for name in (
            "IDENTITY_ENDPOINT",
            "IDENTITY_HEADER",
            "SSL_CERT_FILE",
            "REQUESTS_CA_BUNDLE",
            "AZURE_KEYVAULT_URL",
        ):
            os.environ[name] = _servers[0].env[name]
    return _servers[0]


def authority():
    return {"authority": server().env["HOLDFAST_AUTHORITY_HOST"], "disable_instance_discovery": True}


def client_secret(**changes):
    env = {**server().env, **changes}
    return ClientSecretCredential(
        env["HOLDFAST_TENANT_ID"], env["HOLDFAST_CLIENT_ID"], env["HOLDFAST_CLIENT_SECRET"], **authority()
    )


class Operations:
    """The tests; subclasses say with which credential and version."""

    VERSION = None

    @classmethod
    def setUpClass(cls):
        cls.server = server()
        options = {} if cls.VERSION is None else {"api_version": cls.VERSION}
        cls.client = SecretClient(cls.server.env["AZURE_KEYVAULT_URL"], cls.credential(), **options)

    @classmethod
    def tearDownClass(cls):
        cls.client.close()

    def name(self):
        return f"python-{next(_numbers)}"

    def test_set_and_get(self):
        name = self.name()
        made = self.client.set_secret(
            name, "value", tags={"a": "1"}, content_type="text/plain", enabled=True, not_before=PAST, expires_on=FUTURE
        )
        got = self.client.get_secret(name)
        for secret in (made, got):
            self.assertEqual((secret.name, secret.value), (name, "value"))
            properties = secret.properties
            self.assertEqual(
                (properties.tags, properties.content_type, properties.enabled), ({"a": "1"}, "text/plain", True)
            )
            self.assertEqual((properties.not_before, properties.expires_on), (PAST, FUTURE))
            self.assertEqual((properties.recoverable_days, properties.recovery_level), (90, "Recoverable+Purgeable"))
            self.assertEqual(properties.vault_url, self.server.env["AZURE_KEYVAULT_URL"])
            self.assertIsNotNone(properties.created_on)
        self.assertEqual(made.id, got.id)
        self.assertRegex(got.properties.version, "^[0-9a-f]{32}$")

    def test_versions(self):
        name = self.name()
        versions = [self.client.set_secret(name, str(number)).properties.version for number in range(3)]
        self.assertEqual(self.client.get_secret(name).value, "2")
        for number, version in enumerate(versions):
            self.assertEqual(self.client.get_secret(name, version).value, str(number))
        self.assertEqual({item.version for item in self.client.list_properties_of_secret_versions(name)}, set(versions))

    def test_update(self):
        name = self.name()
        version = self.client.set_secret(name, "value", tags={"a": "1"}, content_type="x").properties.version
        updated = self.client.update_secret_properties(name, content_type="y", enabled=True, expires_on=FUTURE)
        self.assertEqual(
            (updated.content_type, updated.tags, updated.expires_on, updated.version),
            ("y", {"a": "1"}, FUTURE, version),
        )
        updated = self.client.update_secret_properties(name, version, tags={"b": "2"})
        self.assertEqual((updated.content_type, updated.tags), ("y", {"b": "2"}))
        self.assertEqual(self.client.get_secret(name).value, "value")

    def test_list(self):
        names = {self.client.set_secret(self.name(), "v").name for _ in range(27)}
        listed = [item.name for item in self.client.list_properties_of_secrets()]
        self.assertEqual(len(listed), len(set(listed)))
        self.assertTrue(names <= set(listed))
        pages = [list(page) for page in self.client.list_properties_of_secrets(max_page_size=10).by_page()]
        self.assertTrue(all(len(page) == 10 for page in pages[:-1]))
        self.assertEqual([item.name for page in pages for item in page], listed)

    def test_delete_recover_purge(self):
        name = self.name()
        version = self.client.set_secret(name, "value").properties.version
        deleted = self.client.begin_delete_secret(name, **POLLING).result()
        self.assertEqual(
            (deleted.name, deleted.recovery_id),
            (name, f"{self.server.env['AZURE_KEYVAULT_URL']}/deletedsecrets/{name}"),
        )
        self.assertEqual((deleted.scheduled_purge_date - deleted.deleted_date).days, 90)
        self.assertEqual(self.client.get_deleted_secret(name).name, name)
        self.assertIn(name, [item.name for item in self.client.list_deleted_secrets()])
        with self.assertRaises(ResourceExistsError) as caught:
            self.client.set_secret(name, "again")
        self.assertEqual((caught.exception.status_code, caught.exception.error.code), (409, "Conflict"))
        recovered = self.client.begin_recover_deleted_secret(name, **POLLING).result()
        self.assertEqual((recovered.name, recovered.version), (name, version))
        self.assertEqual(self.client.get_secret(name).value, "value")
        self.client.begin_delete_secret(name, **POLLING).wait()
        self.client.purge_deleted_secret(name)
        with self.assertRaises(ResourceNotFoundError):
            self.client.get_deleted_secret(name)
        self.client.set_secret(name, "again")

    def test_backup_and_restore(self):
        name = self.name()
        versions = [self.client.set_secret(name, str(number)).properties.version for number in range(2)]
        blob = self.client.backup_secret(name)
        self.assertIsInstance(blob, bytes)
        with self.assertRaises(ResourceExistsError):
            self.client.restore_secret_backup(blob)
        self.client.begin_delete_secret(name, **POLLING).wait()
        self.client.purge_deleted_secret(name)
        restored = self.client.restore_secret_backup(blob)
        self.assertEqual((restored.name, restored.version), (name, versions[1]))
        for number, version in enumerate(versions):
            self.assertEqual(self.client.get_secret(name, version).value, str(number))

    def test_disabled(self):
        name = self.name()
        self.client.set_secret(name, "value", enabled=False)
        with self.assertRaises(HttpResponseError) as caught:
            self.client.get_secret(name)
        error = caught.exception
        self.assertEqual(
            (error.status_code, error.error.code, error.error.innererror["code"]), (403, "Forbidden", "SecretDisabled")
        )
        self.client.update_secret_properties(name, enabled=True)
        self.assertEqual(self.client.get_secret(name).value, "value")

    def test_not_found(self):
        for call in (
            lambda: self.client.get_secret("none"),
            lambda: self.client.get_secret("none", "0" * 32),
            lambda: self.client.get_deleted_secret("none"),
            lambda: self.client.begin_delete_secret("none"),
            lambda: self.client.backup_secret("none"),
            lambda: self.client.update_secret_properties("none", enabled=True),
            lambda: self.client.purge_deleted_secret("none"),
        ):
            with self.assertRaises(ResourceNotFoundError) as caught:
                call()
            self.assertEqual((caught.exception.status_code, caught.exception.error.code), (404, "SecretNotFound"))

    def test_invalid(self):
        for call in (
            lambda: self.client.set_secret("a_b", "v"),
            lambda: self.client.set_secret(self.name(), "x" * 25601),
            lambda: self.client.restore_secret_backup(b"garbage"),
        ):
            with self.assertRaises(HttpResponseError) as caught:
                call()
            self.assertEqual((caught.exception.status_code, caught.exception.error.code), (400, "BadParameter"))

    def test_unicode_and_empty(self):
        for value in ("", 'äöü€😀\n\t"\\', "x" * 25600):
            name = self.name()
            self.client.set_secret(name, value)
            self.assertEqual(self.client.get_secret(name).value, value)


class DefaultCredentialTest(Operations, Case):
    @staticmethod
    def credential():
        return DefaultAzureCredential()


class ClientSecretTest(Operations, Case):
    VERSION = "7.6"

    @staticmethod
    def credential():
        return client_secret()


class OldVersionTest(Operations, Case):
    VERSION = "7.4"

    @staticmethod
    def credential():
        return client_secret()


class CredentialTest(Case):
    def get(self, credential):
        with SecretClient(server().env["AZURE_KEYVAULT_URL"], credential) as client:
            return client.set_secret("credential", "v")

    def test_certificate(self):
        key = tokens.rsa_key()
        certificate = tokens.certificate_of(key, "python")
        identity = server().admin.identity("python-certificate")
        server().admin.certificate(identity, tokens.pem(certificate).decode())
        server().admin.assign(identity["objectId"], "Key Vault Secrets Officer", "dev")
        path = Path(server().folder) / "client.pem"
        path.write_bytes(tokens.private_pem(key) + tokens.pem(certificate))
        credential = CertificateCredential(server().tenant, identity["clientId"], str(path), **authority())
        self.assertEqual(self.get(credential).value, "v")

    def test_wrong_secret(self):
        with self.assertRaises(ClientAuthenticationError) as caught:
            self.get(client_secret(HOLDFAST_CLIENT_SECRET="wrong"))
        self.assertIn("AADSTS7000215", str(caught.exception))

    def test_without_role(self):
        identity = server().admin.identity("python-nobody")
        credential = client_secret(
            HOLDFAST_CLIENT_ID=identity["clientId"], HOLDFAST_CLIENT_SECRET=server().admin.client_secret(identity)
        )
        with self.assertRaises(HttpResponseError) as caught:
            self.get(credential)
        self.assertEqual(
            (caught.exception.status_code, caught.exception.error.innererror["code"]), (403, "ForbiddenByRbac")
        )

    def test_token_that_expired_is_asked_for_again(self):
        with SecretClient(server().env["AZURE_KEYVAULT_URL"], DefaultAzureCredential()) as client:
            client.set_secret("again", "v")
            server().admin.advance(7200)
            self.addCleanup(server().admin.advance, -7200)
            with self.assertRaises(HttpResponseError):
                client.get_secret("again")
