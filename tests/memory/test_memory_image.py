# SPDX-License-Identifier: Apache-2.0
"""Secrets are sent, read, listed, backed up and restored over HTTP/1.1 and HTTP/2; then the idle server is searched for them."""

import base64
import json
import os
import secrets
import subprocess
import tempfile
import time
from pathlib import Path

from hfsupport import server as servers
from hfsupport.cases import Case
from hfsupport.client import API_VERSION, Caller

ROOT = Path(__file__).resolve().parents[2]
QUIET_SECONDS = 30
TRIES = 10
TRY_SECONDS = 0.5
CHUNK_BYTES = 16 * 1024 * 1024
OVERLAP_BYTES = 4096
FOUND_MAX = 400


def base64_cores(data):
    """What base64 makes of data at each of the three positions it can have in a longer text, without the uncertain ends."""
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + data)
        start = (shift * 8 + 5) // 6
        end = (shift + len(data)) * 8 // 6
        yield whole[start:end]


def forms(name, data):
    """The needles of one value: (what it is, bytes)."""
    yield name, data
    yield f"{name} in UTF-16LE", data.decode("latin-1").encode("utf-16-le")
    yield f"{name} in UTF-16BE", data.decode("latin-1").encode("utf-16-be")
    yield f"{name} in hex", data.hex().encode()
    yield f"{name} in upper hex", data.hex().upper().encode()
    for core in base64_cores(data):
        yield f"{name} in base64", core
        yield f"{name} in base64url", core.translate(bytes.maketrans(b"+/", b"-_"))


class Needles:
    """Everything that must not be found."""

    def __init__(self):
        self.rows = {}

    def add(self, name, text):
        data = text if isinstance(text, bytes) else text.encode()
        for label, needle in forms(name, data):
            self.rows[needle] = label

    def find(self, data):
        """(label, position) of every needle that is there; a part of at least half of it counts."""
        for needle, label in self.rows.items():
            half = needle[: len(needle) // 2] if len(needle) >= 32 else needle
            rest = needle[len(needle) // 2 :] if len(needle) >= 32 else needle
            for part in {half, rest}:
                at = data.find(part)
                if at >= 0:
                    yield label, at


class Http2:
    """Requests by curl over HTTP/2; what is secret goes through a file descriptor, not the command line."""

    def __init__(self, server, host, token):
        self.server, self.host, self.token = server, host, token

    def call(self, method, path, body=None):
        lines = [
            f'url = "https://{self.host}:{self.server.port}{path}?api-version={API_VERSION}"',
            f'request = "{method}"',
            f'header = "Authorization: Bearer {self.token}"',
            'header = "Content-Type: application/json"',
            f'resolve = "{self.host}:{self.server.port}:127.0.0.1"',
            f'cacert = "{self.server.ca}"',
            'write-out = "\\n%{http_code} %{http_version}"',
        ]
        if body is not None:
            quoted = json.dumps(body).replace("\\", "\\\\").replace('"', '\\"')
            lines.append(f'data = "{quoted}"')
        done = subprocess.run(
            ["curl", "--silent", "--show-error", "--http2", "--config", "-"],
            input="\n".join(lines).encode(), capture_output=True, check=True, timeout=60,
        )
        text, _, closing = done.stdout.rpartition(b"\n")
        status, version = closing.split()
        if status not in (b"200", b"204") or version != b"2":
            raise RuntimeError(f"{method} {path}: {closing} {text[:400]}")
        return json.loads(text) if text else None


class Http1:
    """Requests over one kept connection."""

    def __init__(self, client):
        self.client = client

    def call(self, method, path, body=None):
        answer = self.client.call(method, path, body)
        if answer.status not in (200, 204):
            raise RuntimeError(f"{method} {path}: {answer}")
        return answer.json if answer.body else None


def work(caller, name, value, padding):
    """Every operation that sees a value, and those beside it."""
    caller.call("PUT", f"/secrets/{name}", {"value": value, "contentType": "text/plain"})
    bundle = caller.call("GET", f"/secrets/{name}")
    if bundle["value"] != value:
        raise RuntimeError("another value came back")
    version = bundle["id"].rsplit("/", 1)[1]
    caller.call("PATCH", f"/secrets/{name}/{version}", {"tags": {"k": "v"}})
    caller.call("PUT", f"/secrets/{name}-long", {"value": padding + value + padding})
    caller.call("GET", f"/secrets/{name}-long")
    caller.call("GET", "/secrets")
    caller.call("GET", f"/secrets/{name}/versions")
    blob = caller.call("POST", f"/secrets/{name}/backup")["value"]
    caller.call("DELETE", f"/secrets/{name}")
    caller.call("GET", f"/deletedsecrets/{name}")
    caller.call("DELETE", f"/deletedsecrets/{name}")
    caller.call("POST", "/secrets/restore", {"value": blob})
    if caller.call("GET", f"/secrets/{name}")["value"] != value:
        raise RuntimeError("another value was restored")


def sockets_of(pid):
    count = 0
    for entry in os.scandir(f"/proc/{pid}/fd"):
        try:
            count += os.readlink(entry.path).startswith("socket:")
        except FileNotFoundError:
            pass
    return count


def wait_quiet(pid, sockets):
    deadline = time.monotonic() + QUIET_SECONDS
    while sockets_of(pid) > sockets:
        if time.monotonic() > deadline:
            raise RuntimeError("connections stay open")
        time.sleep(0.05)


def search_mapping(memory, start, end, needles):
    at = start
    while at < end:
        try:
            memory.seek(at)
            data = memory.read(min(CHUNK_BYTES + OVERLAP_BYTES, end - at))
        except OSError:
            return  # a guard page, or a page of the kernel's
        if data.count(0) == len(data):
            at += CHUNK_BYTES
            continue
        for label, offset in needles.find(data):
            yield label, at + offset
        at += CHUNK_BYTES


def search_memory(pid, needles):
    """Bytes searched, and what was found: (mapping, label, address)."""
    found, searched = [], 0
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps.read().splitlines():
            parts = line.split(maxsplit=5)
            if "r" not in parts[1] or (len(parts) > 5 and parts[5] in ("[vvar]", "[vsyscall]", "[vvar_vclock]")):
                continue
            start, end = (int(number, 16) for number in parts[0].split("-"))
            searched += end - start
            where = parts[5] if len(parts) > 5 else "anonymous"
            for label, address in search_mapping(memory, start, end, needles):
                found.append(f"{label}: {where} {parts[1]} {parts[0]} at {address:#x}")
    return searched, found[:FOUND_MAX]


def search_files(folders, needles):
    found = []
    for folder in folders:
        for path in [folder] if folder.is_file() else sorted(folder.rglob("*")):
            if path.is_file():
                found += [f"{label}: {path}" for label, _ in needles.find(path.read_bytes())]
    return found


class Scene:
    """A server after the work is done, with all that must not be in it."""

    def __init__(self, case):
        self.server = servers.DevServer()
        case.addCleanup(self.server.close)
        self.needles = Needles()
        pid = self.server.process.pid
        before = sockets_of(pid)
        caller = Caller(self.server, "memory")
        caller.assign("Key Vault Administrator", "/")
        self.needles.add("client secret", caller.secret)
        signature = caller.token.rsplit(".", 1)[1]
        self.needles.add("token's signature", signature)
        self.needles.add("token's signature", base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4)))
        client = caller.client()
        http2 = Http2(self.server, client.host, caller.token)
        for version, doer in (("1", Http1(client)), ("2", http2)):
            value = secrets.token_hex(32)
            self.needles.add(f"value over HTTP/{version}", value)
            work(doer, f"over-{version}", value, "." * 9000)
        client.close()
        wait_quiet(pid, before)
        self.server.admin.call("GET", "/status")
        wait_quiet(pid, before)
        self.pid = pid

    def search(self):
        """A buffer on its way to be cleared gets a moment: what stays is what counts."""
        for _ in range(TRIES):
            searched, found = search_memory(self.pid, self.needles)
            if not found:
                break
            time.sleep(TRY_SECONDS)
        return searched, found


class MemoryImageTest(Case):
    def test_nothing_is_left(self):
        scene = Scene(self)
        searched, found = scene.search()
        self.assertGreater(searched, 1024 * 1024)
        self.assertEqual(found, [])
        folders = [scene.server.data, scene.server.log, scene.server.folder / "stdout"]
        self.assertEqual(search_files(folders, scene.needles), [])
        print(f"memory_image: {searched // 2**20} MiB of mappings searched for {len(scene.needles.rows)} texts")

    def test_without_clearing_it_is_found(self):
        with tempfile.TemporaryDirectory(prefix="holdfast-nowipe-") as folder:
            build = [
                ["meson", "setup", folder, str(ROOT), "-Dwipe_memory=false", "-Dtests=false"],
                ["ninja", "-C", folder, "holdfast"],
            ]
            for command in build:
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, 0, done.stdout[-4000:] + done.stderr[-2000:])
            usual, os.environ["HOLDFAST"] = os.environ["HOLDFAST"], str(Path(folder) / "holdfast")
            self.addCleanup(os.environ.__setitem__, "HOLDFAST", usual)
            self.assertIn("not a release", servers.run_program("--version").stdout)
            scene = Scene(self)
            labels = {line.split(":")[0] for line in search_memory(scene.pid, scene.needles)[1]}
            self.assertTrue(any(label.startswith("value over") for label in labels), labels)
