# SPDX-License-Identifier: Apache-2.0
"""Backups of the whole server: made while it works, checked, restored elsewhere, to the end or to a moment; what is damaged or
does not fit is refused and leaves nothing."""

import http.client
import json
import shutil
import tempfile
import threading
from datetime import datetime, timezone
from pathlib import Path

from hfsupport.cases import Case
from hfsupport.client import vault_client
from hfsupport.server import DevServer, run_program

WRITERS = 4
NAMES_EACH = 10
WRITES_BEFORE = 150
NOT_INTACT = 7
CONFLICT = 6
STEP = 100  # seconds that the clock is moved; a token lasts 3600


def iso(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Writer(threading.Thread):
    """Sets its own secrets one by one, each write with the next number."""

    def __init__(self, server, number, progress, token):
        super().__init__(daemon=True)
        self.client = vault_client(server, token=token)
        self.prefix = f"w{number}"
        self.progress = progress
        self.attempted = self.acknowledged = 0
        self.stop = threading.Event()
        self.wrong = None

    def name(self, number):
        return f"{self.prefix}-{number % NAMES_EACH}"

    def run(self):
        try:
            while not self.stop.is_set():
                self.attempted += 1
                answer = self.client.put(f"/secrets/{self.name(self.attempted)}", {"value": str(self.attempted)})
                if answer.status != 200:
                    self.wrong = answer
                    return
                self.acknowledged = self.attempted
                self.progress.release()
        except (OSError, http.client.HTTPException) as error:
            self.wrong = error


class BackupCase(Case):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="holdfast-backup-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.server = DevServer()
        self.addCleanup(self.server.close)
        self.vault = vault_client(self.server)
        self.restores = 0
        self.key = self.folder / "seal.key"
        shutil.copy(self.server.data / "seal.key", self.key)
        self.config = self.write_config("restored")

    def write_config(self, name, key=None):
        """A configuration whose data folder is this one; what it says of TLS is not looked at."""
        path = self.folder / f"{name}.conf"
        tls = self.server.data / "tls"
        path.write_text(
            f"data = {self.folder / name / 'data'}\nlisten = 127.0.0.1:0\n"
            f"tls.certificate = {tls / 'server.pem'}\ntls.key = {tls / 'server.key'}\n"
            f"seal.key_file = {key or self.key}\n",
            encoding="utf-8",
        )
        (self.folder / name).mkdir(exist_ok=True)
        return path

    def put(self, name, value, server=None):
        vault = vault_client(server) if server else self.vault
        self.assertEqual(vault.put(f"/secrets/{name}", {"value": value}).status, 200)

    def create(self, *options, server=None):
        """The path of a new backup, outside of the server's folder."""
        server = server or self.server
        done = run_program("backup", "create", "--socket", server.data / "admin.sock", *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        made = Path(done.stdout.strip())
        self.assertTrue(made.is_file(), done.stdout)
        self.assertEqual(made.stat().st_mode & 0o777, 0o600)
        return Path(shutil.copy(made, self.folder / f"{made.name}"))

    def verify(self, *files, config=None):
        return run_program("backup", "verify", "--json", "--config", config or self.config, *files)

    def restore(self, *arguments, config=None):
        return run_program("backup", "restore", "--config", config or self.config, *arguments)

    def start_restored(self, *arguments, audit=None):
        """Restores into a folder of its own and starts a server there; audit: a folder of log files to lay beside."""
        self.restores += 1
        name = f"restored-{self.restores}"
        done = self.restore(*arguments, config=self.write_config(name))
        self.assertEqual(done.returncode, 0, done.stderr)
        data = self.folder / name / "data"
        self.assertFalse((self.folder / name / "data.restoring").exists())
        shutil.copy(self.key, data / "seal.key")
        if audit is not None:
            shutil.copytree(audit, data / "audit")
        server = DevServer(self.folder / name)
        self.addCleanup(server.close)
        return server

    def assert_nothing_restored(self):
        self.assertEqual(list((self.folder / "restored").iterdir()), [])


class UnderLoadTest(BackupCase):
    def test_state_of_one_moment_while_writers_work(self):
        progress = threading.Semaphore(0)
        writers = [Writer(self.server, number, progress, self.vault.token) for number in range(WRITERS)]
        for writer in writers:
            writer.start()
        for _ in range(WRITES_BEFORE):
            self.assertTrue(progress.acquire(timeout=30), "the writers do not get on")
        before = [writer.acknowledged for writer in writers]
        backup = self.create()
        after = [writer.attempted for writer in writers]
        for writer in writers:
            writer.stop.set()
        for writer in writers:
            writer.join(30)
            self.assertIsNone(writer.wrong)
        self.server.stop()
        restored = vault_client(self.start_restored(backup))
        for writer, low, high in zip(writers, before, after):
            self.check_prefix(restored, writer, low, high)

    def check_prefix(self, restored, writer, low, high):
        """The writes up to some number, and none after it: not fewer than were acknowledged before the backup began."""
        found = {}
        for name in {writer.name(number) for number in range(NAMES_EACH)}:
            answer = restored.get(f"/secrets/{name}")
            if answer.status != 404:
                found[name] = int(answer.json["value"])
        last = max(found.values(), default=0)
        self.assertGreaterEqual(last, low)
        self.assertLessEqual(last, high)
        self.assertEqual(found, {writer.name(number): number for number in range(max(1, last - NAMES_EACH + 1), last + 1)})


class ChainTest(BackupCase):
    def value(self, server, name):
        answer = vault_client(server).get(f"/secrets/{name}")
        return answer.json["value"] if answer.status == 200 else answer.status

    def make_chain(self):
        """a is 1, 2, 3, 4; b is there, then deleted; the moments at which a became 2 and 3."""
        self.put("a", "1")
        self.put("b", "b")
        full = self.create()
        self.server.admin.advance(STEP)
        two = self.server.admin.now()
        self.put("a", "2")
        self.server.admin.advance(STEP)
        first = self.create("--incremental")
        self.server.admin.advance(STEP)
        self.put("a", "3")
        self.assertEqual(self.vault.delete("/secrets/b").status, 200)
        three = self.server.admin.now()
        self.server.admin.advance(STEP)
        self.put("a", "4")
        self.server.admin.advance(STEP)
        second = self.create("--incremental")
        return [full, first, second], two, three

    def test_each_end_and_moments_between(self):
        files, two, three = self.make_chain()
        cases = [
            ("full", files[:1], "1", "b"),
            ("first", files[:2], "2", "b"),
            ("second", files, "4", 404),
            ("moment in first, before", [*files, "--to", iso(two - STEP // 2)], "1", "b"),
            ("moment in first, after", [*files, "--to", iso(two + STEP // 2)], "2", "b"),
            ("moment in second", [*files, "--to", iso(three + STEP // 2)], "3", 404),
            ("moment between files", [*files, "--to", iso(two + STEP + STEP // 2)], "2", "b"),
        ]
        for name, arguments, a, b in cases:
            with self.subTest(name):
                server = self.start_restored(*arguments)
                self.assertEqual(self.value(server, "a"), a)
                self.assertEqual(self.value(server, "b"), b)
                server.stop()

    def test_moment_outside_is_refused(self):
        files, _, _ = self.make_chain()
        for moment in ("2001-01-01T00:00:00Z", iso(self.server.admin.now() + 100), "yesterday", "2027-02-30"):
            done = self.restore(*files, "--to", moment)
            self.assertNotEqual(done.returncode, 0, moment)
            self.assertTrue(done.stderr)
        self.assert_nothing_restored()

    def test_files_that_do_not_follow_each_other_are_refused(self):
        files, _, _ = self.make_chain()
        full, first, second = files
        other_full = self.create()
        for chain in ([first], [full, second], [full, second, first], [full, full], [other_full, first], [first, second]):
            done = self.restore(*chain)
            self.assertNotEqual(done.returncode, 0, chain)
            self.assertTrue(done.stderr)
        self.assert_nothing_restored()
        done = self.verify(*files)
        self.assertEqual(done.returncode, 0, done.stderr)
        told = json.loads(done.stdout)
        self.assertEqual([item["kind"] for item in told], ["full", "incremental", "incremental"])
        self.assertEqual([item["from"] for item in told[1:]], [item["to"] for item in told[:-1]])
        self.assertEqual(self.verify(full, second).returncode, NOT_INTACT)

    def test_restored_server_begins_a_history_of_its_own(self):
        files, _, _ = self.make_chain()
        restored = self.start_restored(files[0])
        folder = restored.data / "backups"
        folder.mkdir(mode=0o700)
        for path in files:
            shutil.copy(path, folder)
        done = run_program("backup", "create", "--incremental", "--socket", restored.data / "admin.sock")
        self.assertEqual(done.returncode, 1)
        self.assertIn("make a full one", done.stderr)
        self.put("c", "c", restored)
        full = self.create(server=restored)
        self.put("c", "d", restored)
        incremental = self.create("--incremental", server=restored)
        again = self.start_restored(full, incremental)
        self.assertEqual(self.value(again, "c"), "d")

    def test_incremental_without_a_full_one_is_refused(self):
        done = run_program("backup", "create", "--incremental", "--socket", self.server.data / "admin.sock")
        self.assertEqual(done.returncode, 1)
        self.assertIn("make a full one", done.stderr)
        self.assertEqual(list((self.server.data / "backups").iterdir()), [])

    def test_list(self):
        files, _, _ = self.make_chain()
        (self.server.data / "backups" / "holdfast-not-one.backup").write_bytes(b"no backup")
        done = run_program("backup", "list", "--json", "--socket", self.server.data / "admin.sock")
        self.assertEqual(done.returncode, 0, done.stderr)
        told = json.loads(done.stdout)
        self.assertEqual([item["name"] for item in told], [path.name for path in reversed(files)])
        self.assertEqual([item["state"] for item in told], ["done"] * 3)
        self.assertEqual([item["bytes"] for item in told], [path.stat().st_size for path in reversed(files)])


class RefusalTest(BackupCase):
    def setUp(self):
        super().setUp()
        self.put("planted-name", "planted-value")
        self.backup = self.create()

    def test_damaged_files_leave_nothing(self):
        content = self.backup.read_bytes()
        size = len(content)
        damaged = {
            "empty": b"",
            "cut in the header": content[:100],
            "cut in the data": content[: size - 200],
            "last byte missing": content[:-1],
            "byte added": content + b"\0",
            "no backup": b"x" * size,
        }
        for at in (0, 9, 40, 150, size // 2, size - 60, size - 1):
            damaged[f"bit {at}"] = content[:at] + bytes([content[at] ^ 0x20]) + content[at + 1 :]
        for name, bad in damaged.items():
            with self.subTest(name):
                path = self.folder / "damaged.backup"
                path.write_bytes(bad)
                self.assertEqual(self.verify(path).returncode, NOT_INTACT)
                done = self.restore(path)
                self.assertEqual(done.returncode, NOT_INTACT, done.stderr)
                self.assertIn("damaged.backup", done.stderr)
                self.assert_nothing_restored()

    def test_folder_in_use_is_left_alone(self):
        data = self.folder / "restored" / "data"
        data.mkdir()
        (data / "something").write_text("here")
        done = self.restore(self.backup)
        self.assertEqual(done.returncode, CONFLICT, done.stderr)
        self.assertIn("not empty", done.stderr)
        self.assertEqual([path.name for path in data.iterdir()], ["something"])
        (data / "something").unlink()
        self.assertEqual(self.restore(self.backup).returncode, 0)  # an empty one is fine
        self.assertEqual(self.restore(self.backup).returncode, CONFLICT)
        self.assertTrue((data / "seal").is_file())

    def test_other_key_file_is_refused(self):
        other = self.folder / "other.key"
        with DevServer() as stranger:
            shutil.copy(stranger.data / "seal.key", other)
        config = self.write_config("restored", other)
        self.assertNotEqual(self.verify(self.backup, config=config).returncode, 0)
        self.assertNotEqual(self.restore(self.backup, config=config).returncode, 0)
        self.assert_nothing_restored()

    def test_leftovers_are_removed(self):
        beside = self.folder / "restored" / "data.restoring"
        beside.mkdir()
        (beside / "data.mdb").write_bytes(b"half a store")
        (beside / "seal").write_bytes(b"half a seal")
        done = self.restore(self.backup)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertFalse(beside.exists())
        partial = self.server.data / "backups" / "holdfast-killed.backup.partial"
        partial.write_bytes(b"half a backup")
        self.create()
        self.assertFalse(partial.exists())

    def test_no_name_and_no_value_in_the_file(self):
        content = self.backup.read_bytes()
        for planted in (b"planted-name", b"planted-value"):
            self.assertNotIn(planted, content)

    def test_wrong_arguments(self):
        for arguments in (["verify"], ["restore"], ["restore", "--what", "x"], ["verify", "--to", "2027-01-01", "x"]):
            done = run_program("backup", *arguments)
            self.assertEqual(done.returncode, 2, arguments)
        self.assertEqual(run_program("backup", "restore", "--help").returncode, 0)
        missing = self.restore(self.folder / "missing.backup")
        self.assertEqual(missing.returncode, 3, missing.stderr)


class AuditTest(BackupCase):
    def audit_lines(self, folder):
        return [
            json.loads(line)
            for path in sorted(folder.glob("*.jsonl"))
            for line in path.read_text(encoding="utf-8").splitlines()
        ]

    def verify_audit(self, data):
        done = run_program("audit", "verify", "--json", "--data", data)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def test_log_goes_on_after_the_backup(self):
        self.put("a", "1")
        backup = self.create()
        restored = self.start_restored(backup)
        vault_client(restored).get("/secrets/a")
        before = {record["holdfast"]["seq"]: record["holdfast"] for record in self.audit_lines(self.server.data / "audit")}
        first = self.audit_lines(restored.data / "audit")[0]
        self.assertEqual(first["operationName"], "ServerRestore")
        self.assertGreater(first["holdfast"]["seq"], 1)
        self.assertEqual(first["holdfast"]["prev"], before[first["holdfast"]["seq"] - 1]["hash"])
        told = self.verify_audit(restored.data)
        self.assertEqual(told["beginsAfter"], first["holdfast"]["seq"] - 1)
        for _ in range(2):  # and so it does after a restart; the restore is told once
            restored.stop()
            self.verify_audit(restored.data)
            restored.start()
        operations = [record["operationName"] for record in self.audit_lines(restored.data / "audit")]
        self.assertEqual(operations.count("ServerRestore"), 1)

    def test_files_laid_beside_make_one_chain(self):
        self.put("a", "1")
        backup = self.create()
        self.vault.get("/secrets/a")
        self.server.stop()
        restored = self.start_restored(backup, audit=self.server.data / "audit")
        told = self.verify_audit(restored.data)
        self.assertNotIn("beginsAfter", told)
        operations = [record["operationName"] for record in self.audit_lines(restored.data / "audit")]
        self.assertIn("SecretGet", operations[: operations.index("ServerRestore")])

    def test_missing_beginning_is_no_restore(self):
        backup = self.create()
        restored = self.start_restored(backup)
        self.put("a", "1", restored)
        restored.stop()
        path = next(restored.data.glob("audit/*.jsonl"))
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        seq = json.loads(lines[1])["holdfast"]["seq"]
        path.unlink()
        (path.parent / f"audit-{seq:020}.jsonl").write_text("".join(lines[1:]), encoding="utf-8")
        done = run_program("audit", "verify", "--data", restored.data)
        self.assertEqual(done.returncode, NOT_INTACT, done.stdout)
