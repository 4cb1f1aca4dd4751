# SPDX-License-Identifier: MIT
"""mm/ksm.c: pages with equal content are merged into one, and a write takes them apart again."""

from __future__ import annotations

from cowpath.explore.record.recorder import IDLE, Code
from cowpath.explore.record.step import Blocked
from cowpath.history import changes, mutants

from ..arch.tlb import flush_tlb_page
from ..include.mm import SIGBUS, Fault
from ..include.mmap_lock import mmap_read_lock, mmap_read_unlock, mmap_write_lock, mmap_write_unlock
from ..include.pgtable import (
    PTE_NONE,
    PteValue,
    mk_pte,
    pte_mkclean,
    pte_offset_map_lock,
    pte_same,
    pte_unmap_unlock,
    pte_wrprotect,
    ptep_get,
    set_pte,
)
from ..state import Folio, Kernel, Pte, Vma, still
from .memory import handle_pte_fault
from .pagewalk import folio_walk_start
from .rmap import folio_remove_rmap_pte, folio_try_share_anon_rmap_pte
from .swap import folio_get, folio_put, folio_ref_count, folio_trylock, folio_unlock, lru_add_drain_all
from .swapfile import folio_free_swap

# -- who asks for it -------------------------------------------------------------------------------


def ksm_madvise(k: Kernel, cpu: int, pte: Pte, mergeable: bool) -> Code:
    """Do MADV_MERGEABLE, or MADV_UNMERGEABLE, which also unmerges what was merged (ksm_madvise)."""
    mmap_write_lock(pte.mm)
    pte.vma.mergeable = mergeable
    yield
    if not mergeable:
        yield from break_ksm(k, cpu, pte)
    mmap_write_unlock(pte.mm)


def ksm_do_scan(k: Kernel, cpu: int, pte: Pte, other: Pte) -> Code:
    """Let ksmd look at these two pages, as if MADV_MERGEABLE had named them before."""
    pte.vma.mergeable = other.vma.mergeable = True
    yield from cmp_and_merge_page(k, cpu, pte, other)


def ksm_scan_thread(k: Kernel, cpu: int, pages: tuple[int, ...]) -> Code:
    """Run the background actor ksmd: at any one moment it looks at two of these pages, of any processes."""
    yield IDLE
    alive = [mm for mm in k.mms if mm.alive]
    if not alive:
        raise Blocked("a process")
    pte = k.pte(alive[k.choose(len(alive))], pages[0])
    other = k.pte(alive[k.choose(len(alive))], pages[1])
    yield from cmp_and_merge_page(k, cpu, pte, other)
    yield IDLE


# -- merging ---------------------------------------------------------------------------------------


def cmp_and_merge_page(k: Kernel, cpu: int, pte: Pte, other: Pte) -> Code:
    """Merge two pages if their contents are equal now; the first becomes the KSM page unless one is already.

    A reference to each page is held all the time, and no LRU batch holds one (lru_add_drain_all).
    """
    lru_add_drain_all(k)
    yield
    folio = get_mergeable_page(k, pte)
    if folio is None or folio is k.zero_page:
        return
    folio_get(k, folio)
    yield
    target = get_mergeable_page(k, other)
    if target is None or target is folio or target is k.zero_page:
        folio_put(k, folio)
        return
    folio_get(k, target)
    yield
    if pages_identical(k, folio, target):
        yield from try_to_merge_two_pages(k, cpu, pte, folio, other, target)
    folio_put(k, folio)
    folio_put(k, target)


def get_mergeable_page(k: Kernel, pte: Pte) -> Folio | None:
    """Return the page that an entry of a mergeable mapping maps, or None."""
    if pte.mm.mmap_writer or pte.mm.ptl:
        raise Blocked(f"the locks of {pte.mm}")
    return folio_walk_start(k, pte) if _mergeable(pte.vma) else None


def _mergeable(vma: Vma) -> bool:
    """True where the mapping is there and mergeable (find_mergeable_vma)."""
    return vma.mapped and vma.mergeable


def pages_identical(k: Kernel, folio: Folio, target: Folio) -> bool:
    """True where the contents are equal now; no lock is held for the comparison (include/linux/mm.h)."""
    step = k.layout.step
    return all(
        step.look(folio.data[place]) == step.look(target.data[place]) for place in range(folio.data.length)
    )


def try_to_merge_two_pages(k: Kernel, cpu: int, pte: Pte, folio: Folio, other: Pte, target: Folio) -> Code:
    """Replace one of two equal pages by the other; if that fails half way, undo the first half."""
    yield
    if target.ksm:
        yield from try_to_merge_with_ksm_page(k, pte, folio, target)
        return
    merged = folio.ksm
    if not merged:
        merged = yield from try_to_merge_with_ksm_page(k, pte, folio, None)
    if not merged:
        return
    yield
    merged = yield from try_to_merge_with_ksm_page(k, other, target, folio)
    if not merged:
        yield
        yield from break_cow(k, cpu, pte)


def try_to_merge_with_ksm_page(k: Kernel, pte: Pte, folio: Folio, kpage: Folio | None) -> Code:
    """Make `folio` a KSM page, or map `kpage` in its place (try_to_merge_one_page, under mmap_lock)."""
    mmap_read_lock(pte.mm)
    if not _mergeable(pte.vma) or not folio_trylock(folio):
        mmap_read_unlock(pte.mm)
        return False
    yield
    orig = yield from write_protect_page(k, pte, folio)
    merged = orig is not None
    if orig is not None and kpage is None:
        folio.ksm = folio.dirty = True
    elif orig is not None and kpage is not None:
        yield
        merged = still(k, mutants.NO_COMPARE_IN_KSM, pages_identical(k, folio, kpage))
        if merged:
            yield
            merged = replace_page(k, pte, folio, kpage, orig)
    folio_unlock(folio)
    mmap_read_unlock(pte.mm)
    return merged


def write_protect_page(k: Kernel, pte: Pte, folio: Folio) -> Code:
    """Make a page read-only, clean and not exclusive, and return its entry; None where that is not possible.

    References that neither the entry, the swap cache nor KSM hold may write, so they stop it (31dbd01f3143).
    A page that is read-only, clean and not exclusive anyway is taken whoever refers to it, unless somebody
    may have made it so and not flushed TLBs yet (b3a81d0841a9, v4.13).
    """
    pte_offset_map_lock(pte.mm)
    value = ptep_get(pte)
    if not still(k, mutants.NO_RECHECK_IN_WRITE_PROTECT, value.folio is folio):
        pte_unmap_unlock(pte.mm)
        return None
    pending = k.has_tlb and pte.mm.tlb_flush_pending and k.has(changes.KSM_MINDS_PENDING_FLUSHES)
    if not (value.write or value.dirty or folio.anon_exclusive or pending):
        pte_unmap_unlock(pte.mm)
        return value
    set_pte(pte, PTE_NONE)
    flush_tlb_page(k, pte)
    if k.lockless:
        yield
    taken = _ksm_may_take(k, folio)
    if k.lockless:
        yield
    if not taken:
        set_pte(pte, value)
        pte_unmap_unlock(pte.mm)
        return None
    if value.dirty:
        folio.dirty = True
    protected = pte_mkclean(pte_wrprotect(k, value))
    set_pte(pte, protected)
    pte_unmap_unlock(pte.mm)
    return protected


def _ksm_may_take(k: Kernel, folio: Folio) -> bool:
    """True where nobody else can change the page (31dbd01f3143), which is not exclusive afterwards.

    Exclusivity ends here since 6c287605fd56 (v5.19).
    """
    expected = folio.mapcount + 1 + folio.swapcache
    if k.has(changes.KSM_COUNTS_REFERENCES) and folio_ref_count(folio) != expected:
        k.say(f"other references to {folio} ({folio_ref_count(folio) - expected}): KSM leaves it alone")
        return False
    return not folio.anon_exclusive or folio_try_share_anon_rmap_pte(k, folio, folio)


def replace_page(k: Kernel, pte: Pte, folio: Folio, kpage: Folio, orig: PteValue) -> bool:
    """Map the KSM page in place of another, unless the entry has changed since it was write-protected."""
    pte_offset_map_lock(pte.mm)
    same = still(k, mutants.NO_PTE_SAME_IN_KSM, pte_same(pte, orig))
    if same:
        folio_get(k, kpage)
        kpage.mapcount = kpage.mapcount + 1
        flush_tlb_page(k, pte)
        keeps = k.has(changes.KSM_KEEPS_SOFT_DIRTY) and orig.soft_dirty
        set_pte(pte, mk_pte(kpage)._replace(soft_dirty=keeps))
        folio_remove_rmap_pte(k, folio, folio, pte.mm)
        if folio.mapcount == 0:
            folio_free_swap(k, folio)
        folio_put(k, folio)
        k.say(f"{pte} maps {kpage} now: equal contents share one page")
        if (orig.soft_dirty and not keeps) or orig.uffd_wp:
            k.say("its entry is a new one: what the old one knew of writes is forgotten")
    pte_unmap_unlock(pte.mm)
    return same


# -- unmerging -------------------------------------------------------------------------------------


def break_cow(k: Kernel, cpu: int, pte: Pte) -> Code:
    """Undo a merge that failed half way."""
    mmap_read_lock(pte.mm)
    if _mergeable(pte.vma):
        yield from break_ksm(k, cpu, pte)
    mmap_read_unlock(pte.mm)


def break_ksm(k: Kernel, cpu: int, pte: Pte) -> Code:
    """Fault until the entry maps no KSM page: by write faults, since 6cce3314b928 (v6.2) by unshare faults.

    A write fault runs with a reference to the page; it gives up where userfaultfd would have to be asked.
    The page was found by follow_page before v6.2 (d7c0e68dab98), which in v6.1 does not find one that nobody
    may access: such a page stays merged.
    """
    unshare = k.has(changes.BREAK_KSM_UNSHARES)
    while True:
        value = ptep_get(pte)
        folio = value.folio
        if value.kind != "migration" and (folio is None or not folio.ksm):
            return
        if folio is not None and not unshare and folio_walk_start(k, pte) is None:
            return
        if folio is not None and not unshare:
            folio_get(k, folio)
        fault = Fault(pte, cpu, write=not unshare, unshare=unshare, may_wait=False)
        fate = yield from handle_pte_fault(k, fault)
        if folio is not None and not unshare:
            folio_put(k, folio)
        if fate == SIGBUS:
            return
        yield
