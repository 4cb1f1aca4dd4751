# SPDX-License-Identifier: MIT
"""Migration, step by step."""

import pytest

from cowpath.linux.include.mm import Fault
from cowpath.linux.kernel.fork import dup_mmap
from cowpath.linux.mm.memory import handle_pte_fault
from cowpath.linux.mm.migrate import move_pages, remove_migration_pte
from cowpath.linux.mm.mprotect import mprotect
from cowpath.linux.mm.rmap import try_to_migrate_one
from cowpath.linux.state import Folio
from tests.linux.bench import Bench

MOVING = 'C bench { char x[2] = "ab"; } P0(char *x) { fork(P1); migrate(x); } P1(char *x) { r0 = x[0]; }'


def moving(release: str = "6.1", **folio: object) -> Bench:
    """A page with a migration entry in place of its pte."""
    bench = Bench(release, MOVING)
    bench.set(bench.folio(), refcount=2, lru=False, **folio)
    bench.finish(try_to_migrate_one(bench.k, bench.folio(), bench.pte()))
    return bench


@pytest.mark.parametrize(
    ("write", "exclusive", "shown"),
    [
        (True, True, "migration write folio0"),
        (False, True, "migration exclusive folio0"),
        (False, False, "migration read folio0"),
    ],
)
def test_three_kinds(write: bool, exclusive: bool, shown: str) -> None:
    bench = Bench("6.1", MOVING)
    bench.set(bench.pte(), write=write)
    bench.set(bench.folio(), anon_exclusive=exclusive, refcount=2)
    bench.finish(try_to_migrate_one(bench.k, bench.folio(), bench.pte()))
    assert bench.shown() == shown
    assert not bench.folio().anon_exclusive
    assert (bench.folio().mapcount, bench.folio().refcount) == (0, 1)


def test_a_pinned_exclusive_page_is_not_unmapped() -> None:
    bench = moving(pincount=1)
    assert bench.shown() == "folio0 rw dirty"
    assert bench.folio().anon_exclusive


@pytest.mark.parametrize(
    ("release", "access", "shown", "exclusive"),
    [
        ("6.1", "write", "folio1 rw", True),
        ("6.1", "exclusive", "folio1 ro", True),
        ("6.1", "read", "folio1 ro", False),
        ("5.18", "write", "folio1 rw", False),
    ],
)
def test_the_kind_decides_what_is_mapped(release: str, access: str, shown: str, exclusive: bool) -> None:
    bench = moving(release)
    bench.set(bench.pte(), access=access)
    bench.set(bench.folio(1), refcount=1, index=1)
    bench.call(remove_migration_pte, bench.k, bench.pte(), bench.folio(0), bench.folio(1))
    assert bench.shown() == shown
    assert bench.folio(1).anon_exclusive is exclusive


def moved(bench: Bench) -> Folio | None:
    bench.finish(move_pages(bench.k, 0, bench.pte()))
    return bench.pte().folio


@pytest.mark.parametrize(("extra", "number"), [(0, 1), (1, 0)])
def test_a_reference_keeps_the_page_where_it_is(extra: int, number: int) -> None:
    bench = Bench("6.1", MOVING)
    bench.set(bench.folio(), refcount=1 + extra)
    assert moved(bench) is bench.folio(number)
    assert bench.data(bench.folio(number)) == "ab"
    assert bench.folio(number).anon_exclusive


@pytest.mark.parametrize(("release", "number"), [("6.0", 1), ("6.1", 0), ("6.4", 0), ("6.5", 1)])
def test_a_page_that_nobody_may_read(release: str, number: int) -> None:
    """474098edac26 (v6.1) to d74943a2f3cd (v6.5): move_pages finds nothing where PROT_NONE is."""
    bench = Bench(release, MOVING)
    bench.finish(mprotect(bench.k, (bench.pte(),), ("PROT_NONE",)))
    bench.finish(move_pages(bench.k, 0, bench.pte()))
    assert bench.shown().startswith(f"folio{number}")


def test_a_page_in_the_swap_cache_takes_its_slot_along() -> None:
    bench = Bench("6.1", MOVING)
    bench.set(bench.folio(), swapcache=True, entry=bench.slot(), refcount=2, dirty=True)
    bench.set(bench.slot(), folio=bench.folio(), has_cache=True)
    assert moved(bench) is bench.folio(1)
    assert bench.slot().folio is bench.folio(1)
    assert (bench.folio(1).dirty, bench.folio(0).refcount) == (True, 0)


@pytest.mark.parametrize(("release", "access"), [("5.18", "read"), ("5.19", "exclusive")])
def test_mprotect_ends_the_write_kind(release: str, access: str) -> None:
    bench = moving(release)
    bench.finish(mprotect(bench.k, (bench.pte(),), ("PROT_READ",)))
    assert bench.pte().access == access


def test_fork_leaves_the_read_kind_on_both_sides() -> None:
    bench = moving()
    bench.finish(dup_mmap(bench.k, 0, bench.k.mms[0], bench.k.mms[1]))
    assert bench.shown(0) == bench.shown(1) == "migration read folio0"


def test_a_fault_waits_for_the_move() -> None:
    bench = moving()
    fault = bench.steps(handle_pte_fault(bench.k, Fault(bench.pte(), 0)))
    next(fault)
    assert bench.blocks(next, fault)


@pytest.mark.parametrize(("release", "batch"), [("5.17", 1), ("5.18", 0), ("6.6", 0), ("6.7", 1)])
def test_where_a_page_waits_that_has_moved(release: str, batch: int) -> None:
    """c3096e6782b7, v5.18, until eebb3dabbb5c, v6.7."""
    bench = Bench(release, MOVING)
    assert moved(bench) is bench.folio(1)
    assert bench.folio(1).batch == batch
