# SPDX-License-Identifier: MIT
"""Each invariant is seen to hold, and seen to be broken by the smallest wrong state."""

from collections.abc import Callable

import pytest

from cowpath.linux import invariants
from cowpath.linux.include.pgtable import mk_pte, pte_mkwrite, set_pte
from cowpath.linux.kernel.fork import dup_mmap
from cowpath.linux.mm.gup import Want, get_user_pages
from cowpath.linux.mm.madvise import madvise_pageout
from cowpath.linux.mm.swap import folio_get
from tests.linux.bench import Bench

TEXT = (
    'C bench { char x[2] = "ab"; swap = ssd_stable; } '
    "P0(char *x) { g = pin_user_page(x, FOLL_WRITE); fork(P1); unpin_user_pages_dirty_lock(g); } "
    "P1(char *x) { r0 = x[0]; }"
)


def broken(bench: Bench) -> set[str]:
    """The names of the invariants that do not hold."""
    return {name for name, check in invariants.applying_to(bench.k) if bench.call(check) is not None}


def fork(bench: Bench) -> None:
    bench.finish(dup_mmap(bench.k, 0, bench.k.mms[0], bench.k.mms[1]))


def swapped_out() -> Bench:
    bench = Bench("6.1", TEXT)
    bench.call(folio_get, bench.k, bench.folio())
    bench.finish(madvise_pageout(bench.k, 0, (bench.pte(),)))
    return bench


def writable_and_not_exclusive() -> Bench:
    bench = Bench("6.1", TEXT)
    bench.set(bench.folio(), anon_exclusive=False)
    return bench


def exclusive_and_mapped_twice() -> Bench:
    bench = Bench("6.1", TEXT)
    fork(bench)
    bench.set(bench.folio(), anon_exclusive=True)
    return bench


def exclusive_and_in_swap() -> Bench:
    bench = swapped_out()
    bench.set(bench.folio(), anon_exclusive=True)
    return bench


def marked_and_shared() -> Bench:
    bench = swapped_out()
    fork(bench)
    bench.set(bench.pte(), exclusive=True)
    return bench


def pinned(bench: Bench) -> Bench:
    bench.finish(get_user_pages(bench.k, 0, bench.k.references[0], bench.pte(), Want(write=True, pin=True)))
    return bench


def pinned_and_not_exclusive() -> Bench:
    bench = pinned(Bench("6.1", TEXT))
    bench.set(bench.pte(), write=False)
    bench.set(bench.folio(), anon_exclusive=False)
    return bench


def pinned_and_unmapped() -> Bench:
    bench = swapped_out()
    bench.set(bench.folio(), pincount=1)
    bench.set(bench.k.references[0], pin=True, folio=bench.folio())
    return bench


def reference_and_pte_apart() -> Bench:
    bench = pinned(Bench("6.1", TEXT))
    bench.set(bench.folio(1), refcount=1, mapcount=1, uptodate=True, anon_exclusive=True)
    bench.call(set_pte, bench.pte(), pte_mkwrite(bench.k, mk_pte(bench.folio(1))))
    return bench


def writable_and_seen_by_another() -> Bench:
    bench = pinned(Bench("6.1", TEXT))
    bench.set(bench.k.references[0], pte=bench.pte(1))
    return bench


def back_in_user_space_with_a_lock() -> Bench:
    bench = Bench("6.1", TEXT)
    for task in bench.k.tasks:
        bench.set(task, done=True)
    bench.set(bench.k.mms[0], ptl=True)
    return bench


def back_in_user_space_with_a_folio_lock() -> Bench:
    bench = Bench("6.1", TEXT)
    for task in bench.k.tasks:
        bench.set(task, done=True)
    bench.set(bench.folio(), locked=True)
    return bench


def test_a_lock_that_a_thread_in_the_kernel_holds_is_no_matter() -> None:
    bench = back_in_user_space_with_a_folio_lock()
    bench.set(bench.k.tasks[0], done=False)
    assert broken(bench) == set()


def clean_and_different() -> Bench:
    bench = swapped_out()
    bench.set(bench.folio(), dirty=False)
    return bench


def writable_under_writeback() -> Bench:
    bench = Bench("6.1", TEXT)
    bench.finish(madvise_pageout(bench.k, 0, (bench.pte(),)))
    bench.set(bench.slot(), count=0)
    bench.set(bench.folio(), anon_exclusive=True, mapcount=1)
    bench.call(set_pte, bench.pte(), pte_mkwrite(bench.k, mk_pte(bench.folio())))
    return bench


def writeback_outside_the_cache() -> Bench:
    bench = Bench("6.1", TEXT)
    bench.set(bench.folio(), writeback=True)
    return bench


def slot_with_a_wrong_count() -> Bench:
    bench = swapped_out()
    bench.set(bench.slot(), count=2)
    bench.set(bench.pte(), exclusive=False)
    return bench


def shared_and_writable() -> Bench:
    bench = Bench("5.10", TEXT)
    fork(bench)
    bench.set(bench.pte(), write=True)
    return bench


def swapped_to_nowhere() -> Bench:
    bench = swapped_out()
    bench.set(bench.folio(), swapcache=False, entry=None)
    bench.set(bench.slot(), has_cache=False, folio=None)
    return bench


@pytest.mark.parametrize(
    ("state", "names"),
    [
        (writable_and_not_exclusive, {"I1"}),
        (exclusive_and_mapped_twice, {"I2", "I12"}),
        (exclusive_and_in_swap, {"I2"}),
        (marked_and_shared, {"I3"}),
        (pinned_and_not_exclusive, {"I4"}),
        (pinned_and_unmapped, {"I4"}),
        (reference_and_pte_apart, {"I5"}),
        (writable_and_seen_by_another, {"I6"}),
        (clean_and_different, {"I7"}),
        (writable_under_writeback, {"I8"}),
        (writeback_outside_the_cache, {"I10"}),
        (slot_with_a_wrong_count, {"I11"}),
        (shared_and_writable, {"I12"}),
        (swapped_to_nowhere, {"I13"}),
        (back_in_user_space_with_a_lock, {"I14"}),
        (back_in_user_space_with_a_folio_lock, {"I14"}),
    ],
)
def test_a_wrong_state_is_named(state: Callable[[], Bench], names: set[str]) -> None:
    assert broken(state()) == names


@pytest.mark.parametrize("release", ["5.7", "5.10", "5.18", "5.19", "6.1"])
def test_right_states_are_not(release: str) -> None:
    bench = Bench(release, TEXT)
    assert broken(bench) == set()
    bench.finish(madvise_pageout(bench.k, 0, (bench.pte(),)))
    assert broken(bench) == set()
    fork(bench)
    assert broken(bench) == set()


def test_what_gup_fast_has_not_returned_yet_is_not_held_against_it() -> None:
    bench = Bench("7.3", TEXT)
    bench.set(bench.k.references[0], pin=True, coherent=True, pte=bench.pte())
    assert broken(bench) == set()


def test_every_invariant_has_a_wrong_state() -> None:
    listed = {invariant.name for invariant in invariants.INVARIANTS}
    large = {"J1", "J2", "J8"}  # in test_large.py
    assert listed == {f"I{number}" for number in range(1, 15)} - {"I9"} | large


def test_a_release_is_held_to_what_it_claims() -> None:
    claims = {
        release: dict(invariants.applying_to(Bench(release, TEXT).k)) for release in ("5.10", "5.18", "5.19")
    }
    assert "I6" not in claims["5.10"]
    assert "I6" in claims["5.18"]
    assert "I1" not in claims["5.18"]
    assert "I1" in claims["5.19"]
    dropped = Bench("5.19", TEXT, without=("6c287605fd56",))
    assert "I1" in dict(invariants.applying_to(dropped.k))
