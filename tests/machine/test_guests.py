# SPDX-License-Identifier: MIT
"""Guests: the corpus on User-Mode Linux and QEMU, and what becomes of a guest that dies."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cowpath.cli import main
from cowpath.machine import scratch
from cowpath.machine.machines import Machine
from cowpath.machine.uml import Uml
from tests.fuzz.interruptions import WAYS, interrupt
from tests.machine.conftest import CORPUS, founding, run_all

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("machine")]

MachineByName = Callable[[str], Machine]

SEED = random.SystemRandom().randrange(10**9)

LATEST = 15.0
"""Seconds after which a run is interrupted at last: by then guests have booted, and answer."""

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
    with scratch.directory() as directory:
        launch = chosen.launch(directory, 1)
        empty = directory / "empty"
        assert f"hostfs={empty}" in launch.command, "a hostfs that the guest mounts ends here"
        assert list(empty.iterdir()) == []
    assert not any(word.startswith(("rootfstype=", "rootflags=")) for word in launch.command)
    assert launch.user == (65534 if os.geteuid() == 0 else None)


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


@pytest.mark.alone
@pytest.mark.parametrize("way", WAYS)
def test_a_run_that_is_interrupted_leaves_nothing(
    real_machine: MachineByName, way: str, tmp_path: Path
) -> None:
    """At a random moment: before the guest is there, while it boots, between its answers."""
    real_machine("uml:6.1")
    (tmp_path / "results").mkdir()
    (tmp_path / "empty").mkdir()
    scratch.remove_leftovers()
    command = ["run", "founding", "--on", "uml:6.1", "--rounds", "200", "--jobs", "2"]
    print(f"seed {SEED}")
    chance = random.Random(f"{SEED} {way}")
    interrupt([*command, "--results", str(tmp_path / "results")], way, chance, tmp_path / "empty", LATEST)
    assert scratch.remove_leftovers() == []


def children(pid: int) -> list[int]:
    """The children of a process, whichever thread made them."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]
