# SPDX-License-Identifier: MIT
"""The corpus: every expected verdict, and what it shows of the founding patch."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from cowpath.corpus.expected import Expected, named
from cowpath.explore.trace import trace
from cowpath.history.version import NEWEST
from cowpath.judge.answer import answer as answer_of
from cowpath.judge.goal import default_goal
from cowpath.judge.judge import judge
from cowpath.litmus.resolve import load_program
from cowpath.report.trace import trace_text

CORPUS = Path(__file__).parents[2] / "litmus"
TESTS = sorted(CORPUS.glob("*/*.litmus"))


@dataclass(frozen=True)
class Answer:
    """What the tests here look at; an exploration is large, and there are many."""

    words: str  # as in expected.toml
    trace: str  # empty where the promise is kept


@cache
def answer(test: Path, kernel: str) -> Answer:
    """One test on one kernel, written as in expected.toml."""
    found = judge(load_program(test), named(kernel))
    goal = default_goal(found)
    if found.verdict == "kept" or goal is None:
        return Answer(answer_of(found), "")
    return Answer(answer_of(found), trace_text(found, trace(found.exploration, goal.state), goal))


def expectations() -> list[tuple[Path, str, str]]:
    """Every line of every expected.toml."""
    found = []
    for test in TESTS:
        kernels = Expected.beside(test).kernels(test.stem)
        found += [(test, kernel, verdict) for kernel, verdict in kernels.items()]
    return found


@pytest.mark.parametrize(
    ("test", "kernel", "verdict"), [pytest.param(*e, id=f"{e[0].stem}-{e[1]}") for e in expectations()]
)
def test_the_verdict_is_as_expected(test: Path, kernel: str, verdict: str) -> None:
    assert verdict in (found := answer(test, kernel).words, found.split(";")[0])


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.stem)
def test_every_test_has_expectations_and_its_file_has_its_name(test: Path) -> None:
    assert load_program(test).name == test.stem
    assert Expected.beside(test).verdicts.get(test.stem), "no expected verdict: add one to expected.toml"


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.stem)
def test_nothing_is_broken_on_the_newest_kernel_but_open_bugs(test: Path) -> None:
    """Where a bug is open upstream, its table in expected.toml says which."""
    broken = not answer(test, str(NEWEST)).words.startswith("kept")
    assert broken == bool(Expected.beside(test).open_bug(test.stem))


SCREEN = 55
"""Lines."""

BROKEN = [(test, kernel) for test, kernel, verdict in expectations() if not verdict.startswith("kept")]


@pytest.mark.parametrize(("test", "kernel"), [pytest.param(*b, id=f"{b[0].stem}-{b[1]}") for b in BROKEN])
def test_the_trace_of_a_bug_fits_on_two_screens(test: Path, kernel: str) -> None:
    """A large folio takes more: each step says what becomes of four pages and of the folio."""
    screens = 4 if test.parent.name == "large" else 2
    assert 0 < len(answer(test, kernel).trace.splitlines()) <= screens * SCREEN


def test_no_expectation_is_left_over() -> None:
    for file in CORPUS.glob("*/expected.toml"):
        stems = {test.stem for test in file.parent.glob("*.litmus")}
        assert set(Expected.read(file).verdicts) <= stems


# -- the founding patch, claim by claim ------------------------------------------------------------


def verdict(name: str, kernel: str) -> str:
    """The words for a test of litmus/founding."""
    return answer(CORPUS / "founding" / f"{name}.litmus", kernel).words


@pytest.mark.parametrize("hunk", ["H1", "H2", "H3", "H4", "H4a", "H4b", "H4c", "H4d", "H5", "H6"])
def test_every_hunk_is_noticed(hunk: str) -> None:
    """Some test of the corpus differs with that hunk dropped."""
    tests = [test.stem for test in TESTS if test.parent.name == "founding"]
    assert any(verdict(test, "6.1") != verdict(test, f"6.1 without {hunk}") for test in tests)


ERAS = ("5.7", "5.10", "5.17", "5.18", "5.19 arm", "5.19", "6.1 um", "6.1")


@pytest.mark.parametrize(
    ("name", "lost"),
    [
        ("get-write-mprotect", ("5.10", "5.17", "5.18")),
        ("get-write-write-refault", ("5.18", "5.19 arm", "6.1 um")),
        ("get-write-read-refault", ("5.10", "5.17", "5.18", "5.19 arm", "6.1 um")),
    ],
)
def test_lost_writes_per_era(name: str, lost: tuple[str, ...]) -> None:
    """FOLL_GET | FOLL_WRITE without fork: which eras lose the device's write."""
    assert tuple(era for era in ERAS if verdict(name, era).startswith("lost write")) == lost
    assert all(verdict(name, era).startswith("kept") for era in ERAS if era not in lost)


@pytest.mark.parametrize(
    ("name", "leaking"), [("get-read-leak", ("5.7",)), ("get-read-leak-swap", ("5.7", "5.10", "5.17"))]
)
def test_leaks_per_era(name: str, leaking: tuple[str, ...]) -> None:
    """A child that keeps a read-only reference: which eras show it the parent's writes."""
    assert tuple(era for era in ERAS if verdict(name, era).startswith("leak")) == leaking


def test_the_posted_patch_breaks_stable_writes() -> None:
    assert verdict("stable-writes", "6.1").startswith("kept")
    assert verdict("stable-writes", "6.1 with as-posted").startswith("I8")
    assert verdict("unstable-writes", "6.1") == "kept; does not hold"
    assert verdict("unstable-writes", "6.1 with as-posted") == "kept; holds"


@pytest.mark.parametrize("name", ["get-write-fork", "get-read-stale"])
def test_what_is_not_promised_stays_so(name: str) -> None:
    """The patch's notes: FOLL_GET around fork and read-only FOLL_GET, on every kernel."""
    assert {verdict(name, era) for era in ERAS} == {"kept; holds"}
