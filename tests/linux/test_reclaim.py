# SPDX-License-Identifier: MIT
"""Reclaim, writeback and swapoff, step by step: vmscan, rmap, page_io, swap_state, swapfile, madvise."""

import pytest

from cowpath.explore.record.step import Blocked, Crash
from cowpath.linux.kernel.fork import dup_mmap
from cowpath.linux.mm import page_io, swap_state, swapfile
from cowpath.linux.mm.madvise import madvise_pageout
from cowpath.linux.mm.memory import zap_pte_range
from cowpath.linux.mm.page_io import _device_reads, end_swap_bio_write, swap_writepage
from cowpath.linux.mm.rmap import try_to_unmap_one
from cowpath.linux.mm.swap import folio_get, folio_trylock, lru_add_drain
from cowpath.linux.mm.vmscan import KSWAPD, kswapd, shrink_folio_list
from cowpath.litmus.ast import ZERO
from tests.linux.bench import FORKED, ONE_PAGE, Bench

ON_ZRAM = 'C bench { char x[2] = "ab"; swap = zram; } P0(char *x) { r0 = x[0]; }'
CHECKSUMS = 'C bench { char x[2] = "ab"; swap = ssd_stable; } P0(char *x) { r0 = x[0]; }'
NO_SWAP = 'C bench { char x[2] = "ab"; swap = none; } P0(char *x) { r0 = x[0]; }'


def pageout(bench: Bench) -> None:
    bench.finish(madvise_pageout(bench.k, 0, (bench.pte(),)))


# -- try_to_unmap_one ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("release", "arch", "without", "shown"),
    [
        ("5.18", "x86_64", (), "swap slot0"),
        ("5.19", "x86_64", (), "swap slot0 exclusive"),
        ("5.19", "arm", (), "swap slot0"),
        ("6.1", "s390", (), "swap slot0 exclusive"),
        ("6.1", "x86_64", ("H1",), "swap slot0"),
        ("6.1", "x86_64", ("H5",), "swap slot0"),
        ("6.1", "x86_64", ("3e20889cfbee",), "swap slot0"),
    ],
)
def test_the_swap_pte_remembers_exclusivity(
    release: str, arch: str, without: tuple[str, ...], shown: str
) -> None:
    bench = Bench(release, arch=arch, without=without)
    pageout(bench)
    assert bench.shown() == shown
    assert not bench.folio().anon_exclusive


def test_unmap_moves_the_dirty_bit_to_the_folio() -> None:
    bench = Bench()
    bench.call(folio_trylock, bench.folio())
    bench.call(swap_state.add_to_swap, bench.k, bench.folio())
    bench.set(bench.folio(), dirty=False)
    assert bench.finish(try_to_unmap_one(bench.k, bench.folio(), (bench.pte(),)))
    assert bench.folio().dirty
    assert (bench.folio().mapcount, bench.slot().count) == (0, 1)
    assert bench.k.mms[0].on_mmlist


def test_a_pinned_exclusive_page_stays_mapped() -> None:
    bench = Bench("6.1", without=("feb889fb40fa",))
    bench.set(bench.folio(), pincount=1)
    before = bench.shown()
    pageout(bench)
    assert bench.shown() == before
    assert bench.folio().anon_exclusive
    assert bench.slot().count == 0


@pytest.mark.parametrize(("release", "slots"), [("5.10", 1), ("5.11", 0)])
def test_a_pinned_page_gets_no_slot(release: str, slots: int) -> None:
    """feb889fb40fa, v5.11."""
    bench = Bench(release)
    bench.set(bench.folio(), pincount=1)
    pageout(bench)
    assert bench.slot().count == slots


def test_a_shared_page_loses_one_pte_at_a_time() -> None:
    bench = Bench("6.1", FORKED)
    bench.finish(dup_mmap(bench.k, 0, bench.k.mms[0], bench.k.mms[1]))
    background = bench.steps(kswapd(bench.k, 0))
    seen = set()
    for _ in range(8):
        next(background)
        seen.add((bench.shown(0), bench.shown(1), bench.slot().count))
    assert ("swap slot0", "folio0 ro dirty", 1) in seen
    assert ("swap slot0", "swap slot0", 2) in seen


# -- shrink_folio_list -----------------------------------------------------------------------------


def test_pageout_leaves_a_shared_page_alone() -> None:
    bench = Bench("6.1", FORKED)
    bench.finish(dup_mmap(bench.k, 0, bench.k.mms[0], bench.k.mms[1]))
    pageout(bench)
    assert bench.shown() == "folio0 ro dirty"
    assert bench.folio().lru


def test_pageout_drains_the_batch_first() -> None:
    bench = Bench()
    bench.set(bench.folio(), lru=False, batch=1, refcount=2)
    pageout(bench)
    assert bench.shown() == "swap slot0 exclusive"


def test_a_page_in_the_batch_of_another_cpu_is_left_alone() -> None:
    bench = Bench()
    bench.set(bench.folio(), lru=False, batch=2, refcount=2)
    pageout(bench)
    assert bench.shown() == "folio0 rw dirty"


def test_without_swap_nothing_goes_out() -> None:
    bench = Bench(text=NO_SWAP)
    pageout(bench)
    assert bench.shown() == "folio0 rw dirty"
    assert not bench.folio().locked


def test_a_foreign_reference_does_not_stop_the_unmap_but_the_write() -> None:
    bench = Bench()
    bench.call(folio_get, bench.k, bench.folio())
    pageout(bench)
    assert bench.shown() == "swap slot0 exclusive"
    assert not bench.folio().writeback
    assert bench.folio().dirty
    assert bench.data(bench.slot()) == "??"


def test_writeback_is_asynchronous() -> None:
    bench = Bench()
    pageout(bench)
    folio, slot = bench.folio(), bench.slot()
    assert (folio.writeback, folio.locked, folio.swapcache) == (True, False, True)
    assert bench.data(slot) == "??"
    bench.call(_device_reads, folio)
    assert bench.data(slot) == "ab"
    assert folio.writeback
    bench.call(end_swap_bio_write, bench.k, folio)
    assert not folio.writeback
    assert folio.swapcache
    bench.call(lru_add_drain, bench.k, 0)
    again = bench.steps(kswapd(bench.k, 0))
    while folio.swapcache:
        next(again)
    assert folio.refcount == 0
    assert slot.count == 1


def test_a_synchronous_device_is_written_under_the_folio_lock() -> None:
    bench = Bench(text=ON_ZRAM)
    pageout(bench)
    assert bench.folio().refcount == 0
    assert bench.data(bench.slot()) == "ab"


def test_i9_is_checked_where_writeback_starts() -> None:
    bench = Bench()
    bench.call(folio_trylock, bench.folio())
    bench.call(swap_state.add_to_swap, bench.k, bench.folio())
    with pytest.raises(Crash, match="I9"):
        bench.call(swap_writepage, bench.k, bench.folio())


def test_a_locked_folio_is_passed_over() -> None:
    bench = Bench()
    bench.set(bench.folio(), locked=True, refcount=2)  # the mapping's, and the isolation's
    assert bench.finish(shrink_folio_list(bench.k, bench.folio(), KSWAPD)) is False
    assert bench.shown() == "folio0 rw dirty"


# -- slots -----------------------------------------------------------------------------------------


def test_the_last_user_frees_the_slot_and_its_content() -> None:
    bench = Bench(text=ON_ZRAM)
    pageout(bench)
    bench.call(swapfile.swap_duplicate, bench.slot())
    bench.call(swapfile.swap_free, bench.k, bench.slot())
    assert bench.data(bench.slot()) == "ab"
    bench.call(swapfile.swap_free, bench.k, bench.slot())
    assert bench.data(bench.slot()) == "??"
    with pytest.raises(Crash, match="freed twice"):
        bench.call(swapfile.swap_free, bench.k, bench.slot())


@pytest.mark.parametrize("needed", [False, True])
def test_folio_free_swap_needs_a_slot_without_users(needed: bool) -> None:
    bench = Bench()
    bench.call(folio_trylock, bench.folio())
    bench.call(swap_state.add_to_swap, bench.k, bench.folio())
    bench.set(bench.folio(), dirty=False)
    bench.set(bench.slot(), count=int(needed))
    assert bench.call(swapfile.folio_free_swap, bench.k, bench.folio()) is not needed
    assert bench.folio().swapcache is needed
    assert bench.folio().dirty is not needed


def test_folio_free_swap_refuses_under_writeback() -> None:
    bench = Bench()
    pageout(bench)
    bench.finish(zap_pte_range(bench.k, (bench.pte(),)))
    assert bench.folio().writeback
    assert bench.folio().swapcache


@pytest.mark.parametrize(("text", "reused"), [(CHECKSUMS, False), (ONE_PAGE, True)])
def test_reuse_swap_page_under_writeback(text: str, reused: bool) -> None:
    bench = Bench("5.10", text)
    pageout(bench)
    assert bench.folio().writeback
    assert bench.call(swapfile.reuse_swap_page, bench.k, bench.folio()) is reused
    assert bench.folio().swapcache


def test_zap_of_a_swap_pte_frees_slot_and_cached_page() -> None:
    bench = Bench()
    bench.call(folio_get, bench.k, bench.folio())
    pageout(bench)
    bench.finish(zap_pte_range(bench.k, (bench.pte(),)))
    assert bench.slot().count == 0
    assert not bench.slot().has_cache
    assert not bench.folio().swapcache


# -- swapoff ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("without", "exclusive"), [((), True), (("H6",), False), (("H5",), False)])
def test_swapoff_brings_the_page_back_read_only(without: tuple[str, ...], exclusive: bool) -> None:
    bench = Bench(text=ON_ZRAM, without=without)
    pageout(bench)
    bench.finish(swapfile.swapoff(bench.k, 0))
    assert bench.shown() == "folio0 ro"
    assert bench.folio().anon_exclusive is exclusive
    assert bench.data(bench.folio()) == "ab"
    assert not bench.slot().has_cache
    assert bench.k.devices[0].write_ok


def test_swapoff_without_h2_never_recognises_a_marked_pte() -> None:
    bench = Bench(text=ON_ZRAM, without=("H2",))
    pageout(bench)
    endless = bench.steps(swapfile.swapoff(bench.k, 0))
    for _ in range(100):
        next(endless)
    assert bench.shown() == "swap slot0 exclusive"


def test_swapoff_waits_for_writeback() -> None:
    bench = Bench()
    pageout(bench)
    off = bench.steps(swapfile.swapoff(bench.k, 0))
    next(off)
    next(off)
    assert bench.folio().locked
    with pytest.raises(Blocked, match="writeback of folio0"):
        next(off)


@pytest.mark.parametrize(("release", "held"), [("5.10", True), ("5.17", False), ("6.1", False)])
def test_a_fault_after_swapoff(release: str, held: bool) -> None:
    """2799e77529c2, v5.14: before it, the fault went on, and every lookup asked for itself."""
    bench = Bench(release)
    pageout(bench)
    bench.set(bench.k.devices[0], off=True)
    assert bench.call(swapfile.get_swap_device, bench.k, bench.slot()) == held


def test_a_read_past_the_swap_cache_after_swapoff() -> None:
    """What 2799e77529c2 keeps from happening."""
    bench = Bench("5.10")
    pageout(bench)
    bench.set(bench.k.devices[0], off=True)
    with pytest.raises(Crash, match="read from a device that swapoff has freed"):
        bench.call(page_io.swap_readpage, bench.k, bench.folio(), bench.slot())


@pytest.mark.parametrize(("release", "shown"), [("6.17", "folio0 ro"), ("6.18", "swap slot0 exclusive")])
def test_swapoff_looks_again_at_what_it_has_locked(release: str, shown: str) -> None:
    """ae38eb210590, v6.18; no kernel gets here, as the slot cannot be used again meanwhile."""
    bench = Bench(release)
    bench.call(folio_get, bench.k, bench.folio())
    pageout(bench)
    unuse = bench.steps(swapfile.unuse_pte_range(bench.k, 0, bench.pte(), bench.slot()))
    next(unuse)
    bench.set(bench.folio(), swapcache=False, entry=None)
    bench.set(bench.slot(), folio=None)
    list(unuse)
    assert bench.shown() == shown


@pytest.mark.parametrize(("release", "written"), [("6.11", True), ("6.12", False)])
def test_a_page_of_zeros_is_not_written(release: str, written: bool) -> None:
    """0ca0c24e3211, v6.12."""
    bench = Bench(release)
    bench.call(lambda: bench.folio().data.fill(bench.k.content(ZERO)))
    pageout(bench)
    assert bench.folio().writeback is written
    assert (bench.slot().folio is not None) is written
    assert bench.shown() == "swap slot0 exclusive"
