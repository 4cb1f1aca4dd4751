# SPDX-License-Identifier: MIT
"""mm/migrate.c: a page is moved to another folio while migration entries keep everybody away."""

from __future__ import annotations

from cowpath.explore.record.recorder import IDLE, Code
from cowpath.explore.record.step import Blocked
from cowpath.history import changes, mutants

from ..include.mm import Fault
from ..include.pgtable import (
    mk_pte,
    pte_mkdirty,
    pte_offset_map_lock,
    pte_same,
    pte_unmap_unlock,
    ptep_get,
    set_pte,
)
from ..state import Folio, Kernel, Pte, still
from .pagewalk import folio_walk_start
from .rmap import rmap_walk, try_to_migrate, try_to_unmap_flush
from .swap import (
    folio_alloc,
    folio_get,
    folio_isolate_lru,
    folio_lock,
    folio_put,
    folio_putback_lru,
    folio_ref_count,
    folio_trylock,
    folio_unlock,
    folio_wait_writeback,
    lru_add_drain,
    lru_add_drain_all,
)
from .vmscan import isolate_lru_folios

# -- who asks for it -------------------------------------------------------------------------------


def move_pages(k: Kernel, cpu: int, pte: Pte) -> Code:
    """Do migrate(x): move the page at once, waiting for its lock and for writeback (MIGRATE_SYNC)."""
    lru_add_drain_all(k)
    if pte.mm.ptl:
        raise Blocked(f"the page-table lock of {pte.mm}")
    folio = folio_walk_start(k, pte) if pte.vma.mapped else None
    if folio is None or folio is k.zero_page or not folio_isolate_lru(k, folio):
        k.say("there is no page to move")
        return
    yield
    folio_lock(folio, unless=k.has(mutants.NO_FOLIO_LOCK_IN_MIGRATION))
    yield
    folio_wait_writeback(folio, unless=k.has(mutants.NO_WRITEBACK_WAIT_IN_MIGRATION))
    yield from unmap_and_move(k, cpu, folio)


def kcompactd(k: Kernel, cpu: int, page: int) -> Code:
    """Run the background actor migrated(x): at any one moment it moves a page, as compaction does.

    It does not wait for the lock or for writeback (mm/compaction.c).
    """
    yield IDLE
    folio = isolate_lru_folios(k, page)
    yield
    yield from migrate_pages(k, cpu, folio)
    yield IDLE


def migrate_pages(k: Kernel, cpu: int, folio: Folio) -> Code:
    """Move an isolated folio, unless that would have to wait for it (MIGRATE_ASYNC)."""
    if folio.writeback or not folio_trylock(folio, unless=k.has(mutants.NO_FOLIO_LOCK_IN_MIGRATION)):
        folio_putback_lru(k, folio, cpu)
    else:
        yield from unmap_and_move(k, cpu, folio)


def migration_entry_wait(vmf: Fault) -> Code:
    """Wait until the page that a fault needs has been moved; then the access faults again."""
    yield
    if pte_same(vmf.pte, vmf.orig):
        raise Blocked(f"the migration of {vmf.orig.migrating}")
    return False


# -- moving ----------------------------------------------------------------------------------------


def unmap_and_move(k: Kernel, cpu: int, folio: Folio) -> Code:
    """Move a locked, isolated folio: put migration entries in place of its ptes, copy it, map the copy.

    If anybody else refers to the folio it stays where it is, and is mapped again.  Since c3096e6782b7 (v5.18)
    the page is on the LRU list at once.
    """
    new = folio_alloc(k)
    new.locked = True
    yield from try_to_migrate(k, folio)
    try_to_unmap_flush(k, folio)
    moved = folio.mapcount == 0 and move_to_new_folio(k, folio, new)
    yield
    yield from remove_migration_ptes(k, folio, new if moved else folio)
    folio_unlock(new)
    folio_unlock(folio, unless=k.has(mutants.NO_FOLIO_LOCK_IN_MIGRATION))
    if moved:
        folio_put(k, folio)
        folio_putback_lru(k, new, cpu)
    else:
        folio_put(k, new)
        folio_putback_lru(k, folio, cpu)
    if moved and k.has(changes.MIGRATION_DRAINS_LRU):
        lru_add_drain(k, cpu)


def move_to_new_folio(k: Kernel, folio: Folio, new: Folio) -> bool:
    """Move content and state of a folio to a new one (folio_migrate_mapping, folio_migrate_copy).

    Only the isolation and the swap cache may hold references, else it fails; in the swap cache they are
    frozen meanwhile.
    """
    if not still(k, mutants.NO_REFCOUNT_IN_MIGRATION, folio_ref_count(folio) == 1 + folio.swapcache):
        k.say(f"other references to {folio} ({folio_ref_count(folio) - 1 - folio.swapcache}): it stays")
        return False
    new.data = folio.data
    new.index, new.dirty, new.uptodate = folio.index, folio.dirty, folio.uptodate
    new.ksm, new.lazyfree = folio.ksm, folio.lazyfree
    slot = folio.entry
    if slot is not None:
        new.swapcache, new.entry, slot.folio = True, slot, new
        folio_get(k, new)
        folio.swapcache, folio.entry = False, None
        folio_put(k, folio)
    folio.ksm = False
    k.say(f"{folio} moves to {new}")
    return True


def remove_migration_ptes(k: Kernel, old: Folio, new: Folio) -> Code:
    """Map `new` in place of each migration entry of `old`."""
    position = 0
    while position < len(rmap_walk(k, new)):
        remove_migration_pte(k, rmap_walk(k, new)[position][0], old, new)
        yield
        position += 1


def remove_migration_pte(k: Kernel, pte: Pte, old: Folio, new: Folio) -> None:
    """Map the new folio in place of one migration entry, as exclusive and as writable as its kind says.

    The kind tells that the page is exclusive since 6c287605fd56 (v5.19).  The pte may be writable though the
    next write ought to be noted, if clear_refs has run meanwhile; until 055267feaecc (v6.9) the pte was
    dirty, which made the page soft-dirty and so hid the mistake.
    """
    pte_offset_map_lock(pte.mm)
    value = ptep_get(pte)
    if value.kind == "migration" and still(k, mutants.NO_RECHECK_IN_REMOVE_MIGRATION, value.migrating is old):
        folio_get(k, new)
        new.mapcount = new.mapcount + 1
        if value.access != "read" and k.has(changes.ANON_EXCLUSIVE):
            new.anon_exclusive = True
        writable = value.access == "write" and pte.vma.write
        mapped = pte_mkdirty(k, mk_pte(new)) if value.dirty and new.dirty else mk_pte(new)
        if k.has(changes.MIGRATION_KEEPS_SOFT_DIRTY):
            mapped = mapped._replace(soft_dirty=False)
        set_pte(pte, mapped.tracking(value)._replace(write=writable))
    pte_unmap_unlock(pte.mm)
