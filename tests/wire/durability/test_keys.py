# SPDX-License-Identifier: Apache-2.0
"""kill -9 while keys are created, imported, rotated and restored: what was acknowledged is there and signs, and no key is half made."""

import http.client
import itertools
import json
import threading

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from hfsupport.cases import Case
from hfsupport.client import vault_client
from hfsupport.server import DevServer, run_program
from hfsupport.tokens import decode, ec_key, encode, number

CLIENTS = 4
KILLS = 4
ACKNOWLEDGED_BEFORE_KILL = 60
NAMES = 6  # of each client and round: later turns make versions of the same names
DIGEST = bytes(range(32))


def jwk_of(key):
    numbers = key.private_numbers()
    point = numbers.public_numbers
    return {"kty": "EC", "crv": "P-256", "x": number(point.x, 32), "y": number(point.y, 32), "d": number(numbers.private_value, 32)}


class Maker(threading.Thread):
    """Makes keys in all four ways until the server is gone; remembers what was acknowledged."""

    def __init__(self, server, number_of_client, round_number, progress, token):
        super().__init__(daemon=True)
        self.client = vault_client(server, token=token)
        self.prefix = f"k{round_number}-{number_of_client}"
        self.progress = progress
        self.acknowledged = {}  # kid without host → public members
        self.purging, self.names, self.problems = set(), set(), []

    def send(self, method, path, body=None):
        """Never sent twice: a broken connection ends it."""
        headers = {"authorization": f"Bearer {self.client.token}", "content-type": "application/json"}
        answer = self.client.exchange(method, f"{path}?api-version=7.6", json.dumps(body or {}).encode(), headers)
        if answer.status not in (200, 204):
            self.problems.append((method, path, answer))
            raise ConnectionAbortedError
        return answer.json if answer.body else None

    def made(self, bundle):
        jwk = bundle["key"]
        self.acknowledged[jwk["kid"].split("/keys/")[1]] = (jwk["x"], jwk["y"])
        self.progress.release()

    def restore(self, name):
        blob = self.send("POST", f"/keys/{name}/backup")["value"]
        self.purging.add(name)
        self.send("DELETE", f"/keys/{name}")
        self.send("DELETE", f"/deletedkeys/{name}")
        self.made(self.send("POST", "/keys/restore", {"value": blob}))
        self.purging.discard(name)

    def run(self):
        try:
            for turn in itertools.count():
                name = f"{self.prefix}-{turn % NAMES}"
                self.names.add(name)
                self.made(self.send("POST", f"/keys/{name}/create", {"kty": "EC"}))
                self.made(self.send("PUT", f"/keys/{name}", {"key": jwk_of(ec_key())}))
                self.made(self.send("POST", f"/keys/{name}/rotate"))
                if turn % 3 == 2:
                    self.restore(name)
        except (OSError, http.client.HTTPException):
            return


class KeyDurabilityTest(Case):
    def setUp(self):
        self.server = DevServer()
        self.addCleanup(self.server.close)
        self.expected = {}
        self.names = set()
        self.purging = set()

    def make_until_killed(self, round_number):
        progress = threading.Semaphore(0)
        token = vault_client(self.server).token
        makers = [Maker(self.server, n, round_number, progress, token) for n in range(CLIENTS)]
        for maker in makers:
            maker.start()
        for _ in range(ACKNOWLEDGED_BEFORE_KILL):
            self.assertTrue(progress.acquire(timeout=30), "the makers do not get on")
        self.server.kill()
        for maker in makers:
            maker.join(30)
            self.assertFalse(maker.is_alive())
            self.assertEqual(maker.problems, [])
            self.expected.update(maker.acknowledged)
            self.names |= maker.names
            self.purging |= maker.purging

    def pages(self, client, path):
        query = {}
        while True:
            body = self.answer(client.get(path, **query))
            yield from body["value"]
            if body["nextLink"] is None:
                return
            query = {"__skiptoken": body["nextLink"].split("skiptoken=")[1].split("&")[0]}

    def answer(self, answer):
        self.assertEqual(answer.status, 200, answer)
        return answer.json

    def check_version(self, client, kid):
        """It can be read and signs; its public members."""
        jwk = self.answer(client.get(f"/keys/{kid}"))["key"]
        signature = decode(self.answer(client.post(f"/keys/{kid}/sign", {"alg": "ES256", "value": encode(DIGEST)}))["value"])
        x, y, r, s = (int.from_bytes(part, "big") for part in (decode(jwk["x"]), decode(jwk["y"]), signature[:32], signature[32:]))
        public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
        public.verify(utils.encode_dss_signature(r, s), DIGEST, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
        return jwk["x"], jwk["y"]

    def check(self):
        client = vault_client(self.server)
        listed = {item["kid"].split("/keys/")[1] for item in self.pages(client, "/keys")}
        deleted = {item["kid"].split("/keys/")[1] for item in self.pages(client, "/deletedkeys")}
        self.assertTrue(listed | deleted <= self.names)
        self.assertTrue(deleted <= self.purging, "only what was being deleted is deleted")
        found = {}
        for name in listed:
            versions = [item["kid"].split("/keys/")[1] for item in self.pages(client, f"/keys/{name}/versions")]
            self.assertTrue(versions, name)
            found.update({kid: self.check_version(client, kid) for kid in versions})
            newest = self.answer(client.get(f"/keys/{name}"))["key"]["kid"].split("/keys/")[1]
            self.assertIn(newest, versions)
        for kid, members in self.expected.items():
            if kid.split("/")[0] in listed:
                self.assertEqual(found.get(kid), members, kid)
            else:
                self.assertIn(kid.split("/")[0], self.purging, f"{kid} was acknowledged and is gone")
        client.close()

    def test_kill_while_keys_are_made(self):
        for round_number in range(KILLS):
            self.make_until_killed(round_number)
            done = run_program("audit", "verify", "--data", self.server.data)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.server.start()
            self.check()
            # Names that a kill left between deletion and restoring are done with.
            self.expected = {kid: members for kid, members in self.expected.items() if kid.split("/")[0] not in self.purging}
        self.assertGreaterEqual(len(self.expected), KILLS)
