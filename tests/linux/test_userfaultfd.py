# SPDX-License-Identifier: MIT
"""UFFDIO_MOVE and UFFDIO_WRITEPROTECT, step by step."""

import contextlib
from collections.abc import Generator

import pytest

from cowpath.errors import CowpathError
from cowpath.explore.record.step import Blocked
from cowpath.linux.fs.userfaultfd import userfaultfd_must_wait, userfaultfd_read
from cowpath.linux.hardware import translate
from cowpath.linux.include.mm import Fault
from cowpath.linux.include.mmap_lock import mmap_read_lock
from cowpath.linux.include.pgtable import make_migration_entry, set_pte, swp_entry_to_pte
from cowpath.linux.kernel.fork import dup_mmap
from cowpath.linux.mm.ksm import ksm_madvise
from cowpath.linux.mm.madvise import madvise_dontneed_single_vma, madvise_pageout
from cowpath.linux.mm.memory import handle_pte_fault
from cowpath.linux.mm.mprotect import mprotect
from cowpath.linux.mm.swap_state import delete_from_swap_cache
from cowpath.linux.mm.swapfile import pte_same_as_swp, swapoff
from cowpath.linux.mm.userfaultfd import userfaultfd_move, userfaultfd_writeprotect
from tests.linux.bench import Bench

MOVING = 'C bench { char x[1]; char y[1] = "a"; } P0(char *x, char *y) { userfaultfd_move(x, y); }'


def move(bench: Bench) -> tuple[str | None, str | None]:
    bench.finish(userfaultfd_move(bench.k, bench.pte(page=0), bench.pte(page=1)))
    return bench.shown(page=0), bench.shown(page=1)


@pytest.mark.parametrize(
    ("release", "folio", "moved"),
    [
        ("6.8", {}, True),
        ("6.7", {}, False),
        ("6.8", {"anon_exclusive": False}, False),
        ("6.8", {"pincount": 1}, False),
        ("6.8", {"refcount": 2}, True),  # FOLL_GET moves along
    ],
)
def test_what_may_move(release: str, folio: dict[str, object], moved: bool) -> None:
    bench = Bench(release, MOVING)
    page = bench.pte(page=1).folio
    assert page is not None
    bench.set(page, **folio)
    there, rest = (f"{page} rw dirty", "none") if moved else ("none", f"{page} rw dirty")
    assert move(bench) == (there, rest)
    assert page.index == (1 if moved else 2)


@pytest.mark.parametrize(("marked", "shown"), [(True, ("swap slot0 exclusive", "none")), (False, None)])
def test_only_a_marked_swap_pte_moves(marked: bool, shown: tuple[str, str] | None) -> None:
    bench = Bench("6.8", MOVING)
    bench.finish(madvise_pageout(bench.k, 0, (bench.pte(page=1),)))
    bench.set(bench.pte(page=1), exclusive=marked)
    assert move(bench) == (shown or ("none", "swap slot0"))


@pytest.mark.parametrize(("release", "index"), [("6.13", 2), ("6.14", 1)])
def test_the_folio_in_the_swap_cache_follows(release: str, index: int) -> None:
    """c50f8e6053b0, v6.14."""
    bench = Bench(release, MOVING)
    page = bench.pte(page=1).folio
    assert page is not None
    bench.finish(madvise_pageout(bench.k, 0, (bench.pte(page=1),)))
    move(bench)
    assert page.index == index


@pytest.mark.parametrize(("release", "moved"), [("6.15", True), ("6.16", False)])
def test_a_folio_that_left_the_swap_cache_is_noticed(release: str, moved: bool) -> None:
    """0ea148a79919, v6.16."""
    bench = Bench(release, MOVING)
    page = bench.pte(page=1).folio
    assert page is not None
    bench.finish(madvise_pageout(bench.k, 0, (bench.pte(page=1),)))
    bench.set(page, writeback=False)
    moving = bench.steps(userfaultfd_move(bench.k, bench.pte(page=0), bench.pte(page=1)))
    next(moving)
    bench.call(delete_from_swap_cache, bench.k, page)
    for _ in moving:
        pass
    assert (bench.shown(page=1) == "none") is moved


@pytest.mark.parametrize(("release", "shown"), [("6.14", "folio1 rw dirty"), ("6.15", "folio1 rw")])
def test_a_clean_page_stays_clean(release: str, shown: str) -> None:
    """75cb1cca2c88, v6.15."""
    bench = Bench(release, MOVING)
    bench.set(bench.pte(page=1), dirty=False)
    assert move(bench) == (shown, "none")


@pytest.mark.parametrize(("release", "seen"), [("6.17", False), ("6.18", True)])
def test_when_the_old_address_is_flushed(release: str, seen: bool) -> None:
    bench = Bench(release, MOVING.replace("}", "option = tlb; }", 1))
    page = bench.call(translate, bench.k, 0, bench.pte(page=1), True)
    moving = bench.steps(userfaultfd_move(bench.k, bench.pte(page=0), bench.pte(page=1)))
    led = [bench.k.tlbs[1].folio is page and bench.pte(page=0).folio is page for _ in moving]
    assert any(led) is seen
    assert bench.k.tlbs[1].folio is None


# -- write protection ------------------------------------------------------------------------------

PROTECTING = (
    'C bench { char x[2] = "ab"; char y[2] = "ab"; } P0(char *x, char *y) { userfaultfd_wp(x); x[0] = 0; '
    "userfaultfd_move(x, y); fork(P2); migrate(x); swapoff(); ksm_merge(x, y); } "
    "P1(char *x) { r0 = userfaultfd_read(x); } P2(char *x) { r0 = x[0]; }"
)


def protected(release: str = "6.1", page: int = 0) -> Bench:
    """A kernel after userfaultfd_wp(x)."""
    bench = Bench(release, PROTECTING)
    bench.finish(userfaultfd_writeprotect(bench.k, bench.pte(page=page), protect=True))
    return bench


def write_fault(bench: Bench, page: int = 0) -> Generator[None, None, object]:
    """P0's CPU wants to write; the steps of the fault."""
    bench.call(mmap_read_lock, bench.k.mms[0])
    return bench.steps(handle_pte_fault(bench.k, Fault(bench.pte(page=page), 0, write=True)))


def heard(bench: Bench) -> str | None:
    """What P1 reads from the userfaultfd, None where it has to wait."""
    k = bench.k
    if bench.blocks(userfaultfd_read, k, k.tasks[1], bench.pte(), k.registers[0]):
        return None
    return k.layout.values[k.layout.step.look(k.registers[0].value[0])]


def test_a_protected_page_is_read_only() -> None:
    bench = protected()
    assert bench.shown() == "folio0 ro dirty uffd-wp"
    assert bench.pte().vma.uffd_wp
    assert not bench.k.mms[0].mmap_readers


def test_a_write_waits_until_it_is_allowed() -> None:
    bench = protected()
    assert heard(bench) is None
    fault = write_fault(bench)
    for _ in range(4):
        if bench.k.tasks[0].userfault is None:
            next(fault)
    assert bench.k.tasks[0].userfault is bench.pte()
    assert not bench.k.mms[0].mmap_readers
    with pytest.raises(Blocked):
        next(fault)
    assert heard(bench) == "1"
    assert heard(bench) is None


def test_taking_the_protection_away_wakes_who_waits() -> None:
    bench = protected()
    bench.set(bench.k.tasks[0], userfault=bench.pte())
    bench.finish(userfaultfd_writeprotect(bench.k, bench.pte(), protect=False))
    assert bench.k.tasks[0].userfault is None
    bench.finish(write_fault(bench))
    assert bench.shown() == "folio0 rw dirty"


def test_the_listener_is_told_where_no_write_can_come() -> None:
    bench = protected()
    bench.set(bench.k.tasks[0], done=True)
    assert heard(bench) == "0"


def test_a_writable_page_is_not_waited_for() -> None:
    bench = protected()
    assert bench.call(userfaultfd_must_wait, bench.k, bench.pte())
    bench.set(bench.pte(), write=True)
    assert not bench.call(userfaultfd_must_wait, bench.k, bench.pte())


@pytest.mark.parametrize(("release", "write"), [("6.2", "ro"), ("6.3", "rw")])
@pytest.mark.parametrize("before", [True, False])
def test_an_exclusive_page_is_writable_when_it_is_allowed(release: str, write: str, before: bool) -> None:
    """931298e103c2, v6.3.  Before, it is read-only even if it was not protected."""
    bench = protected(release)
    bench.set(bench.pte(), uffd_wp=before, write=not before)
    bench.finish(userfaultfd_writeprotect(bench.k, bench.pte(), protect=False))
    assert bench.shown() == f"folio0 {write} dirty"


def test_nothing_is_remembered_where_nothing_is_mapped() -> None:
    bench = Bench("6.1", PROTECTING)
    bench.finish(madvise_dontneed_single_vma(bench.k, 0, (bench.pte(),)))
    bench.finish(userfaultfd_writeprotect(bench.k, bench.pte(), protect=True))
    assert bench.shown() == "none"


@pytest.mark.parametrize("write", [False, True])
@pytest.mark.parametrize("release", ["5.10", "5.18", "6.1", "6.11", "7.0"])
def test_swap_keeps_the_protection(release: str, write: bool) -> None:
    bench = protected(release)
    bench.finish(madvise_pageout(bench.k, 0, (bench.pte(),)))
    shown = bench.shown()
    assert shown is not None
    assert shown.endswith("uffd-wp")
    bench.call(mmap_read_lock, bench.k.mms[0])
    fault = bench.steps(handle_pte_fault(bench.k, Fault(bench.pte(), 0, write=write)))
    with contextlib.suppress(Blocked):  # v6.11: the fault goes on to do_wp_page, and waits
        for _ in fault:
            pass
    assert bench.pte().uffd_wp
    assert not bench.pte().write


@pytest.mark.parametrize(("release", "kept"), [("5.13", False), ("5.19", True)])
def test_swapoff_keeps_the_protection(release: str, kept: bool) -> None:
    """14a762dd1977, v5.19."""
    bench = protected(release)
    bench.finish(madvise_pageout(bench.k, 0, (bench.pte(),)))
    bench.set(bench.folio(), writeback=False)
    bench.finish(swapoff(bench.k, 0))
    assert bench.pte().uffd_wp is kept


@pytest.mark.parametrize(("release", "recognised"), [("5.12", False), ("5.13", True)])
def test_swapoff_recognises_a_protected_swap_pte(release: str, recognised: bool) -> None:
    """099dd6878b9b, v5.13."""
    bench = protected(release)
    bench.finish(madvise_pageout(bench.k, 0, (bench.pte(),)))
    same = bench.call(pte_same_as_swp, bench.k, bench.pte(), swp_entry_to_pte(bench.slot()))
    assert same is recognised


def test_the_child_is_not_protected() -> None:
    bench = protected()
    bench.finish(dup_mmap(bench.k, 0, bench.k.mms[0], bench.k.mms[1]))
    assert (bench.shown(), bench.shown(process=1)) == ("folio0 ro dirty uffd-wp", "folio0 ro dirty")
    assert not bench.pte(process=1).vma.uffd_wp


def test_protecting_ends_the_write_kind_of_a_migration_entry() -> None:
    bench = Bench("6.1", PROTECTING)
    entry = make_migration_entry(bench.folio(), "write")
    bench.call(set_pte, bench.pte(), entry)
    bench.finish(userfaultfd_writeprotect(bench.k, bench.pte(), protect=True))
    assert bench.shown() == "migration exclusive folio0 uffd-wp"


def test_mprotect_makes_nothing_writable_that_is_protected() -> None:
    bench = protected()
    for protection in (("PROT_READ",), ("PROT_READ", "PROT_WRITE")):
        bench.finish(mprotect(bench.k, (bench.pte(),), protection))
    assert bench.shown() == "folio0 ro dirty uffd-wp"


@pytest.mark.parametrize(("release", "ksm"), [("6.1", True), ("6.2", False)])
def test_ksm_unmerges_a_protected_page(release: str, ksm: bool) -> None:
    """6cce3314b928, v6.2: before, the write fault fails and the page stays merged."""
    bench = protected(release)
    bench.set(bench.folio(), ksm=True, anon_exclusive=False)
    bench.finish(ksm_madvise(bench.k, 0, bench.pte(), mergeable=False))
    folio = bench.pte().folio
    assert folio is not None
    assert folio.ksm is ksm
    assert bench.pte().uffd_wp


@pytest.mark.parametrize(
    ("added", "shown"), [((), "rw dirty"), (("move-keeps-protection",), "ro dirty uffd-wp")]
)
def test_a_move_drops_the_protection(added: tuple[str, ...], shown: str) -> None:
    bench = Bench("7.0", PROTECTING, added=added)
    bench.finish(userfaultfd_writeprotect(bench.k, bench.pte(page=1), protect=True))
    bench.finish(madvise_dontneed_single_vma(bench.k, 0, (bench.pte(page=0),)))
    bench.finish(userfaultfd_move(bench.k, bench.pte(page=0), bench.pte(page=1)))
    assert bench.shown(page=0) == f"folio1 {shown}"


@pytest.mark.parametrize(("release", "arch", "known"), [("6.1", "x86_64", True), ("6.1", "arm", False)])
def test_an_architecture_without_it_is_refused(release: str, arch: str, known: bool) -> None:
    if known:
        Bench(release, PROTECTING, arch)
        return
    with pytest.raises(CowpathError, match=r"6\.1 arm has no UFFDIO_WRITEPROTECT"):
        Bench(release, PROTECTING, arch)
