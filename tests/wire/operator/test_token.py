# SPDX-License-Identifier: Apache-2.0
"""A token that is away when the server starts: the server waits sealed, and opens by itself when it is back."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import unittest.mock
from pathlib import Path

from hfsupport.cases import Case
from hfsupport.server import run_program
from sealed_server import SealedServer, outside

sys.path.append(str(Path(__file__).resolve().parents[1] / "operator_offline"))
from offline import Tpm  # noqa: E402

PIN = "9876543"
LIBRARIES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
)


class TokenTest(Case):
    def setUp(self):
        library = next((path for path in LIBRARIES if os.access(path, os.R_OK)), None)
        if library is None or shutil.which("softhsm2-util") is None:
            raise unittest.SkipTest("SoftHSM is not installed")
        self.folder = Path(tempfile.mkdtemp(prefix="holdfast-token-"))
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.tokens = self.folder / "tokens"
        self.tokens.mkdir()
        config = self.folder / "softhsm2.conf"
        config.write_text(f"directories.tokendir = {self.tokens}\nobjectstore.backend = file\nlog.level = ERROR\n")
        self.set_environment("SOFTHSM2_CONF", str(config))
        pin = self.folder / "pin"
        pin.touch(0o600)
        pin.write_text(PIN + "\n")
        self.make_token()
        self.server = SealedServer(
            "pkcs11",
            [
                f"seal.pkcs11_module = {library}",
                "seal.pkcs11_token = holdfast",
                f"seal.pkcs11_pin_file = {pin}",
            ],
        )
        self.addCleanup(self.server.close)

    def set_environment(self, name, value):
        patch = unittest.mock.patch.dict(os.environ, {name: value})
        patch.start()
        self.addCleanup(patch.stop)

    def make_token(self):
        subprocess.run(
            ["softhsm2-util", "--init-token", "--free", "--label", "holdfast", "--so-pin", "123456", "--pin", PIN],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    def take_token_away(self):
        self.tokens.rename(self.folder / "away")
        self.tokens.mkdir()

    def bring_token_back(self):
        self.tokens.rmdir()
        (self.folder / "away").rename(self.tokens)

    def test_token_comes_back(self):
        self.server.fill_open()
        self.server.stop()
        self.take_token_away()
        self.server.start()
        status = self.server.status()
        self.assertEqual((status["sealed"], status["kind"], status["asksPeople"]), (True, "pkcs11", False))
        self.assertIn("holdfast", status["reason"])
        self.assertEqual(outside(self.server).send("GET", "/health").json, {"status": "sealed"})
        self.bring_token_back()
        self.server.wait_until(sealed=False)
        self.assertEqual(self.server.client().get("/secrets/kept").json["value"], "what is kept")
        self.assertRegex(self.server.log.read_text(), "notice unsealed kind=pkcs11")

    def test_operator_asks_for_a_try(self):
        self.server.fill_open()
        done = self.server.operator("seal")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.take_token_away()
        done = self.server.operator("unseal")
        self.assertEqual((done.returncode, done.stdout), (5, ""))
        self.assertTrue(self.server.status()["sealed"])
        self.bring_token_back()
        done = self.server.operator("unseal")
        self.assertEqual((done.returncode, done.stdout), (0, "The server is unsealed.\n"), done.stderr)

    def test_wrong_pin_is_no_reason_to_wait(self):
        self.server.stop()
        (self.folder / "pin").write_text("1234567\n")
        done = run_program("serve", "--config", self.server.config)
        self.assertEqual(done.returncode, 1)
        self.assertIn("logging in", done.stderr)


class TpmTest(Case):
    def test_tpm_is_waited_for(self):
        if shutil.which("swtpm") is None:
            raise unittest.SkipTest("swtpm is not installed")
        folder = Path(tempfile.mkdtemp(prefix="holdfast-tpm-"))
        self.addCleanup(shutil.rmtree, folder, True)
        tpm = Tpm(folder / "tpm")
        self.addCleanup(tpm.stop)
        try:
            server = SealedServer("tpm2", [f"seal.tpm_tcti = swtpm:host=127.0.0.1,port={tpm.port}"])
        except RuntimeError as error:
            if "not in this build" in str(error):
                raise unittest.SkipTest("TPMs are not in this build") from error
            raise
        self.addCleanup(server.close)
        self.assertFalse(server.status()["sealed"])
        server.stop()
        tpm.stop()
        server.start()
        status = server.status()
        self.assertEqual((status["sealed"], status["kind"]), (True, "tpm2"))
        self.assertIn("TPM", status["reason"])
        self.assertEqual(outside(server).send("GET", "/health").json, {"status": "sealed"})
        self.assertIn(server.unseal()[0], (503, 409))  # 409: just then it tries by itself
        self.assertEqual(server.stop(), 0)
