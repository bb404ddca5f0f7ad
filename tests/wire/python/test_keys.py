# SPDX-License-Identifier: Apache-2.0
"""Keys through azure-keyvault-keys: every operation, and every algorithm of CryptographyClient against the library cryptography."""

import hashlib
import hmac
import itertools
import os

from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.identity import DefaultAzureCredential
from azure.keyvault.keys import JsonWebKey, KeyClient
from azure.keyvault.keys.crypto import CryptographyClient, EncryptionAlgorithm, KeyWrapAlgorithm, SignatureAlgorithm
from cryptography.hazmat.primitives import hashes, keywrap, padding as block_padding
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hfsupport.cases import Case, table
from hfsupport.tokens import HASHES
from test_secrets import FUTURE, PAST, POLLING, client_secret, server

_numbers = itertools.count()
RSA_KEY = rsa.generate_private_key(65537, 2048)
OCTETS = {bits: os.urandom(bits // 8) for bits in (128, 192, 256)}
CURVES = {
    "ES256": ("P-256", ec.SECP256R1, hashes.SHA256),
    "ES384": ("P-384", ec.SECP384R1, hashes.SHA384),
    "ES512": ("P-521", ec.SECP521R1, hashes.SHA512),
    "ES256K": ("P-256K", ec.SECP256K1, hashes.SHA256),
}
RSA_OPS = ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"]
ENCRYPT = {
    "RSA1_5": padding.PKCS1v15(),
    "RSA-OAEP": padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None),
    "RSA-OAEP-256": padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None),
}


def octets(number, size=None):
    return number.to_bytes(size or (number.bit_length() + 7) // 8, "big")


def rsa_jwk(key):
    numbers = key.private_numbers()
    public = numbers.public_numbers
    parts = {"n": public.n, "e": public.e, "d": numbers.d, "p": numbers.p, "q": numbers.q}
    parts |= {"dp": numbers.dmp1, "dq": numbers.dmq1, "qi": numbers.iqmp}
    return JsonWebKey(kty="RSA", key_ops=RSA_OPS, **{name: octets(value) for name, value in parts.items()})


def ec_jwk(key, curve):
    numbers = key.private_numbers()
    size = (key.curve.key_size + 7) // 8
    parts = {"x": numbers.public_numbers.x, "y": numbers.public_numbers.y, "d": numbers.private_value}
    return JsonWebKey(kty="EC", crv=curve, key_ops=["sign", "verify"], **{n: octets(v, size) for n, v in parts.items()})


def rsa_padding(alg):
    digest = HASHES[alg[2:]]()
    return padding.PKCS1v15() if alg[0] == "R" else padding.PSS(padding.MGF1(digest), digest.digest_size)


class KeysCase(Case):
    @classmethod
    def setUpClass(cls):
        cls.server = server()
        cls.credential = DefaultAzureCredential()
        cls.client = KeyClient(cls.server.env["AZURE_KEYVAULT_URL"], cls.credential)
        cls.addClassCleanup(cls.client.close)

    def name(self):
        return f"python-key-{next(_numbers)}"

    def remote(self, key):
        """A client that knows the key's id only: the vault does everything."""
        client = CryptographyClient(key.id, self.credential)
        client._keys_get_forbidden = True  # as after a 403 on GET: nothing is done locally
        self.addCleanup(client.close)
        return client


class OperationsTest(KeysCase):
    def test_create_and_get(self):
        name = self.name()
        made = self.client.create_rsa_key(
            name, size=3072, tags={"a": "1"}, enabled=True, not_before=PAST, expires_on=FUTURE, key_operations=["sign"]
        )
        got = self.client.get_key(name)
        for key in (made, got):
            self.assertEqual((key.name, key.key_type, key.key_operations), (name, "RSA", ["sign"]))
            self.assertEqual((key.key.e, len(key.key.n)), (b"\1\0\1", 384))
            properties = key.properties
            self.assertEqual((properties.tags, properties.enabled, properties.exportable), ({"a": "1"}, True, False))
            self.assertEqual((properties.not_before, properties.expires_on), (PAST, FUTURE))
            self.assertEqual((properties.recoverable_days, properties.recovery_level), (90, "Recoverable+Purgeable"))
            self.assertEqual((properties.hsm_platform, properties.managed), ("0", None))
            self.assertRegex(properties.version, "^[0-9a-f]{32}$")
        self.assertEqual(made.id, got.id)

    def test_versions_and_update(self):
        name = self.name()
        first = self.client.create_ec_key(name, curve="P-384")
        second = self.client.create_oct_key(name, size=192)
        listed = {item.version for item in self.client.list_properties_of_key_versions(name)}
        self.assertEqual(listed, {first.properties.version, second.properties.version})
        self.assertEqual(self.client.get_key(name, first.properties.version).key.crv, "P-384")
        updated = self.client.update_key_properties(
            name, first.properties.version, enabled=False, tags={"b": "2"}, key_operations=["verify"]
        )
        self.assertEqual((updated.properties.enabled, updated.properties.tags), (False, {"b": "2"}))
        self.assertEqual(updated.key_operations, ["verify"])
        self.assertTrue(self.client.get_key(name).properties.enabled)

    def test_list(self):
        names = {self.client.create_ec_key(self.name()).name for _ in range(27)}
        listed = [item.name for item in self.client.list_properties_of_keys()]
        self.assertEqual(len(listed), len(set(listed)))
        self.assertTrue(names <= set(listed))
        pages = [list(page) for page in self.client.list_properties_of_keys(max_page_size=10).by_page()]
        self.assertTrue(all(len(page) == 10 for page in pages[:-1]))
        self.assertEqual([item.name for page in pages for item in page], listed)

    def test_delete_recover_purge(self):
        name = self.name()
        key = self.client.create_ec_key(name)
        signature = CryptographyClient(key, self.credential).sign(SignatureAlgorithm.es256, bytes(32)).signature
        deleted = self.client.begin_delete_key(name, **POLLING).result()
        self.assertEqual(deleted.recovery_id, f"{self.server.env['AZURE_KEYVAULT_URL']}/deletedkeys/{name}")
        self.assertEqual((deleted.scheduled_purge_date - deleted.deleted_date).days, 90)
        self.assertEqual(self.client.get_deleted_key(name).key.x, key.key.x)
        self.assertIn(name, [item.name for item in self.client.list_deleted_keys()])
        with self.assertRaises(ResourceExistsError) as caught:
            self.client.create_ec_key(name)
        self.assertEqual(caught.exception.error.innererror["code"], "ObjectIsDeletedButRecoverable")
        recovered = self.client.begin_recover_deleted_key(name, **POLLING).result()
        self.assertEqual(recovered.id, key.id)
        self.assertTrue(self.remote(key).verify(SignatureAlgorithm.es256, bytes(32), signature).is_valid)
        self.client.begin_delete_key(name, **POLLING).wait()
        self.client.purge_deleted_key(name)
        with self.assertRaises(ResourceNotFoundError):
            self.client.get_deleted_key(name)
        self.client.create_ec_key(name)

    def test_backup_and_restore(self):
        name = self.name()
        keys = [self.client.create_ec_key(name) for _ in range(2)]
        blob = self.client.backup_key(name)
        with self.assertRaises(ResourceExistsError):
            self.client.restore_key_backup(blob)
        self.client.begin_delete_key(name, **POLLING).wait()
        self.client.purge_deleted_key(name)
        self.assertEqual(self.client.restore_key_backup(blob).id, keys[1].id)
        for key in keys:
            r_s = self.remote(key).sign(SignatureAlgorithm.es256, bytes(32)).signature
            self.assertTrue(CryptographyClient(key, self.credential).verify(SignatureAlgorithm.es256, bytes(32), r_s).is_valid)

    @table(("rsa", "rsa"), ("ec", "ec"), ("oct", "oct"))
    def test_rotate(self, kind):
        name = self.name()
        create = getattr(self.client, f"create_{kind}_key")
        first = create(name, tags={"a": "1"}, expires_on=FUTURE)
        second = self.client.rotate_key(name)
        self.assertNotEqual(first.id, second.id)
        self.assertEqual((second.key_type, second.key_operations), (first.key_type, first.key_operations))
        self.assertEqual((second.properties.tags, second.properties.expires_on), ({"a": "1"}, None))
        if kind != "oct":
            self.assertNotEqual((first.key.n, first.key.x), (second.key.n, second.key.x))

    def test_refused(self):
        with self.assertRaises(ResourceNotFoundError) as caught:
            self.client.get_key("none")
        self.assertEqual(caught.exception.error.code, "KeyNotFound")
        for call in (
            lambda: self.client.create_rsa_key(self.name(), size=1024),
            lambda: self.client.create_rsa_key(self.name(), hardware_protected=True),
            lambda: self.client.create_ec_key(self.name(), curve="P-192"),
            lambda: self.client.restore_key_backup(b"garbage"),
            lambda: self.client.import_key(self.name(), JsonWebKey(kty="RSA", n=b"\1", e=b"\1\0\1")),
        ):
            with self.assertRaises(HttpResponseError) as caught:
                call()
            self.assertEqual((caught.exception.status_code, caught.exception.error.code), (400, "BadParameter"))
        with self.assertRaises(ResourceNotFoundError):
            self.client.rotate_key("none")

    def test_key_ops(self):
        key = self.client.create_rsa_key(self.name(), key_operations=["verify"])
        with self.assertRaises(HttpResponseError) as caught:
            self.remote(key).sign(SignatureAlgorithm.rs256, bytes(32))
        self.assertEqual(caught.exception.error.innererror["code"], "KeyOperationForbidden")

    def test_other_credential(self):
        with KeyClient(self.server.env["AZURE_KEYVAULT_URL"], client_secret(), api_version="7.4") as client:
            name = self.name()
            self.assertEqual(client.create_ec_key(name).id, client.get_key(name).id)


class AlgorithmTest(KeysCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rsa = cls.client.import_key("python-rsa", rsa_jwk(RSA_KEY))
        cls.ec_keys = {alg: ec.generate_private_key(kind()) for alg, (_, kind, _) in CURVES.items()}
        cls.ec = {
            alg: cls.client.import_key(f"python-{alg}", ec_jwk(key, CURVES[alg][0])) for alg, key in cls.ec_keys.items()
        }
        ops = ["encrypt", "decrypt", "wrapKey", "unwrapKey", "sign", "verify"]
        cls.oct = {
            bits: cls.client.import_key(f"python-oct-{bits}", JsonWebKey(kty="oct", k=value, key_ops=ops))
            for bits, value in OCTETS.items()
        }

    @table(*((alg, alg) for alg in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")))
    def test_sign_rsa(self, alg):
        digest, form = hashlib.new(f"sha{alg[2:]}", b"message").digest(), utils.Prehashed(HASHES[alg[2:]]())
        client = self.remote(self.rsa)
        RSA_KEY.public_key().verify(client.sign(alg, digest).signature, digest, rsa_padding(alg), form)
        own = RSA_KEY.sign(digest, rsa_padding(alg), form)
        self.assertTrue(client.verify(alg, digest, own).is_valid)
        self.assertFalse(client.verify(alg, digest, own[:-1] + bytes([own[-1] ^ 1])).is_valid)

    @table(*((alg, alg) for alg in CURVES))
    def test_sign_ec(self, alg):
        kind = CURVES[alg][2]
        digest = hashlib.new(kind().name, b"message").digest()
        form = ec.ECDSA(utils.Prehashed(kind()))
        client, key = self.remote(self.ec[alg]), self.ec_keys[alg]
        signature = client.sign(alg, digest).signature
        half = len(signature) // 2
        r, s = (int.from_bytes(part, "big") for part in (signature[:half], signature[half:]))
        key.public_key().verify(utils.encode_dss_signature(r, s), digest, form)
        r, s = utils.decode_dss_signature(key.sign(digest, form))
        self.assertTrue(client.verify(alg, digest, octets(r, half) + octets(s, half)).is_valid)
        self.assertFalse(client.verify(alg, digest, octets(s, half) + octets(r, half)).is_valid)

    @table(*((alg, alg) for alg in ("HS256", "HS384", "HS512")))
    def test_sign_hmac(self, alg):
        digest = hashlib.new(f"sha{alg[2:]}", b"message").digest()
        client, expected = self.remote(self.oct[256]), hmac.digest(OCTETS[256], digest, f"sha{alg[2:]}")
        self.assertEqual(client.sign(alg, digest).signature, expected)
        self.assertTrue(client.verify(alg, digest, expected).is_valid)
        self.assertFalse(client.verify(alg, digest, bytes(len(expected))).is_valid)

    @table(*((alg, alg) for alg in ENCRYPT))
    def test_rsa(self, alg):
        client, plain = self.remote(self.rsa), os.urandom(100)
        sent = client.encrypt(EncryptionAlgorithm(alg), plain)
        self.assertEqual(sent.key_id, self.rsa.id)
        self.assertEqual(RSA_KEY.decrypt(sent.ciphertext, ENCRYPT[alg]), plain)
        own = RSA_KEY.public_key().encrypt(plain, ENCRYPT[alg])
        self.assertEqual(client.decrypt(EncryptionAlgorithm(alg), own).plaintext, plain)
        wrapped = client.wrap_key(KeyWrapAlgorithm(alg), plain)
        self.assertEqual(RSA_KEY.decrypt(wrapped.encrypted_key, ENCRYPT[alg]), plain)
        self.assertEqual(client.unwrap_key(KeyWrapAlgorithm(alg), own).key, plain)

    def test_local_and_remote(self):
        """The client with the public key encrypts and verifies by itself; the vault does the rest."""
        client = CryptographyClient(self.client.get_key(self.rsa.name), self.credential)
        self.addCleanup(client.close)
        for alg in ENCRYPT:
            sent = client.encrypt(EncryptionAlgorithm(alg), b"plain")
            self.assertEqual(client.decrypt(EncryptionAlgorithm(alg), sent.ciphertext).plaintext, b"plain")
        signature = client.sign(SignatureAlgorithm.ps256, bytes(32)).signature
        self.assertTrue(client.verify(SignatureAlgorithm.ps256, bytes(32), signature).is_valid)

    @table(*((str(bits), bits) for bits in OCTETS))
    def test_gcm(self, bits):
        client, alg = self.remote(self.oct[bits]), EncryptionAlgorithm(f"A{bits}GCM")
        cipher, plain, aad = AESGCM(OCTETS[bits]), os.urandom(1000), b"additional"
        sent = client.encrypt(alg, plain, additional_authenticated_data=aad)
        self.assertEqual(cipher.decrypt(sent.iv, sent.ciphertext + sent.tag, aad), plain)
        iv = os.urandom(12)
        own = cipher.encrypt(iv, plain, aad)
        answer = client.decrypt(alg, own[:-16], iv=iv, authentication_tag=own[-16:], additional_authenticated_data=aad)
        self.assertEqual(answer.plaintext, plain)
        with self.assertRaises(HttpResponseError):
            client.decrypt(alg, own[:-16], iv=iv, authentication_tag=bytes(16), additional_authenticated_data=aad)

    @table(*((f"{bits}{pad}", bits, pad) for bits in OCTETS for pad in ("CBC", "CBCPAD")))
    def test_cbc(self, bits, pad):
        client, alg = self.remote(self.oct[bits]), EncryptionAlgorithm(f"A{bits}{pad}")
        plain, iv = os.urandom(160 if pad == "CBC" else 161), os.urandom(16)
        padder = block_padding.PKCS7(128).padder()
        padded = plain if pad == "CBC" else padder.update(plain) + padder.finalize()
        encryptor = Cipher(algorithms.AES(OCTETS[bits]), modes.CBC(iv)).encryptor()
        own = encryptor.update(padded) + encryptor.finalize()
        self.assertEqual(client.encrypt(alg, plain, iv=iv).ciphertext, own)
        self.assertEqual(client.decrypt(alg, own, iv=iv).plaintext, plain)

    @table(*((str(bits), bits) for bits in OCTETS))
    def test_key_wrap(self, bits):
        client, alg, plain = self.remote(self.oct[bits]), KeyWrapAlgorithm(f"A{bits}KW"), os.urandom(32)
        own = keywrap.aes_key_wrap(OCTETS[bits], plain)
        self.assertEqual(client.wrap_key(alg, plain).encrypted_key, own)
        self.assertEqual(client.unwrap_key(alg, own).key, plain)
