# SPDX-License-Identifier: Apache-2.0
"""`holdfast init`: what is wrong is refused before anything is made; each kind opens again; an interrupted one is finished."""

import shutil

from hfsupport.cases import table
from offline import CONFLICT, DENIED, FAILED, NEW_PASSPHRASE, PASSPHRASE, UNREACHABLE, USAGE, OfflineCase

AGE = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
FINGERPRINT = "0123456789abcdef0123456789ABCDEF01234567"


class RefusedTest(OfflineCase):
    @table(
        ("no_answer", "passphrase", [], "", UNREACHABLE, "no passphrase given"),
        ("too_short", "passphrase", [], "elevenbytes\n", FAILED, "12 to 1024 bytes"),
        ("too_long", "passphrase", [], "x" * 1025 + "\n", FAILED, "12 to 1024 bytes"),
        ("much_too_long", "passphrase", [], "x" * 5000 + "\n", FAILED, "larger than the limit"),
        ("file_is_missing", "passphrase", ["--passphrase-file", "/nonexistent"], "", UNREACHABLE, "/nonexistent: is missing"),
        ("file_is_a_folder", "passphrase", ["--passphrase-file", "/etc"], "", DENIED, "not a regular file"),
        ("shares_of_a_passphrase", "passphrase", ["--shares", "3"], "", USAGE, "seal.kind = shamir"),
        ("folder_of_a_key_file", "key-file", ["--share-folder", "x"], "", USAGE, "seal.kind = shamir"),
        ("nowhere_to_hand_out", "shamir", [], "", UNREACHABLE, "give --share-folder"),
        ("no_share", "shamir", ["--shares", "0"], "", USAGE, "--shares: must be a number from 1 to 255"),
        ("shares_no_number", "shamir", ["--shares", "3x"], "", USAGE, "--shares: must be a number from 1 to 255"),
        ("too_many_shares", "shamir", ["--shares", "256"], "", USAGE, "--shares: must be a number from 1 to 255"),
        ("threshold_above", "shamir", ["--shares", "2"], "", FAILED, "seal.threshold: 3 does not go with 2 shares"),
        ("threshold_of_one", "shamir", ["--threshold", "1"], "", FAILED, "seal.threshold: 1 does not go with 5 shares"),
        ("recipients_nowhere", "shamir", ["--share-recipients", "/dev/null"], "", USAGE, "needs --share-folder"),
        ("unknown_option", "key-file", ["--force"], "", USAGE, "force"),
        ("option_of_another", "key-file", ["--new-key-file", "x"], "", USAGE, "not for this command"),
        ("argument", "key-file", ["now"], "", USAGE, "'now': only options are expected"),
        ("no_credential", "systemd-credential", [], "", UNREACHABLE, "CREDENTIALS_DIRECTORY is not set); run the command with"),
        ("no_module", "pkcs11", [], "", FAILED, "seal.pkcs11_module: "),
    )
    def test_nothing_is_made(self, kind, words, typed, code, text):
        self.configure(kind)
        self.refuse(code, text, "init", *words, typed=typed)
        self.assertIsNone(self.seal())
        self.assertFalse(self.key.exists())

    def test_a_passphrase_file_that_others_can_read(self):
        self.configure("passphrase")
        for mode in (0o640, 0o604, 0o644):
            file = self.private("open", PASSPHRASE, mode)
            self.refuse(DENIED, f"{file}: mode is {mode:04o}", "init", "--passphrase-file", file)

    def test_an_empty_first_line(self):
        self.configure("passphrase")
        file = self.private("empty", f"\n{PASSPHRASE}")
        self.refuse(FAILED, "first line is empty", "init", "--passphrase-file", file)

    def test_a_key_file_that_others_can_read(self):
        self.private("seal.key", "whatever", 0o644)
        self.configure("key-file")
        self.refuse(DENIED, "0644", "init")

    @table(
        ("nobody", "# only a comment\n\n", 2, "names nobody"),
        ("a_name", f"{AGE}\nalice\n", 2, ":2: must be an age recipient"),
        ("an_option", f"{AGE}\n--output=/tmp/x\n", 2, ":2: must be an age recipient"),
        ("a_short_key_id", f"{AGE}\n0x01234567\n", 2, ":2: must be an age recipient"),
        ("a_secret_key", f"{AGE}\nAGE-SECRET-KEY-1QQQ\n", 2, ":2: must be an age recipient"),
        ("too_few", f"{AGE}\n", 2, "names 1 holders for 2 shares"),
        ("too_many", f"{AGE}\n{FINGERPRINT}\n{FINGERPRINT[::-1]}\n", 2, "names 3 holders for 2 shares"),
        ("one_twice", f"{FINGERPRINT}\n\n0x{FINGERPRINT.upper()}\n", 2, ":3: this holder stands there twice"),
    )
    def test_recipients(self, text, shares, message):
        self.configure("shamir", seal_shares=shares, seal_threshold=2)
        file = self.folder / "recipients"
        file.write_text(text, encoding="utf-8")
        self.refuse(FAILED, message, "init", "--share-recipients", file, "--share-folder", self.folder / "shares")
        self.assertIsNone(self.seal())
        self.assertFalse((self.folder / "shares").exists())

    def test_a_share_is_never_overwritten(self):
        self.configure("shamir")
        folder = self.folder / "shares"
        folder.mkdir()
        (folder / "share-4.txt").write_text("of another server\n", encoding="utf-8")
        self.refuse(CONFLICT, "share-4.txt: exists already", "init", "--share-folder", folder)
        self.assertEqual([path.name for path in folder.iterdir()], ["share-4.txt"])
        self.assertEqual((folder / "share-4.txt").read_text(encoding="utf-8"), "of another server\n")

    def test_a_second_init_changes_nothing(self):
        self.init("passphrase", typed=f"{PASSPHRASE}\n")
        for kind in ("passphrase", "shamir", "key-file"):
            self.configure(kind)
            self.refuse(CONFLICT, "is initialised already; nothing was changed", "init", typed=f"{NEW_PASSPHRASE}\n")
        self.assertFalse(self.key.exists())
        self.assert_opens("passphrase", typed=f"{PASSPHRASE}\n")


class KindsTest(OfflineCase):
    def test_short_form_and_long_form_are_one(self):
        self.configure("key-file")
        self.assertIn("Keep a copy of the seal key", self.succeed("operator", "init"))
        self.assertEqual(self.key.stat().st_mode & 0o777, 0o600)
        self.assert_opens("key-file")

    def test_passphrase_from_a_file(self):
        file = self.passphrase_file(f"{PASSPHRASE}\nwhat follows is not looked at")
        shown = self.init("passphrase", "--passphrase-file", file)
        self.assertNotIn(PASSPHRASE, shown)
        self.assert_opens("passphrase", typed=f"{PASSPHRASE}\n")
        self.assert_opens("passphrase", "--old-passphrase-file", file)
        self.assert_opens_not("passphrase", typed=f"{PASSPHRASE} \n")
        self.assert_opens_not("passphrase")

    @table(("with_line_end", "\n"), ("without", ""))
    def test_passphrase_from_standard_input(self, end):
        self.init("passphrase", typed=PASSPHRASE + end)
        self.assert_opens("passphrase", typed=PASSPHRASE)

    def test_shares_in_files(self):
        folder = self.init_shamir()
        shares = self.shares(folder)
        self.assertEqual(sorted(shares), [1, 2, 3, 4, 5])
        for path in folder.iterdir():
            self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        self.assertEqual(folder.stat().st_mode & 0o777, 0o700)
        self.assert_opens("shamir", *self.share_files(folder, 5, 1, 3))
        self.assert_opens("shamir", *self.share_files(folder, 2), typed=f"{shares[4]}\n\n {shares[1]} \n")
        self.assert_opens_not("shamir", *self.share_files(folder, 1, 2))
        self.assert_opens_not("shamir", *self.share_files(folder, 1, 2, 2))

    @table(("one_of_one", 1, 1), ("all_of_three", 3, 3), ("two_of_two_hundred_and_fifty_five", 255, 2))
    def test_options_in_place_of_settings(self, count, threshold):
        folder = self.init_shamir("shares", "--shares", count, "--threshold", threshold)
        self.assertEqual(len(self.shares(folder)), count)
        self.assert_opens("shamir", *self.share_files(folder, *range(count, count - threshold, -1)))
        if threshold > 1:
            self.assert_opens_not("shamir", *self.share_files(folder, *range(count, count - threshold + 1, -1)))

    def test_credential(self):
        self.with_credential()
        self.init("systemd-credential")
        self.assert_opens("systemd-credential")
        self.with_credential(name="other", octet=9)
        self.settings["seal_credential"] = "other"
        self.assert_opens_not("systemd-credential")

    def test_token(self):
        self.with_token()
        self.init("pkcs11")
        self.assert_opens("pkcs11")
        self.settings["seal_pkcs11_pin_file"] = self.private("wrong", "9999")
        self.assert_opens_not("pkcs11")

    def test_tpm(self):
        self.with_tpm()
        self.init("tpm2", seal_tpm_pcrs="sha256:7")
        self.assert_opens("tpm2")
        self.settings["seal_tpm_tcti"] = "swtpm:host=127.0.0.1,port=1"
        self.assert_opens_not("tpm2")


class InterruptedTest(OfflineCase):
    """The seal was made, the record of the installation was not: the same root key goes on."""

    def lose_record(self):
        for path in self.data.iterdir():
            if path.name != "seal":
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def finish(self, *words, typed=""):
        before = self.seal()
        self.succeed("init", *words, typed=typed)
        self.assertEqual(self.seal(), before)
        self.refuse(CONFLICT, "initialised already", "init", *words, typed=typed)

    def test_key_file(self):
        self.init("key-file")
        self.lose_record()
        self.finish()

    def test_passphrase(self):
        self.init("passphrase", typed=f"{PASSPHRASE}\n")
        self.lose_record()
        self.refuse(DENIED, "wrong passphrase; nothing was changed; try again", "init", typed=f"{NEW_PASSPHRASE}\n")
        self.finish("--passphrase-file", self.passphrase_file(PASSPHRASE))

    def test_shares(self):
        folder = self.init_shamir()
        self.lose_record()
        self.refuse(UNREACHABLE, "too few shares: 2 given (3 needed); hand in more",
                    "init", "--share-folder", folder, *self.share_files(folder, 1, 2))
        self.finish("--share-folder", folder, *self.share_files(folder, 1, 2, 3))

    def test_killed_while_shares_are_handed_out(self):
        self.configure("shamir")
        recipients = self.folder / "recipients"
        recipients.write_text("".join(f"age1{c * 20}\n" for c in "qpzry"), encoding="utf-8")
        self.play("age", '[ "$3" = age1zzzzzzzzzzzzzzzzzzzz ] && kill -9 $PPID; '
                         'echo "-----BEGIN AGE ENCRYPTED FILE-----"; cat')
        words = ["init", "--share-recipients", recipients, "--share-folder"]
        done = self.run_operator(*words, self.folder / "shares")
        self.assertEqual(done.returncode, -9)
        self.assertIsNone(self.seal())
        self.assertEqual(sorted(path.name for path in (self.folder / "shares").iterdir()), ["share-1.age", "share-2.age"])
        self.refuse(CONFLICT, "share-1.age: exists already", *words, self.folder / "shares")
        self.play("age", 'echo "-----BEGIN AGE ENCRYPTED FILE-----"; cat')
        self.succeed(*words, self.folder / "again")
        self.assertIsNotNone(self.seal())
