# SPDX-License-Identifier: Apache-2.0
"""The threads that load the server: workers with secrets of their own over HTTP/1.1 and HTTP/2, and peers that come and go."""

import random
import socket
import ssl
import threading
import time

import h2.connection
import h2.events

import model
from hfsupport.client import Answer, Client, secret_token
from hfsupport.server import claims_of

NAMES_EACH = 8
LIST_EVERY = 150
LOOK_EVERY = 25
RECONNECT_EVERY = 40
TOKEN_EVERY = 100
TOKEN_LEFT_SECONDS = 10
CHURN_PAUSE_SECONDS = 0.2


class Gate:
    """Open while there is load; closed, nothing is under way."""

    def __init__(self):
        self.condition = threading.Condition()
        self.is_open, self.inside, self.ends = False, 0, False

    def enter(self):
        """False when it is over."""
        with self.condition:
            self.condition.wait_for(lambda: self.is_open or self.ends)
            if self.ends:
                return False
            self.inside += 1
            return True

    def leave(self):
        with self.condition:
            self.inside -= 1
            self.condition.notify_all()

    def open(self):
        with self.condition:
            self.is_open = True
            self.condition.notify_all()

    def close(self):
        with self.condition:
            self.is_open = False
            self.condition.wait_for(lambda: self.inside == 0)

    def end(self):
        with self.condition:
            self.is_open, self.ends = False, True
            self.condition.notify_all()


class Time:
    """The server's clock, as it was told when it was moved last."""

    def __init__(self, admin):
        self.admin = admin
        self.move(0)

    def move(self, seconds):
        self.server, self.here = self.admin.advance(seconds), time.monotonic()

    def now(self):
        return self.server + time.monotonic() - self.here


class Http2Client(Client):
    """The same over HTTP/2, one request at a time."""

    def close(self):
        if self.connection is not None:
            self.connection[0].close()
        self.connection = None

    def open(self):
        context = ssl.create_default_context(cafile=self.server.ca)
        context.set_alpn_protocols(["h2"])
        raw = socket.create_connection(("127.0.0.1", self.server.port), 30)
        self.connection = context.wrap_socket(raw, server_hostname=self.host), h2.connection.H2Connection()
        self.connection[1].initiate_connection()

    def exchange(self, method, target, body, headers):
        if self.connection is None:
            self.open()
        sock, state = self.connection
        stream = state.get_next_available_stream_id()
        fields = [(":method", method), (":scheme", "https"), (":authority", self.host), (":path", target)]
        state.send_headers(stream, [*fields, *headers.items()], end_stream=body is None)
        if body is not None:
            state.send_data(stream, body, end_stream=True)
        sock.sendall(state.data_to_send())
        answer, is_whole = Answer(None, {}, b""), False
        while not is_whole:
            data = sock.recv(65536)
            if not data:
                raise ConnectionResetError("the connection ended")
            for event in state.receive_data(data):
                is_whole |= self.take(state, event, answer)
            sock.sendall(state.data_to_send())
        return answer

    @staticmethod
    def take(state, event, answer):
        """True at the answer's end."""
        if isinstance(event, h2.events.ResponseReceived):
            answer.headers = {text(name): text(value) for name, value in event.headers}
            answer.status = int(answer.headers[":status"])
        elif isinstance(event, h2.events.DataReceived):
            answer.body += event.data
            state.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)):
            raise ConnectionResetError(repr(event))
        return isinstance(event, h2.events.StreamEnded)


def text(value):
    return value.decode() if isinstance(value, bytes) else value


class Worker(threading.Thread):
    """Works on its own secrets, and knows what each answer must be."""

    def __init__(self, number, server, caller, gate, clock):
        super().__init__(daemon=True, name=f"worker-{number}")
        kind = Http2Client if number % 2 else Client
        self.server, self.caller, self.gate, self.clock = server, caller, gate, clock
        self.vault = kind(server, "soak.vault.localhost")
        self.prefix = f"w{number}-"
        self.secrets = [model.Secret(f"{self.prefix}{i}") for i in range(NAMES_EACH)]
        self.left = []  # deleted ones that wait for the end of their retention
        self.expires, self.keys, self.times, self.count, self.wrong = 0, set(), [], 0, None
        self.must_leave_one = True

    def renew(self):
        self.vault.token = secret_token(self.server, self.caller.client_id, self.caller.secret)
        self.expires = claims_of(self.vault.token)["exp"]
        self.keys.add(self.vault.token.split(".", 1)[0])

    def list_own(self):
        """All pages: exactly the active ones among our names."""
        found, path = [], "/secrets?api-version=7.4&maxresults=25"
        while path:
            answer = self.vault.send("GET", path)
            if answer.status != 200:
                raise model.Wrong(f"list: {answer}")
            found += [item["id"].rsplit("/", 1)[1] for item in answer.json["value"]]
            path = model.next_path(answer)
        own = sorted(name for name in found if name.startswith(self.prefix))
        active = sorted(secret.name for secret in self.secrets if secret.state == model.ACTIVE)
        if own != active or len(set(found)) != len(found):
            raise model.Wrong(f"list: {found}, of which {active} are expected")

    def leave_one(self):
        """Once a round: deletes a secret that nobody recovers or purges."""
        secret = model.Secret(f"{self.prefix}left-{len(self.left)}")
        self.left.append(secret)
        secret.op_set(self.vault)
        secret.op_delete(self.vault)

    def look_at_left(self):
        secret = random.choice(self.left)
        if secret.look(self.clock.now()):
            secret.op_get_deleted(self.vault)

    def step(self):
        self.count += 1
        if self.count % TOKEN_EVERY == 0 or self.clock.now() > self.expires - TOKEN_LEFT_SECONDS:
            self.renew()
        if self.count % RECONNECT_EVERY == 0:
            self.vault.close()
        if self.must_leave_one:
            self.must_leave_one = False
            self.leave_one()
        if self.count % LOOK_EVERY == 0:
            self.look_at_left()
        if self.count % LIST_EVERY == 0:
            self.list_own()
            return
        secret = random.choice(self.secrets)
        if not secret.look(self.clock.now()):
            return
        operation = model.pick(secret)
        started = time.monotonic()
        operation(self.vault)
        self.times.append(time.monotonic() - started)

    def run(self):
        while self.gate.enter():
            try:
                if self.wrong is None:
                    self.step()
                else:
                    time.sleep(0.1)
            except Exception as error:  # pylint: disable=broad-exception-caught
                self.wrong = f"{self.name}: {type(error).__name__}: {error}"
            finally:
                self.gate.leave()

    def take_times(self):
        times, self.times = self.times, []
        return times


class Churn(threading.Thread):
    """Peers that connect and leave: at once, in the middle of a handshake or of a request, without reading."""

    def __init__(self, server, gate):
        super().__init__(daemon=True, name="churn")
        self.server, self.gate, self.count, self.wrong = server, gate, 0, None

    def leave_early(self, kind):
        with socket.create_connection(("127.0.0.1", self.server.port), 10) as raw:
            if kind == "silent":
                return
            if kind == "half-hello":
                raw.sendall(b"\x16\x03\x01\x02\x00\x01\x00")
                return
            context = ssl.create_default_context(cafile=self.server.ca)
            with context.wrap_socket(raw, server_hostname="soak.vault.localhost") as peer:
                if kind == "half-head":
                    peer.sendall(b"GET /secrets HTTP/1.1\r\nHost: soak")
                elif kind == "half-body":
                    peer.sendall(
                        b"PUT /secrets/x?api-version=7.4 HTTP/1.1\r\nHost: soak.vault.localhost\r\n"
                        b"content-length: 5000\r\n\r\n{"
                    )
                elif kind == "unread":
                    peer.sendall(b"GET /secrets/x?api-version=7.4 HTTP/1.1\r\nHost: soak.vault.localhost\r\n\r\n" * 20)

    def run(self):
        while self.gate.enter():
            try:
                self.leave_early(random.choice(("silent", "half-hello", "handshake", "half-head", "half-body", "unread")))
                self.count += 1
            except OSError as error:
                self.wrong = self.wrong or f"churn: {error}"
            finally:
                self.gate.leave()
            time.sleep(CHURN_PAUSE_SECONDS)
