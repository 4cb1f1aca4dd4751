# SPDX-License-Identifier: MIT
"""`option = tlb`: what a CPU remembers, and who makes it forget."""

import pytest

from cowpath.explore.record.step import Blocked
from cowpath.linux.hardware import translate
from cowpath.linux.include.mm import Fault
from cowpath.linux.include.mmap_lock import vma_start_read
from cowpath.linux.kernel.fork import dup_mmap
from cowpath.linux.mm.madvise import madvise_dontneed_single_vma
from cowpath.linux.mm.memory import handle_pte_fault
from cowpath.linux.mm.migrate import unmap_and_move
from cowpath.linux.mm.mprotect import mprotect
from cowpath.linux.mm.rmap import try_to_migrate_one
from tests.linux.bench import Bench

TLB = (
    'C bench { char x[2] = "ab"; option = tlb; } P0(char *x) { fork(P1); x[0] = 0; } '
    "P1(char *x) { r0 = x[0]; }"
)


def warm(release: str = "6.1", write: bool = True) -> Bench:
    """P0's CPU has used the page."""
    bench = Bench(release, TLB)
    bench.call(translate, bench.k, 0, bench.pte(), write)
    return bench


@pytest.mark.parametrize(("write", "dirty"), [(True, True), (False, False)])
def test_an_access_fills_the_tlb(write: bool, dirty: bool) -> None:
    bench = Bench("6.1", TLB)
    bench.set(bench.pte(), dirty=False)
    assert bench.call(translate, bench.k, 0, bench.pte(), write) is bench.folio()
    entry = bench.k.tlbs[0]
    assert (entry.folio, entry.write, entry.dirty) == (bench.folio(), True, dirty)


def test_a_stale_entry_may_be_used() -> None:
    bench = warm()
    bench.set(bench.pte(), write=False)
    assert bench.call(translate, bench.k, 0, bench.pte(), True) is bench.folio()


def test_a_write_through_a_clean_entry_walks_the_page_table() -> None:
    bench = warm(write=False)
    bench.set(bench.k.tlbs[0], dirty=False)
    bench.set(bench.pte(), kind="none", folio=None, write=False, dirty=False)
    assert bench.call(translate, bench.k, 0, bench.pte(), True) is None


def test_fork_flushes_at_its_end() -> None:
    bench = warm()
    fork = bench.steps(dup_mmap(bench.k, 0, bench.k.mms[0], bench.k.mms[1]))
    next(fork)
    assert not bench.pte().write
    assert bench.k.tlbs[0].folio is bench.folio()
    for _ in fork:
        pass
    assert bench.k.tlbs[0].folio is None


def test_others_flush_before_they_give_up_the_lock() -> None:
    bench = warm()
    bench.finish(mprotect(bench.k, (bench.pte(),), ("PROT_READ",)))
    assert bench.k.tlbs[0].folio is None
    bench = warm()
    bench.finish(madvise_dontneed_single_vma(bench.k, 0, (bench.pte(),)))
    assert bench.k.tlbs[0].folio is None


def test_a_copy_flushes() -> None:
    bench = warm()
    bench.set(bench.pte(), write=False)
    bench.set(bench.folio(), anon_exclusive=False, refcount=2)
    bench.finish(handle_pte_fault(bench.k, Fault(bench.pte(), 0, write=True)))
    assert bench.shown() == "folio1 rw dirty"
    assert bench.k.tlbs[0].folio is None


@pytest.mark.parametrize(("release", "taken"), [("6.3", False), ("6.4", True)])
def test_a_fault_takes_the_lock_of_its_vma(release: str, taken: bool) -> None:
    """0bff0aaea03e, v6.4."""
    bench = Bench(release, TLB)
    assert bench.call(vma_start_read, bench.k, bench.pte()) is taken


@pytest.mark.parametrize(("release", "waits"), [("6.4", False), ("6.5", True)])
def test_fork_waits_for_such_a_fault(release: str, waits: bool) -> None:
    """fb49c455323f, v6.5."""
    bench = Bench(release, TLB)
    bench.call(vma_start_read, bench.k, bench.pte())
    fork = bench.steps(dup_mmap(bench.k, 0, bench.k.mms[0], bench.k.mms[1]))
    if waits:
        with pytest.raises(Blocked):
            next(fork)
    else:
        next(fork)
        assert bench.shown(1) == "folio0 ro dirty"


@pytest.mark.parametrize(("release", "taken"), [("6.5", False), ("6.6", True)])
def test_a_fault_on_a_swap_pte_takes_the_lock_of_its_vma_later(release: str, taken: bool) -> None:
    """1235ccd05b6d, v6.6."""
    bench = Bench(release, TLB)
    bench.set(bench.pte(), kind="swap", folio=None, write=False, dirty=False, slot=bench.slot())
    assert bench.call(vma_start_read, bench.k, bench.pte()) is taken


@pytest.mark.parametrize(("release", "left"), [("6.2", False), ("6.3", True)])
def test_migration_leaves_the_flush_to_its_end(release: str, left: bool) -> None:
    """7e12beb8ca2a, v6.3."""
    bench = Bench(release, 'C bench { char x[2] = "ab"; option = tlb; } P0(char *x) { migrate(x); }')
    bench.call(translate, bench.k, 0, bench.pte(), True)
    bench.set(bench.folio(), refcount=2)
    bench.finish(try_to_migrate_one(bench.k, bench.folio(), bench.pte()))
    assert (bench.k.tlbs[0].folio is not None) is left
    bench.set(bench.folio(), lru=False, locked=True)
    bench.finish(unmap_and_move(bench.k, 0, bench.folio()))
    assert bench.k.tlbs[0].folio is None
