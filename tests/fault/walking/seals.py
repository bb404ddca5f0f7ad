# SPDX-License-Identifier: Apache-2.0
"""Ways to open a seal, and servers that are opened by them."""

import http.client
import json

from hfsupport.client import Caller, secret_token, vault_client
from hfsupport.server import AdminError

from servers import NAMES, Serving, despite_overload, write_config
from steps import expect

THRESHOLD = 2
SHARES = 3
VAULT = "walk"


class Way:
    """Who or what opens a seal: settings, what is handed to `operator unseal`, and options of operator commands."""

    settings = ()

    def answers(self, work, status):
        """Bodies for the unsealing of a server; none for a seal that opens by itself."""
        return []

    def key(self):
        """The key file's name, for the configuration."""
        return "seal.key"

    def config(self, work):
        return write_config(work, key=self.key(), settings=self.settings)

    def old_options(self, work):
        """How a command that changes the seal is told what opens it."""
        return []

    def new_options(self, work, again):
        """The same for what shall open it; again: the command was interrupted before."""
        return []

    def unsealing_options(self, work):
        """How `operator rotate-root` is told; more than one where it is not known which shares are the seal's."""
        return [[]]


class KeyFile(Way):
    def __init__(self, name="seal.key"):
        self.name = name

    def key(self):
        return self.name


class Passphrase(Way):
    settings = ("seal.kind = passphrase", "seal.argon2_memory = 8K", "seal.argon2_passes = 1", "seal.argon2_lanes = 1")

    def __init__(self, name):
        self.name = name

    def path(self, work):
        """Its file, made at the first use."""
        path = work / f"passphrase-{self.name}"
        if not path.exists():
            path.write_text(f"the {self.name} passphrase\n", encoding="utf-8")
            path.chmod(0o600)
        return path

    def answers(self, work, status):
        return [{"passphrase": self.path(work).read_text(encoding="utf-8").strip()}]

    def old_options(self, work):
        return ["--old-passphrase-file", self.path(work)]

    def new_options(self, work, again):
        return ["--passphrase-file", self.path(work)]

    def unsealing_options(self, work):
        return [self.new_options(work, False)]


class Shamir(Way):
    settings = ("seal.kind = shamir", f"seal.shares = {SHARES}", f"seal.threshold = {THRESHOLD}")

    def __init__(self, name):
        self.name = name

    def folders(self, work):
        """Where its shares are: an interrupted command may have left some, and the repeated one has a folder of its own."""
        return sorted(work.glob(f"shares-{self.name}*"))

    def files(self, work, share_set=None):
        """Those of one set; of any, if none is named."""
        found = [path for folder in self.folders(work) for path in sorted(folder.glob("share-*.txt"))]
        return [path for path in found if path.read_text(encoding="utf-8").split("-")[1] == share_set or share_set is None]

    def answers(self, work, status):
        files = self.files(work, status["shareSet"])[:THRESHOLD]
        return [{"share": path.read_text(encoding="utf-8").strip()} for path in files]

    def old_options(self, work):
        return self.unsealing_options(work)[0] if self.folders(work) else []

    def unsealing_options(self, work):
        """Those of each folder: an interrupted command may have left shares that open nothing."""
        return [
            [word for path in sorted(folder.glob("share-*.txt"))[:THRESHOLD] for word in ("--share-file", path)]
            for folder in self.folders(work)
        ]

    def new_options(self, work, again):
        return ["--share-folder", work / f"shares-{self.name}{'-again' if again else ''}"]


class Opened(Serving):
    """A server whose seal is opened by a way as soon as it asks."""

    def __init__(self, work, way):
        self.way = way
        self.is_asked = True  # until it was answered: then it opens in its own time
        way.config(work)
        super().__init__(work)

    def is_ready(self):
        try:
            status = self.admin.call("GET", "/operator/status") if self.is_asked else {"sealed": False}
            if status["sealed"]:
                self.unseal(status)
            self.is_asked = False
            return super().is_ready()
        except AdminError as error:
            if error.status == 503:
                return False
            raise RuntimeError(f"the seal does not open: {error}") from error
        except (OSError, http.client.HTTPException):
            return False

    def unseal(self, status):
        if status["kind"] != self.kind_of_way():
            raise RuntimeError(f"the seal is of kind {status['kind']}")
        answers = self.way.answers(self.folder, status)
        if not answers:
            raise RuntimeError(f"nothing opens the seal: {json.dumps(status)}")
        for answer in answers:
            self.admin.call("POST", "/operator/unseal", answer)

    def kind_of_way(self):
        return self.way.settings[0].rsplit(" ", 1)[1] if self.way.settings else "key-file"


class Account:
    """An application that may use secrets; it outlives its server's restarts."""

    def __init__(self, server):
        server.admin.vault(VAULT)
        caller = Caller(server, "walker")
        caller.assign("Key Vault Secrets Officer", VAULT)
        self.client_id, self.secret = caller.client_id, caller.secret

    def vault(self, server):
        return vault_client(server, VAULT, secret_token(server, self.client_id, self.secret))

    @despite_overload
    def put(self, server, value):
        vault = self.vault(server)
        for name in NAMES:
            answer = vault.put(f"/secrets/{name}", {"value": f"{name} {value}"})
            expect(answer.status == 200, f"set: {answer}")
        vault.close()

    @despite_overload
    def check(self, server, value, can_write=True):
        vault = self.vault(server)
        for name in NAMES:
            answer = vault.get(f"/secrets/{name}")
            expect(answer.status == 200 and answer.json["value"] == f"{name} {value}", f"get {name}: {answer}")
        if can_write:
            answer = vault.put("/secrets/written-later", {"value": "x"})
            expect(answer.status == 200, f"set after it: {answer}")
        vault.close()
