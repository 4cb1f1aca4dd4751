# SPDX-License-Identifier: MIT
"""The reliability table says what the founding patch's note says, and what is known of each era."""

from functools import partial

import pytest

from cowpath import promise
from cowpath.corpus.situations import KINDS, SITUATIONS, ReferenceKind, situation
from cowpath.errors import CowpathError
from cowpath.explore.search import explore
from cowpath.history.release import Release
from cowpath.history.version import NEWEST, Version, version
from cowpath.litmus.resolve import resolve
from cowpath.report.reliability.path import tell
from cowpath.survey import reliability, sweep
from cowpath.survey.reliability import Table, TableCell, assignment
from cowpath.survey.sweep import judge_here

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("table")]

FORKS = ("fork-before", "fork-during", "fork-after", "fork-swapped")
NO_FORK = ("plain", "swap-read", "swap-write", "kswapd", "swapped", "swapoff", "mprotect")
CHILDREN = ("child-munmap", "child-munmap-swap")
ERAS = ("5.7", "5.9", "5.11", "5.18", "5.19 arm", "5.19", "6.3 arm", str(NEWEST))


def cell(table: Table, kind_name: str, situation_name: str, kernel: str) -> TableCell:
    """One cell; an architecture that has no column of its own agrees with the first one."""
    release, _, architecture = kernel.partition(" ")
    kind = next(kind for kind in KINDS if kind.name == kind_name)
    for wanted in (architecture or "x86_64", "x86_64"):
        for column in table.columns:
            first, last = column.title.split(" ")[0].partition("-")[::2]
            inside = Release.parse(first) <= Release.parse(release) <= Release.parse(last or first)
            if inside and column.version.architecture == wanted:
                return table.cells[kind, situation(situation_name), column]
    raise KeyError(kernel)


def words(table: Table, kind: str, situation_name: str) -> list[str]:
    """One row over the eras."""
    return [cell(table, kind, situation_name, kernel).words for kernel in ERAS]


# -- the founding patch's note ---------------------------------------------------------------------


@pytest.mark.parametrize("kernel", ["5.19", str(NEWEST)])
@pytest.mark.parametrize("kind", ["pin-read", "pin-write"])
def test_foll_pin_is_reliable(whole_table: Table, kind: str, kernel: str) -> None:
    for name in (*FORKS, *NO_FORK, *CHILDREN, "dontneed", "munmap"):
        assert cell(whole_table, kind, name, kernel).words == "reliable", name


@pytest.mark.parametrize("kernel", ["5.19", str(NEWEST)])
def test_foll_get_for_writing_is_reliable_unless_fork_is_involved(whole_table: Table, kernel: str) -> None:
    for name in NO_FORK:
        assert cell(whole_table, "get-write", name, kernel).words == "reliable", name
    for name in ("fork-during", "fork-after", "fork-swapped"):
        assert cell(whole_table, "get-write", name, kernel).words == "(lost)", name


def test_read_only_foll_get_is_never_promised_what_its_owner_writes(whole_table: Table) -> None:
    for name in (*FORKS, *NO_FORK):
        assert all(word in ("(stale)", "(reliable)") for word in words(whole_table, "get-read", name)), name


def test_no_reference_leaks_since_v5_18(whole_table: Table) -> None:
    for (kind, one, column), found in whole_table.cells.items():
        if column.version.release >= Release(5, 18):
            assert found.verdict not in ("leak", "crash", "hang"), (kind, one, column)


def test_what_the_note_excludes_depends_on_the_test_alone(whole_table: Table) -> None:
    for kind in whole_table.kinds:
        for one in whole_table.situations:
            row = [found for found in whole_table.row(kind, one) if found.verdict != "not modelled"]
            assert len({found.promised for found in row}) <= 1


# -- what is known of each era ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "lost"),
    [
        ("mprotect", ("5.9", "5.11", "5.18")),
        ("swap-write", ("5.18", "5.19 arm")),
        ("swap-read", ("5.9", "5.11", "5.18", "5.19 arm")),
    ],
)
def test_lost_writes_per_era(whole_table: Table, name: str, lost: tuple[str, ...]) -> None:
    """FOLL_GET | FOLL_WRITE without fork."""
    expected = ["lost" if kernel in lost else "reliable" for kernel in ERAS]
    assert words(whole_table, "get-write", name) == expected


@pytest.mark.parametrize(("name", "leaking"), [("child-munmap", 1), ("child-munmap-swap", 3)])
def test_leaks_per_era(whole_table: Table, name: str, leaking: int) -> None:
    """A child keeps a read-only FOLL_GET, the parent writes: by a fault, and by a swap-in."""
    assert words(whole_table, "get-read", name) == ["leak"] * leaking + ["reliable"] * (len(ERAS) - leaking)
    assert cell(whole_table, "get-read", name, "5.8").words == "reliable"  # the forced COW break


def test_pins_per_era(whole_table: Table) -> None:
    """Fork respects pins since v5.9, reclaim since v5.11, a write after a read-only pin since v5.19."""
    for name, first in (("fork-after", Release(5, 9)), ("swap-read", Release(5, 11))):
        for column in whole_table.columns:
            for one in column.versions:
                if one.release >= first:
                    assert cell(whole_table, "pin-write", name, str(one.release)).words == "reliable"
    assert words(whole_table, "pin-read", "fork-before")[:4] == ["stale"] * 4


def test_the_columns_are_the_eras(whole_table: Table) -> None:
    titles = [column.title for column in whole_table.columns]
    assert titles[0].startswith("5.7")
    assert "5.18" in titles
    assert any(title.startswith("5.19-6.2") and title.endswith("arm") for title in titles)
    assert not any("6.3" in title and "arm" in title for title in titles)  # every architecture has the bit


# -- how a cell is made ----------------------------------------------------------------------------


def cells(
    kind: ReferenceKind, name: str, *kernels: Version, max_states: int | None = None, told: bool = True
) -> list[TableCell]:
    """The cells of one test, with their paths unless they are not to be told."""
    question = assignment(kind, situation(name), kernels or [version("6.1")], max_states)
    return judge_here(question, partial(reliability.cell, tell=tell if told else None))


def text_of(found: TableCell) -> str:
    """The path behind a cell."""
    return "" if found.trace is None else found.trace.text


def test_the_marker_is_what_makes_it_reliable() -> None:
    kernels = version("6.1"), version("6.1", dropped=["1493a1913e34"])
    with_it, without = cells(KINDS[1], "swap-read", *kernels, told=False)
    assert (with_it.words, without.words) == ("reliable", "lost")


def test_the_strict_promise_is_within_the_real_one() -> None:
    for kind in KINDS:
        for one in SITUATIONS:
            program = resolve(one.test(kind))
            strict = {outcome.observed for outcome in explore(promise.build(program, strict=True)).outcomes}
            real = {outcome.observed for outcome in explore(promise.build(program)).outcomes}
            assert strict <= real
            if kind.pin:
                assert strict == real


def test_what_the_promise_allows_is_never_called_a_leak() -> None:
    """After fork the device's data may land in the child only: lost, by the note."""
    (found,) = cells(KINDS[1], "fork-after", told=False)
    assert "1:x[0]=D" in found.outcome
    assert (found.verdict, found.broken, found.words) == ("lost", False, "(lost)")


def test_a_bug_is_shown_before_what_is_excluded() -> None:
    (found,) = cells(KINDS[0], "child-munmap", version("5.7"), told=False)
    assert (found.verdict, found.broken) == ("leak", True)


def test_a_bad_cell_has_the_trace_that_shows_it() -> None:
    (found,) = cells(KINDS[1], "fork-after")
    assert text_of(found).startswith("lost write: 0:r1=a;")
    assert text_of(found).splitlines()[-4:] == [
        "0:r1 is 'a'; a coherent reference allows only 'D'",
        "0:x[0] is 'a'; a coherent reference allows only 'D'",
        "1:x[0] is 'D'; a coherent reference allows only 'a'",
        "Not promised: lost write, and no bug of 6.1 x86_64",
    ]


def test_only_a_bug_is_called_a_broken_promise() -> None:
    (found,) = cells(KINDS[1], "swap-read", version("5.18"))
    assert text_of(found).endswith("\nPromise broken on 5.18 x86_64: lost write\n")


def test_the_path_does_not_name_the_kernel() -> None:
    one, other = cells(KINDS[1], "swap-read", version("5.10"), version("5.18", dropped=["c145e0b47c77"]))
    for found in (one, other):
        assert found.trace is not None
        assert "5.1" in found.trace.text
        assert "5.1" not in found.trace.path


def test_a_good_cell_has_no_trace() -> None:
    (found,) = cells(KINDS[1], "plain")
    assert found == TableCell("reliable", states=7)


def test_a_bounded_search_claims_nothing() -> None:
    (found,) = cells(KINDS[1], "fork-during", max_states=20)
    assert (found.verdict, found.trace) == ("not finished", None)


def test_what_is_not_modelled_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise CowpathError("line 0, column 0: this statement is not modelled yet")

    monkeypatch.setattr(sweep, "judge", refuse)
    (found,) = cells(KINDS[0], "plain")
    assert found == TableCell("not modelled", message="this statement is not modelled yet")


def test_no_cell_breaks_the_promise_on_the_newest_kernel(whole_table: Table) -> None:
    newest = [column for column in whole_table.columns if version(NEWEST) in column.versions]
    assert newest
    assert not [key for key, found in whole_table.cells.items() if key[2] in newest and found.broken]
