# SPDX-License-Identifier: MIT
"""One command line, run in this process: it ends in time, with a known status and clean text."""

from __future__ import annotations

import contextlib
import io
import signal
from collections.abc import Iterator, Sequence

from cowpath.cli import main
from cowpath.commands import status

PATIENCE = 20
"""Seconds that one attempt may take, on a machine that does other things too."""


class TooSlowError(Exception):
    """An attempt that does not end."""


@contextlib.contextmanager
def in_time(seconds: int = PATIENCE) -> Iterator[None]:
    """Raise TooSlowError where what is inside takes longer.  For the main thread."""

    def ring(number: int, frame: object) -> None:
        raise TooSlowError(f"not finished after {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def run(arguments: Sequence[str]) -> int:
    """The exit status of a command line.  Raises AssertionError where it, or its output, is wrong."""
    out, err = io.StringIO(), io.StringIO()
    with in_time(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            found = main(arguments)
        except SystemExit as leaving:
            found = leaving.code if isinstance(leaving.code, int) else 1
    assert found in status.MEANING, f"status {found}"
    for name, text in (("stdout", out.getvalue()), ("stderr", err.getvalue())):
        control = {one for one in text if not one.isprintable() and one not in "\n\t"}
        assert not control, f"{control} on {name}: {text[:300]!r}"
        assert "Traceback" not in text, text
        longest = max(map(len, text.splitlines()), default=0)
        assert name == "stdout" or longest < 2000, f"a line of {longest} characters on stderr"
    if found == status.BAD_INPUT:
        assert err.getvalue(), "bad input, and not a word about it"
    return found
