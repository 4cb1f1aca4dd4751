# SPDX-License-Identifier: MIT
"""Guests: the corpus on User-Mode Linux and QEMU, and what becomes of a guest that dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cowpath.cli import main
from cowpath.litmus.resolve import load_program
from cowpath.machine import guest as guests
from cowpath.machine.guest import Guest, Launch, StoppedError
from cowpath.machine.job import Answer, RunRequest
from cowpath.machine.machines import Machine
from cowpath.machine.schedule import schedule
from cowpath.machine.uml import Uml
from tests.machine.conftest import CORPUS, founding, program, run_all

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("machine")]

MachineByName = Callable[[str], Machine]

LOST_WRITE = ("get-write-read-refault", "get-write-write-refault")
ROUNDS = 5
"""Enough where one order always ends in the same way; `make kernels` runs 100."""

QUIET = {"agrees", "not modelled", "cannot", "not met"}


@pytest.mark.parametrize(
    ("name", "lost"),
    [
        ("uml:5.10", ["lost write 5/5", "kept 5/5"]),  # on 5.10 a write refault reuses the page
        ("uml:6.1", ["lost write 5/5", "lost write 5/5"]),
        ("uml:6.12", ["cannot run here", "cannot run here"]),
        ("qemu:6.1", ["kept 5/5", "kept 5/5"]),
    ],
)
def test_the_founding_corpus_is_never_contradicted(
    real_machine: MachineByName, name: str, lost: list[str]
) -> None:
    found = run_all(real_machine(name), founding(), ROUNDS)
    stale = found["pin-read-after-fork"].words
    assert stale.startswith("stale data" if name == "uml:5.10" else "kept"), "unshare is in v5.19"
    standings = {test: comparison.standing for test, comparison in found.items()}
    assert set(standings.values()) <= QUIET, {t: found[t].words for t in found if standings[t] not in QUIET}
    assert [found[test].words for test in LOST_WRITE] == lost
    assert list(standings.values()).count("not met") == 0, "every page left memory that should"


def test_one_test_from_the_command_line(
    real_machine: MachineByName, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    real_machine("uml:6.1")
    file = str(CORPUS / "founding" / "get-write-read-refault.litmus")
    assert main(["run", file, "--on", "uml:6.1", "--results", str(tmp_path)]) == 0
    assert "Always 100 0" in capsys.readouterr().out


def test_a_guest_sees_nothing_of_the_host(real_machine: MachineByName) -> None:
    chosen = real_machine("uml:6.1")
    assert isinstance(chosen, Uml)
    with guests.scratch_directory() as directory:
        launch = chosen.launch(directory, 1)
        empty = directory / "empty"
        assert f"hostfs={empty}" in launch.command, "a hostfs that the guest mounts ends here"
        assert list(empty.iterdir()) == []
    assert not any(word.startswith(("rootfstype=", "rootflags=")) for word in launch.command)
    assert launch.user == (65534 if os.geteuid() == 0 else None)


class Dying(Guest):
    """A guest that prints some lines and ends."""

    name = "dying"
    round_seconds = 1
    silence_seconds = 1

    def __init__(self, directory: Path, *scripts: str) -> None:
        self.directory = directory
        self.scripts: Iterator[str] = iter(scripts)
        self.boots = 0

    def base(self) -> Path:
        file = self.directory / "base"
        file.write_bytes(b"")
        return file

    def launch(self, directory: Path, console: int) -> Launch:
        self.boots += 1
        return Launch(
            ["sh", "-c", next(self.scripts).replace("OUT", f">/dev/fd/{console}")], dict(os.environ)
        )


RESULT = '{"status": "ran", "outcomes": [], "unmet": {}, "failures": {}, "hangs": 0}'
ONE = f"echo COWPATH-RESULT 0 '{RESULT}' OUT;"
DONE = "echo COWPATH-DONE OUT"


def answers(chosen: Guest, tests: int = 2) -> list[Answer | None]:
    """What the guest says of some tests."""
    test = program("C t { char x[1]; } P0(char *x) { r0 = x[0]; }")
    found: list[Answer | None] = [None] * tests

    def answered(index: int, answer: Answer) -> None:
        found[index] = answer

    chosen.run([RunRequest(test, schedule(test), 1)] * tests, answered)
    return found


def statuses(found: list[Answer | None]) -> list[Any]:
    """In one word each."""
    return [answer.status if answer else None for answer in found]


def test_a_guest_that_dies_is_booted_again_for_what_is_left(tmp_path: Path) -> None:
    chosen = Dying(tmp_path, ONE, ONE + DONE)
    assert statuses(answers(chosen)) == ["ran", "ran"]
    assert chosen.boots == 2


def test_three_deaths_in_the_same_test_are_reported_and_the_next_runs(tmp_path: Path) -> None:
    chosen = Dying(tmp_path, "echo Oops OUT", "echo Oops OUT", "echo Oops OUT", ONE + DONE)
    found = answers(chosen)
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
    chosen = Dying(tmp_path, "sleep 1000 OUT & kill -9 $$", ONE + DONE)
    chosen.silence_seconds = 1000
    assert statuses(answers(chosen, 1)) == ["ran"]


def test_stopping_ends_the_guest_and_removes_its_files(tmp_path: Path) -> None:
    chosen = Dying(tmp_path, "sleep 1000")
    chosen.silence_seconds = 1000
    before = set(Path("/dev/shm").glob("cp*"))
    threading.Timer(0.5, chosen.stop).start()
    with pytest.raises(StoppedError):
        answers(chosen, 1)
    assert chosen.process is None
    assert set(Path("/dev/shm").glob("cp*")) <= before


def test_a_signal_to_cowpath_ends_its_guests(real_machine: MachineByName, tmp_path: Path) -> None:
    real_machine("uml:6.1")
    file = str(CORPUS / "founding" / "get-write-fork.litmus")
    code = "import sys; from cowpath.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "run", file, "--on", "uml:6.1", "--rounds", "100000"]
    process = subprocess.Popen(command, env=os.environ | {"TMPDIR": str(tmp_path)})
    deadline = time.monotonic() + 60
    while not (guest := children(process.pid)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 130
    assert not any(Path(f"/proc/{pid}").exists() for pid in guest)


def children(pid: int) -> list[int]:
    """The children of a process, whichever thread made them."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def test_a_test_that_no_machine_can_run_needs_no_guest(tmp_path: Path) -> None:
    test = load_program(CORPUS / "selftests" / "zeropage-ro-pin.litmus")
    found: list[Answer] = []
    Dying(tmp_path).run([RunRequest(test, schedule(test), 1)], lambda _, answer: found.append(answer))
    assert [answer.status for answer in found] == ["cannot"]
    assert guests.ATTEMPTS == 3
