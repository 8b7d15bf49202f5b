"""A terminal with a program in it, and somebody who types."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

ESCAPES = re.compile(r"\x1b(\[[0-9;?]*[ -/]*[@-~]|[()][0-9A-B]|[=>78])")
"""Colours and movements of the cursor: what a person does not read."""


class NotShown(Exception):
    """What was waited for did not appear."""


class Terminal:
    def __init__(self, command, env, columns=120, rows=40):
        own, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.program = subprocess.Popen(command, env=env, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
        os.close(theirs)
        self.fd = own
        self.bytes = b""
        self.read_upto = 0

    def type(self, line):
        os.write(self.fd, line.encode() + b"\r")

    def press(self, key):
        os.write(self.fd, key)

    def expect(self, text, within_s=60):
        """Waits until `text` is shown after what was waited for last."""
        deadline = time.monotonic() + within_s
        while (found := self.shown.find(text, self.read_upto)) < 0:
            if not self.hear(deadline - time.monotonic()):
                raise NotShown(f"{text!r} was not shown within {within_s} s, but {self.shown[self.read_upto :]!r}")
        self.read_upto = found + len(text)

    def end(self, within_s=60):
        """Waits until the program ends, and returns its exit code."""
        deadline = time.monotonic() + within_s
        while self.hear(deadline - time.monotonic()):
            pass
        try:
            return self.program.wait(timeout=max(1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise NotShown(f"still running after {within_s} s: {self.shown!r}") from None

    def close(self):
        """Ends the program if it still runs. Closing twice is once."""
        if self.fd is None:
            return
        self.program.kill()
        self.program.wait()
        os.close(self.fd)
        self.fd = None

    @property
    def shown(self):
        """Everything that was shown so far, without escapes."""
        return ESCAPES.sub("", self.bytes.decode(errors="replace"))

    def hear(self, within_s):
        """Takes in what is shown next; false at the end, or when nothing comes."""
        if within_s <= 0 or not select.select([self.fd], [], [], within_s)[0]:
            return False
        try:
            heard = os.read(self.fd, 65536)
        except OSError:  # nobody has the other side open any more
            heard = b""
        self.bytes += heard
        return heard != b""
