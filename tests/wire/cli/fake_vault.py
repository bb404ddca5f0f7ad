#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A vault, a token endpoint and an innocent bystander that try to get at a token. What happens depends on the host asked.

    fake_vault.py CERTIFICATE KEY LOG PORT_FILE

Each request is a line in LOG: host, path, and the Authorization header or "-".
"""
import json
import os
import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "a-token-worth-stealing"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body, **headers):
        text = json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def challenge(self, resource):
        self.answer(401, {"error": {"code": "Unauthorized", "message": "no token"}},
                    WWW_Authenticate=f'Bearer authorization="https://login.localhost/t", resource="{resource}"')

    def do_GET(self):
        host, port = self.headers["Host"].split(":")
        authorization = self.headers.get("Authorization", "-")
        with open(sys.argv[3], "a", encoding="utf-8") as log:
            log.write(f"{host} {self.path} {authorization}\n")
        name = host.split(".")[0]
        if name == "login":
            self.answer(200, {"token_type": "Bearer", "access_token": TOKEN})
        elif name == "open":
            self.answer(200, {"value": []})
        elif name == "greedy":
            self.challenge("https://vault.example.org")
        elif name == "mute":
            self.answer(401, {"error": {"code": "Unauthorized", "message": "no token"}})
        elif authorization == "-":
            self.challenge(f"https://vault.localhost:{port}")
        elif name == "linking":
            self.answer(200, {"value": [], "nextLink": f"https://bystander.localhost:{port}/secrets?x=1"})
        elif name == "downgrading":
            self.answer(200, {"value": [], "nextLink": f"http://downgrading.vault.localhost:{port}/secrets?x=1"})
        elif name == "redirecting":
            self.answer(302, {}, Location=f"https://bystander.localhost:{port}/secrets")
        elif name == "garbled":
            self.answer(200, "not a list")
        else:
            self.answer(200, {"value": []})


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with open(sys.argv[4] + ".new", "w", encoding="utf-8") as file:
        file.write(str(server.server_address[1]))
    os.rename(sys.argv[4] + ".new", sys.argv[4])
    server.serve_forever()


main()
