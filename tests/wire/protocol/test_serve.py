# SPDX-License-Identifier: Apache-2.0
"""`holdfast serve` with a configuration: slow senders, and tokens of another issuer."""

import json
import signal
import socket
import ssl
import tempfile
import time
import uuid
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from hfsupport import tokens
from hfsupport.cases import Case, table
from hfsupport.client import Client, Connection, vault_client
from hfsupport.server import AdminError, ServeServer, run_program

ISSUER = "https://issuer.example.org/tenant"
HOST = "dev.vault.localhost"
GET = f"GET /secrets/x?api-version=7.4 HTTP/1.1\r\nHost: {HOST}\r\n".encode()
PATIENCE_SECONDS = 15


class SlowTest(Case):
    @classmethod
    def setUpClass(cls):
        settings = [f"timeouts.{name} = 300ms" for name in ("handshake", "header", "body", "idle")]
        cls.server = ServeServer(tokens.Certificates(), settings)
        cls.addClassCleanup(cls.server.close)

    def tearDown(self):
        answer = Client(self.server, HOST).send("GET", "/health")
        self.assertEqual(answer.status, 200)

    def drain(self, connection):
        """What comes until the server closes; fails if it does not."""
        received, deadline = b"", time.monotonic() + PATIENCE_SECONDS
        try:
            while chunk := connection.recv(4096):
                received += chunk
                self.assertLess(time.monotonic(), deadline)
        except (ConnectionResetError, ssl.SSLError):
            pass
        return received

    def connect(self):
        context = ssl.create_default_context(cafile=self.server.ca)
        raw = socket.create_connection(("127.0.0.1", self.server.port), PATIENCE_SECONDS)
        return context.wrap_socket(raw, server_hostname=HOST)

    @table(
        ("first_byte", b"G"),
        ("half_line", b"GET /sec"),
        ("half_head", GET),
        ("before_the_empty_line", GET + b"X: y\r\n"),
    )
    def test_head(self, data):
        with self.connect() as connection:
            connection.sendall(data)
            self.assert_timeout(self.drain(connection))

    @table(("nothing", b""), ("part", b'{"value":'))
    def test_body(self, data):
        with self.connect() as connection:
            connection.sendall(GET.replace(b"GET", b"PUT") + b"Content-Length: 100\r\n\r\n" + data)
            self.assert_timeout(self.drain(connection))

    def test_chunk(self):
        with self.connect() as connection:
            connection.sendall(GET.replace(b"GET", b"PUT") + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabc")
            self.assert_timeout(self.drain(connection))

    def assert_timeout(self, received):
        if received:
            self.assertTrue(received.startswith(b"HTTP/1.1 408 "), received)
            self.assertEqual(json.loads(received.split(b"\r\n\r\n", 1)[1])["error"]["code"], "RequestTimeout")

    def test_idle(self):
        with self.connect() as connection:
            connection.sendall(f"GET /health HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
            received = self.drain(connection)
        self.assertTrue(received.startswith(b"HTTP/1.1 200 "), received)
        self.assertEqual(received.count(b"HTTP/1.1"), 1)

    @table(("silent", b""), ("half_hello", b"\x16\x03\x01\x02\x00\x01\x00"))
    def test_handshake(self, data):
        with socket.create_connection(("127.0.0.1", self.server.port), PATIENCE_SECONDS) as connection:
            connection.sendall(data)
            self.drain(connection)

    def test_drop_by_drop(self):
        with self.connect() as connection:
            started = time.monotonic()
            try:
                for byte in GET + b"X: " + b"y" * 100000:
                    connection.sendall(bytes([byte]))
                    connection.settimeout(0.02)
                    try:
                        if not connection.recv(4096):
                            break
                    except (TimeoutError, ssl.SSLWantReadError):
                        pass
                    self.assertLess(time.monotonic() - started, PATIENCE_SECONDS)
            except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
                pass

    def test_many_slow_ones_do_not_block_others(self):
        slow = [self.connect() for _ in range(50)]
        try:
            for connection in slow:
                connection.sendall(b"GET /sec")
            self.assertEqual(Client(self.server, HOST).send("GET", "/health").status, 200)
        finally:
            for connection in slow:
                connection.close()


class ConfigurationTest(Case):
    """A wrong configuration is refused with file, line and what is allowed."""

    def refuse(self, lines):
        with tempfile.TemporaryDirectory(prefix="holdfast-wire-") as folder:
            path = Path(folder) / "holdfast.conf"
            path.write_text("".join(f"{line}\n" for line in [f"data = {folder}/data", *lines]), encoding="utf-8")
            for command in (["serve", "--check"], ["serve"], ["init"]):
                done = run_program(*command, "--config", path)
                self.assertNotEqual(done.returncode, 0, command)
                self.assertFalse((Path(folder) / "data").exists(), command)
            return done.stderr.replace(str(path), "FILE")

    TLS = ["tls.certificate = a", "tls.key = b"]

    @table(
        ("unknown", ["nonsense = 1"], "FILE:4: nonsense: is no setting"),
        ("no_unit", ["timeouts.header = 5"], "FILE:4: timeouts.header:"),
        ("out_of_range", ["limits.connections = 0"], "FILE:4: limits.connections:"),
        ("no_value", ["domain"], "FILE:4"),
        ("choice", ["log.level = loud"], "FILE:4: log.level:"),
    )
    def test_refused(self, lines, text):
        message = self.refuse(self.TLS + lines)
        self.assertIn(text, message)

    def test_missing(self):
        self.assertIn("tls.certificate", self.refuse([]))

    def test_twice(self):
        self.assertIn("FILE:5", self.refuse([*self.TLS, "domain = a.example", "domain = b.example"]))

    def test_file_is_missing(self):
        done = run_program("serve", "--config", "/nonexistent/holdfast.conf")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("/nonexistent/holdfast.conf", done.stderr)

    def test_example_is_accepted(self):
        done = run_program("serve", "--example-config")
        self.assertEqual(done.returncode, 0)
        with tempfile.TemporaryDirectory(prefix="holdfast-wire-") as folder:
            path = Path(folder) / "holdfast.conf"
            files = tokens.Certificates().write(Path(folder))
            text = done.stdout.replace("tls.certificate =", f"tls.certificate = {files['server.pem']}")
            path.write_text(text.replace("tls.key =", f"tls.key = {files['server.key']}"), encoding="utf-8")
            done = run_program("serve", "--check", "--config", path)
            self.assertEqual(done.returncode, 0, done.stderr)

    @table(
        ("address", ["listen = localhost:443"], {}, "localhost:443 is not a numeric ADDRESS:PORT"),
        ("no_certificate", [], {"server.pem": None}, "cannot read"),
        ("no_key", [], {"server.key": None}, "cannot read"),
        ("damaged_certificate", [], {"server.pem": "-----BEGIN CERTIFICATE-----\n"}, "server.pem:"),
        ("key_of_another", [], {"server.key": "other"}, "server.key:"),
    )
    def test_check_finds_what_serve_would(self, lines, changes, text):
        with tempfile.TemporaryDirectory(prefix="holdfast-wire-") as name:
            folder = Path(name)
            files = tokens.Certificates().write(folder)
            path = folder / "holdfast.conf"
            lines = [
                f"data = {folder}/data",
                f"tls.certificate = {files['server.pem']}",
                f"tls.key = {files['server.key']}",
                *lines,
            ]
            path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
            (folder / "other").mkdir()
            others = tokens.Certificates().write(folder / "other")
            for file, content in changes.items():
                if content is None:
                    Path(files[file]).unlink()
                else:
                    Path(files[file]).write_text(
                        Path(others[file]).read_text(encoding="utf-8") if content == "other" else content,
                        encoding="utf-8",
                    )
            done = run_program("serve", "--check", "--config", path)
            self.assertEqual(done.returncode, 1)
            self.assertIn(text, done.stderr)
            self.assertFalse((folder / "data").exists())


class LifeTest(Case):
    def setUp(self):
        self.server = ServeServer(tokens.Certificates())
        self.addCleanup(self.server.close)

    def test_init_twice_changes_nothing(self):
        before = (self.server.data / "seal").read_bytes()
        done = run_program("init", "--config", self.server.config)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual((self.server.data / "seal").read_bytes(), before)

    def test_another_seal_key_is_refused(self):
        self.server.stop()
        key = self.server.folder / "seal.key"
        text = key.read_text(encoding="utf-8")
        key.write_text(text[:-2] + ("0" if text[-2] != "0" else "1") + text[-1], encoding="utf-8")
        with self.assertRaises(RuntimeError):
            self.server.start()

    def status_under(self, ca):
        context = ssl.create_default_context(cafile=ca)
        connection = Connection(self.server, "login.localhost", context)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status
        except ssl.SSLCertVerificationError:
            return None
        finally:
            connection.close()

    def reload(self, done):
        """SIGHUP; until done() or out of patience."""
        self.server.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not done():
            self.assertLess(time.monotonic(), deadline, "the signal has no effect")
            time.sleep(0.02)

    def test_certificate_is_reloaded(self):
        other = tokens.Certificates()
        ca = self.server.folder / "other-ca.pem"
        ca.write_bytes(other.files["ca.pem"])
        self.assertIsNone(self.status_under(ca))
        for name in ("server.pem", "server.key"):
            (self.server.folder / name).write_bytes(other.files[name])
        self.reload(lambda: self.status_under(ca) == 200)
        self.assertIsNone(self.status_under(self.server.ca))

    def test_broken_certificate_is_not_taken(self):
        size = self.server.log.stat().st_size
        (self.server.folder / "server.pem").write_text("nonsense")
        self.reload(lambda: self.server.log.stat().st_size > size)
        self.assertEqual(self.status_under(self.server.ca), 200)


class TrustedIssuerTest(Case):
    @classmethod
    def setUpClass(cls):
        cls.keys = {
            "rsa": tokens.rsa_key(),
            "p256": tokens.ec_key(),
            "p384": tokens.ec_key(ec.SECP384R1),
            "p521": tokens.ec_key(ec.SECP521R1),
            "pinned": tokens.rsa_key(),
        }
        jwks = [
            tokens.public_jwk(key, kid, **({"alg": "PS256"} if kid == "pinned" else {}))
            for kid, key in cls.keys.items()
        ]
        folder = tempfile.TemporaryDirectory(prefix="holdfast-wire-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        (cls.folder / "jwks.json").write_text(json.dumps({"keys": jwks}))
        cls.server = ServeServer(tokens.Certificates(), [f"token.trusted_issuer = {ISSUER} {cls.folder / 'jwks.json'}"])
        cls.addClassCleanup(cls.server.close)
        cls.server.admin.vault("dev")
        cls.oid = str(uuid.uuid4())
        cls.assignment = cls.server.admin.assign(cls.oid, "Key Vault Secrets Officer", "dev")

    def claims(self, **changes):
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": "https://vault.azure.net",
            "iat": now,
            "nbf": now,
            "exp": now + 600,
            "oid": self.oid,
            "sub": "subject",
            "appid": "11111111-1111-4111-8111-111111111111",
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def call(self, token, method="GET", path="/secrets"):
        return vault_client(self.server, token=token).call(method, path, {"value": "v"} if method == "PUT" else None)

    def token(self, kid="rsa", algorithm="RS256", header=None, **changes):
        return tokens.signed(self.keys[kid], algorithm, self.claims(**changes), **{"kid": kid, **(header or {})})

    @table(
        ("rs256", "RS256", "rsa"),
        ("rs384", "RS384", "rsa"),
        ("rs512", "RS512", "rsa"),
        ("ps256", "PS256", "rsa"),
        ("ps384", "PS384", "rsa"),
        ("ps512", "PS512", "rsa"),
        ("es256", "ES256", "p256"),
        ("es384", "ES384", "p384"),
        ("es512", "ES512", "p521"),
        ("pinned_ps256", "PS256", "pinned"),
    )
    def test_accepted(self, algorithm, kid):
        token = self.token(kid, algorithm)
        name = f"/secrets/by-{algorithm}-{kid}"
        self.assertEqual(self.call(token, "PUT", name).status, 200)
        self.assertEqual(self.call(token, "GET", name).json["value"], "v")

    @table(
        ("aud_installation", {"aud": "https://vault.localhost"}),
        ("aud_list", {"aud": ["x", "https://vault.azure.net"]}),
        ("aud_application", {"aud": "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"}),
        ("sub_for_oid", {"oid": None, "sub": "{oid}"}),
        ("no_nbf", {"nbf": None}),
        ("no_appid", {"appid": None}),
    )
    def test_accepted_claims(self, changes):
        changes = {name: self.oid if value == "{oid}" else value for name, value in changes.items()}
        answer = self.call(self.token(**changes))
        self.assertEqual(answer.status, 200, answer)

    @table(
        ("other_audience", {"aud": "https://management.azure.com"}, "AKV10022"),
        ("audience_prefix", {"aud": "https://vault.azure.net.example.org"}, "AKV10022"),
        ("no_audience", {"aud": None}, None),
        ("number_audience", {"aud": 5}, None),
        ("empty_list", {"aud": []}, None),
        ("other_issuer", {"iss": "https://issuer.example.org/other"}, "AKV10032"),
        ("issuer_slash", {"iss": ISSUER + "/"}, "AKV10032"),
        ("no_issuer", {"iss": None}, None),
        ("other_tenant", {"tid": "11111111-1111-4111-8111-111111111111"}, "AKV10032"),
        ("expired", {"exp": 1000000000, "nbf": 999999999}, "[TokenExpired]"),
        ("not_yet", {"nbf": 4102444800, "exp": 4102448400}, "IDX10222"),
        ("no_expiry", {"exp": None}, None),
        ("text_expiry", {"exp": "4102444800"}, None),
        ("negative_expiry", {"exp": -1}, None),
        ("no_subject", {"oid": None, "sub": None}, None),
        ("odd_oid", {"oid": "me"}, None),
        ("number_oid", {"oid": 5}, None),
    )
    def test_refused_claims(self, changes, text):
        answer = self.call(self.token(**changes))
        self.assertEqual((answer.status, answer.code), (401, "Unauthorized"), answer)
        self.assertIn("www-authenticate", answer.headers)
        if text:
            self.assertIn(text, answer.message)

    @table(
        ("another_key", "p256", "RS256", "rsa"),
        ("curve", "p384", "ES256", "p256"),
        ("pinned_algorithm", "pinned", "RS256", "rsa"),
        ("unknown_kid", "nobody", "RS256", "rsa"),
        ("no_kid", None, "RS256", "rsa"),
    )
    def test_refused_keys(self, kid, algorithm, key):
        token = tokens.signed(self.keys[key], algorithm, self.claims(), **({} if kid is None else {"kid": kid}))
        answer = self.call(token)
        self.assertEqual((answer.status, answer.code), (401, "Unauthorized"), answer)

    def test_hmac_with_the_public_key(self):
        jwk = tokens.public_jwk(self.keys["rsa"], "rsa")
        for secret in (tokens.rsa_public_pem(jwk), jwk["n"].encode(), tokens.decode(jwk["n"])):
            self.assertEqual(self.call(tokens.hmac_signed(secret, "HS256", self.claims(), kid="rsa")).status, 401)

    def test_ecdsa_signature_in_der(self):
        token = tokens.make(
            {"alg": "ES256", "kid": "p256"},
            self.claims(),
            lambda text: self.keys["p256"].sign(text, ec.ECDSA(hashes.SHA256())),
        )
        self.assertEqual(self.call(token).status, 401)

    def test_ecdsa_of_zeros(self):
        token = tokens.make({"alg": "ES256", "kid": "p256"}, self.claims(), lambda _: bytes(64))
        self.assertEqual(self.call(token).status, 401)

    def test_without_a_role(self):
        answer = self.call(self.token(oid=str(uuid.uuid4())))
        self.assertEqual((answer.status, answer.inner), (403, "ForbiddenByRbac"))
        self.assertIn(f"iss={ISSUER}", answer.message)

    def test_cannot_speak_for_own_principals(self):
        identity = self.server.admin.identity("own")
        self.server.admin.assign(identity["objectId"], "Key Vault Administrator", "dev")
        answer = self.call(self.token(oid=identity["objectId"]))
        self.assertEqual((answer.status, answer.code), (401, "Unauthorized"))

    def test_group_with_a_role(self):
        group = str(uuid.uuid4())
        self.server.admin.assign(group, "Key Vault Secrets User", "dev")
        self.assertEqual(self.call(self.token(oid=str(uuid.uuid4()), groups=[group])).status, 200)

    def test_foreign_keys_do_not_sign_own_tokens(self):
        own = f"https://sts.windows.net/{self.server.tenant}/"
        for issuer in (
            own,
            f"{self.server.authority}/{self.server.tenant}/",
            f"{self.server.authority}/{self.server.tenant}/v2.0",
        ):
            self.assertEqual(self.call(self.token(iss=issuer, tid=self.server.tenant)).status, 401)

    def test_principal_that_is_no_guid(self):
        with self.assertRaises(AdminError) as caught:
            self.server.admin.assign("nobody", "Key Vault Reader", "dev")
        self.assertEqual(caught.exception.status, 404)

    def test_clock_stands(self):
        with self.assertRaises(AdminError) as caught:
            self.server.admin.advance(1)
        self.assertEqual(caught.exception.status, 403)


class IssuerKeysTest(Case):
    @table(
        ("no_json", b"{"),
        ("no_keys", b'{"keys":[]}'),
        ("more_behind_a_nul", b'{"keys":[JWK]}\0{"keys":[]}'),
    )
    def test_refused_at_start(self, text):
        jwk = json.dumps(tokens.public_jwk(tokens.ec_key(), "1")).encode()
        with tempfile.TemporaryDirectory(prefix="holdfast-wire-") as folder:
            path = Path(folder) / "jwks.json"
            path.write_bytes(text.replace(b"JWK", jwk))
            with self.assertRaisesRegex(RuntimeError, "did not start"):
                ServeServer(tokens.Certificates(), [f"token.trusted_issuer = {ISSUER} {path}"]).close()
