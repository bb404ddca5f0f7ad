# SPDX-License-Identifier: Apache-2.0
"""Shares to their holders: age and gpg encrypt them, nobody else sees them, and if one cannot be handed out no seal is made."""

import re
import shutil
import subprocess

from hfsupport.cases import table
from offline import CONFLICT, OK, PASSPHRASE, PATIENCE_SECONDS, UNREACHABLE, OfflineCase

ARMOR = 'echo "-----BEGIN AGE ENCRYPTED FILE-----"; cat'
SHARE = re.compile(r"hfs1-[0-9a-f]{8}-\d+-[\w-]{43}-[0-9a-f]{8}")


class HandingOutCase(OfflineCase):
    def setUp(self):
        super().setUp()
        self.shares_folder = self.folder / "shares"

    def tool(self, *words, typed=None):
        done = subprocess.run([*map(str, words)], input=typed, capture_output=True, text=True, check=False,
                              env=self.environment, timeout=PATIENCE_SECONDS)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def age_key(self, name):
        """Its recipient; the secret key is in the file."""
        self.tool("age-keygen", "-o", self.folder / name)
        return re.search(r"age1\w+", (self.folder / name).read_text(encoding="utf-8")).group()

    def gpg_key(self, name):
        """Its fingerprint, in a key ring of this test's own."""
        home = self.folder / "gnupg"
        home.mkdir(mode=0o700, exist_ok=True)
        self.environment["GNUPGHOME"] = str(home)
        self.addCleanup(subprocess.run, ["gpgconf", "--kill", "all"], check=False, capture_output=True,
                        env=dict(self.environment), timeout=PATIENCE_SECONDS)
        self.tool("gpg", "--batch", "--passphrase", "", "--pinentry-mode", "loopback", "--quick-generate-key",
                  f"{name} <{name}@example.org>", "future-default", "default", "never")
        listed = self.tool("gpg", "--batch", "--with-colons", "--list-keys", f"{name}@example.org")
        return next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr:"))

    def need(self, *tools):
        for tool in tools:
            if shutil.which(tool) is None:
                self.skipTest(f"{tool} is not installed")

    def hand_out(self, *recipients, threshold=2):
        self.configure("shamir", seal_shares=len(recipients), seal_threshold=threshold)
        file = self.folder / "recipients"
        file.write_text("# the holders\n" + "".join(f"{each}\n" for each in recipients), encoding="utf-8")
        return ["init", "--share-recipients", file, "--share-folder", self.shares_folder]

    def assert_no_share_in(self, text):
        self.assertIsNone(SHARE.search(text), text)


class ProgramsTest(HandingOutCase):
    def test_age(self):
        self.need("age", "age-keygen")
        names = ["first", "second", "third"]
        recipients = [self.age_key(name) for name in names]
        self.assert_no_share_in(self.succeed(*self.hand_out(*recipients)))
        texts = []
        for number, name in enumerate(names, 1):
            path = self.shares_folder / f"share-{number}.age"
            self.assertEqual(path.stat().st_mode & 0o777, 0o600)
            self.assertTrue(path.read_text(encoding="utf-8").startswith("-----BEGIN AGE ENCRYPTED FILE-----"))
            texts.append(self.tool("age", "--decrypt", "-i", self.folder / name, path))
        for text in texts:
            self.assertIsNotNone(SHARE.fullmatch(text.strip()), text)
        wrong = subprocess.run(["age", "--decrypt", "-i", self.folder / "first", self.shares_folder / "share-2.age"],
                               capture_output=True, check=False, timeout=PATIENCE_SECONDS)
        self.assertNotEqual(wrong.returncode, 0)
        self.assert_opens("shamir", typed=texts[2] + texts[0])
        self.assert_opens_not("shamir", typed=texts[2])

    def test_gpg_and_age_side_by_side(self):
        self.need("age", "age-keygen", "gpg", "gpgconf")
        fingerprint, recipient = self.gpg_key("holder"), self.age_key("key")
        self.succeed(*self.hand_out(f"0x{fingerprint.lower()}", recipient))
        self.assertEqual(sorted(path.name for path in self.shares_folder.iterdir()), ["share-1.asc", "share-2.age"])
        path = self.shares_folder / "share-1.asc"
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        texts = [self.tool("gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "", "--decrypt", path),
                 self.tool("age", "--decrypt", "-i", self.folder / "key", self.shares_folder / "share-2.age")]
        self.assert_opens("shamir", typed="".join(texts))

    def test_gpg_adds_nobody(self):
        """What gpg.conf adds for everything else is not added to a share."""
        self.need("gpg", "gpgconf")
        holder, other, third = self.gpg_key("holder"), self.gpg_key("other"), self.gpg_key("third")
        (self.folder / "gnupg" / "gpg.conf").write_text(f"encrypt-to {other}\n", encoding="utf-8")
        self.succeed(*self.hand_out(holder, third))
        listed = self.tool("gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "", "--status-fd", "1",
                           "--list-packets", self.shares_folder / "share-1.asc")
        self.assertEqual(len(re.findall(r"^:pubkey enc packet", listed, re.M)), 1, listed)

    def test_gpg_does_not_know_the_key(self):
        self.need("gpg", "gpgconf")
        fingerprint = self.gpg_key("holder")
        told = self.refuse(UNREACHABLE, "gpg failed (exit code 2)", *self.hand_out(fingerprint, fingerprint[::-1]))
        self.assertIn("1 of the new shares were written", told)
        self.assertIsNone(self.seal())

    def test_nobody_sees_a_share(self):
        """Not in a command line, an environment or a file: only in the pipe."""
        seen, taken = self.folder / "seen", self.folder / "taken"
        self.play("age", f'{{ echo "$0 $*"; env; cat /proc/$PPID/cmdline; cat /proc/$PPID/environ; ls -l /proc/$$/fd; }} >>{seen};'
                         f' echo "-----BEGIN AGE ENCRYPTED FILE-----"; cat >>{taken}')
        done = self.run_operator(*self.hand_out("age1aaa", "age1bbb", "age1ccc"))
        self.assertEqual(done.returncode, OK, done.stderr)
        self.assert_no_share_in(done.stdout + done.stderr)
        self.assert_no_share_in(seen.read_text(encoding="utf-8", errors="replace"))
        self.assertEqual(len(SHARE.findall(taken.read_text(encoding="utf-8"))), 3)
        taken_text = taken.read_text(encoding="utf-8")
        taken.unlink()
        for path in self.folder.rglob("*"):
            if path.is_file():
                self.assert_no_share_in(path.read_text(encoding="utf-8", errors="replace"))
        self.assert_opens("shamir", typed=taken_text)


class FailuresTest(HandingOutCase):
    """No seal; what was written is told."""

    @table(
        ("exit_code", "exit 3", "age failed (exit code 3)"),
        ("exit_code_after_output", f"{ARMOR}; exit 1", "age failed (exit code 1)"),
        ("signal", "kill -9 $$", "age failed (signal 9)"),
        ("nothing", "cat >/dev/null", "age gave something that is no encrypted file"),
        ("the_share_itself", "cat", "age gave something that is no encrypted file"),
        ("too_much", "cat >/dev/null; head -c 200000 /dev/zero", "age gave something that is no encrypted file"),
        ("does_not_read", "exec <&-; exit 7", "age failed (exit code 7)"),
    )
    def test_program(self, script, text):
        self.play("age", f'case "$3" in age1aaa) {ARMOR};; *) {script};; esac')
        told = self.refuse(UNREACHABLE, text, *self.hand_out("age1aaa", "age1bbb", "age1ccc"))
        self.assertIn(f"1 of the new shares were written, from {self.shares_folder}/share-1.age on; they open nothing", told)
        self.assertEqual([path.name for path in self.shares_folder.iterdir()], ["share-1.age"])
        self.assertIsNone(self.seal())

    def test_program_is_missing(self):
        self.environment["PATH"] = str(self.folder / "nothing")
        told = self.refuse(UNREACHABLE, "cannot run age", *self.hand_out("age1aaa", "age1bbb"))
        self.assertIn("install it, or hand out shares without --share-recipients", told)
        self.assertNotIn("were written", told)
        self.assertIsNone(self.seal())

    def test_a_file_appears_meanwhile(self):
        self.play("age", f"touch {self.shares_folder}/share-2.age; {ARMOR}")
        told = self.refuse(CONFLICT, "share-2.age: cannot be written", *self.hand_out("age1aaa", "age1bbb"))
        self.assertIn("1 of the new shares were written", told)
        self.assertEqual((self.shares_folder / "share-2.age").read_bytes(), b"")
        self.assertIsNone(self.seal())

    def test_rekey_keeps_the_old(self):
        self.init("passphrase", typed=f"{PASSPHRASE}\n")
        self.play("age", "exit 1")
        self.hand_out("age1aaa", "age1bbb")
        self.refuse(UNREACHABLE, "age failed", "operator", "migrate-seal", "--share-recipients", self.folder / "recipients",
                    "--share-folder", self.shares_folder, typed=f"{PASSPHRASE}\n")
        self.assert_opens("passphrase", typed=f"{PASSPHRASE}\n")
