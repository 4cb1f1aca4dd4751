# SPDX-License-Identifier: MIT
"""Many tests on many kernels: order, sharing, several processes, and who is told."""

import pytest

from cowpath.corpus.files import files, program
from cowpath.errors import CowpathError
from cowpath.history.version import Version, version
from cowpath.judge.alike import Judged
from cowpath.judge.answer import answer
from cowpath.survey.parallel import Processes
from cowpath.survey.sweep import Assignment, Sweep

KERNELS = tuple(version(release) for release in ("5.18", "6.1", "5.7", "6.2"))


def said(one: Assignment, judged: Judged) -> tuple[str, Version, str]:
    """What is kept here: which test, which kernel, which answer."""
    assert not isinstance(judged.answer, CowpathError)
    return one.program.name, judged.version, answer(judged.answer)


def assignments() -> list[Assignment]:
    """Three small tests."""
    names = files(["get-read-leak", "fresh-page", "CVE-2020-29374"])
    return [Assignment(name, program(name), KERNELS) for name in names]


class Ear:
    """Hears what a sweep tells."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.finished: list[str] = []

    def begin(self, title: str) -> None:
        self.begun.append(title)

    def update(self, states: int, frontier: int, remark: str = "") -> None:
        pass

    def done(self, title: str) -> None:
        self.finished.append(title)


@pytest.mark.parametrize("jobs", [1, 2])
def test_answers_come_in_the_order_of_tests_and_kernels(jobs: int) -> None:
    ear = Ear()
    found = list(Sweep(said, Processes(jobs), ear).run(assignments()))
    assert [(name, kernel) for kept in found for name, kernel, _ in kept] == [
        (one.program.name, kernel) for one in assignments() for kernel in KERNELS
    ]
    assert sorted(ear.finished) == sorted(one.title(kernel) for one in assignments() for kernel in KERNELS)
    assert found == list(Sweep(said).run(assignments()))


def test_kernels_that_are_alike_share_a_search() -> None:
    ear = Ear()
    list(Sweep(said, watch=ear).run(assignments()[1:2]))
    assert len(ear.begun) < len(KERNELS) == len(ear.finished)
