# SPDX-License-Identifier: Apache-2.0
"""Malformed HTTP, what is too large, TLS versions, HTTP/2."""

import json
import socket
import ssl

import h2.connection
import h2.events
import h2.settings

from hfsupport.cases import table
from hfsupport.client import Client, Connection
from shared import WireCase, fresh_name

HOST = "dev.vault.localhost"
GET = b"GET /secrets/sentinel?api-version=7.4 HTTP/1.1\r\n"
PUT = b"PUT /secrets/malformed?api-version=7.4 HTTP/1.1\r\n"
HOST_LINE = b"Host: dev.vault.localhost\r\n"
END = b"\r\n"
BODY_LIMIT = 192 * 1024


def raw_request(server, data, alpn=None, finish=False):
    """Sends bytes over TLS, reads until the end; what came back."""
    context = ssl.create_default_context(cafile=server.ca)
    if alpn:
        context.set_alpn_protocols(alpn)
    with socket.create_connection(("127.0.0.1", server.port), 20) as raw:
        with context.wrap_socket(raw, server_hostname=HOST) as connection:
            received = b""
            try:
                connection.sendall(data)
                if finish:
                    connection.unwrap()
            except (BrokenPipeError, ConnectionResetError, ssl.SSLError, OSError):
                pass
            try:
                while chunk := connection.recv(65536):
                    received += chunk
            except (ConnectionResetError, ssl.SSLError):
                pass
            return received


def status_of(received):
    return int(received.split(b" ", 2)[1]) if received.startswith(b"HTTP/1.1 ") else None


class MalformedHttpTest(WireCase):
    def send(self, data):
        return raw_request(self.server, data)

    @table(
        ("garbage", b"\x00\x01\x02\x03\r\n\r\n", 400),
        ("text", b"hello there\r\n\r\n", 400),
        ("no_version", b"GET /\r\n" + HOST_LINE + END, 400),
        ("three_blanks", b"GET /secrets  HTTP/1.1\r\n" + HOST_LINE + END, 400),
        ("tab_for_blank", b"GET\t/secrets HTTP/1.1\r\n" + HOST_LINE + END, 400),
        ("lower_version", b"GET /secrets http/1.1\r\n" + HOST_LINE + END, 400),
        ("old_version", b"GET /secrets HTTP/1.0\r\n" + HOST_LINE + END, 505),
        ("new_version", b"GET /secrets HTTP/3.0\r\n" + HOST_LINE + END, 505),
        ("no_host", GET + END, 400),
        ("two_hosts", GET + HOST_LINE + HOST_LINE + END, 400),
        ("empty_host", GET + b"Host:\r\n\r\n", 400),
        ("bad_host", GET + b"Host: dev vault\r\n\r\n", 400),
        ("host_with_path", GET + b"Host: dev.vault.localhost/x\r\n\r\n", 400),
        ("host_with_bad_port", GET + b"Host: dev.vault.localhost:99999\r\n\r\n", 400),
        ("blank_before_colon", GET + HOST_LINE + b"X : y\r\n\r\n", 400),
        ("no_colon", GET + HOST_LINE + b"nonsense\r\n\r\n", 400),
        ("empty_name", GET + HOST_LINE + b": y\r\n\r\n", 400),
        ("folded_header", GET + HOST_LINE + b"X: y\r\n z\r\n\r\n", 400),
        ("nul_in_value", GET + HOST_LINE + b"X: a\x00b\r\n\r\n", 400),
        ("control_in_value", GET + HOST_LINE + b"X: a\x01b\r\n\r\n", 400),
        ("bare_lf", GET.replace(b"\r\n", b"\n") + HOST_LINE + END, 400),
        ("bare_cr", GET + b"X: a\rY: b\r\n" + HOST_LINE + END, 400),
        ("fragment", b"GET /secrets#x HTTP/1.1\r\n" + HOST_LINE + END, 400),
        ("raw_bytes_in_target", b"GET /secrets/\xff HTTP/1.1\r\n" + HOST_LINE + END, 400),
        ("relative_target", b"GET secrets HTTP/1.1\r\n" + HOST_LINE + END, 400),
        ("asterisk", b"OPTIONS * HTTP/1.1\r\n" + HOST_LINE + END, 400),
        ("authority_form", b"CONNECT dev.vault.localhost:443 HTTP/1.1\r\n" + HOST_LINE + END, 400),
        ("plain_absolute_form", b"GET http://dev.vault.localhost/secrets HTTP/1.1\r\n" + HOST_LINE + END, 400),
        ("length_text", PUT + HOST_LINE + b"Content-Length: x\r\n\r\n", 400),
        ("length_negative", PUT + HOST_LINE + b"Content-Length: -1\r\n\r\n", 400),
        ("length_plus", PUT + HOST_LINE + b"Content-Length: +1\r\n\r\n", 400),
        ("length_hex", PUT + HOST_LINE + b"Content-Length: 0x1\r\n\r\n", 400),
        ("length_overflow", PUT + HOST_LINE + b"Content-Length: 99999999999999999999\r\n\r\n", 400),
        ("length_twice", PUT + HOST_LINE + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nx", 400),
        ("length_list", PUT + HOST_LINE + b"Content-Length: 1, 1\r\n\r\nx", 400),
        (
            "length_and_chunked",
            PUT + HOST_LINE + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        ("chunked_twice", PUT + HOST_LINE + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400),
        ("coding_gzip", PUT + HOST_LINE + b"Transfer-Encoding: gzip\r\n\r\n", 400),
        ("coding_identity", PUT + HOST_LINE + b"Transfer-Encoding: identity\r\n\r\n", 400),
        ("chunk_size_text", PUT + HOST_LINE + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
        ("chunk_size_overflow", PUT + HOST_LINE + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 20 + b"\r\n", 400),
        ("chunk_size_negative", PUT + HOST_LINE + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n", 400),
        ("chunk_without_end", PUT + HOST_LINE + b"Transfer-Encoding: chunked\r\n\r\n1\r\nxx\r\n", 400),
        ("expectation", PUT + HOST_LINE + b"Expect: a-miracle\r\nContent-Length: 0\r\n\r\n", 417),
    )
    def test_refused(self, data, status):
        received = self.send(data)
        self.assertEqual(status_of(received), status, received[:300])
        head, body = received.split(b"\r\n\r\n", 1)
        self.assertIn("error", json.loads(body), received)
        self.assertIn(b"connection: close", head.lower())

    @table(
        ("nothing", b""),
        ("half_line", b"GET /sec"),
        ("half_head", GET + b"Host: dev.va"),
        ("half_body", PUT + HOST_LINE + b"Content-Length: 100\r\n\r\n{"),
    )
    def test_cut_off(self, data):
        received = raw_request(self.server, data, finish=True)
        self.assertIn(status_of(received), (None, 400, 408))

    def test_smuggled_request_is_not_answered(self):
        inner = b"GET /health HTTP/1.1\r\n" + HOST_LINE + END
        received = self.send(
            PUT + HOST_LINE + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inner
        )
        self.assertEqual(received.count(b"HTTP/1.1 "), 1)

    def test_pipelined_requests_are_answered_in_order(self):
        request = b"GET /health HTTP/1.1\r\n" + HOST_LINE
        other = GET + HOST_LINE
        received = self.send(request + END + other + END + request + b"Connection: close\r\n\r\n")
        statuses = [int(part.split(b" ")[0]) for part in received.split(b"HTTP/1.1 ")[1:]]
        self.assertEqual(statuses, [200, 401, 200])

    def test_absolute_form(self):
        received = self.send(
            b"GET https://dev.vault.localhost/health HTTP/1.1\r\n" + HOST_LINE + b"Connection: close\r\n\r\n"
        )
        self.assertEqual(status_of(received), 200)

    def test_chunked_body(self):
        name = fresh_name()
        body = b'{"value":"in chunks"}'
        chunks = b"".join(b"%x\r\n%c\r\n" % (1, byte) for byte in body) + b"0\r\n\r\n"
        received = self.send(
            f"PUT /secrets/{name}?api-version=7.4 HTTP/1.1\r\n".encode()
            + HOST_LINE
            + f"Authorization: Bearer {self.vault.token}\r\n".encode()
            + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
            + chunks
        )
        self.assertEqual(status_of(received), 200, received)
        self.assertEqual(self.vault.get(f"/secrets/{name}").json["value"], "in chunks")

    def test_continue(self):
        body = b'{"value":"v"}'
        received = self.send(
            f"PUT /secrets/{fresh_name()}?api-version=7.4 HTTP/1.1\r\n".encode()
            + HOST_LINE
            + f"Authorization: Bearer {self.vault.token}\r\nContent-Length: {len(body)}\r\n".encode()
            + b"Content-Type: application/json\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
            + body
        )
        self.assertIn(b"HTTP/1.1 200", received)


class TooLargeTest(WireCase):
    def test_declared_body(self):
        received = raw_request(self.server, PUT + HOST_LINE + b"Content-Length: %d\r\n\r\n" % (BODY_LIMIT + 1))
        self.assertEqual(status_of(received), 413)
        self.assertEqual(json.loads(received.split(b"\r\n\r\n", 1)[1])["error"]["code"], "RequestEntityTooLarge")

    def test_chunked_body(self):
        chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        received = raw_request(self.server, PUT + HOST_LINE + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 4)
        self.assertEqual(status_of(received), 413)

    def test_sent_body(self):
        name = fresh_name()
        answer = Client(self.server, HOST, self.vault.token).put(f"/secrets/{name}", {"value": "x" * BODY_LIMIT})
        self.assertEqual(answer.status, 413)
        self.assertEqual(self.vault.get(f"/secrets/{name}").status, 404)

    def test_restore_may_be_larger_but_not_everything(self):
        received = raw_request(
            self.server,
            b"POST /secrets/restore?api-version=7.4 HTTP/1.1\r\n" + HOST_LINE + b"Content-Length: 100000000\r\n\r\n",
        )
        self.assertEqual(status_of(received), 413)

    @table(
        ("one_header", b"X: " + b"y" * 70000 + b"\r\n"),
        ("sum", b"".join(b"X%d: %s\r\n" % (i, b"y" * 1000) for i in range(80))),
        ("many", b"".join(b"X%d: y\r\n" % i for i in range(300))),
        ("long_name", b"X" * 70000 + b": y\r\n"),
    )
    def test_headers(self, lines):
        received = raw_request(self.server, GET + HOST_LINE + lines + END)
        self.assertEqual(status_of(received), 431, received[:200])
        self.assertIn("error", json.loads(received.split(b"\r\n\r\n", 1)[1]))

    def test_target(self):
        received = raw_request(self.server, b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\n" + HOST_LINE + END)
        self.assertIn(status_of(received), (414, 431))

    def test_endless_head_is_cut_off(self):
        received = raw_request(self.server, GET + HOST_LINE + b"X: y\r\n" * 50000)
        self.assertIn(status_of(received), (431, None))


class TlsTest(WireCase):
    def connect(self, version):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.server.ca)
        context.minimum_version = context.maximum_version = version
        if version < ssl.TLSVersion.TLSv1_2:
            context.set_ciphers("ALL:@SECLEVEL=0")
        connection = Connection(self.server, HOST, context)
        connection.request("GET", "/health", headers={"host": HOST})
        status, name = connection.getresponse().status, connection.sock.version()
        connection.close()
        return status, name

    @table(("1_2", ssl.TLSVersion.TLSv1_2, "TLSv1.2"), ("1_3", ssl.TLSVersion.TLSv1_3, "TLSv1.3"))
    def test_accepted(self, version, name):
        self.assertEqual(self.connect(version), (200, name))

    @table(("1_0", ssl.TLSVersion.TLSv1), ("1_1", ssl.TLSVersion.TLSv1_1))
    def test_refused(self, version):
        with self.assertRaises(ssl.SSLError) as caught:
            self.connect(version)
        self.assertRegex(str(caught.exception), "alert|protocol version")

    def test_certificate_is_of_the_ca(self):
        with self.assertRaises(ssl.SSLCertVerificationError):
            Connection(self.server, HOST, ssl.create_default_context()).connect()

    def test_plain_http_is_refused(self):
        with socket.create_connection(("127.0.0.1", self.server.port), 20) as connection:
            connection.sendall(GET + HOST_LINE + END)
            received = b""
            try:
                while chunk := connection.recv(4096):
                    received += chunk
            except ConnectionResetError:
                pass
        self.assertNotIn(b"200", received[:64])

    @table(("random", bytes(range(256)) * 8), ("nothing", b""), ("half_hello", b"\x16\x03\x01\x02\x00\x01\x00\x01"))
    def test_bytes_instead_of_tls(self, data):
        with socket.create_connection(("127.0.0.1", self.server.port), 20) as connection:
            connection.sendall(data)
            try:
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(4096):
                    pass
            except OSError:
                pass  # already reset by the server

    @table(("h2", ["h2", "http/1.1"], "h2"), ("http_1_1", ["http/1.1"], "http/1.1"), ("none", None, None))
    def test_alpn(self, offered, chosen):
        context = ssl.create_default_context(cafile=self.server.ca)
        if offered:
            context.set_alpn_protocols(offered)
        with socket.create_connection(("127.0.0.1", self.server.port), 20) as raw:
            with context.wrap_socket(raw, server_hostname=HOST) as connection:
                self.assertEqual(connection.selected_alpn_protocol(), chosen)


class Http2Client:
    """One HTTP/2 connection; requests go out together, answers are collected."""

    def __init__(self, server):
        context = ssl.create_default_context(cafile=server.ca)
        context.set_alpn_protocols(["h2"])
        raw = socket.create_connection(("127.0.0.1", server.port), 20)
        self.socket = context.wrap_socket(raw, server_hostname=HOST)
        self.h2 = h2.connection.H2Connection()
        self.h2.initiate_connection()
        self.socket.sendall(self.h2.data_to_send())
        self.answers, self.open, self.closed = {}, set(), False

    def close(self):
        self.socket.close()

    def request(self, method, path, headers=(), body=None, authority=HOST):
        stream = self.h2.get_next_available_stream_id()
        fields = [(":method", method), (":scheme", "https"), (":authority", authority), (":path", path), *headers]
        self.h2.send_headers(stream, fields, end_stream=body is None)
        if body is not None:
            self.h2.send_data(stream, body, end_stream=True)
        self.socket.sendall(self.h2.data_to_send())
        self.answers[stream] = {"body": b""}
        self.open.add(stream)
        return stream

    def take(self, event):
        if isinstance(event, h2.events.ResponseReceived):
            fields = [(bytes_or_text(name), bytes_or_text(value)) for name, value in event.headers]
            self.answers[event.stream_id]["headers"] = dict(fields)
        elif isinstance(event, h2.events.DataReceived):
            self.answers[event.stream_id]["body"] += event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset)):
            self.answers[event.stream_id]["reset"] = isinstance(event, h2.events.StreamReset)
            self.open.discard(event.stream_id)
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.closed = True

    def finish(self):
        """Until every stream has ended."""
        while self.open and not self.closed:
            data = self.socket.recv(65536)
            if not data:
                self.closed = True
            for event in self.h2.receive_data(data) if data else ():
                self.take(event)
            self.socket.sendall(self.h2.data_to_send())

    def status(self, stream):
        return int(self.answers[stream]["headers"][":status"])


def bytes_or_text(value):
    return value.decode() if isinstance(value, bytes) else value


class Http2Test(WireCase):
    def setUp(self):
        self.client = Http2Client(self.server)
        self.addCleanup(self.client.close)
        self.token = [("authorization", f"Bearer {self.vault.token}")]
        self.json_type = [("content-type", "application/json")]

    def test_challenge(self):
        stream = self.client.request("GET", "/secrets/sentinel?api-version=7.4")
        self.client.finish()
        self.assertEqual(self.client.status(stream), 401)
        self.assertIn("www-authenticate", self.client.answers[stream]["headers"])

    def test_set_and_get(self):
        name = fresh_name()
        stream = self.client.request(
            "PUT", f"/secrets/{name}?api-version=7.4", self.token + self.json_type, b'{"value":"h2"}'
        )
        self.client.finish()
        self.assertEqual(self.client.status(stream), 200)
        stream = self.client.request("GET", f"/secrets/{name}?api-version=7.4", self.token)
        self.client.finish()
        self.assertEqual(json.loads(self.client.answers[stream]["body"])["value"], "h2")

    def test_fifty_at_once(self):
        streams = [self.client.request("GET", "/secrets/sentinel?api-version=7.4", self.token) for _ in range(50)]
        self.client.finish()
        self.assertEqual({self.client.status(stream) for stream in streams}, {200})

    def test_changes_at_once(self):
        names = [fresh_name("h2") for _ in range(20)]
        streams = [
            self.client.request(
                "PUT",
                f"/secrets/{name}?api-version=7.4",
                self.token + self.json_type,
                json.dumps({"value": name}).encode(),
            )
            for name in names
        ]
        self.client.finish()
        values = [json.loads(self.client.answers[stream]["body"])["value"] for stream in streams]
        self.assertEqual(values, names)

    def test_body_too_large(self):
        stream = self.client.request(
            "PUT",
            "/secrets/x?api-version=7.4",
            self.token + self.json_type + [("content-length", str(BODY_LIMIT + 1))],
            b"",
        )
        self.client.finish()
        answer = self.client.answers[stream]
        self.assertTrue(answer.get("reset") or self.client.status(stream) in (400, 413), answer)

    def test_headers_too_large(self):
        stream = self.client.request(
            "GET", "/secrets/sentinel?api-version=7.4", [(f"x-{number}", "y" * 8000) for number in range(12)]
        )
        self.client.finish()
        answer = self.client.answers[stream]
        self.assertTrue(self.client.closed or answer.get("reset") or self.client.status(stream) == 431, answer)

    def test_unknown_host(self):
        stream = self.client.request("GET", "/secrets/sentinel?api-version=7.4", self.token, authority="example.org")
        self.client.finish()
        self.assertEqual(self.client.status(stream), 421)

    def test_malformed_requests_do_not_end_the_server(self):
        context = [
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 100,
            b"GET / HTTP/1.1\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x00\x00\x00\x00\x00\x00",
        ]
        for data in context:
            raw_request(self.server, data, alpn=["h2"], finish=True)
