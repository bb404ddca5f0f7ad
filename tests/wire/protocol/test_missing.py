# SPDX-License-Identifier: Apache-2.0
"""Operations of later versions answer a correct error, after authentication and authorisation; those of a managed HSM are not
found on a vault."""

from hfsupport.cases import table
from hfsupport.client import Caller, Client
from shared import WireCase, fresh_name

# As in the specification's checklist: name, method, path.
LATER = (
    ("Release", "POST", "/keys/x/v/release"),
    ("GetKeyRotationPolicy", "GET", "/keys/x/rotationpolicy"),
    ("UpdateKeyRotationPolicy", "PUT", "/keys/x/rotationpolicy"),
    ("GetCertificates", "GET", "/certificates"),
    ("DeleteCertificate", "DELETE", "/certificates/x"),
    ("SetCertificateContacts", "PUT", "/certificates/contacts"),
    ("GetCertificateContacts", "GET", "/certificates/contacts"),
    ("DeleteCertificateContacts", "DELETE", "/certificates/contacts"),
    ("GetCertificateIssuers", "GET", "/certificates/issuers"),
    ("SetCertificateIssuer", "PUT", "/certificates/issuers/x"),
    ("UpdateCertificateIssuer", "PATCH", "/certificates/issuers/x"),
    ("GetCertificateIssuer", "GET", "/certificates/issuers/x"),
    ("DeleteCertificateIssuer", "DELETE", "/certificates/issuers/x"),
    ("CreateCertificate", "POST", "/certificates/x/create"),
    ("ImportCertificate", "POST", "/certificates/x/import"),
    ("GetCertificateVersions", "GET", "/certificates/x/versions"),
    ("GetCertificatePolicy", "GET", "/certificates/x/policy"),
    ("UpdateCertificatePolicy", "PATCH", "/certificates/x/policy"),
    ("UpdateCertificate", "PATCH", "/certificates/x/v"),
    ("GetCertificate", "GET", "/certificates/x/v"),
    ("UpdateCertificateOperation", "PATCH", "/certificates/x/pending"),
    ("GetCertificateOperation", "GET", "/certificates/x/pending"),
    ("DeleteCertificateOperation", "DELETE", "/certificates/x/pending"),
    ("MergeCertificate", "POST", "/certificates/x/pending/merge"),
    ("BackupCertificate", "POST", "/certificates/x/backup"),
    ("RestoreCertificate", "POST", "/certificates/restore"),
    ("GetDeletedCertificates", "GET", "/deletedcertificates"),
    ("GetDeletedCertificate", "GET", "/deletedcertificates/x"),
    ("PurgeDeletedCertificate", "DELETE", "/deletedcertificates/x"),
    ("RecoverDeletedCertificate", "POST", "/deletedcertificates/x/recover"),
)
HSM_ONLY = (
    ("GetRandomBytes", "POST", "/rng"),
    ("GetKeyAttestation", "GET", "/keys/x/v/attestation"),
    ("RoleDefinitions_List", "GET", "/providers/Microsoft.Authorization/roleDefinitions"),
    ("RoleDefinitions_double_slash", "GET", "//providers/Microsoft.Authorization/roleDefinitions"),
    ("RoleDefinitions_Get", "GET", "/providers/Microsoft.Authorization/roleDefinitions/x"),
    ("RoleAssignments_ListForScope", "GET", "/providers/Microsoft.Authorization/roleAssignments"),
    ("RoleAssignments_Create", "PUT", "/providers/Microsoft.Authorization/roleAssignments/x"),
    ("FullBackup", "POST", "/backup"),
    ("PreFullBackup", "POST", "/prebackup"),
    ("FullBackupStatus", "GET", "/backup/x/pending"),
    ("FullRestore", "PUT", "/restore"),
    ("PreFullRestore", "PUT", "/prerestore"),
    ("RestoreStatus", "GET", "/restore/x/pending"),
    ("SelectiveKeyRestore", "PUT", "/keys/x/restore"),
    ("GetSettings", "GET", "/settings"),
    ("GetSetting", "GET", "/settings/x"),
    ("UpdateSetting", "PATCH", "/settings/x"),
    ("SecurityDomain_Download", "POST", "/securitydomain/download"),
    ("SecurityDomain_DownloadPending", "GET", "/securitydomain/download/pending"),
    ("SecurityDomain_TransferKey", "GET", "/securitydomain/upload"),
    ("SecurityDomain_Upload", "POST", "/securitydomain/upload"),
    ("SecurityDomain_UploadPending", "GET", "/securitydomain/upload/pending"),
)


class MissingTest(WireCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.nobody = Caller(cls.server, fresh_name("nobody")).client()
        cls.stranger = Client(cls.server, cls.host)

    @table(*((row[0], *row) for row in LATER))
    def test_later(self, name, method, path):
        body = {} if method in ("POST", "PUT", "PATCH") else None
        self.assert_error(
            self.vault.call(method, path, body),
            501,
            "NotImplemented",
            f"The operation {name} is not available in this version of the service.",
        )
        self.assert_error(self.nobody.call(method, path, body), 403, "Forbidden", inner="ForbiddenByRbac")
        self.assertEqual(self.stranger.call(method, path, body).status, 401)
        self.assertEqual(self.vault.call(method, path, body, version="1.0").status, 400)

    @table(*((row[0], *row[1:]) for row in HSM_ONLY))
    def test_hsm_only(self, method, path):
        body = {} if method in ("POST", "PUT", "PATCH") else None
        self.assert_error(self.vault.call(method, path, body), 404, "NotFound")
        self.assertEqual(self.stranger.call(method, path, body).status, 401)

    def test_empty_version_of_a_key_operation(self):
        self.assertEqual(self.vault.post("/keys/x//release", {}).status, 501)
