# SPDX-License-Identifier: MIT
"""GUP-fast, FOLL_FORCE and v5.8's forced COW break, step by step."""

import pytest

from cowpath.kernel.fork import dup_mmap
from cowpath.kernel.gup import Request, Want, get_user_pages, lockless_pages_from_mm
from tests.kernel.bench import Bench

FAST = (
    'C bench { char x[2] = "ab"; } P0(char *x) { fork(P1); g = pin_user_page_fast(x); } '
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
