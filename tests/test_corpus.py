# SPDX-License-Identifier: MIT
"""The corpus: every expected verdict, and what it shows of the founding patch."""

from functools import cache
from pathlib import Path

import pytest

from cowpath.expected import Expected
from cowpath.kernel.changes import DEFAULT_ARCHITECTURE, Version, version
from cowpath.litmus.resolve import load_program
from cowpath.report.text import expected_words
from cowpath.verdict import Result, judge

CORPUS = Path(__file__).parent.parent / "litmus"
TESTS = sorted(CORPUS.glob("*/*.litmus"))


@cache
def result(test: Path, kernel: str) -> Result:
    """One test on one kernel, written as in expected.toml."""
    return judge(load_program(test), parse_kernel(kernel))


def parse_kernel(key: str) -> Version:
    """The inverse of `expected.key`."""
    words = key.split()
    release, rest = words[0], words[1:]
    architecture = rest.pop(0) if rest and rest[0] not in ("with", "without") else DEFAULT_ARCHITECTURE
    pairs = list(zip(rest[::2], rest[1::2], strict=True))
    added = [name for word, name in pairs if word == "with"]
    dropped = [name for word, name in pairs if word == "without"]
    return version(release, architecture, added, dropped)


def expectations() -> list[tuple[Path, str, str]]:
    """Every line of every expected.toml."""
    found = []
    for test in TESTS:
        verdicts = Expected.beside(test).verdicts.get(test.stem, {})
        found += [(test, kernel, verdict) for kernel, verdict in verdicts.items()]
    return found


@pytest.mark.parametrize(
    ("test", "kernel", "verdict"), [pytest.param(*e, id=f"{e[0].stem}-{e[1]}") for e in expectations()]
)
def test_the_verdict_is_as_expected(test: Path, kernel: str, verdict: str) -> None:
    assert verdict in (found := expected_words(result(test, kernel)), found.split(";")[0])


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.stem)
def test_every_test_has_expectations_and_its_file_has_its_name(test: Path) -> None:
    assert load_program(test).name == test.stem
    assert Expected.beside(test).verdicts.get(test.stem), "no expected verdict: add one to expected.toml"


def test_no_expectation_is_left_over() -> None:
    for file in CORPUS.glob("*/expected.toml"):
        stems = {test.stem for test in file.parent.glob("*.litmus")}
        assert set(Expected.read(file).verdicts) <= stems


# -- the founding patch, claim by claim ------------------------------------------------------------


def verdict(name: str, kernel: str) -> str:
    """The words for a test of litmus/founding."""
    return expected_words(result(CORPUS / "founding" / f"{name}.litmus", kernel))


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
