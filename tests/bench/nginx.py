# SPDX-License-Identifier: Apache-2.0
"""The reference: one nginx worker that answers with constants of the same size as Holdfast's answers, over the same TLS."""
import os
import shutil
import subprocess

import process

# What nginx writes besides the padding: its own headers. The padding makes heads equal in size.
OWN_HEAD = ("HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Tue, 01 Jan 2030 00:00:00 GMT\r\nContent-Type: application/json\r\n"
            "Content-Length: {length}\r\nConnection: keep-alive\r\n")
PADDING_NAMES = [f"x-padding-{number}" for number in range(10)]
PIECE_BYTES = 1000

MAIN = """daemon off;
worker_processes 1;
worker_rlimit_nofile 4096;
error_log {folder}/nginx-error.log warn;
pid {folder}/nginx.pid;
events {{ worker_connections 2048; }}
http {{
    server_tokens off;
    default_type application/json;
    ssl_certificate {tls}/server.pem;
    ssl_certificate_key {tls}/server.key;
    ssl_protocols TLSv1.3;
    ssl_conf_command Ciphersuites {cipher};
    keepalive_timeout 1h;
    keepalive_time 1h;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/nginx-body;
    proxy_temp_path {folder}/nginx-proxy;
    fastcgi_temp_path {folder}/nginx-fastcgi;
    uwsgi_temp_path {folder}/nginx-uwsgi;
    scgi_temp_path {folder}/nginx-scgi;
{servers}}}
"""

SERVER = """    server {{
        listen 127.0.0.1:{port} ssl;
        access_log {log};
{headers}        set $piece '{piece}';
        location / {{ return 200 '{body}'; }}
    }}
"""


def padding(head_bytes, length):
    """Rows of add_header that together make the head as long as Holdfast's."""
    missing = head_bytes - len(OWN_HEAD.format(length=length)) - len("\r\n")
    rows = []
    for index, name in enumerate(PADDING_NAMES):
        part = missing // (len(PADDING_NAMES) - index)
        missing -= part
        value = "p" * max(part - len(name) - len(": \r\n"), 1)
        rows.append(f"        add_header {name} {value};\n")
    return "".join(rows)


def body_of(length):
    """nginx takes no word of more than 4 KiB: a longer text is made of pieces."""
    return "${piece}" * (length // PIECE_BYTES) + "b" * (length % PIECE_BYTES)


class Nginx:
    """port(row, log) answers like that row, with or without an access log."""

    def __init__(self, folder, tls, cipher, answers):
        self.folder = folder
        free = iter(process.free_ports(2 * len(answers)))
        self.ports = {}
        servers = ""
        for row, (head, body) in answers.items():
            for log in (False, True):
                self.ports[row, log] = next(free)
                servers += SERVER.format(port=self.ports[row, log], log=f"{folder}/nginx-access.log" if log else "off",
                                         headers=padding(len(head) + len("\r\n\r\n"), len(body)),
                                         piece="b" * PIECE_BYTES, body=body_of(len(body)))
        self.config = folder / "nginx.conf"
        self.config.write_text(MAIN.format(folder=folder, tls=tls, cipher=cipher, servers=servers))
        self.process = None

    def start(self, core):
        binary = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        command = [binary, "-p", self.folder, "-c", self.config]
        if os.geteuid() == 0:
            command += ["-g", "user root;"]
        self.process = process.start(command, core, self.folder / "nginx.log")
        port = next(iter(self.ports.values()))
        process.wait_until(lambda: process.is_listening(port), self.process, "nginx")
        process.wait_until(lambda: process.children(self.process.pid), self.process, "nginx")
        return process.children(self.process.pid)[0]


def version():
    binary = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    text = subprocess.run([binary, "-v"], capture_output=True, text=True, check=True).stderr
    return text.strip().rpartition("/")[2]
