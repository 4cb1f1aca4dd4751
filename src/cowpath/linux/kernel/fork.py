# SPDX-License-Identifier: MIT
"""kernel/fork.c (dup_mmap) and the copying of page tables in mm/memory.c."""

from __future__ import annotations

from cowpath.explore.record.recorder import Code
from cowpath.history import changes, mutants

from ..arch.tlb import flush_tlb_mm
from ..include.pgtable import (
    PteValue,
    maybe_mkwrite,
    mk_pte,
    pte_lock,
    pte_swp_clear_exclusive,
    pte_swp_exclusive,
    pte_unlock,
    pte_wrprotect,
    ptep_get,
    set_pte,
)
from ..mm.mmap import mmap_write_lock, mmap_write_unlock, vma_end_write_all, vma_start_write
from ..mm.rmap import folio_add_new_anon_rmap, folio_maybe_dma_pinned
from ..mm.swap import alloc_folio, count_copy, folio_add_lru, folio_get
from ..mm.swapfile import swap_duplicate
from ..state import Folio, Kernel, Mm, Pte, Vma


def dup_mmap(k: Kernel, cpu: int, parent: Mm, child: Mm) -> Code:
    """Give the child a copy of the parent's page table, entry by entry; the parent cannot fault meanwhile.

    Its threads may go on using entries that are not write-protected yet.
    """
    mmap_write_lock(parent, unless=k.has(mutants.NO_MMAP_LOCK_IN_FORK))
    page = 0
    while page < len(k.program.pages):
        yield from copy_page_range(k, cpu, k.pte(parent, page), k.pte(child, page))
        yield
        page += 1
    flush_tlb_mm(k, parent)
    vma_end_write_all(k, parent)
    mmap_write_unlock(parent, unless=k.has(mutants.NO_MMAP_LOCK_IN_FORK))
    child.alive = True


def copy_page_range(k: Kernel, cpu: int, source: Pte, target: Pte) -> Code:
    """One mapping.

    Pins that are taken without a lock meanwhile notice (57efa1fe5957, v5.11), and faults that take only the
    lock of their VMA have to wait (fb49c455323f, v6.5).
    """
    if k.has_tlb and k.has(changes.FORK_LOCKS_VMAS):
        vma_start_write(source.vma)
    if k.lockless:
        source.mm.write_protect_seq = source.mm.write_protect_seq + 1
        yield
    yield from copy_pte(k, cpu, source, target)
    if k.lockless:
        yield
        source.mm.write_protect_seq = source.mm.write_protect_seq + 1


def copy_pte(k: Kernel, cpu: int, source: Pte, target: Pte) -> Code:
    """One entry, under both page-table locks (copy_pte_range)."""
    dup_vma(source.vma, target.vma)
    pte_lock(source.mm)
    pte_lock(target.mm)
    kind = source.kind
    if kind == "present":
        yield from copy_present_pte(k, cpu, source, target)
    elif kind == "swap":
        copy_nonpresent_pte(k, source, target)
    elif kind == "migration":
        copy_migration_entry(k, source, target)
    pte_unlock(target.mm)
    pte_unlock(source.mm)
    share_references(k, source)


def dup_vma(source: Vma, target: Vma) -> None:
    """The child's mapping is like the parent's."""
    target.mapped, target.read, target.write = source.mapped, source.read, source.write
    target.mergeable, target.soft_dirty = source.mergeable, source.soft_dirty


def copy_present_pte(k: Kernel, cpu: int, source: Pte, target: Pte) -> Code:
    """Share the page read-only, unless it may be pinned: then the child gets a copy (70e806e4e645, v5.9).

    Sharing ends exclusivity; since v5.19 only an exclusive page can be one that is pinned for good
    (6c287605fd56).
    """
    value = ptep_get(source)
    folio = value.folio
    if folio is None:
        return
    if folio is k.zero_page:
        set_pte(target, for_child(value))
        return
    if must_copy(k, source.mm, folio):
        k.say(f"{folio} may be pinned, so the child gets a copy and the parent keeps it")
        copy_present_page(k, cpu, folio, target)
        return
    if k.lockless:
        yield
    folio_get(k, folio)
    folio.mapcount = folio.mapcount + 1
    folio.anon_exclusive = False
    if k.lockless:
        yield
    shared = pte_wrprotect(ptep_get(source))
    set_pte(source, shared)
    set_pte(target, for_child(shared))


def must_copy(k: Kernel, parent: Mm, folio: Folio) -> bool:
    """Whether fork must not share a page (page_needs_cow_for_dma, 70e806e4e645, v5.9).

    Since 6c287605fd56 (v5.19) it is asked of exclusive pages only (folio_try_dup_anon_rmap).
    """
    if not k.has(changes.FORK_COPIES_PINNED) or not parent.has_pinned:
        return False
    if k.has(changes.ANON_EXCLUSIVE) and not folio.anon_exclusive:
        return False
    return folio_maybe_dma_pinned(folio) and not k.has(mutants.NO_PIN_CHECK_IN_FORK)


def copy_present_page(k: Kernel, cpu: int, folio: Folio, target: Pte) -> None:
    """A new page with the content of the old one, for the child: writable if the mapping is."""
    new = alloc_folio(k)
    new.data = folio.data
    count_copy(k)
    folio_add_new_anon_rmap(k, new, target)
    folio_add_lru(k, new, cpu)
    value = maybe_mkwrite(k, mk_pte(new), target.vma)
    set_pte(target, value._replace(write=True) if k.has(mutants.NO_VM_WRITE_IN_FORK) else value)


def copy_nonpresent_pte(k: Kernel, source: Pte, target: Pte) -> None:
    """Share the slot.  A marked swap pte is not exclusive any more: H3 (1493a1913e34, v5.19)."""
    value = ptep_get(source)
    slot = value.slot
    if slot is None:
        return
    swap_duplicate(slot)
    target.mm.on_mmlist = True
    if pte_swp_exclusive(value):
        if k.has(changes.FORK_CLEARS_SWP_EXCLUSIVE):
            value = pte_swp_clear_exclusive(value)
            set_pte(source, value)
            k.say("parent and child share the slot now: the marker is cleared")
        else:
            k.say("the marker is copied: parent and child both take the page for theirs alone")
    set_pte(target, for_child(value))


def copy_migration_entry(k: Kernel, source: Pte, target: Pte) -> None:
    """The page is shared from now on: its entry becomes the read kind, in the parent too."""
    value = ptep_get(source)
    if not k.has(changes.FORK_KEEPS_MIGRATION_KIND):
        value = value._replace(access="read")
        set_pte(source, value)
    set_pte(target, for_child(value))


def for_child(value: PteValue) -> PteValue:
    """The child is not registered with its parent's userfaultfd (no UFFD_FEATURE_EVENT_FORK)."""
    return value._replace(uffd_wp=False)


def share_references(k: Kernel, source: Pte) -> None:
    """FOLL_GET promises nothing once fork is involved (invariant I5)."""
    for reference in k.references:
        if reference.coherent and not reference.pin and reference.pte is source:
            reference.coherent = False
