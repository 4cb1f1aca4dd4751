# SPDX-License-Identifier: MIT
"""References: taken, used, given back."""

import pytest

from cowpath.linux.hardware import device_read, device_write, put_reference
from cowpath.linux.kernel.fork import dup_mmap
from cowpath.linux.mm.gup import Want, get_user_pages
from cowpath.linux.mm.madvise import madvise_dontneed_single_vma
from cowpath.linux.mm.mmap import munmap
from tests.linux.bench import Bench

ONE = (
    'C bench { char x[2] = "ab"; } '
    "P0(char *x) { g = get_user_page(x); fork(P1); r0 = device_read(g, 0); put_page(g); } "
    "P1(char *x) { r0 = x[0]; }"
)
UNTOUCHED = ONE.replace(' = "ab"', "")


def take(bench: Bench, write: bool, pin: bool) -> None:
    bench.finish(get_user_pages(bench.k, 0, bench.k.references[0], bench.pte(), Want(write, pin)))


def fork(bench: Bench) -> None:
    bench.finish(dup_mmap(bench.k, 0, bench.k.mms[0], bench.k.mms[1]))


def test_get_and_pin_count_differently() -> None:
    bench = Bench(text=ONE)
    take(bench, write=False, pin=False)
    assert (bench.folio().refcount, bench.folio().pincount) == (2, 0)
    assert not bench.k.mms[0].has_pinned
    bench = Bench(text=ONE)
    take(bench, write=False, pin=True)
    assert (bench.folio().refcount, bench.folio().pincount) == (1, 1)
    assert bench.k.mms[0].has_pinned


def test_a_write_reference_breaks_cow_first() -> None:
    bench = Bench(text=ONE)
    fork(bench)
    take(bench, write=True, pin=False)
    assert bench.shown() == "folio1 rw dirty"
    assert bench.k.references[0].folio is bench.folio(1)


@pytest.mark.parametrize(
    ("release", "pin", "folio"),
    [("5.18", True, 0), ("5.19", True, 1), ("5.19", False, 0), ("6.1", True, 1), ("6.1", False, 0)],
)
def test_only_a_read_only_pin_unshares(release: str, pin: bool, folio: int) -> None:
    """a7f226604170, v5.19; FOLL_GET never does."""
    bench = Bench(release, ONE)
    fork(bench)
    take(bench, write=False, pin=pin)
    assert bench.k.references[0].folio is bench.folio(folio)


def test_a_reference_to_the_zero_page_is_not_counted() -> None:
    bench = Bench(text=UNTOUCHED)
    take(bench, write=False, pin=True)
    assert bench.k.references[0].folio is bench.k.zero_page
    assert bench.k.zero_page.pincount == 0
    bench.call(put_reference, bench.k, bench.k.references[0], True)


def test_nothing_mapped_nothing_taken() -> None:
    bench = Bench(text=ONE)
    bench.finish(munmap(bench.k, 0, (bench.pte(),)))
    take(bench, write=False, pin=False)
    assert bench.k.references[0].state == "put"
    assert not bench.k.mms[0].mmap_readers


def test_the_device_uses_its_page_not_the_pte() -> None:
    bench = Bench(text=ONE)
    take(bench, write=True, pin=False)
    bench.finish(madvise_dontneed_single_vma(bench.k, 0, (bench.pte(),)))
    reference, register = bench.k.references[0], bench.k.registers[0]
    bench.call(device_write, reference, 0, bench.k.content("b"))
    bench.call(device_read, reference, 0, register)
    assert bench.data(bench.folio()) == "bb"
    assert bench.shown() == "none"
    bench.call(put_reference, bench.k, reference, True)
    assert bench.folio().refcount == 0


def test_a_device_waits_for_its_reference() -> None:
    bench = Bench(text=ONE)
    assert bench.blocks(device_write, bench.k.references[0], 0, bench.k.content("b"))


def test_a_writer_dirties_the_page_before_it_lets_go() -> None:
    bench = Bench(text=ONE)
    take(bench, write=True, pin=True)
    bench.set(bench.folio(), dirty=False)
    bench.call(put_reference, bench.k, bench.k.references[0], True)
    assert bench.folio().dirty
    assert bench.folio().pincount == 0


def test_a_writer_waits_for_the_folio_lock_to_dirty_it() -> None:
    bench = Bench(text=ONE)
    take(bench, write=True, pin=False)
    bench.set(bench.folio(), locked=True)
    assert bench.blocks(put_reference, bench.k, bench.k.references[0], True)
