# SPDX-License-Identifier: Apache-2.0
"""The commands that are walked through, and what must be true after each step."""

import hashlib
import shutil
import time
from datetime import datetime, timezone

from hfsupport import inject
from hfsupport.client import vault_client
from hfsupport.server import DevServer, run_program

from processes import exit_code, injected, run_injected
from servers import Serving, check_audit, check_secrets, copy_certificate, make_dev, put_secrets, start, write_config
from steps import Command, Wrong, expect, is_kill, read_lines

COMES_BACK_SECONDS = 20
NOT_INTACT = 7
CONFLICT = 6
STEP_SECONDS = 100


def comes_back(server, value):
    """All is as before soon after a fault: the audit log is mended once a second, the store at once or a second later."""
    deadline = time.monotonic() + COMES_BACK_SECONDS
    while True:
        try:
            check_secrets(server, value)
            return
        except (RuntimeError, Wrong) as error:
            expect(time.monotonic() < deadline, f"the server does not come back: {error}")
            time.sleep(0.1)


def iso_time(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


class Init(Command):
    """`holdfast init`: repeated, it completes; a server starts only on what is whole."""

    name = "init"

    def prepare(self, base):
        (base / "other").mkdir()
        with DevServer(base / "other") as server:
            copy_certificate(server, base)
        shutil.rmtree(base / "other")

    def run(self, work, **faults):
        return run_injected(work, ["init", "--config", write_config(work)], **faults)

    def check(self, work, step, code, said):
        is_started = step.number % 4 == 0  # a first start makes keys, which is slow
        if code == 0 or is_started:
            self.check_as_it_is(work, code)
        config = work / "holdfast.conf"
        again = run_program("init", "--config", config)
        if again.returncode != 0:
            expect("initialised already" in again.stderr, f"repeated: {again.returncode} {again.stderr}")
        # A rotation opens the seal, and the records under its root key.
        done = run_program("operator", "rotate-root", "--config", config)
        expect(done.returncode == 0, f"seal and records do not fit together: {done.stderr}")
        if is_started:
            self.check_start(work, again)

    def check_start(self, work, again):
        server, said = start(Serving, work)
        expect(server is not None, f"does not start after init: {said}")
        with server:
            server.admin.vault("some")
            tenant = server.tenant
        expect(again.returncode != 0 or tenant in again.stdout, "another tenant than init told")
        check_audit(work / "data")

    def check_as_it_is(self, work, code):
        """A server starts on a whole one, and says of any other what is to be done."""
        server, said = start(Serving, work)
        if server is not None:
            server.close()
            return
        expect(code != 0, f"init has succeeded, but no server starts: {said}")
        expect("'holdfast init'" in said, f"refused without saying what to do: {said}")


class BackupCreate(Command):
    """`holdfast backup create`: the server is killed, or its disk fails, while it makes one."""

    is_exact = False  # the server does other things at the same time

    def __init__(self, *options):
        self.options = options
        self.name = " ".join(["backup create", *options])

    def prepare(self, base):
        with make_dev(base) as server:
            done = run_program("backup", "create", "--socket", server.data / "admin.sock")
            expect(done.returncode == 0, done.stderr)
            put_secrets(server, "two")

    def create(self, server):
        return run_program("backup", "create", *self.options, "--socket", server.data / "admin.sock")

    def run(self, work, trace=None, **faults):
        """The code is the server's: minus the signal if it was killed, else 0."""
        trace = trace or work / "trace"
        page = inject.Control(work / "control")
        with injected(DevServer, work, inject.environment(work / "data", work / "control", trace, unsynced=1)) as server:
            trace.write_bytes(b"")  # what the start did is not counted
            page.inject(**faults)
            done = self.create(server)
            page.heal()
            code = exit_code(server, page.faults > 0 and is_kill(faults.get("fault", "")))
            hit = [line for line in read_lines(trace) if line.rsplit(" ", 1)[1] in inject.FAULTS]
            if code == 0 and not hit:
                expect(done.returncode == 0, f"without a fault: {done.stderr}")
            if done.returncode == 0:
                expect((work / done.stdout.strip()).is_file(), f"told a file that is not there: {done.stdout}")
            if code == 0:
                comes_back(server, "two")
            return code, done.stdout + done.stderr

    def check(self, work, step, code, said):
        config = write_config(work, key="data/seal.key")
        backups = work / "data" / "backups"
        files = sorted(backups.glob("*.backup"))  # by time: first the full one of the start
        for path in files:
            chain = [files[0], path] if path.name.endswith("incremental.backup") else [path]
            done = run_program("backup", "verify", "--config", config, *chain)
            expect(done.returncode == 0, f"{path.name} is there but not whole: {done.stderr}")
        for path in backups.glob("*.partial"):
            copied = work / "copied.backup"
            shutil.copy(path, copied)
            chain = [files[0], copied] if self.options else [copied]
            done = run_program("backup", "verify", "--config", config, *chain)
            expect(done.returncode in (0, NOT_INTACT), f"a partial one: {done.returncode} {done.stderr}")
        with DevServer(work) as server:
            check_secrets(server, "two")
            done = self.create(server)
            expect(done.returncode == 0, f"repeated: {done.stderr}")
        expect(not list(backups.glob("*.partial")), "a partial one stays")
        check_audit(work / "data")


class Restore(Command):
    """`holdfast backup restore`: the data folder is missing or whole; repeated, it completes."""

    def __init__(self, name, moment=False, into_empty=False):
        self.name, self.with_moment, self.into_empty = name, moment, into_empty
        self.moment = None

    def prepare(self, base):
        (base / "other").mkdir()
        with make_dev(base / "other") as server:
            copy_certificate(server, base)
            shutil.copy(server.data / "seal.key", base / "seal.key")
            self.back_up(server)
            server.admin.advance(STEP_SECONDS)
            put_secrets(server, "two")
            self.moment = iso_time(server.admin.now() + STEP_SECONDS // 2)
            server.admin.advance(STEP_SECONDS)
            put_secrets(server, "three")
            server.admin.advance(STEP_SECONDS)
            self.back_up(server, "--incremental")
            shutil.move(server.data / "backups", base / "backups")
            server.kill()
        shutil.rmtree(base / "other")
        if self.into_empty:
            (base / "data").mkdir(mode=0o700)

    def back_up(self, server, *options):
        done = run_program("backup", "create", *options, "--socket", server.data / "admin.sock")
        expect(done.returncode == 0, done.stderr)

    def arguments(self, work):
        files = sorted((work / "backups").glob("*.backup"))  # the full one first
        return ["backup", "restore", "--config", write_config(work), *files,
                *(["--to", self.moment] if self.with_moment else [])]

    def run(self, work, **faults):
        return run_injected(work, self.arguments(work), **faults)

    def check(self, work, step, code, said):
        data = work / "data"
        before = digests(work / "backups")
        is_there = data.exists() and any(data.iterdir())
        expect(is_there or code != 0, "told that it has restored, but nothing is there")
        if not is_there and step.number % 4 == 0:
            server, said = start(Serving, work)
            expect(server is None, "a server starts on nothing")
            shutil.rmtree(data, ignore_errors=True)  # what that start left, if it did
        again = run_program(*self.arguments(work))
        expect(again.returncode == (CONFLICT if is_there else 0), f"repeated: {again.returncode} {again.stderr}")
        expect(not (work / "data.restoring").exists(), "the folder beside stays")
        shutil.copy(work / "seal.key", data / "seal.key")
        with DevServer(work) as server:
            check_secrets(server, "two" if self.with_moment else "three")
        check_audit(data)
        expect(digests(work / "backups") == before, "a backup was changed")


class RotateRoot(Command):
    """`holdfast operator rotate-root`: a server opens whatever is there, and repeated, it completes."""

    name = "operator rotate-root"
    blob = None  # of a secret that is gone by now

    def prepare(self, base):
        with make_dev(base) as server:
            put_secrets(server, "gone", names=("saved",))
            vault = vault_client(server)
            self.blob = vault.post("/secrets/saved/backup").json["value"]
            vault.delete("/secrets/saved")
            vault.delete("/deletedsecrets/saved")
            vault.close()

    def arguments(self, work):
        return ["operator", "rotate-root", "--config", write_config(work, key="data/seal.key")]

    def run(self, work, **faults):
        return run_injected(work, self.arguments(work), **faults)

    def check(self, work, step, code, said):
        if step.number % 2 == 0:
            with DevServer(work) as server:
                check_secrets(server, "one", can_write=False)
        again = run_program(*self.arguments(work))
        expect(again.returncode == 0, f"repeated: {again.returncode} {again.stderr}")
        left = [path.name for path in (work / "data").glob("seal.*") if ".tmp-" in path.name or path.name.endswith(".new")]
        expect(not left, f"a seal of before stays: {left}")
        # What was finished is not finished again; the call that told a failure may have been the last one.
        expect("generation 3" in again.stdout or (code != 0 and "generation 2" in again.stdout), f"{code}, {again.stdout}")
        with DevServer(work) as server:
            check_secrets(server, "one")
            vault = vault_client(server)
            answer = vault.post("/secrets/restore", {"value": self.blob})
            expect(answer.status == 200, f"a backup of before is restored: {answer}")
            vault.close()
            check_secrets(server, "gone", names=("saved",))
        check_audit(work / "data")


ALL = (
    Init(),
    RotateRoot(),
    BackupCreate(),
    BackupCreate("--incremental"),
    Restore("backup restore"),
    Restore("backup restore --to", moment=True, into_empty=True),
)
