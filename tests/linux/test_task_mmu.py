# SPDX-License-Identifier: MIT
"""Soft-dirty, step by step: who sets the bit, who keeps it, and where it is not looked at."""

import pytest

from cowpath.linux.fs.proc import task_mmu
from cowpath.linux.fs.proc.task_mmu import do_pagemap_scan, make_uffd_wp_pte
from cowpath.linux.hardware import translate
from cowpath.linux.include.mm import Fault
from cowpath.linux.include.pgtable import ptep_get
from cowpath.linux.kernel.fork import dup_mmap
from cowpath.linux.mm.madvise import madvise_dontneed_single_vma, madvise_pageout
from cowpath.linux.mm.memory import handle_pte_fault
from cowpath.linux.mm.mprotect import mprotect
from cowpath.linux.mm.swapfile import swapoff
from tests.linux.bench import Bench

TRACKED = (
    'C bench { char x[2] = "ab"; char y[1]; } P0(char *x, char *y) { clear_refs(); r0 = soft_dirty(x); '
    "fork(P1); migrate(x); swapoff(); } P1(char *x) { r0 = x[0]; }"
)


def tracked(release: str = "6.1", arch: str = "x86_64", without: tuple[str, ...] = ()) -> Bench:
    """A kernel after clear_refs."""
    bench = Bench(release, TRACKED, arch, without)
    bench.finish(task_mmu.clear_refs_write(bench.k, bench.k.mms[0]))
    return bench


def soft_dirty(bench: Bench, page: int = 0) -> bool:
    """What pagemap says of a page of P0."""
    register = bench.k.registers[0]
    bench.call(task_mmu.pagemap_read, bench.k, bench.pte(page=page), register)
    return bench.k.layout.values[bench.k.layout.step.look(register.value[0])] == "1"


def write(bench: Bench, page: int = 0) -> None:
    """P0's CPU writes, with as many faults as that takes."""
    while bench.call(translate, bench.k, 0, bench.pte(page=page), True) is None:
        bench.finish(handle_pte_fault(bench.k, Fault(bench.pte(page=page), 0, write=True)))


def test_everything_is_soft_dirty_until_it_is_tracked() -> None:
    bench = Bench("6.1", TRACKED)
    assert soft_dirty(bench)
    assert soft_dirty(bench, page=1)


def test_clear_refs_write_protects_and_forgets() -> None:
    bench = tracked()
    assert bench.shown() == "folio0 ro dirty"
    assert not soft_dirty(bench)
    assert not soft_dirty(bench, page=1)
    assert not bench.k.mms[0].mmap_writer
    assert not bench.k.mms[0].mmap_readers


@pytest.mark.parametrize("page", [0, 1])
def test_a_write_fault_is_noted(page: int) -> None:
    bench = tracked()
    write(bench, page)
    assert soft_dirty(bench, page)
    assert not soft_dirty(bench, 1 - page)


def test_an_architecture_without_the_bit_tracks_nothing() -> None:
    bench = tracked(arch="arm64")
    assert bench.shown() == "folio0 rw dirty"
    write(bench)
    assert not soft_dirty(bench)
    assert "arm64 has no soft-dirty bit: nothing is tracked" in bench.notes


@pytest.mark.parametrize(
    ("release", "shown"), [("5.10", "folio0 ro dirty"), ("5.11", "folio0 rw dirty soft-dirty")]
)
def test_a_pinned_page_is_left_alone(release: str, shown: str) -> None:
    """9348b73c2e1b, v5.11."""
    bench = Bench(release, TRACKED)
    bench.set(bench.folio(), pincount=1)
    bench.set(bench.k.mms[0], has_pinned=True)
    bench.finish(task_mmu.clear_refs_write(bench.k, bench.k.mms[0]))
    assert bench.shown() == shown


@pytest.mark.parametrize(("release", "locks"), [("5.10", (True, False)), ("5.11", (False, True))])
def test_the_lock_that_clear_refs_holds(release: str, locks: tuple[bool, bool]) -> None:
    """29a951dfb3c3, v5.11."""
    bench = Bench(release, TRACKED)
    next(bench.steps(task_mmu.clear_refs_write(bench.k, bench.k.mms[0])))
    mm = bench.k.mms[0]
    assert (mm.mmap_readers > 0, mm.mmap_writer) == locks


@pytest.mark.parametrize("written", [False, True])
def test_swap_keeps_it(written: bool) -> None:
    bench = tracked()
    if written:
        write(bench)
    bench.finish(madvise_pageout(bench.k, 0, (bench.pte(),)))
    assert bench.shown() == f"swap slot0 exclusive{' soft-dirty' if written else ''}"
    assert soft_dirty(bench) is written
    bench.finish(handle_pte_fault(bench.k, Fault(bench.pte(), 0)))
    assert soft_dirty(bench) is written


@pytest.mark.parametrize(("release", "kept"), [("5.18", False), ("5.19", True)])
def test_swapoff_keeps_it(release: str, kept: bool) -> None:
    """14a762dd1977, v5.19."""
    bench = tracked(release)
    write(bench)
    bench.finish(madvise_pageout(bench.k, 0, (bench.pte(),)))
    bench.set(bench.folio(), writeback=False)
    bench.finish(swapoff(bench.k, 0))
    assert soft_dirty(bench) is kept


def test_clear_refs_reaches_swap_ptes() -> None:
    bench = Bench("6.1", TRACKED)
    bench.finish(madvise_pageout(bench.k, 0, (bench.pte(),)))
    bench.finish(task_mmu.clear_refs_write(bench.k, bench.k.mms[0]))
    assert not soft_dirty(bench)


@pytest.mark.parametrize(("without", "shown"), [((), "ro dirty"), (("76aefad628aa",), "rw dirty")])
def test_mprotect_waits_for_the_write(without: tuple[str, ...], shown: str) -> None:
    """76aefad628aa, v6.0."""
    bench = tracked("6.0", without=without)
    for protection in (("PROT_READ",), ("PROT_READ", "PROT_WRITE")):
        bench.finish(mprotect(bench.k, (bench.pte(),), protection))
    assert bench.shown() == f"folio0 {shown}"


@pytest.mark.parametrize(("cleared", "shown"), [(False, "rw"), (True, "ro")])
def test_a_read_from_swap_maps_writable_where_nothing_is_to_be_noted(cleared: bool, shown: str) -> None:
    """c18160dba5ff and 108f15002862, v6.11."""
    bench = tracked("6.11") if cleared else Bench("6.11", TRACKED)
    bench.finish(madvise_pageout(bench.k, 0, (bench.pte(),)))
    bench.finish(handle_pte_fault(bench.k, Fault(bench.pte(), 0)))
    assert bench.shown().split()[1] == shown


def test_fork_hands_it_on() -> None:
    bench = tracked()
    write(bench)
    bench.finish(dup_mmap(bench.k, 0, bench.k.mms[0], bench.k.mms[1]))
    assert bench.shown() == bench.shown(process=1) == "folio0 ro dirty soft-dirty"
    assert not bench.pte(process=1).vma.soft_dirty


# -- PAGEMAP_SCAN ----------------------------------------------------------------------------------

SCANNED = """C bench { char x[1] = "a"; }
P0(char *x) { fork(P1); r0 = pagemap_scan(x); } P1(char *x) { r0 = x[0]; }"""


def scanned(release: str = "7.3") -> Bench:
    bench = Bench(release, SCANNED)
    scan(bench)
    return bench


def scan(bench: Bench) -> str:
    """What a scan says: '1' for written."""
    register = bench.k.registers[0]
    bench.finish(do_pagemap_scan(bench.k, bench.pte(), register))
    return bench.k.layout.values[bench.k.layout.step.look(register.value[0])]


def test_a_scan_protects_and_tells_once() -> None:
    bench = Bench("7.3", SCANNED)
    assert [scan(bench), scan(bench)] == ["1", "0"]
    assert bench.shown() == "folio0 ro dirty uffd-wp"


def test_a_write_only_takes_the_protection_away() -> None:
    """d61ea1cb0095, v6.7."""
    bench = scanned()
    bench.finish(handle_pte_fault(bench.k, Fault(bench.pte(), 0, write=True)))
    assert bench.shown() == "folio0 rw dirty"
    assert scan(bench) == "1"


@pytest.mark.parametrize(("write", "shown", "written"), [(True, "folio0", "1"), (False, "zero_page", "0")])
def test_a_marker_stands_for_a_page_that_is_not_there(write: bool, shown: str, written: str) -> None:
    bench = Bench("7.3", SCANNED)
    bench.finish(madvise_dontneed_single_vma(bench.k, 0, (bench.pte(),)))
    assert scan(bench) == "1"
    assert bench.shown() == "marker uffd-wp"
    assert scan(bench) == "0"
    bench.finish(handle_pte_fault(bench.k, Fault(bench.pte(), 0, write=write)))
    assert bench.shown().startswith(f"{shown} ro")
    if write:  # the access faults again, and that is noted
        bench.finish(handle_pte_fault(bench.k, Fault(bench.pte(), 0, write=True)))
    assert scan(bench) == written


def test_fork_leaves_a_marker_behind() -> None:
    bench = Bench("7.3", SCANNED)
    bench.finish(madvise_dontneed_single_vma(bench.k, 0, (bench.pte(),)))
    scan(bench)
    bench.finish(dup_mmap(bench.k, 0, bench.k.mms[0], bench.k.mms[1]))
    assert bench.shown(process=1) == "none"


@pytest.mark.parametrize(("release", "kept"), [("6.8", False), ("6.8.10", True), ("6.9", True)])
def test_what_the_cpu_sets_during_a_scan(release: str, kept: bool) -> None:
    """c70dce4982ce, v6.9."""
    bench = Bench(release, SCANNED)
    value = bench.call(ptep_get, bench.pte())._replace(dirty=False)
    bench.call(make_uffd_wp_pte, bench.k, bench.pte(), value)  # dirty by now
    assert bench.pte().dirty is kept


@pytest.mark.parametrize(("release", "says"), [("6.6", "1"), ("6.8", "0"), ("6.9", "1")])
def test_a_bit_of_the_slot_is_no_protection(release: str, says: str) -> None:
    """2c7ad9a590d1, v6.9."""
    bench = Bench(release, SCANNED)
    bench.finish(madvise_pageout(bench.k, 0, (bench.pte(),)))
    assert scan(bench) == says
