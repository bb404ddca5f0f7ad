# SPDX-License-Identifier: Apache-2.0
"""What is done with keys: every algorithm against another implementation, both ways; and what is refused."""

import hmac
import os

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, keywrap, padding as block_padding
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hfsupport.cases import Case, table
from hfsupport.client import vault_client
from hfsupport.server import DevServer
from hfsupport.tokens import HASHES, decode, encode
from key_case import KeyCase, UNKNOWN_VERSION, ec_jwk, oct_jwk, rsa_jwk, standard_base64, version_of
from shared import fresh_name

RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_ALGS = {
    "ES256": ("P-256", ec.SECP256R1, hashes.SHA256, 64),
    "ES384": ("P-384", ec.SECP384R1, hashes.SHA384, 96),
    "ES512": ("P-521", ec.SECP521R1, hashes.SHA512, 132),
    "ES256K": ("P-256K", ec.SECP256K1, hashes.SHA256, 64),
}
EC_KEYS = {curve: ec.generate_private_key(kind()) for curve, kind, _, _ in EC_ALGS.values()}
OCTETS = {bits: os.urandom(bits // 8) for bits in (128, 192, 256)}
RSA_SIGN = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
RSA_ENCRYPT = {
    "RSA1_5": (padding.PKCS1v15(), 245),
    "RSA-OAEP": (padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None), 214),
    "RSA-OAEP-256": (padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None), 190),
}
DIGEST_BYTES = {"256": 32, "384": 48, "512": 64}
BOTH_WAYS = (("encrypt", "decrypt"), ("wrapKey", "unwrapKey"))
ALL_OPS = ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"]


def digest_of(alg, message=b"message"):
    digest = hashes.Hash(hashes.SHA256() if alg == "ES256K" else HASHES[alg[2:]]())
    digest.update(message)
    return digest.finalize()


def rsa_padding(alg):
    digest = HASHES[alg[2:]]()
    return padding.PKCS1v15() if alg[0] == "R" else padding.PSS(padding.MGF1(digest), digest.digest_size)


class UseCase(KeyCase):
    """Keys that both sides have."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rsa = cls.brought(rsa_jwk(RSA_KEY))
        cls.ec = {curve: cls.brought(ec_jwk(key, curve)) for curve, key in EC_KEYS.items()}
        cls.oct = {bits: cls.brought(oct_jwk(octets), key_ops=ALL_OPS) for bits, octets in OCTETS.items()}

    @classmethod
    def brought(cls, jwk, **body):
        answer = cls.vault.put(f"/keys/{fresh_name('use')}", {"key": jwk, **body})
        if answer.status != 200:
            raise RuntimeError(f"import: {answer}")
        return answer.json

    def key_for(self, alg):
        if alg.startswith("E"):
            return self.ec[EC_ALGS[alg][0]]
        if alg.startswith(("R", "P")):
            return self.rsa
        return self.oct[int(alg[1:4])] if alg[1:4] in ("128", "192", "256") else self.oct[256]


class SignTest(UseCase):
    def verifies(self, bundle, alg, digest, signature):
        answer = self.use("verify", bundle, alg=alg, digest=encode(digest), value=encode(signature))
        self.assertEqual(set(answer), {"value"})
        return answer["value"]

    def sign(self, bundle, alg, digest):
        answer = self.use("sign", bundle, alg=alg, value=encode(digest))
        self.assertEqual(set(answer), {"kid", "value"})
        self.assertNotIn("=", answer["value"])
        return decode(answer["value"])

    def check_wrong(self, bundle, alg, digest, signature):
        """Whatever is wrong with a signature, it is no error."""
        other = bytes([digest[0] ^ 1]) + digest[1:]
        self.assertIs(self.verifies(bundle, alg, digest, signature), True)
        self.assertIs(self.verifies(bundle, alg, other, signature), False)
        flipped = signature[:-1] + bytes([signature[-1] ^ 1])
        for wrong in (flipped, signature[:-1], signature + b"\0", bytes(len(signature)), b"\xff" * len(signature), b"x"):
            self.assertIs(self.verifies(bundle, alg, digest, wrong), False)

    @table(*((alg, alg) for alg in RSA_SIGN))
    def test_rsa(self, alg):
        digest, form = digest_of(alg), utils.Prehashed(HASHES[alg[2:]]())
        signature = self.sign(self.rsa, alg, digest)
        self.assertEqual(len(signature), 256)
        RSA_KEY.public_key().verify(signature, digest, rsa_padding(alg), form)
        self.check_wrong(self.rsa, alg, digest, RSA_KEY.sign(digest, rsa_padding(alg), form))
        with self.assertRaises(InvalidSignature):
            RSA_KEY.public_key().verify(signature, bytes(len(digest)), rsa_padding(alg), form)

    @table(*((str(size), size) for size in (1, 20, 36, 245)))
    def test_rsnull(self, size):
        digest = os.urandom(size)
        signature = self.sign(self.rsa, "RSNULL", digest)
        block = pow(int.from_bytes(signature, "big"), 65537, RSA_KEY.public_key().public_numbers().n).to_bytes(256, "big")
        self.assertEqual(block, b"\0\1" + b"\xff" * (253 - size) + b"\0" + digest)
        self.check_wrong(self.rsa, "RSNULL", digest, signature)

    @table(*((alg, alg) for alg in EC_ALGS))
    def test_ec(self, alg):
        curve, _, kind, size = EC_ALGS[alg]
        digest, form = digest_of(alg), ec.ECDSA(utils.Prehashed(kind()))
        signature = self.sign(self.ec[curve], alg, digest)
        self.assertEqual(len(signature), size)
        r, s = (int.from_bytes(part, "big") for part in (signature[: size // 2], signature[size // 2 :]))
        EC_KEYS[curve].public_key().verify(utils.encode_dss_signature(r, s), digest, form)
        r, s = utils.decode_dss_signature(EC_KEYS[curve].sign(digest, form))
        own = r.to_bytes(size // 2, "big") + s.to_bytes(size // 2, "big")
        self.check_wrong(self.ec[curve], alg, digest, own)
        self.assertIs(self.verifies(self.ec[curve], alg, digest, utils.encode_dss_signature(r, s)), False)

    @table(*((alg, alg) for alg in ("HS256", "HS384", "HS512")))
    def test_hmac(self, alg):
        digest = digest_of(alg)
        expected = hmac.digest(OCTETS[256], digest, f"sha{alg[2:]}")
        self.assertEqual(self.sign(self.oct[256], alg, digest), expected)
        self.check_wrong(self.oct[256], alg, digest, expected)

    @table(
        *(
            (f"{alg}_{size}", alg, size)
            for alg in (*RSA_SIGN, *EC_ALGS)
            for size in (0, 1, 20, 31, 33, 47, 65, 1000)
        )
    )
    def test_digest_of_wrong_length(self, alg, size):
        wanted = len(digest_of(alg))
        text = f"Invalid length of '%s': {size} bytes. {alg} requires {wanted} bytes, encoded with base64url."
        bundle = self.key_for(alg)
        self.assert_error(
            self.send("sign", bundle, {"alg": alg, "value": encode(bytes(size))}), 400, "BadParameter", text % "value"
        )
        body = {"alg": alg, "digest": encode(bytes(size)), "value": encode(bytes(64))}
        self.assert_error(self.send("verify", bundle, body), 400, "BadParameter", text % "digest")

    @table(("empty", 0), ("too_long", 246), ("much_too_long", 5000))
    def test_rsnull_of_wrong_length(self, size):
        self.assert_bad(self.send("sign", self.rsa, {"alg": "RSNULL", "value": encode(bytes(size))}), "value")
        body = {"alg": "RSNULL", "digest": encode(bytes(size)), "value": encode(bytes(256))}
        self.assert_bad(self.send("verify", self.rsa, body), "digest")


class EncryptTest(UseCase):
    @table(*((f"{alg}_{op[0]}", alg, op) for alg in RSA_ENCRYPT for op in BOTH_WAYS))
    def test_rsa(self, alg, operations):
        form, longest = RSA_ENCRYPT[alg]
        there, back = operations
        for size in (0, 1, longest):
            plain = os.urandom(size)
            answer = self.use(there, self.rsa, alg=alg, value=encode(plain))
            self.assertEqual(set(answer), {"kid", "value"})
            self.assertEqual(RSA_KEY.decrypt(decode(answer["value"]), form), plain)
            own = RSA_KEY.public_key().encrypt(plain, form)
            answer = self.use(back, self.rsa, alg=alg, value=encode(own))
            self.assertEqual((set(answer), decode(answer["value"])), ({"kid", "value"}, plain))
        self.assert_bad(self.send(there, self.rsa, {"alg": alg, "value": encode(bytes(longest + 1))}), "value")

    @table(*((f"{bits}_{op[0]}", bits, op) for bits in OCTETS for op in BOTH_WAYS))
    def test_gcm(self, bits, operations):
        there, back = operations
        bundle, alg, cipher = self.oct[bits], f"A{bits}GCM", AESGCM(OCTETS[bits])
        for size, aad in ((0, None), (1, b""), (5000, b"additional")):
            plain, more = os.urandom(size), {} if aad is None else {"aad": encode(aad)}
            own_iv = encode(bytes(12))
            answer = self.use(there, bundle, alg=alg, value=encode(plain), iv=own_iv, **more)
            self.assertEqual(set(answer), {"kid", "value", "iv", "tag"} | set(more))
            self.assertEqual(answer.get("aad"), more.get("aad"))
            self.assertNotEqual(answer["iv"], own_iv, "the vault makes its own")
            iv, tag = decode(answer["iv"]), decode(answer["tag"])
            self.assertEqual((len(iv), len(tag)), (12, 16))
            self.assertEqual(cipher.decrypt(iv, decode(answer["value"]) + tag, aad), plain)
            iv = os.urandom(12)
            own = cipher.encrypt(iv, plain, aad)
            body = {"alg": alg, "value": encode(own[:-16]), "tag": encode(own[-16:]), "iv": encode(iv), **more}
            self.assertEqual(decode(self.use(back, bundle, **body)["value"]), plain)
            for wrong in (
                {"tag": encode(bytes(16))},
                {"iv": encode(bytes(12))},
                {"aad": encode(b"other")},
                {"value": encode(own[:-16] + b"x")},
            ):
                self.assert_error(self.send(back, bundle, {**body, **wrong}), 400, "BadParameter")
            for name in ("tag", "iv"):
                for value in (None, "", "AA", encode(bytes(11)), encode(bytes(17))):
                    self.assert_bad(self.send(back, bundle, {**body, name: value}), name)

    def test_gcm_never_repeats_an_iv(self):
        ivs = [self.use("encrypt", self.oct[256], alg="A256GCM", value="AA")["iv"] for _ in range(20)]
        self.assertEqual(len(set(ivs)), 20)

    @table(*((f"{bits}{pad}", bits, pad) for bits in OCTETS for pad in ("CBC", "CBCPAD")))
    def test_cbc(self, bits, pad):
        bundle, alg, iv = self.oct[bits], f"A{bits}{pad}", os.urandom(16)
        for size in (16, 4096) if pad == "CBC" else (0, 1, 15, 16, 4095):
            plain = os.urandom(size)
            answer = self.use("encrypt", bundle, alg=alg, value=encode(plain), iv=encode(iv))
            self.assertEqual((set(answer), answer["iv"]), ({"kid", "value", "iv"}, encode(iv)))
            padder = block_padding.PKCS7(128).padder()
            padded = plain if pad == "CBC" else padder.update(plain) + padder.finalize()
            encryptor = Cipher(algorithms.AES(OCTETS[bits]), modes.CBC(iv)).encryptor()
            own = encryptor.update(padded) + encryptor.finalize()
            self.assertEqual(decode(answer["value"]), own)
            answer = self.use("decrypt", bundle, alg=alg, value=encode(own), iv=encode(iv))
            self.assertEqual(decode(answer["value"]), plain)
        for wrong in ("AA", encode(bytes(12)), encode(bytes(15)), encode(bytes(17))):
            for operation in ("encrypt", "decrypt"):
                body = {"alg": alg, "value": encode(bytes(32)), "iv": wrong}
                self.assert_bad(self.send(operation, bundle, body), "iv")
        for size in (1, 15, 17):
            body = {"alg": alg, "value": encode(bytes(size)), "iv": encode(iv)}
            self.assert_error(self.send("decrypt", bundle, body), 400, "BadParameter")
            if pad == "CBC":
                self.assert_bad(self.send("encrypt", bundle, body), "value")

    @table(("cbc", "A256CBC"), ("cbcpad", "A256CBCPAD"))
    def test_iv_is_made_if_none_is_given(self, alg):
        body = {"alg": alg, "value": encode(bytes(32))}
        answers = [self.use("encrypt", self.oct[256], **body) for _ in range(2)]
        self.assertNotEqual(answers[0]["iv"], answers[1]["iv"])
        for answer in answers:
            body = {"alg": alg, "value": answer["value"], "iv": answer["iv"]}
            self.assertEqual(decode(self.use("decrypt", self.oct[256], **body)["value"]), bytes(32))
        self.assert_bad(self.send("decrypt", self.oct[256], {"alg": alg, "value": answer["value"]}), "iv")

    @table(*((f"{alg}_{bits}", alg, bits) for bits in OCTETS for alg in (f"A{bits}KW", "CKM_AES_KEY_WRAP")))
    def test_key_wrap(self, alg, bits):
        bundle = self.oct[bits]
        for size in (16, 24, 64, 1024):
            plain = os.urandom(size)
            own = keywrap.aes_key_wrap(OCTETS[bits], plain)
            self.assertEqual(decode(self.use("wrapKey", bundle, alg=alg, value=encode(plain))["value"]), own)
            self.assertEqual(decode(self.use("unwrapKey", bundle, alg=alg, value=encode(own))["value"]), plain)
            wrong = own[:-1] + bytes([own[-1] ^ 1])
            self.assert_error(self.send("unwrapKey", bundle, {"alg": alg, "value": encode(wrong)}), 400, "BadParameter")
        for size in (0, 8, 15, 17):
            self.assert_bad(self.send("wrapKey", bundle, {"alg": alg, "value": encode(bytes(size))}), "value")
        for operation in ("encrypt", "decrypt"):
            self.assert_bad(self.send(operation, bundle, {"alg": alg, "value": encode(bytes(24))}), "alg")

    @table(*((str(bits), bits) for bits in OCTETS))
    def test_key_wrap_with_padding(self, bits):
        for size in (1, 7, 8, 9, 100):
            plain = os.urandom(size)
            own = keywrap.aes_key_wrap_with_padding(OCTETS[bits], plain)
            body = {"alg": "CKM_AES_KEY_WRAP_PAD"}
            self.assertEqual(decode(self.use("wrapKey", self.oct[bits], value=encode(plain), **body)["value"]), own)
            self.assertEqual(decode(self.use("unwrapKey", self.oct[bits], value=encode(own), **body)["value"]), plain)

    @table(*((alg, alg) for alg in ("RSA-OAEP", "RSA-OAEP-256")))
    def test_wrong_ciphertext(self, alg):
        good = self.use("encrypt", self.rsa, alg=alg, value="AAAA")["value"]
        answers = [
            self.send("decrypt", self.rsa, {"alg": alg, "value": encode(wrong)})
            for wrong in (bytes(256), b"\xff" * 256, b"\1" * 256, decode(good)[:-1], decode(good) + b"\0", b"", b"x")
        ]
        for answer in answers:
            self.assert_error(answer, 400, "BadParameter")
        self.assertEqual(len({answer.message for answer in answers}), 1, "one text whatever was wrong")

    def test_wrong_padding_says_nothing(self):
        """RSA1_5 and CBCPAD: one text, or a plaintext that is not the key's (implicit rejection)."""
        answers = [self.send("decrypt", self.rsa, {"alg": "RSA1_5", "value": encode(b"\1" * 255 + bytes([n]))}) for n in range(8)]
        self.assertEqual(len({answer.status for answer in answers}), 1)
        if answers[0].status != 200:
            self.assertEqual(len({answer.message for answer in answers}), 1)
        refused = []
        for n in range(16):
            body = {"alg": "A256CBCPAD", "iv": encode(bytes(16)), "value": encode(bytes([n]) * 32)}
            answer = self.send("decrypt", self.oct[256], body)
            if answer.status != 200:
                refused.append((answer.status, answer.message))
        self.assertEqual(len(set(refused)), 1)


class UseRefusedTest(UseCase):
    @table(*((op, op) for op in ALL_OPS))
    def test_body(self, operation):
        good = {"alg": "RS256" if operation in ("sign", "verify") else "RSA-OAEP", "value": encode(bytes(32)), "digest": encode(bytes(32))}
        for name in ("alg", "value", *(("digest",) if operation == "verify" else ())):
            for value in (None, 1, True, [], {}):
                self.assert_bad(self.send(operation, self.rsa, {**good, name: value}), name)
            self.assert_bad(self.send(operation, self.rsa, {n: v for n, v in good.items() if n != name}), name)
        for name in ("value", *(("digest",) if operation == "verify" else ())):
            for value in ("*" * 43, "A", "A===", "AA=A", "ä", "AA\n", " " + good[name]):
                self.assert_bad(self.send(operation, self.rsa, {**good, name: value}), name)
        for alg in ("", "none", "rs256", "RS256 ", "HS1", "ES256K1", "RS1", "dir", "RSA-OAEP-512"):
            self.assert_bad(self.send(operation, self.rsa, {**good, "alg": alg}), "alg")
        for body in (None, b"", b"[]", b"null", b"{", b'{"alg":"RS256","value":"AA"'):
            self.assert_bad(self.send(operation, self.rsa, body))
        for name in ("iv", "aad", "tag"):
            self.assert_bad(self.send(operation, self.rsa, {**good, name: 1}), name)

    def test_padded_and_ordinary_base64(self):
        digest = b"\xfb\xff" * 16
        signature = self.use("sign", self.rsa, alg="RS256", value=standard_base64(digest))["value"]
        self.assertEqual(signature, self.use("sign", self.rsa, alg="RS256", value=encode(digest))["value"])

    @table(
        *((f"sign_{alg}", "sign", alg) for alg in ("RSA-OAEP", "A256GCM", "A256KW")),
        *((f"encrypt_{alg}", "encrypt", alg) for alg in ("RS256", "HS256", "RSNULL", "A256KW")),
        *((f"unwrapKey_{alg}", "unwrapKey", alg) for alg in ("RS256", "PS256")),
    )
    def test_algorithm_of_another_operation(self, operation, alg):
        self.assert_bad(self.send(operation, self.key_for(alg), {"alg": alg, "value": encode(bytes(32))}), None)

    @table(
        ("rsa_es256", "rsa", None, "ES256"),
        ("rsa_hs256", "rsa", None, "HS256"),
        ("ec_rs256", "ec", "P-256", "RS256"),
        ("p256_es384", "ec", "P-256", "ES384"),
        ("p256_es256k", "ec", "P-256", "ES256K"),
        ("p256k_es256", "ec", "P-256K", "ES256"),
        ("p384_es256", "ec", "P-384", "ES256"),
        ("p521_es384", "ec", "P-521", "ES384"),
        ("oct_rs256", "oct", 256, "RS256"),
    )
    def test_sign_with_another_type(self, family, which, alg):
        bundle = getattr(self, family) if which is None else getattr(self, family)[which]
        for operation, body in (("sign", {}), ("verify", {"digest": encode(bytes(32))})):
            answer = self.send(operation, bundle, {"alg": alg, "value": encode(bytes(32)), **body})
            self.assert_error(answer, 400, "BadParameter")
            self.assertIn("incompatible", answer.message)

    @table(
        ("rsa_a256gcm", "rsa", None, "A256GCM"),
        ("oct_rsa_oaep", "oct", 256, "RSA-OAEP"),
        *((f"{bits}_{alg}", "oct", bits, alg) for bits, alg in ((128, "A256GCM"), (256, "A128CBC"), (192, "A256CBCPAD"), (256, "A192GCM"))),
    )
    def test_encrypt_with_another_type(self, family, which, alg):
        bundle = getattr(self, family) if which is None else getattr(self, family)[which]
        for operation in ("encrypt", "decrypt", "wrapKey", "unwrapKey"):
            body = {"alg": alg, "value": encode(bytes(32)), "iv": encode(bytes(16)), "tag": encode(bytes(16))}
            answer = self.send(operation, bundle, body)
            self.assert_error(answer, 400, "BadParameter")
            self.assertIn("incompatible", answer.message)

    @table(*((op, op) for op in ALL_OPS))
    def test_not_in_key_ops(self, operation):
        bundle = self.bring(rsa_jwk(RSA_KEY), key_ops=[op for op in ALL_OPS if op != operation])
        body = {"alg": "RS256" if operation in ("sign", "verify") else "RSA-OAEP", "value": encode(bytes(32)), "digest": encode(bytes(32))}
        self.assert_error(
            self.send(operation, bundle, body), 403, "Forbidden", f"Operation {operation} is not permitted on this key.",
            "KeyOperationForbidden",
        )
        self.checked(self.vault.patch(f"/keys/{self.name_of(bundle)}", {"key_ops": [operation]}))
        self.assertNotEqual(self.send(operation, bundle, body).status, 403)

    def test_key_that_only_imports_does_nothing_else(self):
        bundle = self.bring(rsa_jwk(RSA_KEY), key_ops=["import"])
        for operation in ALL_OPS:
            body = {"alg": "RS256", "value": encode(bytes(32)), "digest": encode(bytes(32))}
            self.assert_error(self.send(operation, bundle, body), 403, "Forbidden", inner="KeyOperationForbidden")

    @table(*((op, op) for op in ALL_OPS))
    def test_not_found(self, operation):
        body = {"alg": "RS256", "value": encode(bytes(32)), "digest": encode(bytes(32))}
        route = operation.lower()
        for path in ("none", "none/", f"none/{UNKNOWN_VERSION}", f"{self.name_of(self.rsa)}/{UNKNOWN_VERSION}", f"{self.name_of(self.rsa)}/abc"):
            self.assert_error(self.vault.post(f"/keys/{path}/{route}", body), 404, "KeyNotFound")
        other = version_of(self.ec["P-256"])
        self.assert_error(self.send(operation, self.rsa, body, other), 404, "KeyNotFound")

    def test_newest_version(self):
        name = fresh_name("newest")
        first = self.bring(rsa_jwk(RSA_KEY), name)
        second = self.create(name, kty="RSA")
        body = {"alg": "RSA-OAEP", "value": "AAAA"}
        for path in (f"/keys/{name}/encrypt", f"/keys/{name}//encrypt"):
            answer = self.checked(self.vault.post(path, body))
            self.assertEqual(answer["kid"], second["key"]["kid"])
        old = self.use("encrypt", first, **body)["value"]
        self.assertEqual(RSA_KEY.decrypt(decode(old), RSA_ENCRYPT["RSA-OAEP"][0]), bytes(3))
        self.assert_error(self.send("decrypt", first, {"alg": "RSA-OAEP", "value": old}, ""), 400, "BadParameter")
        self.checked(self.vault.patch(f"/keys/{name}", {"attributes": {"enabled": False}}))
        self.assert_error(self.send("encrypt", first, body, ""), 403, "Forbidden", inner="KeyDisabled")
        self.use("encrypt", first, **body)

    def test_deleted(self):
        bundle = self.bring(rsa_jwk(RSA_KEY))
        name = self.name_of(bundle)
        self.checked(self.vault.delete(f"/keys/{name}"))
        body = {"alg": "RS256", "value": encode(bytes(32)), "digest": encode(bytes(32))}
        for operation in ALL_OPS:
            for version in (None, ""):
                self.assert_error(self.send(operation, bundle, body, version), 404, "KeyNotFound")
        self.checked(self.vault.post(f"/deletedkeys/{name}/recover"))
        self.use("sign", bundle, alg="RS256", value=encode(bytes(32)))


class DatesTest(Case):
    """Specification 6.5. The clock is moved, on a server of its own."""

    ONLY_INSIDE = ("encrypt", "sign", "wrapKey")

    @classmethod
    def setUpClass(cls):
        cls.server = DevServer()
        cls.addClassCleanup(cls.server.close)
        cls.vault = vault_client(cls.server)
        cipher = RSA_KEY.public_key().encrypt(b"plain", RSA_ENCRYPT["RSA-OAEP"][0])
        signature = RSA_KEY.sign(bytes(32), padding.PKCS1v15(), utils.Prehashed(hashes.SHA256()))
        cls.bodies = {
            **{op: {"alg": "RSA-OAEP", "value": "AAAA"} for op in ("encrypt", "wrapKey")},
            **{op: {"alg": "RSA-OAEP", "value": encode(cipher)} for op in ("decrypt", "unwrapKey")},
            "sign": {"alg": "RS256", "value": encode(bytes(32))},
            "verify": {"alg": "RS256", "digest": encode(bytes(32)), "value": encode(signature)},
        }

    def key(self, **attributes):
        name = fresh_name("dates")
        answer = self.vault.put(f"/keys/{name}", {"key": rsa_jwk(RSA_KEY), "attributes": attributes})
        self.assertEqual(answer.status, 200, answer)
        return name

    def check(self, name, refused, inner=None, phrase=None):
        for operation, body in self.bodies.items():
            answer = self.vault.post(f"/keys/{name}/{operation.lower()}", body)
            if operation not in refused:
                self.assertEqual(answer.status, 200, (operation, answer))
                continue
            self.assertEqual((answer.status, answer.code, answer.inner), (403, "Forbidden", inner), operation)
            self.assertEqual(answer.message, f"Operation {operation} is not allowed on {phrase} key.")

    def check_management(self, name):
        """What is allowed at any time."""
        version = self.vault.get(f"/keys/{name}").json["key"]["kid"].rsplit("/", 1)[1]
        for method, path, body in (
            ("GET", f"/keys/{name}/{version}", None),
            ("GET", f"/keys/{name}/versions", None),
            ("PATCH", f"/keys/{name}", {"tags": {"a": "1"}}),
            ("POST", f"/keys/{name}/backup", None),
            ("POST", f"/keys/{name}/rotate", None),
            ("DELETE", f"/keys/{name}", None),
            ("GET", f"/deletedkeys/{name}", None),
        ):
            answer = self.vault.call(method, path, body)
            self.assertEqual(answer.status, 200, (method, path, answer))

    def test_disabled(self):
        name = self.key(enabled=False)
        self.check(name, self.bodies, "KeyDisabled", "a disabled")
        self.check_management(name)

    def test_not_yet_valid(self):
        name = self.key(nbf=self.server.admin.now() + 300)
        self.check(name, self.ONLY_INSIDE, "KeyNotYetValid", "a not-yet-valid")
        self.server.admin.advance(301)
        self.check(name, ())
        self.check_management(self.key(nbf=self.server.admin.now() + 300))

    def test_expired(self):
        name = self.key(exp=self.server.admin.now() + 300)
        self.check(name, ())
        self.server.admin.advance(301)
        self.check(name, self.ONLY_INSIDE, "KeyExpired", "an expired")
        self.assertEqual(self.vault.patch(f"/keys/{name}", {"attributes": {"exp": self.server.admin.now() + 300}}).status, 200)
        self.check(name, ())
        self.server.admin.advance(301)
        self.check_management(name)

    def test_rotated_has_no_dates(self):
        name = self.key(nbf=self.server.admin.now() + 300, exp=self.server.admin.now() + 900, enabled=False)
        rotated = self.vault.post(f"/keys/{name}/rotate").json["attributes"]
        self.assertEqual((rotated["enabled"], "nbf" in rotated, "exp" in rotated), (True, False, False))
        self.assertEqual(self.vault.post(f"/keys/{name}/sign", self.bodies["sign"]).status, 200)
