# SPDX-License-Identifier: MIT
"""zswap, step by step."""

import pytest

from cowpath.linux.include.mm import Fault
from cowpath.linux.mm.madvise import madvise_dontneed_single_vma, madvise_pageout
from cowpath.linux.mm.memory import handle_pte_fault
from cowpath.linux.mm.page_io import swap_writepage
from cowpath.linux.mm.zswap import (
    shrink_worker,
    zswap_enabled_param_set,
    zswap_invalidate,
    zswap_load,
    zswap_store,
)
from cowpath.litmus.ast import ZERO
from tests.linux.bench import Bench

ZSWAP = 'C bench { char x[2] = "ab"; swap = zswap; } P0(char *x) { x[0] = 0; }'


def swapped(release: str = "6.1") -> Bench:
    bench = Bench(release, ZSWAP)
    bench.finish(madvise_pageout(bench.k, 0, (bench.pte(),)))
    return bench


def test_a_store_needs_no_writeback() -> None:
    bench = swapped()
    assert bench.shown() == "swap slot0 exclusive"
    assert bench.folio().refcount == 0
    entry = bench.slot().zswap
    assert entry is not None
    assert entry.refcount == 1


def test_a_load_leaves_the_entry() -> None:
    bench = swapped()
    bench.finish(handle_pte_fault(bench.k, Fault(bench.pte(), 0)))
    assert bench.shown() == "folio0 ro"
    assert bench.data(bench.folio()) == "ab"


def test_a_freed_slot_has_no_entry() -> None:
    bench = swapped()
    bench.finish(madvise_dontneed_single_vma(bench.k, 0, (bench.pte(),)))
    assert bench.slot().zswap is None
    assert bench.k.zswap_entries[0].refcount == 0


@pytest.mark.parametrize(("release", "written"), [("6.3", True), ("6.4", False)])
def test_an_entry_that_was_replaced_is_not_written(release: str, written: bool) -> None:
    """04fc7816089c, v6.4."""
    bench = swapped(release)
    shrinker = bench.steps(shrink_worker(bench.k))
    next(shrinker)
    next(shrinker)
    next(shrinker)
    bench.set(bench.folio(1), refcount=1)
    bench.call(zswap_store, bench.k, bench.folio(1), bench.slot())
    next(shrinker)
    assert (bench.slot().folio is not None) is written


@pytest.mark.parametrize(("release", "locked"), [("6.7", True), ("6.8", False)])
def test_a_page_that_is_not_needed_is_given_back(release: str, locked: bool) -> None:
    """e3b63e966cac, v6.8."""
    bench = swapped(release)
    shrinker = bench.steps(shrink_worker(bench.k))
    next(shrinker)
    next(shrinker)
    next(shrinker)
    bench.call(zswap_invalidate, bench.slot())
    next(shrinker)
    assert (bench.folio().locked, bench.folio().refcount) == (locked, 1 + locked)  # one is the LRU batch's


@pytest.mark.parametrize(("release", "stays"), [("6.5", False), ("6.6", True), ("6.7", True), ("6.8", False)])
def test_zswap_that_is_off_drops_the_older_copy(release: str, stays: bool) -> None:
    """By frontswap until 42c06a0e8ebe (v6.6), by zswap since 678e54d4bb9a (v6.8)."""
    text = 'C bench { char x[2] = "ab"; swap = zswap; } P0(char *x) { zswap_enabled(0); }'
    bench = Bench(release, text)
    bench.finish(madvise_pageout(bench.k, 0, (bench.pte(),)))
    bench.call(zswap_enabled_param_set, bench.k, False)
    bench.set(bench.folio(1), refcount=1)
    assert not bench.call(zswap_store, bench.k, bench.folio(1), bench.slot())
    assert (bench.slot().zswap is not None) is stays


@pytest.mark.parametrize(
    ("release", "left"), [("6.4", True), ("6.5", False), ("6.8", False), ("6.9", True), ("6.18", True)]
)
def test_a_load_past_the_swap_cache_leaves_the_entry(release: str, left: bool) -> None:
    """25cd241408a2, v6.9; before v6.9 loads are exclusive on demand only (b9c91c43412f, v6.5)."""
    text = (
        'C bench { char x[1] = "a"; swap = zswap_zram; option = exclusive_loads; } P0(char *x) { x[0] = 0; }'
    )
    bench = Bench(release, text)
    bench.finish(madvise_pageout(bench.k, 0, (bench.pte(),)))
    bench.set(bench.folio(), refcount=1)
    bench.call(zswap_load, bench.k, bench.folio(), bench.slot())
    assert (bench.slot().zswap is not None) is left
    assert bench.folio().dirty is not left


@pytest.mark.parametrize(("release", "left"), [("6.8", True), ("6.9", False)])
def test_a_load_takes_the_entry_out(release: str, left: bool) -> None:
    """c2e2ba770200, v6.9."""
    bench = swapped(release)
    bench.finish(handle_pte_fault(bench.k, Fault(bench.pte(), 0)))
    assert (bench.slot().zswap is not None) is left
    assert bench.folio().dirty is not left


@pytest.mark.parametrize(("release", "stays"), [("6.11", False), ("6.12", True)])
def test_zeros_leave_the_older_copy_of_a_slot_where_it_is(release: str, stays: bool) -> None:
    """0ca0c24e3211, v6.12: they are not stored, so they replace nothing."""
    bench = Bench(release, ZSWAP)
    folio, slot = bench.folio(), bench.slot()
    bench.set(slot, has_cache=True, count=1, folio=folio)
    bench.set(folio, swapcache=True, entry=slot, mapcount=0, refcount=2, locked=True)
    bench.call(swap_writepage, bench.k, folio)
    older = slot.zswap
    assert older is not None
    bench.call(lambda: folio.data.fill(bench.k.content(ZERO)))
    bench.set(folio, locked=True)
    bench.call(swap_writepage, bench.k, folio)
    assert slot.zero is stays
    step, zero = bench.k.layout.step, bench.k.content(ZERO).code
    assert (step.look(older.data[0]) != zero) is stays
    assert step.look(slot.content[0]) == zero
