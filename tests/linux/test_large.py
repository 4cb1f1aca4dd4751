# SPDX-License-Identifier: MIT
"""Large folios: what is done to all pages at once shows nowhere, and who maps one is counted right."""

import itertools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cowpath.corpus.files import program
from cowpath.errors import CowpathError
from cowpath.history.version import version
from cowpath.judge.judge import judge
from cowpath.linux import invariants
from cowpath.linux.batch import compare_with_single_step
from cowpath.linux.include.pgtable import PteValue, ptep_get, set_pte
from cowpath.linux.kernel.fork import dup_mmap
from cowpath.linux.mm.huge_memory import split_folio
from cowpath.linux.mm.madvise import madvise_free_single_vma
from cowpath.linux.mm.mprotect import change_pte_range
from cowpath.linux.mm.rmap import (
    folio_add_return_large_mapcount,
    folio_sub_return_large_mapcount,
    try_to_unmap_one,
)
from cowpath.linux.mm.swap import folio_get
from cowpath.linux.model import build
from cowpath.linux.state import Folio, Pte
from cowpath.litmus.program import LARGE_PAGES
from cowpath.litmus.resolve import load_program, program_from_text
from tests.linux.bench import Bench

BLOCK = 'mthp { char a[1] = "a"; char b[1] = "b"; char c[1] = "c"; char d[1] = "d"; } swap = none;'
ALONE = f"C bench {{ {BLOCK} }} P0(char *a, char *b, char *c, char *d) {{ madvise(a..d, MADV_FREE); }}"
FORKS = (
    f"C bench {{ {BLOCK} }} P0(char *a) {{ fork(P1); }} P1(char *a) {{ fork(P2); }}"
    " P2(char *a) { fork(P3); } P3(char *a) { r0 = a[0]; }"
)
CORPUS = Path(__file__).parents[2] / "litmus"
BASE_PAGES = [file for file in sorted(CORPUS.glob("*/*.litmus")) if file.parent.name != "large"]


def area(bench: Bench, process: int = 0) -> tuple[Pte, ...]:
    return tuple(bench.pte(process, page) for page in range(LARGE_PAGES))


def large(bench: Bench) -> Folio:
    return bench.k.large_folios[0]


def values(bench: Bench) -> list[PteValue]:
    return [bench.call(ptep_get, pte) for pte in area(bench)]


# -- a batch is unobservable (J8) ------------------------------------------------------------------


def permissive(before: list[PteValue], after: list[PteValue]) -> bool:
    """Whether any pte may be written that could not be before."""
    return any(new.write and not old.write for old, new in zip(before, after, strict=True))


@pytest.mark.parametrize(
    ("release", "wider"), [("6.14", False), ("6.15", True), ("6.18", True), ("7.0", False)]
)
def test_ptes_that_reclaim_puts_back_are_as_writable_as_before(release: str, wider: bool) -> None:
    """29f40594a281: page by page no pte can get more than it had, and since v7.0 none does in a batch."""
    found = False
    for writable in itertools.product((False, True), repeat=LARGE_PAGES):
        bench = Bench(release, ALONE)
        bench.set(large(bench), lazyfree=True)
        for pte, write in zip(area(bench), writable, strict=True):
            bench.set(pte, write=write, dirty=False)
        bench.set(area(bench)[-1], dirty=True)
        before = values(bench)
        assert not bench.finish(try_to_unmap_one(bench.k, large(bench), area(bench)))
        found |= permissive(
            before, [v if v.present else b for v, b in zip(values(bench), before, strict=True)]
        )
    assert found is wider


@pytest.mark.parametrize("mutant", [False, True])
def test_mprotect_asks_each_page_for_itself(mutant: bool) -> None:
    found = False
    for exclusive in itertools.product((False, True), repeat=LARGE_PAGES):
        bench = Bench("7.3", ALONE, added=("batch-from-head-in-mprotect",) if mutant else ())
        for pte, page, alone in zip(area(bench), large(bench).pages, exclusive, strict=True):
            bench.set(pte, write=False)
            bench.set(page, anon_exclusive=alone)
        bench.call(change_pte_range, bench.k, area(bench))
        found |= [value.write for value in values(bench)] != list(exclusive)
    assert found is mutant


@pytest.mark.parametrize(
    ("name", "release", "added", "found"),
    [
        ("lazyfree-half-shared", "6.14", (), False),
        ("lazyfree-half-shared", "6.17", (), True),
        ("lazyfree-half-shared", "7.0", (), False),
        ("mprotect-half-shared", "7.3", (), False),
        ("mprotect-half-shared", "7.3", ("batch-from-head-in-mprotect",), True),
        ("swap-half-shared", "7.3", (), False),
        ("swap-half-shared", "7.3", ("no-exclusive-in-swap-pte-batch",), True),
    ],
)
def test_j8_finds_a_batch_that_gives_too_much(
    name: str, release: str, added: tuple[str, ...], found: bool
) -> None:
    result = judge(program(name), version(release, added=added))
    assert ("J8" in {violation.name for violation in result.violations}) is found


def test_an_entry_is_held_against_what_a_step_of_its_own_would_leave() -> None:
    bench = Bench("7.3", ALONE)
    writable = values(bench)[0]
    cases = {
        "as before": (writable, writable, False),
        "writable": (writable._replace(write=False), writable, True),
        "read-only": (writable, writable._replace(write=False), False),
        "clean": (writable, writable._replace(dirty=False), True),
        "dirty": (writable._replace(dirty=False), writable, False),
    }
    for alone, batched, excess in cases.values():
        bench.call(set_pte, bench.pte(), batched)
        bench.call(compare_with_single_step, bench.pte(), alone)
        assert bench.pte().excess is excess
        assert ("J8" in broken(bench)) is excess


@pytest.mark.parametrize("pinned", [False, True])
def test_fork_shares_or_copies_each_page(pinned: bool) -> None:
    bench = Bench("7.3", FORKS)
    if pinned:
        bench.set(large(bench), pincount=1)
        bench.set(bench.k.mms[0], has_pinned=True)
    bench.finish(dup_mmap(bench.k, 0, bench.k.mms[0], bench.k.mms[1]))
    assert [pte.write for pte in area(bench)] == [pinned] * LARGE_PAGES
    assert [page.anon_exclusive for page in large(bench).pages] == [pinned] * LARGE_PAGES
    assert (bench.pte(1).folio is large(bench)) is not pinned


# -- who maps it -----------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, LARGE_PAGES - 1)), max_size=30))
def test_the_shared_bit_is_never_too_low(moves: list[tuple[int, int]]) -> None:
    """Map a page in a process, or unmap it where it is mapped; with two owners at most the bit is exact."""
    bench = Bench("7.3", FORKS)
    k, folio = bench.k, large(bench)
    mapped = {(0, page) for page in range(LARGE_PAGES)}
    for process, page in moves:
        change = folio_sub_return_large_mapcount
        if (process, page) not in mapped:
            change = folio_add_return_large_mapcount
        bench.call(change, k, folio, folio.pages[page], k.mms[process])
        mapped ^= {(process, page)}
        owners = {owner for owner, _ in mapped}
        assert folio.mapcount == len(mapped)
        assert folio.shared or len(owners) < 2
    if all(process < 2 for process, _ in moves):
        assert folio.shared is (len({owner for owner, _ in mapped}) > 1) or not mapped


def broken(bench: Bench) -> set[str]:
    """The invariants that do not hold in a state."""
    found = set()
    for name, holds in invariants.applying_to(bench.k):
        bench.k.layout.step.begin(bench.state)
        if holds() is not None:
            found.add(name)
    return found


def test_mappings_and_references_are_held_against_each_other() -> None:
    bench = Bench("7.3", FORKS)
    assert broken(bench) == set()
    bench.set(large(bench), refcount=3)
    assert broken(bench) == {"J1"}
    bench.set(large(bench), refcount=5, mapcount=5)
    assert broken(bench) == {"J2"}
    bench = Bench("7.3", FORKS)
    bench.finish(dup_mmap(bench.k, 0, bench.k.mms[0], bench.k.mms[1]))
    assert broken(bench) == set()
    bench.set(large(bench), shared=False)
    assert broken(bench) == {"J2"}


# -- splitting -------------------------------------------------------------------------------------


def prepared(bench: Bench) -> None:
    """Lock the large folio and take a reference to it, as whoever splits it has done."""
    bench.call(folio_get, bench.k, large(bench))
    bench.set(large(bench), locked=True)


def test_a_split_folio_becomes_small_ones_with_its_content() -> None:
    bench = Bench("5.19", ALONE)
    prepared(bench)
    bench.set(large(bench).pages[1], anon_exclusive=False)
    assert bench.call(split_folio, bench.k, large(bench))
    folios = [pte.folio for pte in area(bench)]
    assert [bench.data(folio) for folio in folios if folio is not None] == ["a", "b", "c", "d"]
    assert [folio.anon_exclusive for folio in folios if folio is not None] == [True, False, True, True]
    assert not large(bench).refcount


def test_a_reference_keeps_a_folio_from_being_split() -> None:
    bench = Bench("5.19", ALONE)
    prepared(bench)
    bench.call(folio_get, bench.k, large(bench))
    assert not bench.call(split_folio, bench.k, large(bench))
    assert bench.pte().folio is large(bench)


@pytest.mark.parametrize(("release", "stays"), [("6.10", False), ("6.11", True)])
def test_madvise_free_of_all_of_it(release: str, stays: bool) -> None:
    bench = Bench(release, ALONE)
    bench.finish(madvise_free_single_vma(bench.k, 0, area(bench)))
    assert (bench.pte().folio is large(bench)) is stays
    assert large(bench).lazyfree is stays
    assert not bench.pte().dirty


def test_what_is_not_modelled_is_refused() -> None:
    for text in ("swap = none; ksmd(a, b);", "swap = none; option = tlb;"):
        program = program_from_text(
            f"C t {{ {BLOCK.replace('swap = none;', text)} }} P0(char *a) {{ r0 = a[0]; }}"
        )
        with pytest.raises(CowpathError, match="large folios"):
            build(version("7.3"), program)


def test_two_writes_to_one_pte_are_told_apart() -> None:
    """A pte names a page of its folio: two pages of one folio are not the same value."""
    bench = Bench("7.3", ALONE)
    first, second = values(bench)[:2]
    assert first.folio is second.folio
    assert first != second
    bench.call(set_pte, bench.pte(), second)
    assert bench.pte().mapped_page is large(bench).pages[1]


# -- who has none ----------------------------------------------------------------------------------


@pytest.mark.parametrize("file", BASE_PAGES, ids=lambda file: file.stem)
def test_a_test_without_them_does_not_pay_for_them(file: Path) -> None:
    k, model = build(version("7.3", "x86_64"), load_program(file))
    assert not [cell.name for cell in model.layout.cells if cell.field.feature == "large"]
    assert not k.large_folios
    refcount = k.folios[0].cells["refcount"]
    assert refcount.size == 16
