# SPDX-License-Identifier: MIT
"""mm/gup.c: references to pages for those who read and write them without a page table."""

from __future__ import annotations

from typing import NamedTuple

from cowpath.explore.recorder import Code
from cowpath.explore.step import Blocked, Content
from cowpath.kernel import changes
from cowpath.kernel.memory import Fault, handle_pte_fault
from cowpath.kernel.mmap import mmap_read_lock, mmap_read_unlock
from cowpath.kernel.pgtable import pte_lock, pte_unlock, ptep_get
from cowpath.kernel.state import Folio, Kernel, Pte, Reference, Register, Vma
from cowpath.kernel.swap import folio_get, folio_put, free_if_unused


class Want(NamedTuple):
    """What a reference is wanted for: the FOLL_ flags."""

    write: bool = False  # FOLL_WRITE
    pin: bool = False  # FOLL_PIN, not FOLL_GET
    longterm: bool = False  # FOLL_LONGTERM


def get_user_pages(k: Kernel, cpu: int, reference: Reference, pte: Pte, want: Want) -> Code:
    """Take a reference to the page at an address, faulting it in as often as needed (__get_user_pages).

    FOLL_PIN says so in the process before it looks (70e806e4e645, v5.9).  v5.8 alone treats every request as
    one for writing (17839856fd58).  Where the access is not permitted the call fails, and no reference is
    taken.
    """
    mm = pte.mm
    mmap_read_lock(mm)
    if want.pin and k.has(changes.FORK_COPIES_PINNED):
        mm.has_pinned = True
    while True:
        if not check_vma_flags(pte.vma, want.write):
            mmap_read_unlock(mm)
            reference.state = "put"
            return
        lacking = follow_page_pte(k, reference, pte, want)
        if lacking == "nothing":
            break
        yield from faultin_page(k, cpu, pte, breaks_cow(k, pte.vma, want), lacking == "unshare")
        yield
    mmap_read_unlock(mm)


def breaks_cow(k: Kernel, vma: Vma, want: Want) -> bool:
    """Whether the page must be writable first (should_force_cow_break in v5.8: any request)."""
    return want.write or (k.has(changes.FORCED_COW_BREAK) and vma.write)


def check_vma_flags(vma: Vma, write: bool) -> bool:
    """Whether the mapping permits the access, without FOLL_FORCE."""
    return vma.mapped and (vma.write if write else vma.read)


def faultin_page(k: Kernel, cpu: int, pte: Pte, write: bool, unshare: bool) -> Code:
    """One fault on behalf of GUP; the page is looked up again afterwards."""
    yield from handle_pte_fault(k, Fault(pte, cpu, write=write, unshare=unshare))


def follow_page_pte(k: Kernel, reference: Reference, pte: Pte, want: Want) -> str:
    """Take the reference if the entry allows it; otherwise what is lacking: a "fault" or to "unshare"."""
    pte_lock(pte.mm)
    value = ptep_get(pte)
    folio = value.folio
    lacking = "nothing"
    if folio is None or (breaks_cow(k, pte.vma, want) and not value.write):
        lacking = "fault"
    elif gup_must_unshare(k, folio, want):
        k.say(f"{folio} is not exclusive: a read-only pin must unshare it first (a7f226604170)")
        lacking = "unshare"
    else:
        try_grab_folio(k, folio, want.pin)
        hold(reference, folio, pte, want)
        if want.write:
            folio.dirty = True
    pte_unlock(pte.mm)
    return lacking


def gup_must_unshare(k: Kernel, folio: Folio, want: Want) -> bool:
    """Whether a read-only pin would lose the page at the owner's next write (a7f226604170, v5.19).

    FOLL_GET never unshares.  The zero page is unshared for FOLL_LONGTERM only (84209e87c696, v6.2).
    """
    if not k.has(changes.UNSHARE) or want.write or not want.pin:
        return False
    if folio is k.zero_page:
        return want.longterm and k.has(changes.LONGTERM_UNSHARES_ALL)
    return not folio.anon_exclusive


def try_grab_folio(k: Kernel, folio: Folio, pin: bool) -> None:
    """FOLL_GET adds one reference, FOLL_PIN 1024."""
    if not pin:
        folio_get(k, folio)
    elif folio is not k.zero_page:
        folio.pincount = folio.pincount + 1


def hold(reference: Reference, folio: Folio, pte: Pte, want: Want) -> None:
    """Note in the test's own records who holds what."""
    reference.state = "held"
    reference.folio, reference.pte = folio, pte
    reference.write, reference.pin = want.write, want.pin
    reference.coherent = True


def put_reference(k: Kernel, reference: Reference) -> None:
    """put_page or unpin_user_page; a writer marks the page dirty first (set_page_dirty_lock)."""
    folio = held(reference)
    if folio is None:
        return
    if reference.write:
        if folio.locked:
            raise Blocked(f"the lock of {folio}")
        folio.dirty = True
    if not reference.pin:
        folio_put(k, folio)
    elif folio is not k.zero_page:
        folio.pincount = folio.pincount - 1
        free_if_unused(k, folio)
    reference.state = "put"
    reference.folio = reference.pte = None
    reference.pin = reference.write = reference.coherent = False


def device_write(reference: Reference, place: int, value: Content) -> None:
    """The device writes through its reference, whatever any pte says."""
    folio = held(reference)
    if folio is not None:
        folio.data[place] = value


def device_read(reference: Reference, place: int, register: Register) -> None:
    """The device reads through its reference."""
    folio = held(reference)
    if folio is not None:
        register.value[0] = folio.data[place]


def held(reference: Reference) -> Folio | None:
    """The page of a reference; waits until it is taken, None after it was given back."""
    if reference.state == "none":
        raise Blocked(f"reference {reference}")
    return reference.folio
