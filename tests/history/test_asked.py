# SPDX-License-Identifier: MIT
"""What is asked of a kernel is kept, tells which others are alike, and is all that the model learns of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cowpath.errors import CowpathError
from cowpath.explore.engine import Method
from cowpath.history import swap_bits
from cowpath.history.asked import Asked
from cowpath.history.change import Change
from cowpath.history.version import Version, find, version
from cowpath.judge.judge import judge
from cowpath.litmus.resolve import load_program

CORPUS = Path(__file__).parents[2] / "litmus"
(H5,) = find("H5")


def test_who_was_asked_nothing_is_like_any_other() -> None:
    assert Asked(version("5.7")).alike(version("7.3", "arm"))


@pytest.mark.parametrize(
    ("question", "operands", "unlike"),
    [
        (Version.claims, (H5,), version("5.18")),
        (swap_bits.can_mark, (), version("5.19", "arm")),
        (swap_bits.can_mark, (), version("6.1", dropped=["H1"])),
        (swap_bits.has_soft_dirty, (), version("6.1", "arm")),
        (swap_bits.swap_layout, (), version("6.1", "arm64")),
    ],
)
def test_who_would_answer_in_another_way_is_not_alike(
    question: Callable[..., object], operands: tuple[object, ...], unlike: Version
) -> None:
    asked = Asked(version("6.1"))
    asked.ask(question, *operands)
    assert asked.alike(version("6.2"))
    assert not asked.alike(unlike)


def test_a_change_tells_kernels_apart_once_it_was_asked_for() -> None:
    asked = Asked(version("6.1"))
    without = version("6.1", dropped=["H5"])
    assert asked.alike(without)
    assert asked.has(H5)
    assert not asked.alike(without)
    assert asked.alike(version("7.3"))
    assert Asked.of(asked) is asked


def test_the_name_of_a_kernel_is_its_own() -> None:
    by_release, by_architecture = Asked(version("6.1")), Asked(version("6.1"))
    assert str(by_release.release) == "6.1"
    assert by_architecture.architecture == "x86_64"
    assert not by_release.alike(version("6.2"))
    assert by_architecture.alike(version("6.2"))
    assert not by_architecture.alike(version("6.1", "i386"))


def test_a_question_without_an_answer_leaves_a_kernel_alone() -> None:
    def refuses_old_ones(kernel: Version) -> bool:
        if kernel.release < version("6.1").release:
            raise CowpathError("too old")
        return True

    refused, answered = Asked(version("5.7")), Asked(version("6.1"))
    for _ in range(2):
        with pytest.raises(CowpathError):
            refused.ask(refuses_old_ones)
    assert answered.ask(refuses_old_ones)
    assert not any(refused.alike(version(release)) for release in ("5.8", "6.1"))
    assert refused.alike(version("5.7"))
    assert answered.alike(version("7.3"))
    assert not answered.alike(version("5.7"))


# -- the model has no other way to its kernel ------------------------------------------------------


class Mute:
    """A kernel that answers while it is asked, and to nobody else."""

    def __init__(self, kernel: Version) -> None:
        self.kernel, self.listens = kernel, False

    def __getattr__(self, name: str) -> Any:
        assert self.listens, f"the model reads {name} of its kernel without asking"
        return getattr(self.kernel, name)


class Strict(Asked):
    """One who asks a mute kernel."""

    def __init__(self, kernel: Version) -> None:
        self.mute = Mute(kernel)
        super().__init__(self.mute)  # type: ignore[arg-type]

    @contextmanager
    def listening(self) -> Iterator[None]:
        self.mute.listens = True
        yield
        self.mute.listens = False

    def has(self, change: Change) -> bool:
        with self.listening():
            return super().has(change)

    def ask(self, question: Callable[..., Any], *operands: object) -> Any:
        with self.listening():
            return super().ask(question, *operands)


@pytest.mark.parametrize("kernel", [version("5.10"), version("5.19", "arm"), version("7.3")], ids=str)
def test_the_model_learns_nothing_of_its_kernel_but_by_asking(kernel: Version) -> None:
    for file in sorted(CORPUS.glob("*/*.litmus")):
        try:
            judge(load_program(file), Strict(kernel), Method("reference", max_states=150))
        except CowpathError as error:
            assert "UFFDIO_WRITEPROTECT" in str(error)  # noqa: PT017 - which not every kernel has
