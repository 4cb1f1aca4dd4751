# SPDX-License-Identifier: MIT
"""MADV_FREE, and reclaim of what it left behind."""

import pytest

from cowpath.linux.include.pgtable import ptep_get
from cowpath.linux.mm.madvise import madvise_free_single_vma
from cowpath.linux.mm.rmap import ttu_anon_lazyfree_folio
from cowpath.linux.mm.swap import folio_get, folio_isolate_lru, lru_add_drain
from cowpath.linux.mm.vmscan import KSWAPD, shrink_folio_list
from tests.linux.bench import Bench

FREEING = 'C bench { char x[2] = "ab"; swap = none; } P0(char *x) { madvise(x, MADV_FREE); }'


def freed(release: str = "6.1") -> Bench:
    """A page after MADV_FREE; its batch is not drained yet."""
    bench = Bench(release, FREEING)
    bench.finish(madvise_free_single_vma(bench.k, 0, (bench.pte(),)))
    return bench


def test_the_flag_comes_when_the_batch_is_drained() -> None:
    bench = freed()
    assert bench.shown() == "folio0 rw"
    assert (bench.folio().lazyfree, bench.folio().refcount) == (False, 2)
    bench.call(lru_add_drain, bench.k, 0)
    assert (bench.folio().lazyfree, bench.folio().refcount) == (True, 1)


@pytest.mark.parametrize(("written", "shown"), [(False, "none"), (True, "folio0 rw dirty")])
def test_reclaim_discards_what_was_not_written_again(written: bool, shown: str) -> None:
    bench = freed()
    bench.call(lru_add_drain, bench.k, 0)
    bench.set(bench.pte(), dirty=written)
    bench.call(folio_isolate_lru, bench.k, bench.folio())
    assert bench.finish(shrink_folio_list(bench.k, bench.folio(), KSWAPD)) is not written
    assert bench.shown() == shown
    assert not bench.folio().lazyfree


@pytest.mark.parametrize(
    ("release", "discarded", "lazyfree"),
    [("5.17", True, True), ("5.18", False, False), ("6.14", False, False), ("6.15", False, True)],
)
def test_who_counts_references(release: str, discarded: bool, lazyfree: bool) -> None:
    """6c8e2a256915 (v5.18) and faeb2831b517 (v6.15)."""
    bench = freed(release)
    bench.call(lru_add_drain, bench.k, 0)
    bench.call(folio_isolate_lru, bench.k, bench.folio())
    bench.call(folio_get, bench.k, bench.folio())  # a device
    entry = bench.call(ttu_anon_lazyfree_folio, bench.k, bench.folio(), ptep_get(bench.pte()))
    assert (not entry.present, bench.folio().lazyfree) == (discarded, lazyfree)


@pytest.mark.parametrize(
    ("dirty", "mappings", "marked"), [(True, 2, False), (True, 1, True), (False, 2, True)]
)
def test_a_dirty_page_is_freed_only_by_its_one_owner(dirty: bool, mappings: int, marked: bool) -> None:
    bench = Bench("6.1", FREEING)
    bench.set(bench.folio(), dirty=dirty, mapcount=mappings)
    bench.finish(madvise_free_single_vma(bench.k, 0, (bench.pte(),)))
    bench.call(lru_add_drain, bench.k, 0)
    assert bench.folio().lazyfree is marked


@pytest.mark.parametrize(
    ("release", "lru"), [("6.10", True), ("6.11", False), ("6.16", False), ("6.17", True)]
)
def test_whether_a_page_in_the_batch_can_be_isolated(release: str, lru: bool) -> None:
    """33dfe9204f29, v6.11, taken back by afb99e9f5004, v6.17."""
    bench = freed(release)
    assert bench.folio().lru is lru
    bench.call(lru_add_drain, bench.k, 0)
    assert bench.folio().lru
    assert bench.folio().lazyfree
