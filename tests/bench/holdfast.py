# SPDX-License-Identifier: Apache-2.0
"""Holdfast under test: a development installation, served by one loop on one core."""
import http.client
import json
import socket
import ssl
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import process

API_VERSION = "7.5"
LOADERS = 32
SETTLE_SECONDS = 2


def read_env(path):
    return dict(line.split("=", 1) for line in path.read_text().splitlines())


def context(ca_file):
    made = ssl.create_default_context(cafile=ca_file)
    made.check_hostname = False
    return made


class Holdfast:
    """The server, and what a client of it must know."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder
        self.under, self.settings = [], ""  # a command that runs the server, more lines of its configuration
        self.data, self.log = folder / "data", folder / "holdfast.log"
        self.process = None
        self.env = self.tls = self.port = self.vault_host = self.login_host = self.token = None

    def first_start(self, env_file):
        """Makes the installation as `holdfast dev` does, free to use all cores; returns its idle memory."""
        command = [self.binary, "dev", "--data", self.data, "--port", "0", "--env-file", env_file]
        self.process = process.start(command, None, self.log)
        process.wait_until(env_file.exists, self.process, "holdfast dev")
        time.sleep(SETTLE_SECONDS)
        idle = process.memory_kib(self.process.pid)
        process.stop(self.process)
        self.env = read_env(env_file)
        self.tls = Path(self.env["SSL_CERT_FILE"]).parent
        self.vault_host = self.env["AZURE_KEYVAULT_URL"].split("//")[1]
        self.login_host = self.env["HOLDFAST_AUTHORITY_HOST"].split("//")[1]
        self.port = int(self.vault_host.rpartition(":")[2])
        return idle

    def spawn(self, core, settings=()):
        """Starts it, and does not wait."""
        config = self.folder / "holdfast.conf"
        config.write_text(f"data = {self.data}\nlisten = 127.0.0.1:{self.port}\nseal.key_file = {self.data}/seal.key\n"
                          f"tls.certificate = {self.tls}/server.pem\ntls.key = {self.tls}/server.key\n"
                          f"threads.loops = 1\nthreads.compute = 1\n{self.settings}"
                          + "".join(f"{one}\n" for one in settings))
        self.process = process.start([*self.under, self.binary, "serve", "--config", config], core, self.log)

    def start(self, core, settings=()):
        self.spawn(core, settings)
        process.wait_until(lambda: process.is_listening(self.port), self.process, "holdfast serve")
        self.token = self.get_token()

    def connect(self):
        plain = socket.create_connection(("127.0.0.1", self.port))
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.sock = context(self.env["SSL_CERT_FILE"]).wrap_socket(plain)
        return connection

    # ---- requests as text, for the load generator ----

    def request(self, method, target, body="", headers=()):
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self.vault_host}", f"Authorization: Bearer {self.token}",
                 "Accept: application/json", *headers]
        if body:
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()

    def get_request(self, name, *headers):
        return self.request("GET", f"/secrets/{name}?api-version={API_VERSION}", headers=headers)

    def set_request(self, name, value):
        return self.request("PUT", f"/secrets/{name}?api-version={API_VERSION}", json.dumps({"value": value}))

    def token_request(self):
        body = urllib.parse.urlencode({
            "grant_type": "client_credentials", "client_id": self.env["HOLDFAST_CLIENT_ID"],
            "client_secret": self.env["HOLDFAST_CLIENT_SECRET"],
            "scope": f"https://vault.{self.vault_host.partition('.vault.')[2]}/.default"})
        return (f"POST /{self.env['HOLDFAST_TENANT_ID']}/oauth2/v2.0/token HTTP/1.1\r\nHost: {self.login_host}\r\n"
                "Content-Type: application/x-www-form-urlencoded\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}").encode()

    # ---- requests to be answered now ----

    def get_token(self):
        status, _, body = self.raw_answer(self.token_request())
        if status != 200:
            raise RuntimeError(f"no token: {status} {body!r}")
        return json.loads(body)["access_token"]

    def raw_answer(self, request):
        """(status, head as it came, body)"""
        with context(self.env["SSL_CERT_FILE"]).wrap_socket(
                socket.create_connection(("127.0.0.1", self.port))) as tls:
            tls.sendall(request)
            answer = b""
            while b"\r\n\r\n" not in answer:
                answer += receive(tls)
            head, _, body = answer.partition(b"\r\n\r\n")
            length = next(int(line[15:]) for line in head.lower().split(b"\r\n")
                          if line.startswith(b"content-length:"))
            while len(body) < length:
                body += receive(tls)
        return int(head.split()[1]), head, body

    def cipher(self):
        with context(self.env["SSL_CERT_FILE"]).wrap_socket(
                socket.create_connection(("127.0.0.1", self.port))) as tls:
            return tls.cipher()[:2]

    def load(self, names, value):
        """Sets one secret per name, over connections that are kept: commits of several are grouped."""
        def load_some(first):
            connection = self.connect()
            headers = {"Host": self.vault_host, "Authorization": f"Bearer {self.token}",
                       "Content-Type": "application/json"}
            for name in names[first::LOADERS]:
                connection.request("PUT", f"/secrets/{name}?api-version={API_VERSION}",
                                   json.dumps({"value": value}), headers)
                answer = connection.getresponse()
                text = answer.read()
                if answer.status != 200:
                    raise RuntimeError(f"set {name}: {answer.status} {text!r}")
            connection.close()
        with ThreadPoolExecutor(LOADERS) as pool:
            list(pool.map(load_some, range(LOADERS)))

    def page_targets(self, page_size, step):
        """The targets of every step-th page of the whole list, and how many secrets the list has."""
        target = f"/secrets?api-version={API_VERSION}&maxresults={page_size}"
        targets, pages, count = [], 0, 0
        while target:
            status, _, body = self.raw_answer(self.request("GET", target))
            if status != 200:
                raise RuntimeError(f"list: {status} {body!r}")
            page = json.loads(body)
            if pages % step == 0 and len(page["value"]) == page_size:
                targets.append(target)
            pages += 1
            count += len(page["value"])
            following = page.get("nextLink")
            target = following and following.partition(self.vault_host)[2]
        return targets, count


def receive(tls):
    part = tls.recv(65536)
    if not part:
        raise RuntimeError("the connection ended in the middle of an answer")
    return part
