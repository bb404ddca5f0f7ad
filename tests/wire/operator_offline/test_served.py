# SPDX-License-Identifier: Apache-2.0
"""The same commands beside a server: which may be run while it runs, and what it opens with afterwards; rotate-root."""

import shutil
import subprocess

from hfsupport.cases import table
from hfsupport.server import program
from offline import (
    DENIED, NEW_PASSPHRASE, NOT_FOUND, OK, PASSPHRASE, PATIENCE_SECONDS, UNREACHABLE, USAGE, OfflineCase, Served,
)


class RunningTest(OfflineCase):
    def test_migrated_and_rekeyed_while_it_runs(self):
        self.init("key-file")
        server = Served(self)
        server.fill()
        self.configure("passphrase")
        self.succeed("operator", "migrate-seal", typed=f"{PASSPHRASE}\n")
        self.assertEqual(server.kept(), "what is kept")
        self.succeed("operator", "rekey", typed=f"{PASSPHRASE}\n{NEW_PASSPHRASE}\n")
        self.assertEqual(server.kept(), "what is kept")
        self.key.unlink()
        server.stop()
        server.start()
        self.assertTrue(server.is_sealed)
        server.unseal(passphrase=NEW_PASSPHRASE)
        self.assertEqual(server.kept(), "what is kept")

    def test_sealed_and_migrated_to_a_key_file(self):
        """From people to a file: the next start asks nobody."""
        folder = self.init_shamir()
        server = Served(self)
        self.assertTrue(server.is_sealed)
        self.configure("key-file")
        self.succeed("operator", "migrate-seal", *self.share_files(folder, 1, 2, 3))
        server.stop()
        server.start()
        self.assertFalse(server.is_sealed)


class RotateRootTest(OfflineCase):
    ROTATE = ("operator", "rotate-root")

    def test_refused(self):
        self.configure("key-file")
        self.refuse(NOT_FOUND, "not initialised; make it with 'holdfast init'", *self.ROTATE)
        self.init("passphrase", typed=f"{PASSPHRASE}\n")
        self.refuse(UNREACHABLE, "no passphrase given; type it at a terminal", *self.ROTATE)
        self.refuse(DENIED, "wrong passphrase", *self.ROTATE, typed=f"{NEW_PASSPHRASE}\n")
        self.refuse(USAGE, "--share-folder: not for this command", *self.ROTATE, "--share-folder", "x")

    def test_not_beside_an_open_server(self):
        self.init("key-file")
        server = Served(self)
        server.fill()
        told = self.refuse(UNREACHABLE, "stop", *self.ROTATE)
        self.assertIn("seal", told)
        self.assertEqual(server.kept(), "what is kept")

    @table(("key_file", "key-file"), ("token", "pkcs11"), ("tpm", "tpm2"))
    def test_by_itself(self, kind):
        if kind == "pkcs11":
            self.with_token()
        if kind == "tpm2":
            self.with_tpm()
        self.init(kind)
        self.assertIn("generation 2", self.succeed(*self.ROTATE))
        self.assertIn("generation 3", self.succeed(*self.ROTATE))
        self.assert_opens(kind)

    @table(("typed", False), ("in_a_file", True))
    def test_passphrase_is_asked_for_once(self, in_file):
        self.init("passphrase", typed=f"{PASSPHRASE}\n")
        if in_file:
            self.succeed(*self.ROTATE, "--passphrase-file", self.passphrase_file(PASSPHRASE))
        else:
            self.succeed(*self.ROTATE, typed=f"{PASSPHRASE}\n")
        self.assert_opens("passphrase", typed=f"{PASSPHRASE}\n")

    def test_one_that_was_cut_short_is_finished_and_told(self):
        """With the root key that was in the seal meanwhile: whoever has seen that must be thought of."""
        self.init("key-file")
        records = self.data / "data.mdb"
        own = records.read_bytes()
        shutil.copytree(self.data, self.folder / "own")
        shutil.rmtree(self.data)
        self.key.rename(self.folder / "own.key")
        self.init("key-file")
        (self.folder / "own.key").rename(self.key)
        shutil.copy(self.folder / "own" / "seal", self.data / "seal")
        self.assertIn("could not be sealed anew", self.run_operator(*self.ROTATE).stderr)
        records.write_bytes(own)
        self.assertIn("finished a rotation begun before", self.succeed(*self.ROTATE))
        self.assertNotIn("begun before", self.succeed(*self.ROTATE))
        self.assert_opens("key-file")

    def test_shares_are_asked_for_once(self):
        folder = self.init_shamir()
        texts = self.shares(folder)
        self.succeed(*self.ROTATE, *self.share_files(folder, 5), typed=f"{texts[1]}\n{texts[3]}\n")
        self.assert_opens("shamir", *self.share_files(folder, 2, 3, 4))

    def test_secrets_stay_and_the_old_seal_is_of_no_use(self):
        """Stopped, then sealed: both times the server goes on with the new root key."""
        self.init("passphrase", typed=f"{PASSPHRASE}\n")
        server = Served(self)
        server.unseal(passphrase=PASSPHRASE)
        server.fill()
        server.stop()
        shutil.copy(self.data / "seal", self.folder / "old-seal")
        self.succeed(*self.ROTATE, typed=f"{PASSPHRASE}\n")
        server.start()
        self.assertTrue(server.is_sealed)
        self.assertIn("generation 3", self.succeed(*self.ROTATE, typed=f"{PASSPHRASE}\n"))
        server.unseal(passphrase=PASSPHRASE)
        self.assertEqual(server.kept(), "what is kept")
        server.stop()

        new = (self.data / "seal").read_bytes()
        shutil.copy(self.folder / "old-seal", self.data / "seal")
        self.configure("key-file")
        done = self.run_operator("operator", "migrate-seal", typed=f"{PASSPHRASE}\n")
        self.assertEqual(done.returncode, 6, done.stderr)
        self.assertIn("they are not of the same time", done.stderr)
        self.assertNotEqual(self.run_operator("serve").returncode, OK)
        (self.data / "seal").write_bytes(new)


class BackupTest(OfflineCase):
    """A backup carries the seal: the people who open it restore it, elsewhere and with nothing but their answers."""

    def back_up(self, *orders):
        """The path; the server's data are gone."""
        server = Served(self)
        for order in orders:
            server.unseal(**order)
        server.fill()
        done = subprocess.run([program(), "backup", "create", "--socket", self.data / "admin.sock"],
                              capture_output=True, text=True, check=True, timeout=PATIENCE_SECONDS)
        server.stop()
        backup = shutil.copy(done.stdout.strip(), self.folder / "backup")
        shutil.rmtree(self.data)
        return backup

    def test_passphrase(self):
        self.init("passphrase", typed=f"{PASSPHRASE}\n")
        backup = self.back_up({"passphrase": PASSPHRASE})
        verify, restore = ("backup", "verify", backup), ("backup", "restore", backup)
        self.refuse(UNREACHABLE, "no passphrase given", *verify)
        self.refuse(DENIED, "wrong passphrase", *restore, typed=f"{NEW_PASSPHRASE}\n")
        self.assertFalse(self.data.exists())
        self.assertIn("Intact", self.succeed(*verify, "--passphrase-file", self.passphrase_file(PASSPHRASE)))
        self.succeed(*restore, typed=f"{PASSPHRASE}\n")
        server = Served(self)
        server.unseal(passphrase=PASSPHRASE)
        self.assertEqual(server.kept(), "what is kept")

    def test_shares(self):
        folder = self.init_shamir("shares", "--shares", 3, "--threshold", 2)
        texts = self.shares(folder)
        backup = self.back_up(*({"share": texts[number]} for number in (1, 3)))
        self.refuse(UNREACHABLE, "too few shares: 1 given (2 needed)", "backup", "restore", backup, *self.share_files(folder, 2))
        self.succeed("backup", "verify", backup, *self.share_files(folder, 2), typed=f"{texts[3]}\n")
        self.succeed("backup", "restore", backup, *self.share_files(folder, 3, 1))
        self.assert_opens("shamir", *self.share_files(folder, 1, 2))

    def test_an_older_backup_of_another_kind(self):
        """The settings name the new kind; what belongs to the old one is still there."""
        self.init("key-file")
        backup = self.back_up()
        self.configure("passphrase")
        self.succeed("backup", "verify", backup)
        self.succeed("backup", "restore", backup)
        self.succeed("operator", "migrate-seal", typed=f"{PASSPHRASE}\n")
        self.assert_opens("passphrase", typed=f"{PASSPHRASE}\n")
