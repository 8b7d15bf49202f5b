"""Counting what holds: one line a check."""

import subprocess
import traceback

from plain import NoAnswer
from stack import CommandFailed, TooLate
from terminal import NotShown

BREAKS = (CommandFailed, TooLate, NoAnswer, NotShown, AssertionError, KeyError, OSError, ValueError, subprocess.TimeoutExpired)
"""What may end a part of a story before its end."""


class Checks:
    """Counts what holds."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def that(self, sentence, holds, got=""):
        if holds:
            self.passed += 1
            print(f"ok    {sentence}", flush=True)
        else:
            self.failed += 1
            print(f"FAIL  {sentence}: got {got!s:.2000}", flush=True)

    def part(self, name, run, *arguments):
        """Runs a part of the story. One that breaks off is a failed check, and the next still runs."""
        print(f"--    {name}", flush=True)
        try:
            run(self, *arguments)
        except BREAKS as error:
            traceback.print_exc()
            self.that(f"{name}: runs to its end", False, error)
