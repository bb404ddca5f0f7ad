# SPDX-License-Identifier: Apache-2.0
"""Every command of `holdfast key …`; what it signs and encrypts is checked by openssl, and the reverse."""

import base64
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from hfsupport.cases import Case, table
from hfsupport.server import STOP_SECONDS, DevServer, program

FAILED, USAGE, NOT_FOUND, DENIED, UNREACHABLE, CONFLICT = 1, 2, 3, 4, 5, 6
LARGE_BYTES = 5_000_000  # of a signed file: more than any request, and no whole number of chunks
NOWHERE = "https://dev.vault.localhost:1"


def openssl(*arguments, data=None):
    done = subprocess.run(["openssl", *map(str, arguments)], input=data, capture_output=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"openssl {arguments}: {done.stderr.decode()}")
    return done.stdout


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Base(Case):
    """A server for each class, and the command line as its identity."""

    environment = {}

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="holdfast-keys-"))
        self.addCleanup(shutil.rmtree, self.folder, True)

    def run_key(self, *words, code=0, data=b""):
        """Standard output of `holdfast key WORDS`, as bytes."""
        done = subprocess.run([program(), "key", *map(str, words)], input=data, capture_output=True, check=False,
                              env={**os.environ, **self.environment}, timeout=STOP_SECONDS)
        self.assertEqual(done.returncode, code, (words, done.stdout, done.stderr))
        self.error = done.stderr.decode()
        if code not in (0, FAILED):
            self.assertEqual(done.stdout, b"")
        if code == USAGE:
            self.assertNotEqual(self.error, "")
        return done.stdout

    def run_json(self, *words, **options):
        return json.loads(self.run_key(*words, "--json", **options))

    def file(self, name, content=None):
        path = self.folder / name
        if content is not None:
            path.write_bytes(content)
        return path


class UsageTest(Base):
    """Refused before anything is sent: nobody listens there."""

    environment = {"AZURE_KEYVAULT_URL": NOWHERE}

    @table(
        ("no_type", "create", "k"),
        ("no_name", "create", "--type", "RSA"),
        ("size_no_number", "create", "k", "--type", "RSA", "--size", "big"),
        ("size_of_ec", "create", "k", "--type", "EC", "--size", "256"),
        ("curve_of_rsa", "create", "k", "--type", "RSA", "--curve", "P-256"),
        ("empty_ops", "create", "k", "--type", "RSA", "--ops", "sign,,verify"),
        ("no_time", "create", "k", "--type", "RSA", "--expires", "soon"),
        ("tag_without_value", "create", "k", "--type", "RSA", "--tag", "x"),
        ("value_is_no_option", "import", "k", "--value", "x"),
        ("import_too_many", "import", "k", "a", "b"),
        ("json_and_pem", "show", "k", "--json", "--pem"),
        ("deleted_and_version", "show", "k", "--deleted", "--version", "0"),
        ("bad_version", "show", "k", "--version", "a/b"),
        ("update_nothing", "update", "k"),
        ("update_both", "update", "k", "--enabled", "--disabled"),
        ("no_algorithm", "sign", "k"),
        ("unknown_algorithm", "sign", "k", "--alg", "RS1"),
        ("algorithm_of_another_use", "sign", "k", "--alg", "RSA-OAEP"),
        ("wrap_only", "encrypt", "k", "--alg", "A256KW"),
        ("digest_and_file", "sign", "k", "/dev/null", "--alg", "RS256", "--digest", "00" * 32),
        ("short_digest", "sign", "k", "--alg", "RS256", "--digest", "00" * 31),
        ("digest_of_another_size", "sign", "k", "--alg", "RS256", "--digest", "00" * 48),
        ("digest_no_text", "sign", "k", "--alg", "RS256", "--digest", "!" * 64),
        ("digest_for_rsnull", "sign", "k", "--alg", "RSNULL", "--digest", "00" * 32),
        ("der_of_rsa", "sign", "k", "--alg", "RS256", "--der"),
        ("json_and_der", "sign", "k", "--alg", "ES256", "--der", "--json"),
        ("no_signature", "verify", "k", "--alg", "RS256"),
        ("both_from_input", "verify", "k", "--alg", "RS256", "--signature", "-"),
        ("iv_of_rsa", "encrypt", "k", "--alg", "RSA-OAEP", "--iv", "00"),
        ("iv_of_gcm", "encrypt", "k", "--alg", "A256GCM", "--iv", "00" * 12),
        ("short_iv", "encrypt", "k", "--alg", "A256CBC", "--iv", "00" * 15),
        ("aad_of_cbc", "encrypt", "k", "--alg", "A256CBC", "--aad", "x"),
        ("text_of_json", "encrypt", "k", "--alg", "A256GCM", "--base64url"),
    )
    def test_refused(self, *words):
        self.run_key(*words, code=USAGE, data=b"x")

    @table(
        ("no_iv", "A256GCM"),
        ("no_tag", "A256GCM", "--iv", "00" * 12),
        ("iv_of_rsa", "RSA-OAEP", "--iv", "00" * 12),
        ("tag_of_cbc", "A256CBC", "--iv", "00" * 16, "--tag", "00" * 16),
    )
    def test_bare_ciphertext(self, algorithm, *words):
        self.run_key("decrypt", "k", "--alg", algorithm, *words, code=USAGE, data=b"x")

    @table(
        ("encrypt", "encrypt", "k", "--alg", "RSA-OAEP"),
        ("import", "import", "k"),
        ("hmac", "sign", "k", "--alg", "HS256"),
    )
    def test_nothing_from_a_pipe(self, *words):
        self.run_key(*words, code=FAILED)

    @table(
        ("import", "import", "k"),
        ("sign", "sign", "k", "--alg", "RS256"),
        ("encrypt", "encrypt", "k", "--alg", "RSA-OAEP"),
    )
    def test_no_such_file(self, command, name, *words):
        self.run_key(command, name, self.folder / "none", *words, code=NOT_FOUND)

    def test_no_vault_there(self):
        self.run_key("list", code=UNREACHABLE)

    @table(
        ("text", b"no key at all"),
        ("json", b'{"kty": "RSA"'),
        ("array", b"{}[]"),
        ("der", b"\x30\x03\x02\x01\x00"),
        ("pem", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
    )
    def test_no_key(self, content):
        self.run_key("import", "k", code=FAILED, data=content)
        self.assertRegex(self.error, "JWK")

    def test_public_key_and_other_kinds(self):
        key = openssl("genpkey", "-algorithm", "ed25519")
        self.run_key("import", "k", code=FAILED, data=key)
        self.run_key("import", "k", code=FAILED, data=openssl("pkey", "-pubout", data=key))

    def test_encrypted_key(self):
        key = openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
        locked = openssl("pkey", "-aes256", "-passout", "pass:x", data=key)
        self.run_key("import", "k", code=FAILED, data=locked)


class ServerTest(Base):
    """One server for all tests of a class; each has keys of its own."""

    @classmethod
    def setUpClass(cls):
        cls.server = DevServer()
        cls.addClassCleanup(cls.server.close)
        cls.environment = cls.server.env

    def create(self, name, *words):
        return self.run_json("create", name, *words)

    def public(self, name, *words):
        return self.file(f"{name}.pem", self.run_key("show", name, "--pem", *words))


class LifeTest(ServerTest):
    def test_create(self):
        shown = self.run_key("create", "c1", "--type", "RSA", "--size", "2048", "--ops", "sign, verify", "--tag", "a=b",
                             "--expires", "2100-01-31").decode()
        for text in ("c1", "sign, verify", "a=b", "2100-01-31 00:00:00Z", "RSA"):
            self.assertIn(text, shown)
        made = self.create("c2", "--type", "EC", "--curve", "P-384", "--disabled", "--not-before", "2020-01-01")
        self.assertEqual((made["key"]["kty"], made["key"]["crv"]), ("EC", "P-384"))
        self.assertEqual((made["attributes"]["enabled"], made["attributes"]["nbf"]), (False, 1577836800))
        self.assertEqual(self.create("c3", "--type", "oct", "--size", "128")["key"]["kty"], "oct")
        self.run_key("create", "c4", "--type", "DSA", code=FAILED)
        self.run_key("create", "c4", "--type", "RSA", "--size", "1024", code=FAILED)
        self.run_key("create", "c4", "--type", "EC", "--curve", "P-999", code=FAILED)
        self.run_key("create", "c4", "--type", "EC", "--ops", "fly", code=FAILED)
        self.run_key("create", "a_b", "--type", "EC", code=FAILED)
        self.run_key("show", "c4", code=NOT_FOUND)

    def test_show_and_lists(self):
        first = self.create("s1", "--type", "EC")["key"]["kid"].rsplit("/", 1)[1]
        second = self.create("s1", "--type", "EC")["key"]["kid"].rsplit("/", 1)[1]
        self.assertIn(second, self.run_key("show", "s1").decode())
        self.assertNotEqual(self.public("s1").read_bytes(), self.public("s1", "--version", first).read_bytes())
        self.assertIn(b"prime256v1", openssl("pkey", "-pubin", "-text", "-noout", data=self.public("s1").read_bytes()))
        self.assertIn("s1", self.run_key("list").decode())
        self.assertIn("s1", [key["kid"].rsplit("/", 1)[1] for key in self.run_json("list")])
        self.assertEqual({key["kid"].rsplit("/", 1)[1] for key in self.run_json("versions", "s1")}, {first, second})
        self.create("s2", "--type", "oct")
        self.run_key("show", "s2", "--pem", code=FAILED)
        self.run_key("show", "nobody", code=NOT_FOUND)
        self.run_key("show", "s1", "--version", "0" * 32, code=NOT_FOUND)

    def test_update(self):
        first = self.create("u1", "--type", "RSA")["key"]["kid"].rsplit("/", 1)[1]
        self.create("u1", "--type", "RSA")
        changed = self.run_json("update", "u1", "--version", first, "--disabled", "--tag", "x=y", "--ops", "verify")
        self.assertEqual((changed["attributes"]["enabled"], changed["tags"]), (False, {"x": "y"}))
        self.assertEqual(changed["key"]["key_ops"], ["verify"])
        self.assertTrue(self.run_json("show", "u1")["attributes"]["enabled"])
        self.run_key("sign", "u1", "--version", first, "--alg", "RS256", code=DENIED, data=b"x")
        self.assertTrue(self.run_json("update", "u1", "--version", first, "--enabled")["attributes"]["enabled"])
        self.assertEqual(self.run_json("update", "u1", "--expires", "2100-01-01")["attributes"]["exp"], 4102444800)
        self.run_key("update", "nobody", "--enabled", code=NOT_FOUND)

    def test_rotate(self):
        before = self.create("r1", "--type", "EC", "--curve", "P-521")["key"]
        after = self.run_json("rotate", "r1")["key"]
        self.assertEqual((after["crv"], len(self.run_json("versions", "r1"))), ("P-521", 2))
        self.assertNotEqual(before["x"], after["x"])
        self.run_key("rotate", "nobody", code=NOT_FOUND)

    def test_deletion(self):
        self.create("d1", "--type", "EC")
        self.assertIn("d1", self.run_key("delete", "d1").decode())
        self.run_key("show", "d1", code=NOT_FOUND)
        self.run_key("create", "d1", "--type", "EC", code=CONFLICT)
        self.assertIn("d1", self.run_key("show", "d1", "--deleted").decode())
        self.assertIn("d1", self.run_key("list", "--deleted").decode())
        self.assertIn("d1", self.run_key("recover", "d1").decode())
        self.run_key("delete", "d1")
        self.assertEqual(self.run_json("purge", "d1"), {})
        self.run_key("recover", "d1", code=NOT_FOUND)
        self.run_key("purge", "d1", code=NOT_FOUND)

    def test_backup(self):
        kid = self.create("b1", "--type", "EC")["key"]["kid"]
        self.run_key("backup", "b1", "--file", self.file("blob"))
        self.assertEqual(self.file("blob").stat().st_mode & 0o777, 0o600)
        self.run_key("restore", "--file", self.file("blob"), code=CONFLICT)
        self.run_key("restore", code=FAILED, data=b"no backup")
        self.run_key("delete", "b1")
        self.run_key("purge", "b1")
        self.assertIn(kid, self.run_key("restore", "--file", self.file("blob")).decode())
        self.run_key("backup", "nobody", "--file", self.file("none"), code=NOT_FOUND)
        self.assertFalse(self.file("none").exists())

    @table(
        ("rsa_pkcs8", ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], ["pkey"]),
        ("rsa_pkcs1", ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], ["rsa", "-traditional"]),
        ("rsa_der", ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"], ["pkey", "-outform", "DER"]),
        ("p256_sec1", ["ecparam", "-name", "prime256v1", "-genkey"], ["ec"]),
        ("p256_sec1_der", ["ecparam", "-name", "prime256v1", "-genkey"], ["ec", "-outform", "DER"]),
        ("p384", ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"], ["pkey"]),
        ("p521", ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"], ["pkey"]),
        ("p256k", ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"], ["pkey"]),
    )
    def test_import(self, make, convert):
        key = openssl(*make)
        name = "i" + self.id().rsplit("_import_", 1)[1].replace("_", "-")
        self.run_key("import", name, self.file("key", openssl(*convert, data=key)), "--ops", "sign", "--tag", "a=b")
        self.assertEqual(self.public(name).read_bytes(), openssl("pkey", "-pubout", data=key))
        shown = self.run_json("show", name)
        self.assertEqual((shown["key"]["key_ops"], shown["tags"]), (["sign"], {"a": "b"}))
        self.assertNotIn("d", shown["key"])

    def test_import_jwk(self):
        jwk = {"kty": "oct", "k": base64url(bytes(range(32))), "key_ops": ["encrypt"]}
        self.run_key("import", "j1", data=json.dumps(jwk).encode())
        self.assertEqual(self.run_json("show", "j1")["key"]["key_ops"], ["encrypt"])
        self.run_key("import", "j2", "-", "--ops", "wrapKey,unwrapKey", data=json.dumps(jwk).encode())
        self.assertEqual(self.run_json("show", "j2")["key"]["key_ops"], ["wrapKey", "unwrapKey"])
        self.run_key("import", "j3", code=FAILED, data=b'{"kty": "oct"}')
        small = openssl("genrsa", "1024")
        self.run_key("import", "j3", code=FAILED, data=small)
        self.run_key("show", "j3", code=NOT_FOUND)


class SignTest(ServerTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        rows = [("rsa", "RSA", ())] + [(f"ec{n}", "EC", ("--curve", c)) for n, c in
                                       (("256", "P-256"), ("384", "P-384"), ("521", "P-521"), ("256k", "P-256K"))]
        for name, kind, more in rows:
            subprocess.run([program(), "key", "create", name, "--type", kind, *more], check=True, capture_output=True,
                           env={**os.environ, **cls.environment})

    PSS = ("-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest")

    @table(
        ("RS256", "RS256", "rsa", "sha256"),
        ("RS384", "RS384", "rsa", "sha384"),
        ("RS512", "RS512", "rsa", "sha512"),
        ("PS256", "PS256", "rsa", "sha256", *PSS),
        ("PS384", "PS384", "rsa", "sha384", *PSS),
        ("PS512", "PS512", "rsa", "sha512", *PSS),
        ("ES256", "ES256", "ec256", "sha256"),
        ("ES384", "ES384", "ec384", "sha384"),
        ("ES512", "ES512", "ec521", "sha512"),
        ("ES256K", "ES256K", "ec256k", "sha256"),
    )
    def test_files(self, algorithm, key, digest, *options):
        der = ("--der",) if key.startswith("ec") else ()
        data = self.file("data", os.urandom(1000) * (LARGE_BYTES // 1000) + b"x")
        words = (key, "--alg", algorithm)
        signature = self.file("signature", self.run_key("sign", *words, data, *der))
        openssl("dgst", f"-{digest}", "-verify", self.public(key), *options, "-signature", signature, data)
        verify = ("verify", *words, "--signature", signature, *der)
        self.assertEqual(self.run_key(*verify, data), b"valid\n")
        self.assertEqual(self.run_key(*verify, data=data.read_bytes()), b"valid\n")
        value = hashlib.new(digest, data.read_bytes())
        self.assertEqual(self.run_key(*verify, "--digest", value.hexdigest()), b"valid\n")
        self.assertEqual(self.run_key(*verify, "--digest", base64url(value.digest())), b"valid\n")
        self.assertEqual(self.run_key(*verify, code=FAILED, data=b"other"), b"not valid\n")
        given = self.file("given", self.run_key("sign", *words, "--digest", value.hexdigest(), *der))
        openssl("dgst", f"-{digest}", "-verify", self.public(key), *options, "-signature", given, data)

    def test_forms(self):
        words = ("ec256", "--alg", "ES256")
        text = self.run_key("sign", *words, "--base64url", data=b"x")
        self.assertEqual(self.run_key("verify", *words, "--base64url", "--signature", self.file("text", text), data=b"x"),
                         b"valid\n")
        raw = self.run_key("sign", *words, data=b"x")
        self.assertEqual(len(raw), 64)
        self.assertTrue(self.run_json("verify", *words, "--signature", self.file("raw", raw), data=b"x")["value"])
        self.assertFalse(self.run_json("verify", *words, "--signature", self.file("raw"), data=b"y", code=FAILED)["value"])
        self.run_key("verify", *words, "--der", "--signature", self.file("raw"), data=b"x", code=FAILED)
        self.assertRegex(self.error, "no DER")
        self.run_key("verify", *words, "--base64url", "--signature", self.file("raw"), data=b"x", code=FAILED)
        self.run_key("verify", *words, "--signature", self.file("none"), data=b"x", code=NOT_FOUND)
        self.run_key("verify", *words, "--signature", self.file("short", b"x"), data=b"x", code=FAILED)
        answer = self.run_json("sign", *words, data=b"")
        self.assertIn("/keys/ec256/", answer["kid"])

    def test_hmac_and_rsnull(self):
        self.create("mac", "--type", "oct", "--ops", "sign,verify")
        mac = self.file("mac", self.run_key("sign", "mac", "--alg", "HS256", data=b"message"))
        self.assertEqual(mac.stat().st_size, 32)
        self.assertEqual(self.run_key("verify", "mac", "--alg", "HS256", "--signature", mac, data=b"message"), b"valid\n")
        signed = self.file("null", self.run_key("sign", "rsa", "--alg", "RSNULL", data=b"bare"))
        self.assertEqual(openssl("pkeyutl", "-verifyrecover", "-pubin", "-inkey", self.public("rsa"), "-in", signed), b"bare")

    def test_refused_by_the_vault(self):
        self.run_key("sign", "ec256", "--alg", "RS256", data=b"x", code=FAILED)
        self.run_key("sign", "ec384", "--alg", "ES256", data=b"x", code=FAILED)
        self.run_key("sign", "nobody", "--alg", "ES256", data=b"x", code=NOT_FOUND)
        self.create("only", "--type", "EC", "--ops", "verify")
        self.run_key("sign", "only", "--alg", "ES256", data=b"x", code=DENIED)

    def test_version(self):
        first = self.create("old", "--type", "EC")["key"]["kid"].rsplit("/", 1)[1]
        self.run_key("rotate", "old")
        words = ("old", "--alg", "ES256")
        signature = self.file("signature", self.run_key("sign", *words, "--version", first, data=b"x"))
        self.assertEqual(self.run_key("verify", *words, "--version", first, "--signature", signature, data=b"x"), b"valid\n")
        self.assertEqual(self.run_key("verify", *words, "--signature", signature, data=b"x", code=FAILED), b"not valid\n")


class CipherTest(ServerTest):
    PLAIN = b"not text \x00\xff\n"

    @table(
        ("RSA1_5", "RSA1_5", "-pkeyopt", "rsa_padding_mode:pkcs1"),
        ("OAEP", "RSA-OAEP", "-pkeyopt", "rsa_padding_mode:oaep"),
        ("OAEP256", "RSA-OAEP-256", "-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256"),
    )
    def test_rsa(self, algorithm, *options):
        private = openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
        name = algorithm.replace("_", "-")
        self.run_key("import", name, data=private)
        for forth, back in (("encrypt", "decrypt"), ("wrap", "unwrap")):
            words = (name, "--alg", algorithm)
            here = self.run_key(forth, *words, self.file("plain", self.PLAIN))
            self.assertEqual(openssl("pkeyutl", "-decrypt", "-inkey", self.file("key", private), *options, data=here), self.PLAIN)
            there = openssl("pkeyutl", "-encrypt", "-pubin", "-inkey", self.public(name), *options, data=self.PLAIN)
            self.assertEqual(self.run_key(back, *words, self.file("there", there)), self.PLAIN)
            text = self.run_key(forth, *words, "--base64url", data=self.PLAIN)
            self.assertEqual(self.run_key(back, *words, "--base64url", data=text), self.PLAIN)
        self.run_key("encrypt", *words, data=b"x" * 300, code=FAILED)
        self.run_key("decrypt", *words, data=b"x" * 255, code=FAILED)
        self.run_key("decrypt", *words, data=b"x" * 300_000, code=FAILED)

    def test_kept_answer_names_its_version(self):
        self.create("kept", "--type", "RSA")
        for more in ((), ("--json",)):
            ciphertext = self.run_key("encrypt", "kept", "--alg", "RSA-OAEP-256", *more, data=self.PLAIN)
            self.run_key("rotate", "kept")
            words = ("decrypt", "kept", "--alg", "RSA-OAEP-256")
            if more:
                self.assertEqual(self.run_key(*words, data=ciphertext), self.PLAIN)
                self.run_key("decrypt", "other", *words[2:], data=ciphertext, code=FAILED)
                self.assertRegex(self.error, "made with the key kept")
            else:
                self.run_key(*words, data=ciphertext, code=FAILED)

    def test_gcm(self):
        self.create("gcm", "--type", "oct")
        words = ("gcm", "--alg", "A256GCM")
        kept = self.run_key("encrypt", *words, "--aad", "for you", data=self.PLAIN)
        answer = json.loads(kept)
        self.assertEqual(answer["aad"], base64url(b"for you"))
        self.assertEqual(self.run_key("decrypt", *words, data=kept), self.PLAIN)
        shown = self.run_json("decrypt", *words, data=kept)
        self.assertEqual(shown["value"], base64url(self.PLAIN))
        bare = ("decrypt", *words, "--base64url", "--iv", answer["iv"], "--tag", answer["tag"])
        value = answer["value"].encode() + b"\n"
        self.assertEqual(self.run_key(*bare, "--aad", "for you", data=value), self.PLAIN)
        self.run_key(*bare, "--aad", "for me", data=value, code=FAILED)
        self.run_key("decrypt", *words, "--iv", answer["iv"], data=kept, code=USAGE)
        damaged = json.dumps({**answer, "tag": base64url(bytes(16))}).encode()
        self.assertEqual(self.run_key("decrypt", *words, data=damaged, code=FAILED), b"")

    def test_cbc(self):
        key = bytes(range(16))
        self.run_key("import", "cbc", data=json.dumps({"kty": "oct", "k": base64url(key)}).encode())
        words = ("cbc", "--alg", "A128CBCPAD")
        iv = bytes(range(16, 32))
        kept = self.run_key("encrypt", *words, "--iv", iv.hex(), data=self.PLAIN)
        expected = openssl("enc", "-aes-128-cbc", "-K", key.hex(), "-iv", iv.hex(), data=self.PLAIN)
        self.assertEqual(json.loads(kept)["value"], base64url(expected))
        self.assertEqual(self.run_key("decrypt", *words, data=kept), self.PLAIN)
        self.assertEqual(self.run_key("decrypt", *words, "--iv", base64url(iv), data=expected), self.PLAIN)
        random = [json.loads(self.run_key("encrypt", *words, data=self.PLAIN))["iv"] for _ in range(2)]
        self.assertNotEqual(*random)

    def test_wrap(self):
        kek = bytes(range(32))
        self.run_key("import", "kek", data=json.dumps({"kty": "oct", "k": base64url(kek)}).encode())
        words = ("kek", "--alg", "A256KW")
        plain = bytes.fromhex("00112233445566778899aabbccddeeff")  # RFC 3394, 4.3
        wrapped = self.run_key("wrap", *words, data=plain)
        self.assertEqual(wrapped.hex(), "64e8c3f9ce0f5ba263e9777905818a2a93c8191e7d6e8ae7")
        self.assertEqual(self.run_key("unwrap", *words, data=wrapped), plain)
        self.run_key("unwrap", *words, data=bytes(24), code=FAILED)
        self.run_key("wrap", *words, data=b"short", code=FAILED)
