# SPDX-License-Identifier: MIT
"""Themes combine into programs."""

import pytest

from cowpath.errors import CowpathError
from cowpath.litmus.statements import Exit, Fork
from cowpath.prove.campaign import combinations
from cowpath.prove.themes import THEMES, Combination, themes


@pytest.mark.parametrize("name", THEMES)
def test_every_theme_is_a_program_alone_and_in_a_child(name: str) -> None:
    assert Combination((name,)).program().is_open
    program = Combination(("swap",), ((name,),)).program()
    assert program.parents == (None, 0)
    assert Fork("P1") in program.threads[0].statements
    assert Exit() in program.threads[1].statements


def test_a_theme_in_two_threads_has_two_references() -> None:
    program = Combination(("gup",), (("gup",),)).program()
    assert program.references == ("g", "g1")


def test_a_statement_of_two_themes_stands_there_once() -> None:
    (thread,) = Combination(("protect", "protect-none")).program().threads
    assert len(set(thread.statements)) == len(thread.statements)


def test_pairs_of_one_process_stand_beside_swap() -> None:
    found = combinations(["swap", "gup", "pin"], 2, processes=1, threads=1)
    assert [one.name for one in found] == ["swap+gup", "swap+pin", "swap+gup+pin"]


def test_pairs_of_two_processes_give_each_a_theme() -> None:
    found = combinations(["gup", "pin"], 2, processes=2, threads=1)
    assert [one.name for one in found] == [
        "swap+gup / -", "swap+pin / -",
        "swap+gup / gup", "swap+gup / pin", "swap+pin / gup", "swap+pin / pin",
    ]  # fmt: skip


def test_an_unknown_theme_is_refused_with_a_guess() -> None:
    with pytest.raises(CowpathError, match="gup-read"):
        themes("swap,gup-raed")
