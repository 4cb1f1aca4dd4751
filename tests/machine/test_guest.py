# SPDX-License-Identifier: MIT
"""What becomes of a guest that dies, panics or falls silent, and of its tests."""

from __future__ import annotations

import subprocess
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from cowpath.litmus.resolve import load_program
from cowpath.machine import guest as guests
from cowpath.machine import scratch
from cowpath.machine.errors import StoppedError
from cowpath.machine.guest import Launch, kill_session, living
from cowpath.machine.job import Answer, RunRequest
from cowpath.machine.schedule import schedule
from tests.machine.conftest import CORPUS
from tests.machine.false_guest import BEGIN, DONE, ONE, Dying, answers, statuses

pytestmark = pytest.mark.xdist_group("machine")


def test_a_guest_that_dies_is_booted_again_for_what_is_left(tmp_path: Path) -> None:
    chosen = Dying(tmp_path, ONE, ONE + DONE)
    assert statuses(answers(chosen)) == ["ran", "ran"]
    assert chosen.boots == 2


def test_three_deaths_in_the_same_test_are_reported_and_the_next_runs(tmp_path: Path) -> None:
    dies = BEGIN + "echo Oops OUT"
    found = answers(Dying(tmp_path, dies, dies, dies, ONE + DONE))
    assert statuses(found) == ["failed", "ran"]
    assert found[0] is not None
    assert "the guest died 3 times" in found[0].reason
    assert "Oops" in found[0].reason


def test_two_deaths_in_the_same_test_are_forgiven(tmp_path: Path) -> None:
    chosen = Dying(tmp_path, "echo Oops OUT", "echo Oops OUT", ONE + DONE)
    assert statuses(answers(chosen, 1)) == ["ran"]


def test_results_without_the_last_line_are_no_end(tmp_path: Path) -> None:
    garbled = 'echo COWPATH-RESULT 0 \'{"status": "r\' OUT'
    assert statuses(answers(Dying(tmp_path, garbled, ONE + DONE), 1)) == ["ran"]


def test_a_guest_that_skips_a_job_is_not_believed(tmp_path: Path) -> None:
    found = answers(Dying(tmp_path, DONE, DONE, DONE), 1)
    assert found[0] is not None
    assert "done after 0 of 1 jobs" in found[0].reason


def test_a_silent_guest_is_killed(tmp_path: Path) -> None:
    chosen = Dying(tmp_path, "sleep 1000", ONE + DONE)
    assert statuses(answers(chosen, 1)) == ["ran"]
    assert chosen.process is None


def test_a_guest_that_panics_is_not_waited_for(tmp_path: Path) -> None:
    chosen = Dying(tmp_path, "echo 'Kernel panic - not syncing: no init' OUT; sleep 1000", ONE + DONE)
    chosen.silence_seconds = 1000
    assert statuses(answers(chosen, 1)) == ["ran"]


def test_a_guest_that_is_killed_is_not_waited_for(tmp_path: Path) -> None:
    """Though its helper holds the console open."""
    chosen = Dying(tmp_path, "sleep 60 OUT & kill -9 $$", ONE + DONE)
    chosen.silence_seconds = 1000
    assert statuses(answers(chosen, 1)) == ["ran"]


def test_stopping_ends_the_guest_and_removes_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = (str(tmp_path), "cow-")  # nobody else's: other processes run other guests
    monkeypatch.setattr(scratch, "directory", partial(scratch.directory, place))
    chosen = Dying(tmp_path, "sleep 1000")
    chosen.silence_seconds = 1000
    seen: list[Path] = []

    def stop() -> None:
        seen.extend(tmp_path.glob("cow-*"))
        chosen.stop()

    threading.Timer(0.5, stop).start()
    with pytest.raises(StoppedError):
        answers(chosen, 1)
    assert chosen.process is None
    assert seen
    assert not list(tmp_path.glob("cow-*"))


def test_who_is_stopped_before_there_is_a_guest_boots_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a guest of another thread would boot, and run, while the command waits for it to end."""
    chosen = Dying(tmp_path, "sleep 1000")
    chosen.silence_seconds = 1000
    launch = chosen.launch

    def stopped_meanwhile(directory: Path, console: int) -> Launch:
        chosen.stop()
        return launch(directory, console)

    monkeypatch.setattr(chosen, "launch", stopped_meanwhile)
    for _ in range(2):  # between its files and its process; and before both
        with pytest.raises(StoppedError):
            answers(chosen, 1)
    assert chosen.process is None


def test_a_test_that_no_machine_can_run_needs_no_guest(tmp_path: Path) -> None:
    test = load_program(CORPUS / "selftests" / "zeropage-ro-pin.litmus")
    found: list[Answer] = []
    Dying(tmp_path).run([RunRequest(test, schedule(test), 1)], lambda _, answer: found.append(answer))
    assert [answer.status for answer in found] == ["cannot"]
    assert guests.ATTEMPTS == 3


def test_a_guest_that_never_comes_to_a_test_is_not_booted_for_each(tmp_path: Path) -> None:
    chosen = Dying(tmp_path, *["echo Oops OUT"] * 3)
    assert statuses(answers(chosen, tests=50)) == ["failed"] * 50
    assert chosen.boots == 3


def test_helpers_that_begin_while_a_guest_is_ended_end_too() -> None:
    forks = "i=0; while [ $i -lt 300 ]; do sleep 30 & i=$((i + 1)); done; sleep 30"
    process = subprocess.Popen(["sh", "-c", forks], start_new_session=True)
    while not living(process.pid)[1:]:
        time.sleep(0.001)
    kill_session(process, 0)
    assert living(process.pid) == []
