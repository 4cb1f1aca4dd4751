# SPDX-License-Identifier: MIT
"""GUP-fast, FOLL_FORCE and v5.8's forced COW break, step by step."""

from collections.abc import Callable

import pytest

from cowpath.linux.kernel.fork import dup_mmap
from cowpath.linux.mm.gup import Request, Want, get_user_pages, lockless_pages_from_mm
from cowpath.linux.mm.memory import zap_pte_range
from cowpath.linux.mm.userfaultfd import userfaultfd_move
from tests.linux.bench import Bench

FAST = (
    'C bench { char x[2] = "ab"; } P0(char *x) { fork(P1); g = pin_user_page_fast(x); } '
    "P1(char *x) { r0 = x[0]; }"
)

TWO_PAGES = (
    'C bench { char x[2] = "ab"; char y[2]; } P0(char *x, char *y) { fork(P1); g = get_user_page_fast(x); } '
    "P1(char *x) { r0 = x[0]; }"
)


def request(bench: Bench, write: bool = False, pin: bool = True) -> Request:
    return Request(bench.k.references[0], bench.pte(), Want(write, pin))


@pytest.mark.parametrize(
    ("release", "writable", "exclusive", "write", "pin", "taken"),
    [
        ("6.1", True, True, True, True, True),
        ("6.1", False, True, True, True, False),  # not writable: a fault is needed
        ("6.1", False, True, False, True, True),
        ("6.1", False, False, False, True, False),  # must be unshared first
        ("6.1", False, False, False, False, True),  # FOLL_GET never unshares
        ("5.18", False, False, False, True, True),
        ("5.8", False, False, False, False, False),  # every reference breaks COW
    ],
)
def test_what_is_taken_without_locks(
    release: str, writable: bool, exclusive: bool, write: bool, pin: bool, taken: bool
) -> None:
    bench = Bench(release, FAST)
    bench.set(bench.pte(), write=writable)
    bench.set(bench.folio(), anon_exclusive=exclusive)
    assert bench.finish(lockless_pages_from_mm(bench.k, request(bench, write, pin))) is taken
    assert (bench.k.references[0].state == "held") is taken
    assert bench.folio().pincount == (taken and pin)


def test_an_entry_that_changed_is_not_trusted() -> None:
    bench = Bench("6.1", FAST)
    walk = bench.steps(lockless_pages_from_mm(bench.k, request(bench)))
    next(walk)
    next(walk)
    assert bench.folio().pincount == 1
    bench.set(bench.pte(), write=False)
    with pytest.raises(StopIteration) as end:
        next(walk)
    assert end.value.value is False
    assert bench.folio().pincount == 0


@pytest.mark.parametrize(("release", "taken"), [("5.10", True), ("5.11", False)])
def test_a_pin_notices_a_fork_in_between(release: str, taken: bool) -> None:
    """57efa1fe5957, v5.11: the entry is as it was, yet fork is on its way."""
    bench = Bench(release, FAST)
    walk = bench.steps(lockless_pages_from_mm(bench.k, request(bench, write=True)))
    next(walk)
    next(walk)
    next(walk)
    next(bench.steps(dup_mmap(bench.k, 0, bench.k.mms[0], bench.k.mms[1])))
    with pytest.raises(StopIteration) as end:
        next(walk)
    assert end.value.value is taken
    assert bench.k.references[0].coherent is taken


def zap(bench: Bench) -> None:
    bench.finish(zap_pte_range(bench.k, (bench.pte(),)))


def fork(bench: Bench) -> None:
    bench.finish(dup_mmap(bench.k, 0, bench.k.mms[0], bench.k.mms[1]))


def move(bench: Bench) -> None:
    bench.finish(userfaultfd_move(bench.k, bench.pte(page=1), bench.pte()))


@pytest.mark.parametrize(
    ("release", "what", "pin", "page", "coherent"),
    [
        ("7.3", zap, True, 0, False),
        ("7.3", fork, False, 0, False),
        ("5.10", fork, True, 0, True),  # since v5.11 such a pin is not taken
        ("7.3", move, False, 1, True),
    ],
)
def test_what_happens_to_the_entry_after_the_last_look_at_it(
    release: str, what: Callable[[Bench], None], pin: bool, page: int, coherent: bool
) -> None:
    """It happens to the reference, although the caller has none yet (invariant I5)."""
    bench = Bench(release, TWO_PAGES)
    walk = bench.steps(lockless_pages_from_mm(bench.k, request(bench, write=True, pin=pin)))
    next(walk)
    next(walk)
    next(walk)
    what(bench)
    with pytest.raises(StopIteration) as end:
        next(walk)
    assert end.value.value is True
    reference = bench.k.references[0]
    assert reference.pte is bench.pte(page=page)
    assert reference.coherent is coherent


def test_what_was_not_taken_is_not_held_to_anything() -> None:
    """The entry was the same, but the page has to be unshared first."""
    bench = Bench("7.3", FAST)
    bench.set(bench.pte(), write=False)
    bench.set(bench.folio(), anon_exclusive=False)
    assert bench.finish(lockless_pages_from_mm(bench.k, request(bench))) is False
    assert bench.k.references[0].pte is None
    assert not bench.k.references[0].coherent


@pytest.mark.parametrize("release", ["5.7", "5.18", "5.19", "6.1"])
def test_foll_force_gets_a_page_of_its_own(release: str) -> None:
    """Not writable for the CPU, and still not the page that fork shared."""
    bench = Bench(release, FAST)
    bench.finish(dup_mmap(bench.k, 0, bench.k.mms[0], bench.k.mms[1]))
    bench.set(bench.pte().vma, write=False)
    bench.finish(get_user_pages(bench.k, 0, bench.k.references[0], bench.pte(), Want(write=True, force=True)))
    reference = bench.k.references[0]
    assert reference.folio is bench.pte().folio
    assert reference.folio is not bench.pte(1).folio
    assert not bench.pte().write


def test_without_foll_force_a_read_only_mapping_refuses() -> None:
    bench = Bench("6.1", FAST)
    bench.set(bench.pte().vma, write=False)
    bench.finish(get_user_pages(bench.k, 0, bench.k.references[0], bench.pte(), Want(write=True)))
    assert bench.k.references[0].state == "put"
