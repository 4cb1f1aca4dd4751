# SPDX-License-Identifier: MIT
"""`option = failures`: what the kernel makes of a device that fails, step by step."""

from __future__ import annotations

import itertools

import pytest

from cowpath.explore.record.step import Crash
from cowpath.explore.search import explore
from cowpath.history.version import version
from cowpath.linux.include.mm import SIGBUS, Fault
from cowpath.linux.include.pgtable import make_poisoned_swp_entry, set_pte, swp_entry_to_pte
from cowpath.linux.kernel.fork import dup_mmap
from cowpath.linux.mm.madvise import madvise_free_single_vma, madvise_pageout
from cowpath.linux.mm.memory import handle_pte_fault
from cowpath.linux.mm.page_io import end_swap_bio_write
from cowpath.linux.mm.swapfile import unuse_mm, unuse_pte
from cowpath.linux.model import build
from cowpath.linux.state import Kernel
from cowpath.litmus.resolve import program_from_text
from tests.linux.bench import Bench

FAILING = """C bench { char x[2] = "ab"; option = failures; }
P0(char *x) { fork(P1); madvise(x, MADV_FREE); swapoff(); } P1(char *x) { r0 = x[0]; }"""


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """What fails: whatever is asked about with one of these words."""
    words: set[str] = set()
    monkeypatch.setattr(Kernel, "fails", lambda k, why: any(word in why for word in words))
    return words


def swapped_out(release: str = "6.12") -> Bench:
    bench = Bench(release, FAILING)
    bench.finish(madvise_pageout(bench.k, 0, (bench.pte(),)))
    bench.call(end_swap_bio_write, bench.k, bench.folio())
    return bench


def poisoned() -> Bench:
    bench = Bench("6.12", FAILING)
    bench.set(bench.folio(), refcount=0, mapcount=0)
    bench.call(set_pte, bench.pte(), make_poisoned_swp_entry())
    return bench


def unread(release: str) -> Bench:
    """A page in the swap cache that could not be read, and a swap pte that leads to it."""
    bench = swapped_out(release)
    bench.set(bench.slot(), folio=bench.folio(1), has_cache=True, count=1)
    bench.set(bench.folio(1), refcount=2, swapcache=True, entry=bench.slot(), locked=True, uptodate=False)
    return bench


@pytest.mark.parametrize(("release", "shown"), [("5.18", "folio1 ro"), ("5.19", "poisoned")])
def test_what_swapoff_cannot_read_is_poisoned(release: str, shown: str) -> None:
    """9f186f9e5fa9, v5.19: before, the page was mapped as it was."""
    bench = unread(release)
    bench.call(unuse_pte, bench.k, 0, bench.pte(), bench.slot(), bench.folio(1))
    assert bench.shown() == shown
    assert bench.slot().count == 0


def test_a_fault_on_what_cannot_be_read_is_sigbus_and_can_be_tried_again(broken: set[str]) -> None:
    bench = swapped_out()
    bench.set(bench.slot(), folio=None, has_cache=False)
    bench.set(bench.folio(), refcount=0, swapcache=False, entry=None, lru=False)
    broken.add("cannot be read")
    assert bench.finish(handle_pte_fault(bench.k, Fault(bench.pte(), 0))) == SIGBUS
    assert bench.shown() == "swap slot0 exclusive"
    assert not bench.k.mms[0].ptl


def test_a_fault_on_poison_is_sigbus() -> None:
    bench = poisoned()
    assert bench.finish(handle_pte_fault(bench.k, Fault(bench.pte(), 0, write=True))) == SIGBUS


def test_fork_copies_poison() -> None:
    bench = poisoned()
    bench.finish(dup_mmap(bench.k, 0, bench.k.mms[0], bench.k.mms[1]))
    assert bench.shown(process=1) == "poisoned"


def test_madv_free_clears_poison() -> None:
    bench = poisoned()
    bench.finish(madvise_free_single_vma(bench.k, 0, (bench.pte(),)))
    assert bench.shown() == "none"


def test_what_could_not_be_written_is_dirty_again(broken: set[str]) -> None:
    bench = Bench("6.12", FAILING)
    bench.finish(madvise_pageout(bench.k, 0, (bench.pte(),)))
    assert bench.folio().writeback
    broken.add("could not be written")
    bench.call(end_swap_bio_write, bench.k, bench.folio())
    assert (bench.folio().writeback, bench.folio().dirty) == (False, True)


@pytest.mark.parametrize(("release", "fate"), [("6.7", "swapped"), ("6.8", "crash"), ("6.18", "left out")])
def test_swapoff_meets_a_child_that_fork_gives_up(release: str, fate: str) -> None:
    """d24062914837 (v6.8) to 1367da7eb875 (v6.18): its list of mappings ends in what is no mapping."""
    bench = swapped_out(release)
    child = bench.k.mms[1]
    bench.set(child, half_forked=True, on_mmlist=True)
    bench.call(set_pte, bench.pte(process=1), swp_entry_to_pte(bench.slot()))
    bench.set(bench.pte(process=1).vma, mapped=True)
    bench.set(bench.slot(), count=2)
    visit = unuse_mm(bench.k, 0, child, bench.k.devices[0])
    if fate == "crash":
        with pytest.raises(Crash, match="which fork has given up"):
            bench.finish(visit)
        return
    bench.finish(visit)
    assert bench.shown(process=1).startswith("folio0" if fate == "swapped" else "swap slot0")


def test_fork_that_fails_leaves_no_child(broken: set[str]) -> None:
    bench = Bench("6.12", FAILING)
    broken.add("fork fails")
    assert bench.finish(dup_mmap(bench.k, 0, bench.k.mms[0], bench.k.mms[1])) is False
    assert [mm.alive for mm in bench.k.mms] == [True, False]
    assert [mm.mmap_writer for mm in bench.k.mms] == [False, False]
    assert bench.shown(process=1) == "none"


@pytest.mark.parametrize(
    ("swap", "release"), list(itertools.product(("ssd", "zram", "zswap"), ("5.10", "6.12", "7.3")))
)
def test_without_the_option_nothing_fails_and_nothing_gets_larger(
    swap: str, release: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"""C t {{ char x[1] = "a"; swap = {swap}; }}
    P0(char *x) {{ madvise(x, MADV_PAGEOUT); x[0] = 'b'; fork(P1); swapoff(); r0 = x[0]; }}
    P1(char *x) {{ r0 = x[0]; }}"""
    program = program_from_text(text)
    plain = explore(build(version(release), program, 2, 2)[1])
    monkeypatch.setattr(Kernel, "fails", lambda k, why: False)
    without = explore(build(version(release), program, 2, 2)[1])
    assert (len(plain.states), len(plain.targets)) == (len(without.states), len(without.targets))
    assert not any("SEGV" in outcome.observed for outcome in plain.outcomes)
