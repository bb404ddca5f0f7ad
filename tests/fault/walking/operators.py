# SPDX-License-Identifier: Apache-2.0
"""The operator's commands on the data folder: the seal is made, protected anew, changed to another kind."""

import http.client
import shutil
import time

from hfsupport import inject
from hfsupport.server import AdminError, DevServer, run_program

from processes import exit_code, run_injected
from seals import Account, KeyFile, Opened, Passphrase, Shamir
from servers import Serving, check_audit, copy_certificate
from steps import Command, expect, is_kill

VALUE = "one"
OPENS_SECONDS = 30


def put_certificate(base):
    (base / "other").mkdir()
    with DevServer(base / "other") as server:
        copy_certificate(server, base)
    shutil.rmtree(base / "other")


def try_open(work, way):
    """A server on the folder, or None and why not. One that ends by itself must not have crashed."""
    try:
        return Opened(work, way), ""
    except RuntimeError as error:
        return None, str(error)


def make_installation(base, way):
    """One with secrets, under this seal; the account that can read them."""
    put_certificate(base)
    done = run_program("operator", "init", "--config", way.config(base), *way.new_options(base, False))
    expect(done.returncode == 0, f"init: {done.stderr}")
    with Opened(base, way) as server:
        account = Account(server)
        account.put(server, VALUE)
    return account


class Init(Command):
    """`operator init` for a seal that asks people: repeated, with what opens the seal if there is one by now, it completes."""

    def __init__(self, way):
        self.way = way
        self.name = f"operator init {type(way).__name__.lower()}"

    def prepare(self, base):
        put_certificate(base)

    def arguments(self, work, again):
        return ["operator", "init", "--config", self.way.config(work), *self.way.new_options(work, again)]

    def run(self, work, **faults):
        self.way.new_options(work, False)  # files that people bring are there before
        return run_injected(work, self.arguments(work, False), **faults)

    def check(self, work, step, code, said):
        again = run_program(*self.arguments(work, True), *self.shares(work))
        if again.returncode != 0:
            expect("initialised already" in again.stderr, f"repeated: {again.returncode} {again.stderr}")
        self.check_fit(work)
        if step.number % 4 == 0:
            server, why = try_open(work, self.way)
            expect(server is not None, f"does not start after init: {why}")
            with server:
                server.admin.vault("some")
            check_audit(work / "data")

    def check_fit(self, work):
        """A rotation opens the seal, and the records under its root key; a first start makes keys, which is slow."""
        tried = []
        for options in self.way.unsealing_options(work):
            tried.append(run_program("operator", "rotate-root", "--config", self.way.config(work), *options))
            if tried[-1].returncode == 0:
                return
        expect(False, f"seal and records do not fit together: {[done.stderr for done in tried]}")

    def shares(self, work):
        """What an interrupted init has handed out: a seal that is there opens with it."""
        return self.way.old_options(work) if isinstance(self.way, Shamir) else []


class Change(Command):
    """A command that changes a seal: what opened it before or what shall open it afterwards does so, and repeated it completes."""

    verb = ""

    def __init__(self, old, new):
        self.old, self.new = old, new
        self.name = " ".join(["operator", self.verb, self.describe()])
        self.account = None

    def describe(self):
        raise NotImplementedError

    def prepare(self, base):
        self.account = make_installation(base, self.old)
        self.new.new_options(base, False)

    def arguments(self, work, again):
        raise NotImplementedError

    def run(self, work, **faults):
        return run_injected(work, self.arguments(work, False), **faults)

    def check_opens(self, work, way):
        server, why = try_open(work, way)
        if server is None:
            return why
        with server:
            self.account.check(server, VALUE)
        return ""

    def check(self, work, step, code, said):
        if code == 0 or step.number % 2 == 0:
            old, new = (self.check_opens(work, way) for way in (self.old, self.new))
            expect(not old or not new, f"opens neither as before ({old}) nor as wanted ({new})")
            expect(code != 0 or not new, f"has succeeded, but does not open: {new}")
            expect(old or new, "opens both as before and as wanted")
        done = run_program(*self.arguments(work, True))
        self.check_repeated(work, done)
        why = self.check_opens(work, self.new)
        expect(not why, f"repeated, it does not open: {why}")
        expect(self.check_opens(work, self.old), "still opens with what opened it before")
        check_audit(work / "data")

    def check_repeated(self, work, done):
        expect(done.returncode == 0, f"repeated: {done.returncode} {done.stderr}")


class Rekey(Change):
    verb = "rekey"

    def describe(self):
        return type(self.old).__name__.lower()

    def arguments(self, work, again):
        words = ["operator", "rekey", "--config", self.old.config(work), *self.old.old_options(work)]
        if isinstance(self.new, KeyFile):
            return [*words, "--new-key-file", work / self.new.name]
        return [*words, *self.new.new_options(work, again)]

    def check_repeated(self, work, done):
        """Shares cannot be known again: if the interrupted command got as far as the new ones, the old ones are refused."""
        if isinstance(self.new, Shamir) and done.returncode != 0:
            expect("older set" in done.stderr, f"repeated: {done.returncode} {done.stderr}")
        else:
            super().check_repeated(work, done)


class Migrate(Change):
    verb = "migrate-seal"

    def describe(self):
        return f"{type(self.old).__name__} to {type(self.new).__name__}".lower()

    def arguments(self, work, again):
        return ["operator", "migrate-seal", "--config", self.new.config(work), *self.old.old_options(work),
                *self.new.new_options(work, again)]


class Rotate(Command):
    """`operator rotate-root` for a seal that asks people (for one that does not: commands.py): it opens as before at any time."""

    def __init__(self, way):
        self.way = way
        self.name = f"operator rotate-root {type(way).__name__.lower()}"
        self.account = None

    def prepare(self, base):
        self.account = make_installation(base, self.way)

    def arguments(self, work):
        return ["operator", "rotate-root", "--config", self.way.config(work), *self.way.unsealing_options(work)[0]]

    def run(self, work, **faults):
        return run_injected(work, self.arguments(work), **faults)

    def check_opens(self, work):
        server, why = try_open(work, self.way)
        expect(server is not None, f"does not open: {why}")
        with server:
            self.account.check(server, VALUE)

    def check(self, work, step, code, said):
        if step.number % 2 == 0:
            self.check_opens(work)
        done = run_program(*self.arguments(work))
        expect(done.returncode == 0, f"repeated: {done.returncode} {done.stderr}")
        self.check_opens(work)
        check_audit(work / "data")


class Sealed(Opened):
    """Started, and not unsealed."""

    def is_ready(self):
        try:
            return self.admin.call("GET", "/operator/status")["sealed"]
        except (OSError, http.client.HTTPException):
            return False

    def is_open(self):
        try:
            return Serving.is_ready(self)
        except AdminError:
            return False

    def is_refused(self):
        """Sealed again: what could not be recorded is not opened."""
        try:
            return "cannot be recorded" in self.admin.call("GET", "/operator/status").get("reason", "")
        except (OSError, http.client.HTTPException, AdminError):
            return False

    def hand_in(self, has_disk=False):
        """What opens it is given; it may die of it, or with a disk that fails stay sealed."""
        try:
            self.unseal(self.admin.call("GET", "/operator/status"))
        except (OSError, http.client.HTTPException, AdminError):
            return
        deadline = time.monotonic() + OPENS_SECONDS
        while self.is_running() and not self.is_open() and (has_disk or not self.is_refused()):
            expect(time.monotonic() < deadline, "neither open nor ended")
            time.sleep(0.01)


class Unseal(Command):
    """A sealed server is given what opens it, and dies, or its disk fails, while it opens: the next start is as if it had not."""

    is_exact = False

    def __init__(self, way):
        self.way = way
        self.name = f"operator unseal {type(way).__name__.lower()}"
        self.account = None

    def prepare(self, base):
        self.account = make_installation(base, self.way)

    def run(self, work, trace=None, **faults):
        """The code is the server's if it was killed, else 0: it may end by itself if it cannot open."""
        trace = trace or work / "trace"
        page = inject.Control(work / "control")
        env = inject.environment(work / "data", work / "control", trace, unsynced=1)
        server = type("InjectedSealed", (Sealed,), {"environment": env})(work, self.way)
        with server:
            trace.write_bytes(b"")  # what the start did is not counted
            page.inject(**faults)
            server.hand_in()
            page.heal()
            if server.is_running() and server.is_refused():
                server.hand_in(has_disk=True)
                expect(server.is_open(), "not open after the disk came back")
            code = exit_code(server, page.faults > 0 and is_kill(faults.get("fault", "")))
            expect(page.faults > 0 or code == 0, f"ended without a fault: {code}")
            if code == 0 and page.faults == 0:
                expect(server.is_open(), "not open without a fault")
            if code != 0:
                server.process = None  # it is gone
        return min(code, 0), server.log.read_text(encoding="utf-8")[-500:]

    def check(self, work, step, code, said):
        server, why = try_open(work, self.way)
        expect(server is not None, f"does not open again: {why}")
        with server:
            self.account.check(server, VALUE)
        check_audit(work / "data")


ALL = (
    Init(Passphrase("first")),
    Init(Shamir("first")),
    Rekey(KeyFile(), KeyFile("new.key")),
    Rekey(Passphrase("first"), Passphrase("second")),
    Rekey(Shamir("first"), Shamir("second")),
    Migrate(KeyFile(), Passphrase("second")),
    Migrate(Passphrase("first"), Shamir("second")),
    Migrate(Shamir("first"), KeyFile()),
    Rotate(Passphrase("first")),
    Rotate(Shamir("first")),
    Unseal(Passphrase("first")),
    Unseal(Shamir("first")),
)
