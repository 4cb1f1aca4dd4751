# SPDX-License-Identifier: MIT
"""mm/gup.c: references to pages for those who read and write them without a page table."""

from __future__ import annotations

from typing import NamedTuple

from cowpath.explore.record.recorder import Code
from cowpath.history import changes, mutants

from ..include.mm import Fault
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
    """What a reference is wanted for: the FOLL_ flags."""

    write: bool = False  # FOLL_WRITE
    pin: bool = False  # FOLL_PIN, not FOLL_GET
    longterm: bool = False  # FOLL_LONGTERM
    force: bool = False  # FOLL_FORCE
    touch: bool = False  # FOLL_TOUCH, which get_user_pages sets and pin_user_pages does not


class Request(NamedTuple):
    """One call: which reference is to be taken, where, and what for."""

    reference: Reference
    pte: Pte
    want: Want


def get_user_pages(k: Kernel, cpu: int, reference: Reference, pte: Pte, want: Want) -> Code:
    """Take a reference to the page at an address, faulting it in as often as needed (__get_user_pages).

    FOLL_PIN says so in the process before it looks (70e806e4e645, v5.9).  Where the access is not permitted
    the call fails, and no reference is taken.
    """
    mm, request = pte.mm, Request(reference, pte, want)
    mmap_read_lock(mm, unless=k.has(mutants.NO_MMAP_LOCK_IN_GUP))
    if want.pin and k.has(changes.FORK_COPIES_PINNED):
        mm.has_pinned = True
    cow = False  # FOLL_COW: a write fault has given this process a page of its own
    lacking = _look_up(k, request, cow)
    while lacking in ("fault", "unshare"):
        wrote = yield from faultin_page(k, cpu, request, lacking == "unshare")
        cow = (cow or wrote) and not pte.vma.write
        yield
        lacking = _look_up(k, request, cow)
    if lacking == "permission":
        reference.state = "put"
    mmap_read_unlock(mm, unless=k.has(mutants.NO_MMAP_LOCK_IN_GUP))


def _look_up(k: Kernel, request: Request, cow: bool) -> str:
    """One round of __get_user_pages: take the reference, or say what is lacking."""
    return follow_page_pte(k, request, cow) if check_vma_flags(request) else "permission"


def check_vma_flags(request: Request) -> bool:
    """Whether the mapping permits the access; FOLL_FORCE does not ask for VM_READ and VM_WRITE."""
    vma, want = request.pte.vma, request.want
    return vma.mapped and (want.force or (vma.write if want.write else vma.read))


def faultin_page(k: Kernel, cpu: int, request: Request, unshare: bool) -> Code:
    """One fault on behalf of GUP; the page is looked up again afterwards."""
    write = _wants_to_write(k, request)
    return (yield from handle_pte_fault(k, Fault(request.pte, cpu, write, unshare and not write)))


def _wants_to_write(k: Kernel, request: Request) -> bool:
    """Whether to look for a writable page.  v5.8 did for every reference to private memory (17839856fd58)."""
    return request.want.write or k.has(changes.FORCED_COW_BREAK)


def follow_page_pte(k: Kernel, request: Request, cow: bool) -> str:
    """Take the reference if the entry allows it; otherwise what is lacking: a "fault" or to "unshare".

    It lets NUMA balancing know; since d74943a2f3cd (v6.5) it does not, which comes to the same page.
    """
    pte_offset_map_lock(request.pte.mm)
    value = ptep_get(request.pte)
    folio, page = value.folio, value.page
    lacking = "nothing"
    hinted = value.protnone and not request.want.force
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
    """FOLL_TOUCH: who is about to write has the page marked dirty, unless its entry says so.

    Otherwise nobody knows of the write but who holds the reference, and he has to say so (`put_reference`).
    """
    if request.want.touch and _wants_to_write(k, request) and not value.dirty:
        folio.dirty = True


def can_follow_write_pte(k: Kernel, request: Request, value: PteValue, cow: bool) -> bool:
    """Whether a kernel write may use the entry: it is writable, or FOLL_FORCE may overrule the mapping.

    It may since 5535be309971 (v6.0) if the page is exclusive and the write need not be noted or announced.
    Before: if a write fault gave this process a page (FOLL_COW) and the entry is dirty.
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
    """Whether a read-only pin would lose the page at the owner's next write (a7f226604170, v5.19).

    FOLL_GET never unshares.  The zero page is unshared for FOLL_LONGTERM only (84209e87c696, v6.2).  From
    mm/internal.h.
    """
    if not k.has(changes.UNSHARE) or request.want.write or not request.want.pin:
        return False
    if page is k.zero_page:
        return request.want.longterm and k.has(changes.LONGTERM_UNSHARES_ALL)
    return not page.anon_exclusive


def try_grab_folio(k: Kernel, folio: Folio, pin: bool) -> None:
    """FOLL_GET adds one reference, FOLL_PIN 1024."""
    if not pin:
        folio_get(k, folio)
    elif folio is not k.zero_page:
        folio.pincount = folio.pincount + 1


def gup_put_folio(k: Kernel, folio: Folio, pin: bool) -> None:
    """The inverse of `try_grab_folio`."""
    if not pin:
        folio_put(k, folio)
    elif folio is not k.zero_page:
        folio.pincount = folio.pincount - 1
        __folio_put(k, folio)


def _hold(request: Request) -> None:
    """What is taken is to agree with the entry from here on (invariant I5), until zap or fork ends that."""
    reference, want = request.reference, request.want
    reference.pte, reference.coherent, reference.subpage = request.pte, True, request.pte.subpage
    reference.write, reference.pin = want.write, want.pin


def _let_go(request: Request) -> None:
    """The inverse of `_hold`, where nothing was taken after all."""
    reference = request.reference
    reference.pte, reference.coherent, reference.subpage = None, False, 0
    reference.write = reference.pin = False


def _hand_over(request: Request, folio: Folio) -> None:
    """From here on the caller can use the reference."""
    request.reference.state, request.reference.folio = "held", folio


# -- without locks ---------------------------------------------------------------------------------


def get_user_pages_fast(k: Kernel, cpu: int, reference: Reference, pte: Pte, want: Want) -> Code:
    """First without any lock, then, if that fails, like `get_user_pages` (internal_get_user_pages_fast).

    FOLL_PIN says so in the process first, for fork to see (70e806e4e645, v5.9).  Nothing here marks a page
    dirty; the way with locks does (FOLL_TOUCH), for FOLL_LONGTERM since v6.3 (gup-fallback-touches).
    """
    if want.pin and k.has(changes.FORK_COPIES_PINNED):
        pte.mm.has_pinned = True
    taken = yield from lockless_pages_from_mm(k, Request(reference, pte, want))
    if not taken:
        yield
        touch = not want.longterm or k.has(changes.GUP_FALLBACK_TOUCHES)
        yield from get_user_pages(k, cpu, reference, pte, want._replace(touch=touch))


def lockless_pages_from_mm(k: Kernel, request: Request) -> Code:
    """gup_fast: read the entry, take a reference, and only then make sure that it was right to do so.

    A pin also makes sure that no fork ran meanwhile (write_protect_seq, 57efa1fe5957, v5.11); FOLL_GET does
    not.
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
    """pte_access_permitted, and neither the zero page (pte_special) nor PROT_NONE (pte_protnone)."""
    if value.folio is k.zero_page or not request.pte.vma.read or value.protnone:
        return False
    return value.write or not _wants_to_write(k, request)


def _seen_too_early(k: Kernel, page: MappedPage, request: Request) -> bool:
    """Whether a CPU with weak ordering sees PG_anon_exclusive before it takes its reference.

    Whoever ends exclusivity clears the entry, looks for pins, clears the flag and sets the entry.  Without
    the barriers of 088b8aa537c2 (v6.1) the flag may be that of before and the entry that of afterwards.
    """
    if not k.weak_barriers or k.has(changes.GUP_FAST_BARRIERS) or k.choose(2) == 0:
        return False
    early = not gup_must_unshare(k, page, request)
    if early:
        k.say("PG_anon_exclusive is read before the reference is taken: no barrier forbids it")
    return early


def _gup_fast_recheck(k: Kernel, request: Request, value: PteValue, early: bool) -> Code:
    """The entry must be the same still, then a read-only pin needs an exclusive page (a7f226604170).

    It may be zapped, shared by fork or moved before the caller has its page: nobody looks at it any more.
    """
    if not still(k, mutants.NO_PTE_SAME_IN_GUP_FAST, pte_same(request.pte, value)):
        return False
    _hold(request)
    yield
    page = value.page
    return page is not None and (early or value.write or not gup_must_unshare(k, page, request))
