# SPDX-License-Identifier: MIT
"""Kernels that are alike share a search, and nobody can tell: each result is that of a search of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from cowpath.errors import CowpathError
from cowpath.explore.engine import Method
from cowpath.explore.trace import trace
from cowpath.history.asked import Asked
from cowpath.history.eras import all_versions
from cowpath.history.mutants import MUTANTS
from cowpath.history.version import Version, version
from cowpath.judge.alike import judge_each, once
from cowpath.judge.goal import default_goal
from cowpath.judge.judge import judge
from cowpath.judge.result import Result
from cowpath.litmus.resolve import load_program
from cowpath.report import json, text
from cowpath.report.raw import raw_words
from cowpath.report.trace import trace_text

CORPUS = Path(__file__).parents[2] / "litmus"

RELEASES = all_versions()

ODD = [
    *(version("6.1", name) for name in ("arm", "arm64", "i386", "riscv", "s390", "um")),
    *(version("6.1", dropped=[name]) for name in ("H1", "H2", "H3", "H4b", "H5", "H6", "1493a1913e34")),
    *(version("6.1", added=[name]) for name in ("as-posted", *(mutant.name for mutant in MUTANTS[::6]))),
]
"""Other architectures, kernels that never were, kernels that are wrong on purpose."""


def results(file: str, versions: Sequence[Version], method: Method | None = None) -> dict[Version, Result]:
    """By kernel, those that are alike with one exploration."""
    program = load_program(CORPUS / f"{file}.litmus")
    found = {one.version: one.answer for one in judge_each(versions, partial(judge, program, method=method))}
    return {kernel: result for kernel, result in found.items() if isinstance(result, Result)}


def told(result: Result) -> tuple[object, ...]:
    """Everything that is ever said of a result, but for the time it took."""
    result = replace(result, seconds=0.0)
    goal = default_goal(result)
    steps = [] if goal is None else trace(result.exploration, goal.state)
    path = "" if goal is None else trace_text(result, steps, goal, words=raw_words(result, steps))
    states = list(result.exploration.states)
    edges = [list(result.exploration.edges(number)) for number in range(len(states))]
    return (
        text.result_text(result),
        json.test("", result),
        path,
        result.outcomes,
        result.violations,
        states,
        edges,
    )


@pytest.mark.parametrize("versions", [RELEASES, ODD], ids=["releases", "odd ones"])
@pytest.mark.parametrize(
    "file",
    [
        "founding/fresh-page",
        "founding/get-read-leak",
        "founding/get-write-read-refault",
        "founding/get-write-soft-dirty",
        "founding/pin-write-fork",
        "founding/stable-writes",
        "founding/swapoff-finishes",
        "operations/ksm-write",
        "operations/uffd-wp",
    ],
)
def test_what_is_taken_over_is_what_a_search_of_its_own_finds(file: str, versions: Sequence[Version]) -> None:
    found = results(file, versions)
    shared = {id(result.exploration) for result in found.values()}
    assert len(shared) < len(found)
    program = load_program(CORPUS / f"{file}.litmus")
    for kernel, result in found.items():
        assert result.version == kernel
        assert told(result) == told(judge(program, kernel)), kernel


def test_kernels_that_are_asked_nothing_are_searched_once() -> None:
    searched: list[Version] = []

    def search(asked: Asked) -> None:
        searched.append(asked.version)

    assert [kernel for kernel, _, _ in once(RELEASES, search)] == RELEASES
    assert searched == RELEASES[:1]


def test_most_kernels_are_alike_on_most_tests() -> None:
    found = results("founding/get-write-fork", RELEASES)
    assert len(found) == len(RELEASES)
    assert len({id(result.exploration) for result in found.values()}) < len(RELEASES) / 2


def test_an_error_names_the_kernel_that_it_is_about() -> None:
    program = load_program(CORPUS / "operations" / "uffd-wp.litmus")
    kernels = [version("5.7", "arm"), version("5.8", "arm"), version("6.1"), version("6.1", "arm64")]
    found = {one.version: one.answer for one in judge_each(kernels, partial(judge, program))}
    for kernel, result in found.items():
        if kernel.architecture != "x86_64":
            assert isinstance(result, CowpathError)
            assert str(result).startswith(f"{kernel} has no UFFDIO_WRITEPROTECT")


def test_a_search_that_did_not_finish_is_not_shared() -> None:
    found = results("founding/fresh-page", RELEASES, Method(max_states=3))
    assert {result.verdict for result in found.values()} == {"unfinished"}
    assert len({id(result.exploration) for result in found.values()}) == len(RELEASES)


def test_a_search_takes_its_time_once() -> None:
    found = results("founding/fresh-page", RELEASES)
    searches = {id(result.exploration) for result in found.values()}
    assert sum(result.seconds > 0 for result in found.values()) == len(searches)
