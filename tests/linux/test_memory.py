# SPDX-License-Identifier: MIT
"""Page faults, one at a time."""

import pytest

from cowpath.linux.include.mm import Fault
from cowpath.linux.include.pgtable import PTE_NONE, set_pte
from cowpath.linux.kernel.fork import dup_mmap
from cowpath.linux.mm.madvise import madvise_pageout
from cowpath.linux.mm.memory import handle_pte_fault, wp_can_reuse_anon_folio, zap_pte_range
from cowpath.linux.mm.swap import folio_get, folio_put
from tests.linux.bench import FORKED, ONE_PAGE, Bench

UNTOUCHED = "C bench { char x[2]; } P0(char *x) { r0 = x[0]; }"
ON_ZRAM = 'C bench { char x[2] = "ab"; swap = zram; } P0(char *x) { r0 = x[0]; }'
CHECKSUMS = 'C bench { char x[2] = "ab"; swap = ssd_stable; } P0(char *x) { r0 = x[0]; }'
ERAS = ("5.7", "5.10", "5.17", "5.18", "5.19", "6.1")


def fault(bench: Bench, write: bool, cpu: int = 0, process: int = 0, unshare: bool = False) -> None:
    bench.finish(handle_pte_fault(bench.k, Fault(bench.pte(process), cpu, write=write, unshare=unshare)))


def swapped_out(release: str = "6.1", text: str = ONE_PAGE, without: tuple[str, ...] = ()) -> Bench:
    """A page in swap, still in the swap cache because somebody holds a reference (folio0, refcount 3)."""
    bench = Bench(release, text, without=without)
    bench.call(folio_get, bench.k, bench.folio())
    bench.finish(madvise_pageout(bench.k, 0, (bench.pte(),)))
    return bench


# -- first touch -----------------------------------------------------------------------------------


def test_a_read_maps_the_zero_page() -> None:
    bench = Bench(text=UNTOUCHED)
    fault(bench, write=False)
    assert bench.shown() == "zero_page ro"
    assert bench.k.zero_page.refcount == 0


@pytest.mark.parametrize(("release", "exclusive"), [("5.18", False), ("5.19", True)])
def test_a_write_maps_a_new_page(release: str, exclusive: bool) -> None:
    bench = Bench(release, UNTOUCHED)
    fault(bench, write=True)
    folio = bench.folio()
    assert bench.shown() == "folio0 rw dirty"
    assert (folio.refcount, folio.mapcount, folio.batch, folio.lru) == (2, 1, 1, False)
    assert folio.anon_exclusive is exclusive
    assert bench.data(folio) == r"\0\0"


def test_a_fault_that_lost_the_race_changes_nothing() -> None:
    bench = Bench(text=UNTOUCHED)
    losing = bench.steps(handle_pte_fault(bench.k, Fault(bench.pte(), 0, write=False)))
    next(losing)
    fault(bench, write=True)
    before = bench.state
    list(losing)
    assert bench.state == before


# -- write-protect faults --------------------------------------------------------------------------


def shared_with_dead_child(release: str) -> Bench:
    """Forked, and the child has unmapped: one mapping, one reference, read-only."""
    bench = Bench(release, FORKED)
    bench.finish(dup_mmap(bench.k, 0, bench.k.mms[0], bench.k.mms[1]))
    bench.call(set_pte, bench.pte(1), PTE_NONE)
    bench.set(bench.folio(), mapcount=1)
    bench.call(folio_put, bench.k, bench.folio())
    return bench


@pytest.mark.parametrize("release", ERAS)
def test_the_last_user_reuses_the_page(release: str) -> None:
    bench = shared_with_dead_child(release)
    assert bench.shown() == "folio0 ro dirty"
    fault(bench, write=True)
    assert bench.shown() == "folio0 rw dirty"
    assert bench.folio().anon_exclusive is (release in ("5.19", "6.1"))


@pytest.mark.parametrize("release", ERAS)
def test_a_shared_page_is_copied(release: str) -> None:
    bench = Bench(release, FORKED)
    bench.finish(dup_mmap(bench.k, 0, bench.k.mms[0], bench.k.mms[1]))
    fault(bench, write=True)
    assert bench.shown(0) == "folio1 rw dirty"
    assert bench.shown(1) == "folio0 ro dirty"
    assert bench.data(bench.folio(1)) == "ab"
    assert (bench.folio(0).refcount, bench.folio(0).mapcount) == (1, 1)


@pytest.mark.parametrize(
    ("release", "reused"),
    [("5.7", True), ("5.10", False), ("5.17", False), ("5.18", False), ("5.19", False), ("6.1", False)],
)
def test_a_foreign_reference_to_a_page_that_is_not_exclusive(release: str, reused: bool) -> None:
    """v5.7 looks at mappings only; since v5.9 a reference is enough for a copy (09854ba94c6a)."""
    bench = shared_with_dead_child(release)
    bench.call(folio_get, bench.k, bench.folio())
    fault(bench, write=True)
    assert bench.shown() == ("folio0 rw dirty" if reused else "folio1 rw dirty")


@pytest.mark.parametrize("release", ["5.19", "6.1"])
def test_an_exclusive_page_is_reused_whatever_its_references(release: str) -> None:
    bench = Bench(release)
    bench.set(bench.pte(), write=False)
    bench.call(folio_get, bench.k, bench.folio())
    fault(bench, write=True)
    assert bench.shown() == "folio0 rw dirty"


def test_unshare_of_an_exclusive_page_leaves_it_read_only() -> None:
    bench = Bench()
    bench.set(bench.pte(), write=False)
    fault(bench, write=False, unshare=True)
    assert bench.shown() == "folio0 ro dirty"


def test_unshare_of_a_shared_page_copies_it_read_only() -> None:
    bench = Bench("6.1", FORKED)
    bench.finish(dup_mmap(bench.k, 0, bench.k.mms[0], bench.k.mms[1]))
    fault(bench, write=False, unshare=True)
    assert bench.shown() == "folio1 ro"
    assert bench.folio(1).anon_exclusive


@pytest.mark.parametrize("locked", [False, True])
def test_a_locked_page_is_not_waited_for(locked: bool) -> None:
    """The page-table lock is held: trylock or copy."""
    bench = shared_with_dead_child("5.19")
    bench.set(bench.folio(), locked=locked)
    vmf = Fault(bench.pte(), 0, write=True)
    assert bench.call(wp_can_reuse_anon_folio, bench.k, vmf, bench.folio(), bench.folio()) is not locked


def test_v5_7_waits_for_the_folio_lock() -> None:
    bench = shared_with_dead_child("5.7")
    bench.set(bench.folio(), locked=True)
    waiting = bench.steps(handle_pte_fault(bench.k, Fault(bench.pte(), 0, write=True)))
    next(waiting)
    next(waiting)
    assert not bench.k.mms[0].ptl
    assert bench.folio().refcount == 2
    bench.set(bench.folio(), locked=False)
    list(waiting)
    assert bench.shown() == "folio0 rw dirty"
    assert bench.folio().refcount == 1


@pytest.mark.parametrize(("release", "reused"), [("5.17", False), ("5.18", True)])
def test_the_lru_batch_of_this_cpu_is_drained(release: str, reused: bool) -> None:
    """d4c470970d45, v5.18."""
    bench = shared_with_dead_child(release)
    bench.set(bench.folio(), lru=False, batch=1, refcount=2)
    fault(bench, write=True, cpu=0)
    assert bench.shown() == ("folio0 rw dirty" if reused else "folio1 rw dirty")


def test_the_lru_batch_of_another_cpu_is_not() -> None:
    bench = shared_with_dead_child("6.1")
    bench.set(bench.folio(), lru=False, batch=2, refcount=2)
    fault(bench, write=True, cpu=0)
    assert bench.shown() == "folio1 rw dirty"


def test_a_copy_that_lost_the_race_is_dropped() -> None:
    bench = Bench("6.1", FORKED)
    bench.finish(dup_mmap(bench.k, 0, bench.k.mms[0], bench.k.mms[1]))
    losing = bench.steps(handle_pte_fault(bench.k, Fault(bench.pte(), 0, write=True)))
    next(losing)
    next(losing)
    fault(bench, write=True)
    list(losing)
    assert bench.shown() == "folio2 rw dirty"
    assert bench.folio(1).refcount == 0


# -- swap-in ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("release", "write", "shown"),
    [
        ("5.7", False, "folio0 ro"),
        ("5.10", False, "folio0 ro"),
        ("5.18", False, "folio0 ro"),
        ("6.1", False, "folio0 ro"),
        ("5.7", True, "folio0 rw dirty"),
        ("5.10", True, "folio0 rw dirty"),
        ("5.18", True, "folio1 rw dirty"),
        ("6.1", True, "folio0 rw dirty"),
    ],
)
def test_swap_in_of_a_page_with_a_foreign_reference(release: str, write: bool, shown: str) -> None:
    """The three eras of the founding patch in one table."""
    bench = swapped_out(release)
    fault(bench, write)
    assert bench.shown() == shown


@pytest.mark.parametrize(
    ("without", "exclusive"), [((), True), (("H4a",), False), (("H5",), False), (("H1",), False)]
)
def test_the_marker_makes_the_page_exclusive_again(without: tuple[str, ...], exclusive: bool) -> None:
    bench = swapped_out(without=without)
    fault(bench, write=False)
    assert bench.folio().anon_exclusive is exclusive


@pytest.mark.parametrize(
    ("text", "without", "exclusive"),
    [(CHECKSUMS, (), False), (CHECKSUMS, ("H4c",), True), (ONE_PAGE, (), True)],
)
def test_a_page_under_writeback(text: str, without: tuple[str, ...], exclusive: bool) -> None:
    bench = Bench("6.1", text, without=without)
    bench.finish(madvise_pageout(bench.k, 0, (bench.pte(),)))
    assert bench.folio().writeback
    fault(bench, write=False)
    assert bench.shown() == "folio0 ro"
    assert bench.folio().anon_exclusive is exclusive


def test_a_freed_page_is_read_back() -> None:
    bench = Bench("6.1", ON_ZRAM)
    bench.finish(madvise_pageout(bench.k, 0, (bench.pte(),)))
    assert bench.shown() == "swap slot0 exclusive"
    assert bench.folio().refcount == 0
    assert bench.data(bench.slot()) == "ab"
    fault(bench, write=False)
    assert bench.data(bench.folio()) == "ab"
    assert not bench.folio().swapcache
    assert bench.slot().count == 0
    assert bench.data(bench.slot()) == "??"


@pytest.mark.parametrize(("without", "exclusive"), [((), True), (("H4b",), False)])
def test_a_page_read_past_the_swap_cache_is_exclusive(without: tuple[str, ...], exclusive: bool) -> None:
    bench = Bench("6.1", ON_ZRAM, without=without)
    bench.finish(madvise_pageout(bench.k, 0, (bench.pte(),)))
    bench.set(bench.pte(), exclusive=False)
    fault(bench, write=False)
    assert bench.folio().anon_exclusive is exclusive


def test_a_folio_that_left_the_swap_cache_meanwhile_is_refused() -> None:
    """4969c1192d15: only the recheck under the folio lock proves what was looked up."""
    bench = swapped_out()
    losing = bench.steps(handle_pte_fault(bench.k, Fault(bench.pte(), 0, write=False)))
    next(losing)
    before = bench.folio().refcount
    bench.finish(zap_pte_range(bench.k, (bench.pte(),)))
    assert not bench.folio().swapcache
    list(losing)
    assert bench.folio().refcount == before - 2  # the swap cache's and the losing fault's
    assert not bench.folio().locked
    assert bench.shown() == "none"


@pytest.mark.parametrize(("release", "cached"), [("6.18", True), ("7.0", False)])
def test_a_fault_that_lost_the_race_gives_the_slot_back(release: str, cached: bool) -> None:
    """f1879e8a0c60, v7.0."""
    bench = swapped_out(release)
    losing = bench.steps(handle_pte_fault(bench.k, Fault(bench.pte(), 0, write=False)))
    next(losing)
    fault(bench, write=False)
    assert bench.folio().swapcache
    list(losing)
    assert bench.folio().swapcache is cached


@pytest.mark.parametrize(("without", "cached"), [((), False), (("sync-frees-swap",), True)])
def test_a_synchronous_device_gets_its_slot_back_at_once(without: tuple[str, ...], cached: bool) -> None:
    """ab08be8dc96a, v7.0."""
    bench = swapped_out("7.0", ON_ZRAM, without)
    fault(bench, write=False)
    assert bench.folio().swapcache is cached


@pytest.mark.parametrize(
    ("release", "drained", "cached"), [("6.1", True, True), ("7.2", True, True), ("7.3", False, False)]
)
def test_v7_3_does_not_count_references_on_swap_in(release: str, drained: bool, cached: bool) -> None:
    bench = swapped_out(release)
    assert bench.folio().batch == 1
    fault(bench, write=True)
    assert bench.shown() == "folio0 rw dirty"
    assert bench.folio().batch == (0 if drained else 1)
    assert bench.folio().swapcache is cached  # 3 references: only the marker says that nobody else needs it


@pytest.mark.parametrize(("release", "batch"), [("7.2", 0), ("7.3", 1)])
def test_v7_3_drains_only_where_that_may_help(release: str, batch: int) -> None:
    bench = shared_with_dead_child(release)
    bench.set(bench.folio(), lru=False, batch=1, refcount=3)
    fault(bench, write=True)
    assert bench.shown() == "folio1 rw dirty"
    assert bench.folio().batch == batch
