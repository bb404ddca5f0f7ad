# SPDX-License-Identifier: Apache-2.0
"""What a server costs while nothing is asked of it: memory of an idle connection; and how soon a started one answers."""
import socket
import ssl
import time

import process
from holdfast import context, receive

CONNECTIONS = 1000
SETTLE_SECONDS = 1.5
ANSWER_SECONDS = 20
FRAME_HEAD_BYTES = 9
H2_SETTINGS = 4
H2_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, H2_SETTINGS, 0, 0, 0, 0, 0))
H2_SETTINGS_ACK = bytes((0, 0, 0, H2_SETTINGS, 1, 0, 0, 0, 0))


def received(tls, count):
    data = b""
    while len(data) < count:
        part = tls.recv(count - len(data))
        if not part:
            raise RuntimeError("the connection ended in the middle of a frame")
        data += part
    return data


def greet_h2(tls):
    """The settings of both sides are sent and acknowledged."""
    tls.sendall(H2_HELLO)
    acknowledged = False
    while not acknowledged:
        head = received(tls, FRAME_HEAD_BYTES)
        received(tls, int.from_bytes(head[:3], "big"))
        if head[3] == H2_SETTINGS:
            acknowledged = head[4] == 1
            if not acknowledged:
                tls.sendall(H2_SETTINGS_ACK)


def open_idle(holdfast, made, protocol, request):
    tls = made.wrap_socket(socket.create_connection(("127.0.0.1", holdfast.port)))
    if tls.selected_alpn_protocol() != protocol:
        raise RuntimeError(f"{tls.selected_alpn_protocol()} was chosen, not {protocol}")
    if protocol == "h2":
        greet_h2(tls)
        return tls
    tls.sendall(request)
    head = b""
    while b"\r\n\r\n" not in head:
        head += receive(tls)
    return tls


def idle_connection_bytes(holdfast, protocol, request):
    """Resident and locked memory that one idle connection adds: after a request (HTTP/1.1), after the settings (HTTP/2)."""
    made = context(holdfast.env["SSL_CERT_FILE"])
    made.set_alpn_protocols([protocol])
    pid = holdfast.process.pid
    warm = [open_idle(holdfast, made, protocol, request) for _ in range(10)]
    time.sleep(SETTLE_SECONDS)
    before = process.memory_kib(pid)
    tcp = [open_idle(holdfast, made, protocol, request) for _ in range(CONNECTIONS)]
    time.sleep(SETTLE_SECONDS)
    after = process.memory_kib(pid)
    for one in warm + tcp:
        one.close()
    return {key: (after[key] - before[key]) * 1024 / CONNECTIONS for key in ("own", "locked")}


def answers(holdfast, made, request):
    try:
        with made.wrap_socket(socket.create_connection(("127.0.0.1", holdfast.port))) as tls:
            tls.sendall(request)
            return receive(tls).startswith(b"HTTP/1.1 200")
    except (ConnectionError, ssl.SSLError, RuntimeError):
        return False


def first_answer_seconds(holdfast, core, request):
    """From the start of the process to the first secret it gives out."""
    made = context(holdfast.env["SSL_CERT_FILE"])
    begin = time.monotonic()
    holdfast.spawn(core)
    while not answers(holdfast, made, request):
        if time.monotonic() > begin + ANSWER_SECONDS or holdfast.process.poll() is not None:
            raise RuntimeError("the started server does not answer")
        time.sleep(0.001)
    return time.monotonic() - begin
