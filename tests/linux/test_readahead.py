# SPDX-License-Identifier: MIT
"""The background actor readahead(x): swap_state's swap_vma_readahead, step by step."""

from collections.abc import Iterator

import pytest

from cowpath.explore.record.step import Crash
from cowpath.history.release import Release
from cowpath.history.version import version
from cowpath.linux.kernel.fork import dup_mmap
from cowpath.linux.mm import swapfile
from cowpath.linux.mm.madvise import madvise_pageout
from cowpath.linux.mm.memory import zap_pte_range
from cowpath.linux.mm.swap_state import _hold_device, _pick_slot, swap_vma_readahead
from cowpath.linux.model import build
from cowpath.linux.state import Folio
from cowpath.litmus.resolve import program_from_text
from tests.linux.bench import Bench

CPU = 1
ON_ZRAM = 'C bench { char x[2] = "ab"; swap = zram; readahead(x); } P0(char *x) { r0 = x[0]; }'
TWO_DEVICES = 'C bench { char x[2] = "ab"; swap = ssd, zram; readahead(x); } P0(char *x) { swapoff(); }'
FORKED = (
    'C bench { char x[2] = "ab"; swap = zram; readahead(x); }'
    " P0(char *x) { fork(P1); } P1(char *x) { r0 = x[0]; }"
)


def swapped_out(text: str = ON_ZRAM, release: str = "6.1") -> Bench:
    """A page on the last device, which is written at once, and no folio in the swap cache."""
    since_6_3 = Release.parse(release) >= Release(6, 3)
    bench = Bench(release, text, without=("sync-write-unlocks",) if since_6_3 else ())
    for device in bench.k.devices[:-1]:
        bench.set(device, write_ok=False)
    bench.finish(madvise_pageout(bench.k, 0, (bench.pte(),)))
    slot = bench.pte().slot
    assert slot is not None
    assert slot.folio is None
    return bench


def run(bench: Bench, steps: int) -> Iterator[None]:
    """Readahead after so many steps; what is left of it."""
    rest: Iterator[None] = bench.steps(swap_vma_readahead(bench.k, CPU, 0))
    for _ in range(steps):
        next(rest)
    return rest


def cached(bench: Bench) -> Folio:
    folio = bench.slot().folio
    assert folio is not None
    return folio


def test_it_is_an_actor_of_the_test() -> None:
    _, model = build(version("6.1"), program_from_text(ON_ZRAM))
    actor = next(actor for actor in model.actors if actor.name == "readahead(x)")
    assert actor.background


def test_the_page_comes_into_the_swap_cache_clean_and_unmapped() -> None:
    bench = swapped_out()
    bench.finish(swap_vma_readahead(bench.k, CPU, 0))
    folio = cached(bench)
    assert (bench.shown(), bench.slot().count) == ("swap slot0 exclusive", 1)
    assert (folio.mapcount, folio.dirty, folio.locked, folio.uptodate) == (0, False, False, True)
    assert bench.data(folio) == "ab"


def test_the_page_is_in_the_batch_of_a_cpu_of_its_own() -> None:
    bench = swapped_out()
    bench.finish(swap_vma_readahead(bench.k, CPU, 0))
    folio = cached(bench)
    assert (folio.refcount, folio.batch) == (2, CPU + 1)  # the swap cache, the batch


def test_until_it_has_been_read_the_page_is_locked() -> None:
    bench = swapped_out()
    run(bench, 3)
    folio = cached(bench)
    assert (folio.locked, folio.uptodate) == (True, False)


def test_whoever_finds_the_page_cached_holds_a_reference_for_a_moment() -> None:
    bench = swapped_out()
    bench.finish(swap_vma_readahead(bench.k, CPU, 0))
    rest = run(bench, 3)
    folio = cached(bench)
    assert folio.refcount == 3
    list(rest)
    assert folio.refcount == 2


def test_a_slot_that_was_freed_meanwhile_is_not_read() -> None:
    bench = swapped_out()
    rest = run(bench, 2)
    bench.finish(zap_pte_range(bench.k, (bench.pte(),)))
    list(rest)
    assert not bench.slot().has_cache


def test_a_page_in_memory_is_not_read_ahead() -> None:
    bench = Bench("6.1", ON_ZRAM)
    assert bench.blocks(_pick_slot, bench.k, 0)


def test_any_process_may_have_the_page() -> None:
    bench = swapped_out(FORKED)
    bench.finish(dup_mmap(bench.k, 0, bench.k.mms[0], bench.k.mms[1]))
    bench.finish(zap_pte_range(bench.k, (bench.pte(0),)))
    assert bench.call(_pick_slot, bench.k, 0) is bench.slot()


# -- swapoff ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("release", "users"), [("5.13", 0), ("5.14", 1)])
def test_the_fault_nearby_holds_its_own_device(release: str, users: int) -> None:
    """2799e77529c2, v5.14."""
    bench = Bench(release, TWO_DEVICES)
    assert bench.call(_hold_device, bench.k, bench.k.devices[0])
    assert bench.k.devices[0].users == users


def test_without_swapoff_nobody_asks_who_holds_a_device() -> None:
    bench = Bench("6.1", ON_ZRAM)
    assert bench.call(_hold_device, bench.k, bench.k.devices[0])
    assert bench.k.devices[0].users == 0


@pytest.mark.parametrize("release", ["5.13", "6.14", "6.15", "6.17", "6.18"])
def test_a_device_that_has_gone_meanwhile_is_left_alone(release: str) -> None:
    """78524b05f1a3 (v6.15) left that to callers, and 1c2a936edd71 (v6.18) made the last one do it."""
    bench = swapped_out(TWO_DEVICES, release)
    rest = run(bench, 2)
    bench.finish(zap_pte_range(bench.k, (bench.pte(),)))
    other, gone = bench.k.devices  # the fault nearby is on the other one
    assert (other.users > 0) is (release != "5.13")
    bench.call(swapfile._device_off, bench.k, gone)
    if release in ("6.15", "6.17"):
        with pytest.raises(Crash, match="use after free"):
            next(rest)
    else:
        next(rest)
