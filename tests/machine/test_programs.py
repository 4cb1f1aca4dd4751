# SPDX-License-Identifier: MIT
"""Programs that are no litmus tests, in guests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cowpath.machine.guest import Guest, GuestDiedError, Launch
from cowpath.machine.job import Job
from cowpath.machine.machines import Machine
from cowpath.machine.programs import Command, run

SCRIPT = "#!/usr/bin/python3 -SB\nimport os, sys\nprint('swaps', len(open('/proc/swaps').readlines()) - 1)\n"


class Scripted(Guest):
    """A guest whose boots are known beforehand: results, or None where it dies."""

    name = "scripted"

    def __init__(self, *boots: list[Job | None]) -> None:
        self.boots = list(boots)
        self.asked: list[int] = []

    def base(self) -> Path:
        return Path("/dev/null")

    def launch(self, directory: Path, console: int) -> Launch:
        raise NotImplementedError

    def boot(self, jobs: list[Job]) -> Iterator[Job]:
        self.asked.append(len(jobs))
        for result in self.boots.pop(0):
            if result is None:
                raise GuestDiedError("panicked")
            yield result


@pytest.fixture
def command(tmp_path: Path) -> Command:
    file = tmp_path / "look"
    file.write_text(SCRIPT)
    return Command(file, swap="ssd", seconds=30)


def test_what_a_program_says_and_how_it_ends(command: Command) -> None:
    facts = {"release": "6.1.0", "version": "#1 SMP"}
    ran = {"status": "ran", "code": 1, "output": "lost\n", "facts": facts}
    late = {"status": "ran", "code": None, "output": "", "facts": facts}
    cannot = {"status": "cannot", "reason": "this kernel has no zram", "facts": facts}
    guest = Scripted([ran, late, cannot])
    found = run(guest, [command] * 3)
    assert [(one.code, one.output, one.reason) for one in found] == [
        (1, "lost\n", ""),
        (None, "", "did not end"),
        (None, "", "this kernel has no zram"),
    ]
    assert found[0].kernel == "6.1.0 #1 SMP"
    assert guest.files == {"programs/look": SCRIPT.encode()}


def test_a_kernel_that_dies_is_booted_again_for_what_is_left(command: Command) -> None:
    ran = {"status": "ran", "code": 0, "output": ""}
    guest = Scripted([ran, None], [None], [None], [ran])
    found = run(guest, [command] * 3)
    assert guest.asked == [3, 2, 2, 1]
    assert [one.code for one in found] == [0, None, 0]
    assert found[1].reason.startswith("the guest died 3 times")


@pytest.mark.slow
@pytest.mark.xdist_group("machine")
def test_a_program_in_a_real_guest(real_machine: Callable[[str], Machine], command: Command) -> None:
    guest = real_machine("uml:6.1")
    assert isinstance(guest, Guest)
    (found,) = run(guest, [command])
    assert (found.code, found.output) == (0, "swaps 1\n")
    assert found.kernel.startswith("6.1.")
