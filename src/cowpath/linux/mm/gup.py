# SPDX-License-Identifier: MIT
"""mm/gup.c: references to pages, for devices and drivers that access them without a page table."""

from __future__ import annotations

from typing import NamedTuple

from cowpath.explore.record.recorder import Code
from cowpath.history import changes, mutants

from ..include.mm import SIGBUS, Fault
from ..include.mmap_lock import mmap_read_lock, mmap_read_unlock
from ..include.pgtable import (
    PteValue,
    pte_needs_soft_dirty_wp,
    pte_offset_map_lock,
    pte_same,
    pte_unmap_unlock,
    ptep_get,
    userfaultfd_pte_wp,
)
from ..state import Folio, Kernel, MappedPage, Pte, Reference, still
from .memory import handle_pte_fault
from .swap import __folio_put, folio_get, folio_put, folio_ref_count


class Want(NamedTuple):
    """The FOLL_ flags of a call: the purpose for which a reference is taken."""

    write: bool = False  # FOLL_WRITE
    pin: bool = False  # FOLL_PIN, not FOLL_GET
    longterm: bool = False  # FOLL_LONGTERM
    force: bool = False  # FOLL_FORCE
    touch: bool = False  # FOLL_TOUCH, which get_user_pages sets and pin_user_pages does not


class Request(NamedTuple):
    """The arguments of a call: the reference to take, the address (its pte), and the flags."""

    reference: Reference
    pte: Pte
    want: Want


def get_user_pages(k: Kernel, cpu: int, reference: Reference, pte: Pte, want: Want) -> Code:
    """Take a reference to the page at an address, faulting it in as often as needed (__get_user_pages).

    FOLL_PIN marks the process as one with pins first (70e806e4e645, v5.9).  If the access is not permitted,
    or the content cannot be read, the call fails (EFAULT), and no reference is taken.
    """
    mm, request = pte.mm, Request(reference, pte, want)
    mmap_read_lock(mm, unless=k.has(mutants.NO_MMAP_LOCK_IN_GUP))
    if want.pin and k.has(changes.FORK_COPIES_PINNED):
        mm.has_pinned = True
    cow = False  # FOLL_COW: a write fault has given this process a page of its own
    lacking = _look_up(k, request, cow)
    while lacking in ("fault", "unshare"):
        wrote = yield from faultin_page(k, cpu, request, lacking == "unshare")
        if wrote == SIGBUS:
            lacking = "content"
            break
        cow = (cow or wrote) and not pte.vma.write
        yield
        lacking = _look_up(k, request, cow)
    if lacking in ("permission", "content"):
        reference.state = "put"
    mmap_read_unlock(mm, unless=k.has(mutants.NO_MMAP_LOCK_IN_GUP))


def _look_up(k: Kernel, request: Request, cow: bool) -> str:
    """Do one round of __get_user_pages: take the reference and return "nothing", or say what is lacking."""
    return follow_page_pte(k, request, cow) if check_vma_flags(request) else "permission"


def check_vma_flags(request: Request) -> bool:
    """True where the mapping permits the access; FOLL_FORCE overrides VM_READ and VM_WRITE."""
    vma, want = request.pte.vma, request.want
    return vma.mapped and (want.force or (vma.write if want.write else vma.read))


def faultin_page(k: Kernel, cpu: int, request: Request, unshare: bool) -> Code:
    """Fault once on behalf of GUP, which looks the page up again afterwards; return as `handle_pte_fault`."""
    write = _wants_to_write(k, request)
    return (yield from handle_pte_fault(k, Fault(request.pte, cpu, write, unshare and not write)))


def _wants_to_write(k: Kernel, request: Request) -> bool:
    """True where GUP needs a writable page.

    In v5.8 it does for every reference to private memory (17839856fd58).
    """
    return request.want.write or k.has(changes.FORCED_COW_BREAK)


def follow_page_pte(k: Kernel, request: Request, cow: bool) -> str:
    """Take the reference if the entry allows it, and return "nothing"; else return "fault" or "unshare".

    It faults on an entry that NUMA balancing made inaccessible until d74943a2f3cd (v6.5).
    """
    pte_offset_map_lock(request.pte.mm)
    value = ptep_get(request.pte)
    folio, page = value.folio, value.page
    lacking = "nothing"
    hinted = value.protnone and not request.want.force and not k.has(changes.GUP_FOLLOWS_PROTNONE)
    writable = not _wants_to_write(k, request) or can_follow_write_pte(k, request, value, cow)
    if folio is None or page is None or hinted or not writable:
        lacking = "fault"
    elif not value.write and gup_must_unshare(k, page, request):
        k.say(f"{page} is not exclusive: a read-only pin must unshare it first (a7f226604170)")
        lacking = "unshare"
    else:
        try_grab_folio(k, folio, request.want.pin)
        _hold(request)
        _hand_over(request, folio)
        _touch_folio(k, request, folio, value)
    pte_unmap_unlock(request.pte.mm)
    return lacking


def _touch_folio(k: Kernel, request: Request, folio: Folio, value: PteValue) -> None:
    """Mark the page dirty for a reference that is to write (FOLL_TOUCH), unless its entry is dirty already.

    Without FOLL_TOUCH only the holder of the reference knows of the write, and must say so (`put_reference`).
    """
    if request.want.touch and _wants_to_write(k, request) and not value.dirty:
        folio.dirty = True


def can_follow_write_pte(k: Kernel, request: Request, value: PteValue, cow: bool) -> bool:
    """Tell whether a kernel write may use the entry: it is writable, or FOLL_FORCE may override the mapping.

    Since 5535be309971 (v6.0) FOLL_FORCE may if the page is exclusive and the write needs no fault for
    soft-dirty or userfaultfd.  Before, it could if a write fault gave this process a page (FOLL_COW) and the
    entry is dirty.
    """
    if value.write or value.folio is None:
        return value.write
    if not k.has(changes.FORCE_NEEDS_EXCLUSIVE):
        return cow and value.dirty
    vma = request.pte.vma
    if pte_needs_soft_dirty_wp(k, vma, value) or userfaultfd_pte_wp(vma, value):
        return False
    exclusive = value.page is not None and value.page.anon_exclusive
    return request.want.force and not vma.write and exclusive


def gup_must_unshare(k: Kernel, page: MappedPage, request: Request) -> bool:
    """Tell whether a read-only pin must unshare the page first (mm/internal.h; a7f226604170, v5.19).

    It must if the page is not exclusive: the next write of its owner would go to a copy, and the pin would
    keep the old page.  FOLL_GET never unshares.  The zero page is unshared for FOLL_LONGTERM only
    (84209e87c696, v6.2).
    """
    if not k.has(changes.UNSHARE) or request.want.write or not request.want.pin:
        return False
    if page is k.zero_page:
        return request.want.longterm and k.has(changes.LONGTERM_UNSHARES_ALL)
    return not page.anon_exclusive


def try_grab_folio(k: Kernel, folio: Folio, pin: bool) -> None:
    """Take a reference to a folio: FOLL_GET adds 1 to the kernel's count, FOLL_PIN 1024."""
    if not pin:
        folio_get(k, folio)
    elif folio is not k.zero_page:
        folio.pincount = folio.pincount + 1


def gup_put_folio(k: Kernel, folio: Folio, pin: bool) -> None:
    """Drop a reference that `try_grab_folio` took."""
    if not pin:
        folio_put(k, folio)
    elif folio is not k.zero_page:
        folio.pincount = folio.pincount - 1
        __folio_put(k, folio)


def _hold(request: Request) -> None:
    """Record where and how the reference is taken.

    From here on it must agree with the entry (invariant I5), until zap or fork ends that.
    """
    reference, want = request.reference, request.want
    reference.pte, reference.coherent, reference.subpage = request.pte, True, request.pte.subpage
    reference.write, reference.pin = want.write, want.pin


def _let_go(request: Request) -> None:
    """Undo `_hold`, if no reference was taken after all."""
    reference = request.reference
    reference.pte, reference.coherent, reference.subpage = None, False, 0
    reference.write = reference.pin = False


def _hand_over(request: Request, folio: Folio) -> None:
    """Give the folio to the caller, who can use the reference from here on."""
    request.reference.state, request.reference.folio = "held", folio


# -- without locks ---------------------------------------------------------------------------------


def get_user_pages_fast(k: Kernel, cpu: int, reference: Reference, pte: Pte, want: Want) -> Code:
    """Take a reference without locks or, if that fails, as `get_user_pages` does.

    This is internal_get_user_pages_fast.  FOLL_PIN first marks the process as one with pins, for fork to see
    (70e806e4e645, v5.9).  The way without locks never marks a page dirty; the way with locks does
    (FOLL_TOUCH), for FOLL_LONGTERM since v6.3 (gup-fallback-touches).
    """
    if want.pin and k.has(changes.FORK_COPIES_PINNED):
        pte.mm.has_pinned = True
    taken = yield from lockless_pages_from_mm(k, Request(reference, pte, want))
    if not taken:
        yield
        touch = not want.longterm or k.has(changes.GUP_FALLBACK_TOUCHES)
        yield from get_user_pages(k, cpu, reference, pte, want._replace(touch=touch))


def lockless_pages_from_mm(k: Kernel, request: Request) -> Code:
    """Read the entry, take a reference, and then check that the entry has not changed (gup_fast).

    For a pin it also checks that no fork ran meanwhile (write_protect_seq, 57efa1fe5957, v5.11); for FOLL_GET
    it does not.  Returns True if the reference was taken, False if the way with locks has to be tried.
    """
    watched = request.want.pin and k.has(changes.FORK_SEQUENCE)
    seq = request.pte.mm.write_protect_seq if watched else 0
    value = ptep_get(request.pte)
    folio = value.folio
    if seq % 2 or folio is None or not _fast_access(k, request, value):
        return False
    yield
    early = _seen_too_early(k, folio.page(value.subpage), request)
    if early:
        yield
    if not still(k, mutants.NO_TRY_GET_IN_GUP_FAST, folio_ref_count(folio) > 0):
        return False
    try_grab_folio(k, folio, request.want.pin)
    yield
    sound = yield from _gup_fast_recheck(k, request, value, early)
    if sound and not (watched and request.pte.mm.write_protect_seq != seq):
        _hand_over(request, folio)
        return True
    _let_go(request)
    gup_put_folio(k, folio, request.want.pin)
    return False


def _fast_access(k: Kernel, request: Request, value: PteValue) -> bool:
    """True where gup_fast may use an entry: pte_access_permitted, neither pte_special nor pte_protnone."""
    if value.folio is k.zero_page or not request.pte.vma.read or value.protnone:
        return False
    return value.write or not _wants_to_write(k, request)


def _seen_too_early(k: Kernel, page: MappedPage, request: Request) -> bool:
    """True where a CPU with weak ordering reads PG_anon_exclusive before it takes its reference.

    Whoever ends exclusivity clears the entry, looks for pins, clears the flag and sets the entry.  Without
    the barriers of 088b8aa537c2 (v6.1) a CPU may read the flag from before that, and the entry from after it.
    """
    if not k.weak_barriers or k.has(changes.GUP_FAST_BARRIERS) or k.choose(2) == 0:
        return False
    early = not gup_must_unshare(k, page, request)
    if early:
        k.say("PG_anon_exclusive is read before the reference is taken: no barrier forbids it")
    return early


def _gup_fast_recheck(k: Kernel, request: Request, value: PteValue, early: bool) -> Code:
    """Tell whether the entry is unchanged and, for a read-only pin, the page is exclusive (a7f226604170).

    After this the entry may be zapped, shared by fork or moved before the caller has its page: nobody looks
    at it any more.
    """
    if not still(k, mutants.NO_PTE_SAME_IN_GUP_FAST, pte_same(request.pte, value)):
        return False
    _hold(request)
    yield
    page = value.page
    return page is not None and (early or value.write or not gup_must_unshare(k, page, request))
