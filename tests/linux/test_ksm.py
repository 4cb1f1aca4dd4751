# SPDX-License-Identifier: MIT
"""KSM, step by step."""

import pytest

from cowpath.linux.include.mm import Fault
from cowpath.linux.mm.ksm import break_ksm, ksm_do_scan, pages_identical, write_protect_page
from cowpath.linux.mm.memory import handle_pte_fault
from cowpath.linux.mm.swap_state import ksm_might_need_to_copy
from tests.linux.bench import Bench

TWINS = 'C bench { char x[2] = "ab"; char y[2] = "ab"; } P0(char *x, char *y) { ksm_merge(x, y); }'


def merged(release: str = "6.1") -> Bench:
    bench = Bench(release, TWINS)
    bench.finish(ksm_do_scan(bench.k, 1, bench.pte(page=0), bench.pte(page=1)))
    return bench


def test_twins_share_one_page() -> None:
    bench = merged()
    assert (bench.shown(page=0), bench.shown(page=1)) == ("folio0 ro", "folio0 ro")
    assert (bench.folio(0).refcount, bench.folio(0).mapcount, bench.folio(0).ksm) == (2, 2, True)
    assert bench.folio(1).refcount == 0
    assert not bench.folio(0).anon_exclusive


def test_different_pages_stay_apart() -> None:
    bench = Bench("6.1", TWINS.replace('y[2] = "ab"', 'y[2] = "ac"'))
    assert not bench.call(pages_identical, bench.k, bench.folio(0), bench.folio(1))
    bench.finish(ksm_do_scan(bench.k, 1, bench.pte(page=0), bench.pte(page=1)))
    assert (bench.shown(page=0), bench.shown(page=1)) == ("folio0 rw dirty", "folio1 rw dirty")


@pytest.mark.parametrize(("extra", "pins", "taken"), [(0, 0, True), (1, 0, False), (0, 1, False)])
def test_a_reference_stops_write_protect_page(extra: int, pins: int, taken: bool) -> None:
    bench = Bench("6.1", TWINS)
    bench.set(bench.folio(), refcount=2 + extra, pincount=pins)  # the mapping's and the scan's
    protected = bench.finish(write_protect_page(bench.k, bench.pte(), bench.folio()))
    assert (protected is not None) is taken
    assert bench.shown() == ("folio0 ro" if taken else "folio0 rw dirty")
    assert bench.folio().dirty is taken


def test_a_clean_read_only_shared_page_is_not_looked_at() -> None:
    """No write can come through it, so nobody counts references; that is the kernel's rule too."""
    bench = Bench("6.1", TWINS)
    bench.set(bench.pte(), write=False, dirty=False)
    bench.set(bench.folio(), refcount=5, anon_exclusive=False)
    assert bench.finish(write_protect_page(bench.k, bench.pte(), bench.folio())) is not None


@pytest.mark.parametrize(
    ("release", "architecture", "shown"),
    [
        ("6.0", "x86_64", "folio0 ro"),
        ("6.1", "x86_64", "folio1 rw dirty"),
        ("6.1", "um", "folio0 ro"),
        ("6.4", "arm64", "folio1 rw dirty"),
        ("6.5", "x86_64", "folio0 ro"),
    ],
)
def test_a_page_that_nobody_may_read(release: str, architecture: str, shown: str) -> None:
    """474098edac26 (v6.1) made follow_page blind to PROT_NONE, d74943a2f3cd (v6.5) gave it back its sight."""
    bench = Bench(release, TWINS, architecture)
    bench.set(bench.pte(page=0).vma, read=False, write=False)
    bench.finish(ksm_do_scan(bench.k, 1, bench.pte(page=0), bench.pte(page=1)))
    assert bench.shown(page=1) == shown


@pytest.mark.parametrize(("release", "shown"), [("6.0", "folio1"), ("6.1", "folio0"), ("6.2", "folio1")])
def test_a_merged_page_that_nobody_may_read_stays_merged_in_6_1(release: str, shown: str) -> None:
    bench = merged(release)
    bench.set(bench.pte(page=1).vma, read=False, write=False)
    bench.finish(break_ksm(bench.k, 1, bench.pte(page=1)))
    assert bench.shown(page=1).startswith(shown)


@pytest.mark.parametrize(("release", "shown"), [("5.7", "rw dirty"), ("6.1", "rw dirty"), ("6.2", "ro")])
def test_break_ksm_gives_a_page_of_its_own(release: str, shown: str) -> None:
    """By a write fault until 6cce3314b928 (v6.2), which leaves the page writable."""
    bench = merged(release)
    bench.finish(break_ksm(bench.k, 1, bench.pte(page=1)))
    assert bench.shown(page=1) == f"folio1 {shown}"
    assert bench.shown(page=0) == "folio0 ro"


@pytest.mark.parametrize(("release", "shown"), [("5.7", "folio0 rw dirty"), ("5.9", "folio1 rw dirty")])
def test_the_last_user_of_a_ksm_page(release: str, shown: str) -> None:
    """v5.7 reuses it (reuse_ksm_page); 09854ba94c6a (v5.9) always copies."""
    bench = Bench(release, TWINS)
    bench.set(bench.pte(page=1), kind="none", folio=None, write=False, dirty=False)
    bench.set(bench.folio(1), refcount=0, mapcount=0)
    bench.set(bench.folio(), ksm=True)
    bench.set(bench.pte(), write=False)
    bench.finish(handle_pte_fault(bench.k, Fault(bench.pte(), 0, write=True)))
    assert bench.shown() == shown


@pytest.mark.parametrize(("ksm", "index", "copied"), [(False, 1, False), (False, 2, True), (True, 2, False)])
def test_what_was_read_in_for_another_page_is_copied(ksm: bool, index: int, copied: bool) -> None:
    bench = Bench("6.1", TWINS)
    bench.set(bench.folio(), ksm=ksm, index=index)
    found = bench.call(ksm_might_need_to_copy, bench.k, bench.pte(), bench.folio())
    assert (found is not bench.folio()) is copied
