# SPDX-License-Identifier: MIT
"""NUMA hinting: an entry that faults once and is then as it was."""

import pytest

from cowpath.linux.hardware import translate
from cowpath.linux.include.mm import Fault
from cowpath.linux.include.pgtable import ptep_get
from cowpath.linux.kernel.fork import dup_mmap
from cowpath.linux.mm.gup import Request, Want, _fast_access, follow_page_pte
from cowpath.linux.mm.memory import handle_pte_fault
from cowpath.linux.mm.mprotect import change_prot_numa, mprotect
from tests.linux.bench import Bench

HINTED = (
    'C bench { char x[2] = "ab"; } P0(char *x) { numa_hint(x); g = pin_user_page_fast(x); fork(P1); } '
    "P1(char *x) { r0 = x[0]; }"
)


def hinted(release: str = "6.1", **folio: object) -> Bench:
    """A kernel after numa_hint(x), with the page as given."""
    bench = Bench(release, HINTED)
    bench.set(bench.folio(), **folio)
    bench.finish(change_prot_numa(bench.k, bench.pte()))
    return bench


def fault(bench: Bench, write: bool = False) -> None:
    """One fault; where there is a choice the page stays on its node."""
    bench.finish(handle_pte_fault(bench.k, Fault(bench.pte(), 0, write=write)))


@pytest.mark.parametrize("release", ["5.10", "6.1", "6.2", "7.0"])
@pytest.mark.parametrize("write", [False, True])
def test_an_access_faults_once_and_nothing_has_changed(release: str, write: bool) -> None:
    bench = hinted(release)
    assert bench.pte().protnone
    assert bench.call(translate, bench.k, 0, bench.pte(), write) is None
    fault(bench, write)
    assert bench.shown() == "folio0 rw dirty"
    assert bench.call(translate, bench.k, 0, bench.pte(), write) is bench.folio()


@pytest.mark.parametrize(("release", "write"), [("6.1", "rw"), ("6.2", "ro")])
def test_the_permission_to_write_is_kept_or_found_out_anew(release: str, write: str) -> None:
    """6a56ccbcf6c6, v6.2."""
    assert hinted(release).shown() == f"folio0 {write} dirty protnone"


@pytest.mark.parametrize(
    ("release", "folio", "hint"),
    [
        ("5.16", {"refcount": 2}, True),
        ("5.17", {"refcount": 2}, False),
        ("6.9", {"refcount": 2}, False),
        ("6.10", {"refcount": 2}, True),
        ("6.10", {"pincount": 1}, False),
        ("5.16", {"refcount": 2, "mapcount": 2}, False),
        ("6.10", {"refcount": 2, "mapcount": 2}, False),
    ],
)
def test_which_pages_are_left_alone(release: str, folio: dict[str, object], hint: bool) -> None:
    """80d47f5de5e3, v5.17; d2136d749d76, v6.10."""
    assert hinted(release, **folio).pte().protnone is hint


def test_a_page_that_is_not_exclusive_is_not_writable_afterwards() -> None:
    bench = hinted("6.2", anon_exclusive=False)
    fault(bench)
    assert bench.shown() == "folio0 ro dirty"


@pytest.mark.parametrize(("force", "lacking"), [(False, "fault"), (True, "nothing")])
def test_gup_faults_unless_forced(force: bool, lacking: str) -> None:
    bench = hinted()
    request = Request(bench.k.references[0], bench.pte(), Want(write=True, force=force))
    assert bench.call(follow_page_pte, bench.k, request, False) == lacking


def test_gup_fast_does_not_touch_it() -> None:
    bench = hinted()
    request = Request(bench.k.references[0], bench.pte(), Want(pin=True))
    assert not bench.call(_fast_access, bench.k, request, bench.call(ptep_get, bench.pte()))


def test_fork_copies_it_as_it_is() -> None:
    bench = hinted()
    bench.finish(dup_mmap(bench.k, 0, bench.k.mms[0], bench.k.mms[1]))
    assert bench.shown() == bench.shown(process=1) == "folio0 ro dirty protnone"


@pytest.mark.parametrize(("release", "write"), [("5.19", "ro"), ("6.0", "rw")])
def test_mprotect_makes_it_accessible(release: str, write: str) -> None:
    bench = hinted(release)
    bench.finish(mprotect(bench.k, (bench.pte(),), ("PROT_READ", "PROT_WRITE")))
    assert bench.shown() == f"folio0 {write} dirty"
