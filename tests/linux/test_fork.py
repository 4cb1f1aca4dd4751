# SPDX-License-Identifier: MIT
"""fork, exit, mprotect, munmap: entries copied and taken away."""

import pytest

from cowpath.linux.include.mm import Fault
from cowpath.linux.include.mmap_lock import mmap_read_lock, mmap_write_lock
from cowpath.linux.include.pgtable import pte_offset_map_lock
from cowpath.linux.kernel.fork import dup_mmap
from cowpath.linux.mm.madvise import madvise_dontneed_single_vma, madvise_pageout
from cowpath.linux.mm.memory import handle_pte_fault
from cowpath.linux.mm.mmap import exit_mmap, munmap
from cowpath.linux.mm.mprotect import mprotect
from tests.linux.bench import FORKED, Bench

UNTOUCHED = "C bench { char x[1]; } P0(char *x) { fork(P1); r0 = x[0]; } P1(char *x) { r0 = x[0]; }"


def fault(bench: Bench, write: bool) -> None:
    bench.finish(handle_pte_fault(bench.k, Fault(bench.pte(), 0, write=write)))


def fork(bench: Bench) -> None:
    bench.finish(dup_mmap(bench.k, 0, bench.k.mms[0], bench.k.mms[1]))


def test_fork_shares_a_present_page_read_only() -> None:
    bench = Bench("6.1", FORKED)
    fork(bench)
    assert bench.shown(0) == bench.shown(1) == "folio0 ro dirty"
    folio = bench.folio()
    assert (folio.refcount, folio.mapcount, folio.anon_exclusive) == (2, 2, False)
    assert bench.k.mms[1].alive


@pytest.mark.parametrize(
    ("without", "parent", "child"),
    [((), "swap slot0", "swap slot0"), (("H3",), "swap slot0 exclusive", "swap slot0 exclusive")],
)
def test_fork_of_a_marked_swap_pte(without: tuple[str, ...], parent: str, child: str) -> None:
    bench = Bench("6.1", FORKED, without=without)
    bench.finish(madvise_pageout(bench.k, 0, (bench.pte(),)))
    fork(bench)
    assert (bench.shown(0), bench.shown(1)) == (parent, child)
    assert bench.slot().count == 2
    assert bench.k.mms[1].on_mmlist


@pytest.mark.parametrize(
    ("release", "child"),
    [("5.7", "folio0 ro dirty"), ("5.10", "folio1 rw dirty"), ("6.1", "folio1 rw dirty")],
)
def test_fork_copies_a_pinned_page(release: str, child: str) -> None:
    """70e806e4e645, v5.9."""
    bench = Bench(release, FORKED)
    bench.set(bench.folio(), pincount=1)
    bench.set(bench.k.mms[0], has_pinned=True)
    fork(bench)
    assert bench.shown(1) == child
    assert bench.shown(0) == ("folio0 ro dirty" if release == "5.7" else "folio0 rw dirty")


def test_a_shared_page_that_looks_pinned_is_shared_again() -> None:
    """6c287605fd56, v5.19: only an exclusive page can be pinned for good."""
    bench = Bench("6.1", FORKED)
    bench.set(bench.folio(), pincount=1, anon_exclusive=False)
    bench.set(bench.k.mms[0], has_pinned=True)
    fork(bench)
    assert bench.shown(1) == "folio0 ro dirty"


def test_of_a_copied_zero_page_fork_copies_nothing_less() -> None:
    """A write to the zero page gives the mapping a page of its own, for good."""
    bench = Bench("6.1", UNTOUCHED)
    fault(bench, write=False)
    fault(bench, write=True)
    fork(bench)
    assert bench.shown(1) == "folio0 ro dirty"


def test_fork_copies_nothing_of_a_mapping_that_never_had_a_page_of_its_own() -> None:
    """d992895ba2b2, v2.6.14: all that can be there is the zero page, which a fault finds again."""
    bench = Bench("6.1", UNTOUCHED)
    fault(bench, write=False)
    fork(bench)
    assert (bench.shown(0), bench.shown(1)) == ("zero_page ro", "none")
    assert (bench.k.mms[1].alive, bench.pte(1).vma.mapped) == (True, True)


def test_fork_copies_the_zero_page_of_a_mapping_that_once_had_another() -> None:
    bench = Bench("6.1", UNTOUCHED)
    fault(bench, write=True)
    bench.finish(madvise_dontneed_single_vma(bench.k, 0, (bench.pte(),)))
    fault(bench, write=False)
    fork(bench)
    assert bench.shown(1) == "zero_page ro"


def test_fork_excludes_faults_and_the_other_way_round() -> None:
    bench = Bench("6.1", FORKED)
    copying = bench.steps(dup_mmap(bench.k, 0, bench.k.mms[0], bench.k.mms[1]))
    next(copying)
    assert bench.blocks(mmap_read_lock, bench.k.mms[0])
    list(copying)
    assert not bench.blocks(mmap_read_lock, bench.k.mms[0])
    assert bench.blocks(mmap_write_lock, bench.k.mms[0])


def test_the_page_table_lock_excludes() -> None:
    bench = Bench()
    assert not bench.blocks(pte_offset_map_lock, bench.k.mms[0])
    assert bench.blocks(pte_offset_map_lock, bench.k.mms[0])


def test_exit_drops_everything() -> None:
    bench = Bench("6.1", FORKED)
    fork(bench)
    bench.finish(exit_mmap(bench.k, 1, bench.k.mms[1]))
    assert bench.shown(1) == "none"
    assert (bench.folio().refcount, bench.folio().mapcount) == (1, 1)
    assert not bench.k.mms[1].alive


def test_dontneed_frees_the_page() -> None:
    bench = Bench()
    bench.finish(madvise_dontneed_single_vma(bench.k, 0, (bench.pte(),)))
    assert bench.shown() == "none"
    assert bench.folio().refcount == 0
    assert bench.pte().vma.mapped


def test_munmap_ends_the_mapping_too() -> None:
    bench = Bench()
    bench.finish(munmap(bench.k, 0, (bench.pte(),)))
    assert bench.shown() == "none"
    assert not bench.pte().vma.mapped


@pytest.mark.parametrize(("release", "shown"), [("5.19", "folio0 ro dirty"), ("6.0", "folio0 rw dirty")])
def test_mprotect_there_and_back(release: str, shown: str) -> None:
    """64fe24a3e05e, v6.0."""
    bench = Bench(release)
    bench.finish(mprotect(bench.k, (bench.pte(),), ("PROT_READ",)))
    assert bench.shown() == "folio0 ro dirty"
    bench.finish(mprotect(bench.k, (bench.pte(),), ("PROT_READ", "PROT_WRITE")))
    assert bench.shown() == shown


def test_mprotect_does_not_make_a_shared_page_writable() -> None:
    bench = Bench("6.1", FORKED)
    fork(bench)
    bench.finish(mprotect(bench.k, (bench.pte(),), ("PROT_READ", "PROT_WRITE")))
    assert bench.shown() == "folio0 ro dirty"
