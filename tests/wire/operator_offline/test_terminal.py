# SPDX-License-Identifier: Apache-2.0
"""At a terminal: what is typed is not shown, mistakes are told at once and may be mended, shares are shown one by one."""

import os
import pty
import re
import select
import termios
import time

from hfsupport.server import program
from offline import CONFLICT, NEW_PASSPHRASE, OK, PASSPHRASE, PATIENCE_SECONDS, UNREACHABLE, OfflineCase

CLEAR = "\x1b[H\x1b[2J\x1b[3J"
INTERRUPT = "\x03"
PROMPT = "Passphrase of the seal (not shown): "
NEW_PROMPT = "New passphrase (not shown): "
AGAIN_PROMPT = "The same again: "
ENTER_PROMPT = "press Enter; the screen is cleared then: "


class Terminal:
    """A command at a terminal of its own."""

    def __init__(self, words, environment):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(program(), [program(), *map(str, words)], environment)
        self.shown = ""
        self.read_up_to = 0
        self.deadline = time.monotonic() + PATIENCE_SECONDS

    def read(self):
        """More of what is shown; False at the end."""
        ready, _, _ = select.select([self.fd], [], [], max(0, self.deadline - time.monotonic()))
        if not ready:
            raise AssertionError(f"the terminal waits: {self.shown!r}")
        try:
            part = os.read(self.fd, 4096)
        except OSError:  # the other end is closed
            return False
        self.shown += part.decode()
        return part != b""

    def expect(self, text):
        """Reads up to text; what came before it."""
        while text not in self.shown[self.read_up_to:]:
            if not self.read():
                raise AssertionError(f"{text!r} is not shown: {self.shown!r}")
        start = self.read_up_to
        end = self.shown.index(text, start)
        self.read_up_to = end + len(text)
        return self.shown[start:end]

    def type(self, text, end="\n"):
        """Once nothing is shown any more: the program discards what was typed before."""
        while termios.tcgetattr(self.fd)[3] & termios.ECHO:
            os.sched_yield()
        os.write(self.fd, (text + end).encode())
        self.expect("\r\n" if end == "\n" else "")

    def end(self):
        """The exit code."""
        while self.read():
            pass
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        os.close(self.fd)
        return code


class TerminalCase(OfflineCase):
    def at_terminal(self, *words):
        return Terminal([*words, "--config", self.config], self.environment)

    def answer(self, terminal, prompt, text, end="\n"):
        terminal.expect(prompt)
        terminal.type(text, end)

    def finish(self, terminal, code, *hidden):
        self.assertEqual(terminal.end(), code, terminal.shown)
        for text in hidden:
            self.assertNotIn(text, terminal.shown)


class PassphraseTest(TerminalCase):
    def test_mistakes_are_mended(self):
        self.configure("passphrase")
        terminal = self.at_terminal("init")
        self.answer(terminal, NEW_PROMPT, "elevenbytes")
        terminal.expect("it must have 12 to 1024 bytes; another one, please")
        self.answer(terminal, NEW_PROMPT, PASSPHRASE)
        self.answer(terminal, AGAIN_PROMPT, NEW_PASSPHRASE)
        terminal.expect("the two differ; once more, please")
        self.answer(terminal, NEW_PROMPT, PASSPHRASE)
        self.answer(terminal, AGAIN_PROMPT, PASSPHRASE)
        self.finish(terminal, OK, "elevenbytes", PASSPHRASE, NEW_PASSPHRASE)
        self.assert_opens("passphrase", typed=f"{PASSPHRASE}\n")

    def test_interrupted(self):
        self.configure("passphrase")
        terminal = self.at_terminal("init")
        self.answer(terminal, NEW_PROMPT, PASSPHRASE)
        self.answer(terminal, AGAIN_PROMPT, INTERRUPT, end="")
        terminal.expect("no passphrase given")
        self.finish(terminal, UNREACHABLE, PASSPHRASE)
        self.assertIsNone(self.seal())

    def test_rekey(self):
        self.init("passphrase", typed=f"{PASSPHRASE}\n")
        terminal = self.at_terminal("operator", "rekey")
        self.answer(terminal, PROMPT, PASSPHRASE)
        self.answer(terminal, NEW_PROMPT, NEW_PASSPHRASE)
        self.answer(terminal, AGAIN_PROMPT, NEW_PASSPHRASE)
        self.finish(terminal, OK, PASSPHRASE, NEW_PASSPHRASE)
        self.assert_opens("passphrase", typed=f"{NEW_PASSPHRASE}\n")


class SharesTest(TerminalCase):
    SHARE = re.compile(r"hfs1-[0-9a-f]{8}-\d+-[\w-]{43}-[0-9a-f]{8}")

    def test_shown_one_by_one_and_typed_again(self):
        self.configure("shamir", seal_shares=3, seal_threshold=2)
        terminal = self.at_terminal("init")
        shares = []
        for number in range(1, 4):
            terminal.expect(f"{CLEAR}Share {number} of 3, for its holder alone:")
            found = self.SHARE.findall(terminal.expect(ENTER_PROMPT))
            self.assertEqual(len(found), 1)
            shares += found
            terminal.type("")
            terminal.expect(CLEAR)
        self.finish(terminal, OK)
        self.assertEqual(len(set(shares)), 3)
        self.assert_opens("shamir", typed=f"{shares[2]}\n{shares[0]}\n")

        self.configure("key-file")
        terminal = self.at_terminal("operator", "migrate-seal")
        first, second = "(not shown; 1 of 2 needed): ", "(not shown; 2 of 2 needed): "
        mistyped = shares[1].replace("-2-", "-3-")
        self.answer(terminal, first, mistyped)
        terminal.expect("once more, please")
        self.answer(terminal, first, shares[1])
        self.answer(terminal, second, f" {shares[1]} ")
        terminal.expect("share 2 was given already; another one, please")
        self.answer(terminal, second, shares[0])
        self.finish(terminal, OK, *shares, mistyped)
        self.assert_opens("key-file")

    def test_share_of_another_seal(self):
        folder = self.init_shamir()
        old = self.shares(folder)
        self.succeed("operator", "rekey", "--share-folder", self.folder / "new", *self.share_files(folder, 1, 2, 3))
        new = self.shares(self.folder / "new")
        self.configure("key-file")
        terminal = self.at_terminal("operator", "migrate-seal", *self.share_files(self.folder / "new", 4))
        prompt = "(not shown; 2 of 3 needed): "
        self.answer(terminal, prompt, old[1])
        terminal.expect(f"of an older set: the seal's begin with {new[1][:13]}; another one, please")
        self.answer(terminal, prompt, new[4])  # is in the file already
        terminal.expect("share 4 was given already")
        self.answer(terminal, prompt, "", end="\x04")
        terminal.expect("too few shares: 1 given (3 needed); hand in more")
        self.finish(terminal, UNREACHABLE, old[1], new[4])
        self.assert_opens("shamir", *self.share_files(self.folder / "new", 1, 2, 3))

    def test_interrupted_while_they_are_shown(self):
        self.configure("shamir", seal_shares=2, seal_threshold=2)
        terminal = self.at_terminal("init")
        terminal.expect("Share 1 of 2")
        terminal.expect(ENTER_PROMPT)
        terminal.type("")
        terminal.expect(ENTER_PROMPT)
        terminal.type(INTERRUPT, end="")
        terminal.expect(CLEAR)
        terminal.expect("interrupted at share 2 of 2; none of them opens anything")
        terminal.expect("the new shares open nothing; throw them away")
        self.finish(terminal, UNREACHABLE)
        self.assertIsNone(self.seal())

    def test_a_second_init_asks_nothing(self):
        folder = self.init_shamir()
        terminal = self.at_terminal("init", "--share-folder", folder)
        terminal.expect("is initialised already; nothing was changed")
        self.finish(terminal, CONFLICT)
