# SPDX-License-Identifier: MIT
"""Guests that say or write more than they have reason to, or nothing that matters, for ever."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from cowpath.machine import console as consoles
from cowpath.machine import guest as guests
from cowpath.machine.job import RunRequest
from cowpath.machine.schedule import schedule
from tests.machine.conftest import program
from tests.machine.false_guest import BEGIN, DONE, ONE, Dying, answers, statuses

pytestmark = pytest.mark.xdist_group("machine")


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("head -c 30000000 /dev/zero OUT; sleep 1000", "a line of more than"),
        ("yes OUT; sleep 1000", "on its console"),
        ("i=0; while :; do head -c 100000000 /dev/zero >f$i || exit; i=$((i + 1)); done", "of files"),
    ],
    ids=["one line", "endless lines", "the disk"],
)
def test_a_guest_that_floods_us_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, why: str
) -> None:
    monkeypatch.setattr(consoles, "LONGEST_LINE", 1 << 20)
    monkeypatch.setattr(consoles, "LONGEST_SPEECH", 8 << 20)
    monkeypatch.setattr(guests, "MOST_DISK", 150 << 20)
    chosen = Dying(tmp_path, *[BEGIN + script] * 3)
    chosen.silence_seconds = 60
    (found,) = answers(chosen, 1)
    assert found is not None
    assert why in found.reason


def test_no_file_of_a_guest_grows_beyond_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guests, "MOST_FILE", 1 << 20)
    size = tmp_path / "size"
    script = f"(head -c 9000000 /dev/zero >big); stat -c %s big >{size};" + ONE + DONE
    assert statuses(answers(Dying(tmp_path, script), 1)) == ["ran"]
    assert int(size.read_text()) == 1 << 20


def test_talk_of_other_things_is_silence(tmp_path: Path) -> None:
    """Endless lines that say nothing of a job do not keep a guest alive."""
    chosen = Dying(tmp_path, BEGIN + "while :; do echo still here OUT; sleep 0.05; done")
    test = program("C t { char x[1]; } P0(char *x) { r0 = x[0]; }")
    (job,) = RunRequest(test, schedule(test), 1).jobs(0)
    job["seconds"] = 0.5
    with pytest.raises(guests.GuestDiedError, match="silent for 2 s"):
        list(chosen.boot([job]))


def test_lines_that_nobody_listens_to_do_not_pile_up() -> None:
    reader, writer = os.pipe()
    console = consoles.Console(reader)
    with os.fdopen(writer, "wb") as pipe:
        pipe.write(b"x\n" * 10_000)
        pipe.flush()
        time.sleep(0.2)
        assert console.lines.qsize() <= consoles.WAITING_LINES
        assert console.next(1, lambda: True) == "x"
        console.close()
