# SPDX-License-Identifier: MIT
"""What people see on a terminal of 60 and of 80 columns: nothing is wider, verdicts have colours."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from cowpath.commands import progress
from cowpath.commands.progress import Meter, fitting
from tests.founding import FOUNDING

COWPATH = (sys.executable, "-c", "import sys; from cowpath.cli import main; sys.exit(main())")
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
NOT_OURS = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES")


def on_terminal(columns: int, *arguments: str, **environment: str) -> str:
    """What is left on a terminal of so many columns, of both streams; progress, if any, is overwritten."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    kept = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
    process = subprocess.Popen(
        [*COWPATH, *arguments],
        stdin=theirs, stdout=theirs, stderr=theirs, env=kept | {"TERM": "xterm"} | environment,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    while True:
        try:
            read = os.read(ours, 65536)
        except OSError:  # the other end has been closed
            break
        if not read:
            break
        shown += read
    process.wait()
    os.close(ours)
    return re.sub(r"[^\n]*\r", "", shown.decode().replace("\r\n", "\n"))


WIDE = ["--kernel", "5.7..6.1"]


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize(
    "arguments",
    [
        ("check", str(FOUNDING), str(FOUNDING.with_name("pin-write-fork.litmus")), *WIDE),
        ("kernels",),
        ("kernels", "5.18", "5.19"),
        ("kernels", "6.1"),
        ("list", "ksm"),
        ("mutate", "--list"),
        ("changes", "do_swap_page"),
        ("bisect", "lesson-5"),
        ("why", "lesson-5", "--kernel", "6.1", "--to", "0:r1='a'"),
    ],
    ids=" ".join,
)
def test_no_line_is_wider_than_the_terminal(columns: int, arguments: tuple[str, ...]) -> None:
    shown = ESCAPE.sub("", on_terminal(columns, *arguments))
    assert shown.strip()
    assert [line for line in shown.split("\n") if len(line) > columns] == []


def test_a_folded_table_has_every_verdict() -> None:
    arguments = ("check", str(FOUNDING), str(FOUNDING.with_name("pin-write-fork.litmus")), *WIDE)
    shown = ESCAPE.sub("", on_terminal(60, *arguments))
    plain = subprocess.run([*COWPATH, *arguments], capture_output=True, text=True)
    assert sorted(shown.split()) != sorted(plain.stdout.split())  # heads of rows are repeated
    for word in ("kept", "write", "leak", "5.7", "6.1"):
        assert shown.split().count(word) == plain.stdout.split().count(word), word


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({"NO_COLOR": ""}, True)],
)
def test_verdicts_and_errors_have_colours(
    environment: dict[str, str], coloured: bool, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.litmus"
    bad.write_text("C t { char x[1]; } P0(char *x) { madvice(x); }")
    shown = on_terminal(80, "check", str(FOUNDING), str(bad), "--kernel", "5.18", **environment)
    assert ("\x1b[31mbroken: lost write\x1b[0m" in shown) is coloured
    assert (f"\x1b[1m{bad}:1:34: \x1b[0m" in shown) is coloured
    assert bool(ESCAPE.search(shown)) is coloured


def test_a_pipe_gets_colours_only_if_they_are_forced() -> None:
    command = [*COWPATH, "check", str(FOUNDING), "--kernel", "5.18"]
    for environment, coloured in (({}, False), ({"FORCE_COLOR": "1"}, True)):
        kept = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
        found = subprocess.run(command, capture_output=True, text=True, env=kept | environment)
        assert bool(ESCAPE.search(found.stdout)) is coloured


class Screen:
    """A terminal that keeps what it was told."""

    def __init__(self) -> None:
        self.text = ""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        pass


@pytest.mark.parametrize("columns", [60, 80])
def test_progress_fits_and_a_count_that_goes_back_says_why(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(progress, "QUIET_SECONDS", 0.0)
    monkeypatch.setattr(progress, "INTERVAL_SECONDS", 0.0)
    screen = Screen()
    with Meter(152, screen) as meter:  # type: ignore[arg-type]
        meter.begin("get-write-read-refault on 5.18 x86_64")
        meter.update(1_234_567, 89_000, "")
        meter.update(10, 3, "again, with more folios")
        meter.update(20, 3, "")
    lines = [line.rstrip() for line in screen.text.split("\r") if line.strip()]
    assert all(len(line) < columns for line in lines)
    assert "1,234,567 states" in lines[0]
    assert "again, with more folios" in lines[1]
    assert "counting again" in lines[2]


def test_the_count_is_shown_even_where_the_title_does_not_fit() -> None:
    assert fitting("[1/1] " + "long " * 20, "5 states, again", ["1 s"], 25) == "5 states, again, 1 s"
