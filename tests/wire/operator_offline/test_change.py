# SPDX-License-Identifier: Apache-2.0
"""`holdfast operator rekey` and `migrate-seal`: what opened before opens no more, what is new does; refused and interrupted ones
leave the old; each can be run again."""

import itertools

from hfsupport.cases import table
from offline import (
    CONFLICT, DENIED, FAILED, NEW_PASSPHRASE, NOT_FOUND, NOT_INTACT, OK, PASSPHRASE, UNREACHABLE, USAGE, OfflineCase,
)

ARMOR = 'echo "-----BEGIN AGE ENCRYPTED FILE-----"; cat'


class RekeyTest(OfflineCase):
    @table(
        ("not_initialised", "key-file", ["--new-key-file", "x"], "", NOT_FOUND, "not initialised; make it with 'holdfast init'"),
    )
    def test_before_init(self, kind, words, typed, code, text):
        self.configure(kind)
        self.refuse(code, text, "operator", "rekey", *words, typed=typed)
        self.refuse(code, text, "operator", "migrate-seal", typed=typed)
        self.assertFalse(self.data.exists())

    def test_passphrase_wrong_ones(self):
        self.init("passphrase", typed=f"{PASSPHRASE}\n")
        rekey = ["operator", "rekey"]
        both = f"{PASSPHRASE}\n{NEW_PASSPHRASE}\n"
        self.refuse(UNREACHABLE, "no passphrase given; type it at a terminal", *rekey)
        self.refuse(DENIED, "wrong passphrase; nothing was changed", *rekey, typed=f"{NEW_PASSPHRASE}\n{NEW_PASSPHRASE}\n")
        self.refuse(UNREACHABLE, "no passphrase given", *rekey, typed=f"{PASSPHRASE}\n")
        self.refuse(FAILED, "12 to 1024 bytes", *rekey, typed=f"{PASSPHRASE}\nelevenbytes\n")
        self.refuse(USAGE, "--new-key-file is not for a seal of kind passphrase", *rekey, "--new-key-file", "x", typed=both)
        self.refuse(USAGE, "--new-credential is not for", *rekey, "--new-credential", "x", typed=both)
        self.refuse(USAGE, "seal.kind = shamir", *rekey, "--shares", 3, typed=both)
        self.configure("key-file")
        self.refuse(FAILED, '"holdfast operator migrate-seal" changes it', *rekey, typed=both)
        self.assert_opens("passphrase", typed=f"{PASSPHRASE}\n")

    @table(("typed", False), ("in_files", True))
    def test_passphrase(self, in_files):
        self.init("passphrase", typed=f"{PASSPHRASE}\n")
        files = ["--old-passphrase-file", self.passphrase_file(PASSPHRASE),
                 "--passphrase-file", self.passphrase_file(NEW_PASSPHRASE)]
        if in_files:
            self.succeed("operator", "rekey", *files)
            again = self.seal()
            self.succeed("operator", "rekey", *files)  # as after an interruption: done already
            self.assertEqual(self.seal(), again)
        else:
            self.succeed("operator", "rekey", typed=f"{PASSPHRASE}\n{NEW_PASSPHRASE}\n")
        self.assert_opens("passphrase", typed=f"{NEW_PASSPHRASE}\n")
        self.assert_opens_not("passphrase", typed=f"{PASSPHRASE}\n")

    @table(("not_utf8", b"gr\xfcne Wiesen und W\xe4lder"), ("with_nul", b"a passphrase\0 and more"))
    def test_passphrase_that_could_not_be_handed_to_a_server(self, passphrase):
        """It goes to a sealed server as JSON."""
        path = self.passphrase_file("")
        path.write_bytes(passphrase + b"\n")
        self.configure("passphrase")
        self.refuse(FAILED, "must be text in UTF-8", "init", "--passphrase-file", path)
        self.init("passphrase", typed=f"{PASSPHRASE}\n")
        self.refuse(FAILED, "must be text in UTF-8", "operator", "rekey", "--old-passphrase-file",
                    self.passphrase_file(PASSPHRASE), "--passphrase-file", path)

    def test_shares(self):
        old = self.init_shamir()
        text = self.shares(old)
        new = self.folder / "new"
        rekey = ["operator", "rekey", "--share-folder", new]
        self.refuse(UNREACHABLE, "too few shares: 2 given (3 needed); hand in more", *rekey, typed=f"{text[1]}\n{text[2]}\n")
        self.refuse(FAILED, "share 1 was given already", *rekey, *self.share_files(old, 1, 2, 1))
        mistyped = text[3][:-1] + ("0" if text[3][-1] != "0" else "1")
        self.refuse(FAILED, "mistyped", *rekey, *self.share_files(old, 1, 2), typed=f"{mistyped}\n")
        self.refuse(UNREACHABLE, "/nonexistent: is missing", *rekey, "--share-file", "/nonexistent")
        (old / "share-4.txt").chmod(0o644)
        self.refuse(DENIED, "mode is 0644", *rekey, *self.share_files(old, 4))
        self.refuse(UNREACHABLE, "give --share-folder", "operator", "rekey", *self.share_files(old, 1, 2, 3))
        self.refuse(CONFLICT, "share-1.txt: exists already", "operator", "rekey", "--share-folder", old,
                    *self.share_files(old, 1, 2, 3))
        self.assertFalse(new.exists())

        shown = self.succeed(*rekey, "--shares", 3, "--threshold", 2, *self.share_files(old, 1, 5, 2))
        self.assertIn("3, any 2 of which open the seal", shown)
        self.assertNotIn("hfs1-", shown)
        self.assert_opens("shamir", *self.share_files(new, 3, 1))
        self.assert_opens_not("shamir", *self.share_files(old, 1, 2, 3))
        self.refuse(DENIED, "of an older set; nothing was changed; use the shares of the newest set",
                    *rekey, *self.share_files(old, 1, 2, 3))

    def test_key_file(self):
        self.init("key-file")
        self.refuse(USAGE, "give --new-key-file", "operator", "rekey")
        new = self.folder / "new.key"
        done = self.succeed("operator", "rekey", "--new-key-file", new)
        self.assertIn(f"Set seal.key_file = {new} in {self.config} now", done)
        seal = self.seal()
        self.succeed("operator", "rekey", "--new-key-file", new)  # as after an interruption
        self.assertEqual(self.seal(), seal)
        self.refuse(DENIED, "is not the one that it was sealed with", "operator", "rekey",
                    "--new-key-file", self.folder / "third.key")
        self.assert_opens_not("key-file")
        self.settings["seal_key_file"] = new
        self.assert_opens("key-file")
        self.configure("key-file")
        self.refuse(CONFLICT, "opens with just this key already; nothing was changed", "operator", "rekey",
                    "--new-key-file", new)

    def test_credential(self):
        self.with_credential()
        self.init("systemd-credential")
        self.refuse(USAGE, "give --new-credential", "operator", "rekey")
        self.refuse(UNREACHABLE, "second: the credential is missing", "operator", "rekey", "--new-credential", "second")
        self.with_credential("second", 9)
        self.assertIn("Set seal.credential = second", self.succeed("operator", "rekey", "--new-credential", "second"))
        self.assert_opens_not("systemd-credential")
        self.settings["seal_credential"] = "second"
        self.assert_opens("systemd-credential")

    @table(("token", "pkcs11"), ("tpm", "tpm2"))
    def test_device(self, kind):
        (self.with_token if kind == "pkcs11" else self.with_tpm)()
        self.init(kind)
        before = self.seal()
        self.succeed("operator", "rekey")
        self.assertNotEqual(self.seal(), before)
        self.assert_opens(kind)

    def test_a_damaged_seal_is_told(self):
        self.init("passphrase", typed=f"{PASSPHRASE}\n")
        seal = bytearray(self.seal())
        seal[len(seal) // 2] ^= 1
        (self.data / "seal").write_bytes(seal)
        self.refuse(NOT_INTACT, "bring the file back from a copy", "operator", "rekey", typed=f"{PASSPHRASE}\n")


class MigrateTest(OfflineCase):
    KINDS = ("key-file", "systemd-credential", "passphrase", "shamir", "pkcs11", "tpm2")

    def prepare(self, kind):
        """What the kind needs; the options that open an old seal of it, and those that make a new one."""
        if kind == "systemd-credential":
            self.with_credential()
        if kind == "pkcs11":
            self.with_token()
        if kind == "tpm2":
            self.with_tpm()
        if kind == "passphrase":
            return (["--old-passphrase-file", self.passphrase_file(PASSPHRASE)],
                    ["--passphrase-file", self.passphrase_file(PASSPHRASE)])
        if kind == "shamir":
            folder = self.folder / "shares"
            return self.share_files(folder, 2, 3, 5), ["--share-folder", folder]
        return [], []

    # each kind from and to the two that are the way in and out of a device, and the others in a ring
    PAIRS = [pair for pair in itertools.permutations(KINDS, 2) if {"key-file", "passphrase"} & set(pair)]
    PAIRS += [("systemd-credential", "shamir"), ("shamir", "pkcs11"), ("pkcs11", "tpm2"), ("tpm2", "systemd-credential")]

    @table(*((f"{old}_to_{new}".replace("-", "_"), old, new) for old, new in PAIRS))
    def test_there_and_again(self, old, new):
        opening, making = self.prepare(old)
        new_opening, new_making = self.prepare(new)
        self.init(old, *making)
        before = self.seal()
        self.assertIn(f"The seal is of kind {old} already; nothing was changed.", self.succeed("operator", "migrate-seal"))
        self.assertEqual(self.seal(), before)
        self.configure(new)
        done = self.succeed("operator", "migrate-seal", *opening, *new_making)
        self.assertIn(f"{new}, no longer {old}", done)
        after = self.seal()
        self.assertIn(f"The seal is of kind {new} already", self.succeed("operator", "migrate-seal", *opening, *new_making))
        self.assertEqual(self.seal(), after)
        self.assert_opens(new, *new_opening)

    def test_refused(self):
        self.init("passphrase", typed=f"{PASSPHRASE}\n")
        self.configure("shamir")
        migrate = ["operator", "migrate-seal"]
        folder = ["--share-folder", self.folder / "shares"]
        self.refuse(UNREACHABLE, "no passphrase given", *migrate, *folder)
        self.refuse(DENIED, "wrong passphrase", *migrate, *folder, typed=f"{NEW_PASSPHRASE}\n")
        self.refuse(UNREACHABLE, "give --share-folder", *migrate, typed=f"{PASSPHRASE}\n")
        self.assertFalse((self.folder / "shares").exists())
        self.configure("key-file")
        self.refuse(USAGE, "the new seal is of kind key-file", *migrate, *folder, typed=f"{PASSPHRASE}\n")
        self.private("seal.key", "no key")
        self.refuse(NOT_INTACT, "seal.key", *migrate, typed=f"{PASSPHRASE}\n")
        self.configure("pkcs11")
        self.refuse(FAILED, "seal.pkcs11_module: ", *migrate, typed=f"{PASSPHRASE}\n")
        self.configure("tpm2", seal_tpm_tcti="swtpm:host=127.0.0.1,port=1")
        self.refuse(UNREACHABLE, "look whether this user may use the TPM", *migrate, typed=f"{PASSPHRASE}\n")
        self.assert_opens("passphrase", typed=f"{PASSPHRASE}\n")


class InterruptedTest(OfflineCase):
    """Killed while the new shares go out, and stopped by a second operator: the old seal opens, and the next run goes through."""

    def setUp(self):
        super().setUp()
        self.init("passphrase", typed=f"{PASSPHRASE}\n")
        self.recipients = self.folder / "recipients"
        self.recipients.write_text("".join(f"age1{c * 20}\n" for c in "qpzry"), encoding="utf-8")
        self.configure("shamir")

    def migrate(self, folder):
        return ["operator", "migrate-seal", "--share-recipients", self.recipients, "--share-folder", self.folder / folder]

    @table(("first", "q", 0), ("third", "z", 2), ("last", "y", 4))
    def test_killed_at_a_share(self, letter, written):
        before = self.seal()
        self.play("age", f'[ "$3" = age1{letter * 20} ] && kill -9 $PPID; {ARMOR}')
        done = self.run_operator(*self.migrate("first"), typed=f"{PASSPHRASE}\n")
        self.assertEqual(done.returncode, -9)
        self.assertEqual(len(list((self.folder / "first").iterdir())), written)
        self.assertEqual(self.seal(), before)
        self.assert_opens("passphrase", typed=f"{PASSPHRASE}\n")
        self.play("age", ARMOR)
        self.succeed(*self.migrate("second"), typed=f"{PASSPHRASE}\n")
        self.assert_opens_not("passphrase", typed=f"{PASSPHRASE}\n")

    @table(("rekey", ["rekey"]), ("migrate_seal", ["migrate-seal"]))
    def test_two_operators_at_a_time(self, words):
        second = self.folder / "second"
        self.play("age", f'[ "$3" = age1{"z" * 20} ] && {{ "$HOLDFAST" operator {" ".join(words)} --config {self.config}'
                         f' --share-folder {self.folder / "other"} </dev/null 2>{second}; echo $? >>{second}; }}; {ARMOR}')
        from hfsupport.server import program

        self.environment["HOLDFAST"] = program()
        self.succeed(*self.migrate("first"), typed=f"{PASSPHRASE}\n")
        told = second.read_text(encoding="utf-8")
        self.assertIn("another operator command is at work on it", told)
        self.assertTrue(told.endswith(f"\n{UNREACHABLE}\n"), told)
        self.assertFalse((self.folder / "other").exists())
        self.assertEqual(self.run_operator("operator", "migrate-seal").returncode, OK)
