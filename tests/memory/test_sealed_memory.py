# SPDX-License-Identifier: Apache-2.0
"""What opens the seal is gone from memory when it has done its work or is forgotten, and a sealed server's memory holds nothing of
what it served."""

import sys
import time
from pathlib import Path

from hfsupport.cases import Case

sys.path.append(str(Path(__file__).resolve().parents[1] / "wire" / "operator"))
from sealed_server import CHEAP, PASSPHRASE, server_of_kind  # noqa: E402
from test_memory_image import TRIES, TRY_SECONDS, Needles, search_memory  # noqa: E402

WRONG = "a wrong passphrase of somebody"


class SealedMemoryTest(Case):
    def search(self, server, needles):
        """What is found; a buffer on its way to be cleared gets a moment."""
        for _ in range(TRIES):
            found = search_memory(server.process.pid, needles)[1]
            if not found:
                break
            time.sleep(TRY_SECONDS)
        return found

    def work_and_seal(self, server, needles):
        server.fill()
        needles.add("value", "what is kept")
        needles.add("client secret", server.caller.secret)
        self.assertEqual(server.post("/operator/seal")[0], 200)
        server.wait_until(sealed=True)
        self.assertEqual(self.search(server, needles), [])

    def test_share(self):
        server = server_of_kind(self, "shamir")
        needles = Needles()
        needles.add("share", server.shares[0])
        self.assertEqual(server.unseal(share=server.shares[0])[0], 200)
        held = search_memory(server.process.pid, needles)[1]
        self.assertTrue(held)  # or the search proves nothing
        self.assertEqual(server.unseal(reset=True)[0], 200)
        self.assertEqual(self.search(server, needles), [])
        server.open()
        self.work_and_seal(server, needles)

    def test_passphrase(self):
        server = server_of_kind(self, "passphrase", CHEAP)
        needles = Needles()
        needles.add("passphrase", PASSPHRASE)
        needles.add("wrong passphrase", WRONG)
        self.assertEqual(server.unseal(passphrase=WRONG)[0], 403)
        self.assertEqual(self.search(server, needles), [])
        server.open()
        self.work_and_seal(server, needles)
