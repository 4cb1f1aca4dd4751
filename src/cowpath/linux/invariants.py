# SPDX-License-Identifier: MIT
"""Invariants I1 to I14, and J1, J2 and J8 of large folios, which must hold in every state.

Each is checked per record, so that a step only re-checks what it touched.  An invariant that a release does
not claim yet is not checked there: its breakage shows in the outcomes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from cowpath.explore.record.cells import Record
from cowpath.history import changes
from cowpath.history.change import Change
from cowpath.history.version import Version

from .state import Folio, Kernel, MappedPage, Mm, Pte, Reference, Slot

Broken = str | None
"""None, or the sentence that says what is wrong."""


# -- exclusivity -----------------------------------------------------------------------------------


def i1_writable_is_exclusive(k: Kernel, pte: Pte) -> Broken:
    """A writable pte maps a page that is PG_anon_exclusive (VM_BUG_ON in do_swap_page)."""
    if pte.write:
        page = pte.mapped_page
        if page is not None and not page.anon_exclusive:
            return f"{pte} maps {page} writable, and {page} is not exclusive"
    return None


def i2_exclusive_is_alone(k: Kernel, folio: Folio) -> Broken:
    """An exclusive page has no other pte, present or swap."""
    for page in folio.pages:
        broken = _shared_although_exclusive(k, folio, page)
        if broken:
            return broken
    return None


def _shared_although_exclusive(k: Kernel, folio: Folio, page: MappedPage) -> Broken:
    """Return what else leads to an exclusive page, or None: a mapping, a migration entry or a swap pte."""
    if not page.anon_exclusive:
        return None
    if folio.ksm:
        return f"{page} is exclusive and a KSM page"
    if page.mapcount > 1:
        return f"{page} is exclusive and mapped {page.mapcount} times"
    if any(pte.migrating is folio for pte in k.ptes):
        return f"{page} is exclusive and a migration entry leads to it"
    for own, slot in zip(folio.pages, folio.slots, strict=False):
        if own is page and slot.count > 0:
            return f"{page} is exclusive and {slot.count} swap pte(s) lead to it"
    return None


def i3_marked_slot_has_one_user(k: Kernel, pte: Pte) -> Broken:
    """A swap pte that is marked exclusive is the only one that refers to its slot."""
    if pte.exclusive:
        slot = pte.slot
        if slot is not None and slot.count != 1:
            return f"{pte} is marked exclusive, and {slot.count} swap ptes refer to {slot}"
    return None


def exclusive_migration_is_alone(k: Kernel, pte: Pte) -> Broken:
    """A migration entry of the exclusive or write kind is the only one of its page: I2 while it moves."""
    if pte.access in ("exclusive", "write"):
        for other in k.ptes:
            if other is not pte and pte.migrating in (other.migrating, other.folio):
                return (
                    f"{pte} is a migration entry of the {pte.access} kind, and {other} leads to the same page"
                )
    return None


def i4_pinned_is_exclusive(k: Kernel, reference: Reference) -> Broken:
    """A page stays exclusive while it is pinned (sanity_check_pinned_pages)."""
    if reference.pin and reference.coherent:
        folio = reference.folio
        if folio is None or folio is k.zero_page:
            return None
        page = folio.page(reference.subpage)
        if not page.anon_exclusive:
            return f"{page} is pinned by {reference} and not exclusive any more"
    return None


def i5_reference_meets_mapping(k: Kernel, reference: Reference) -> Broken:
    """Where a promised reference was taken, a present pte maps the page that the reference holds.

    Claimed for FOLL_PIN, and for FOLL_GET | FOLL_WRITE where swap ptes have the exclusive marker; not for the
    zero page, which a read-only pin may hold until the first write (and no longer, FOLL_LONGTERM, v6.2).
    """
    if reference.folio is None or reference.folio is k.zero_page:  # None: GUP-fast has not returned it yet
        return None
    if not reference.coherent or not (
        reference.pin or (reference.write and k.ask(Version.claims_swp_exclusive))
    ):
        return None
    pte = reference.pte
    if pte is None or pte.kind != "present":
        return None
    if pte.folio is not reference.folio or pte.subpage != reference.subpage:
        held = reference.folio.page(reference.subpage)
        return f"{reference} holds {held}, and {pte} maps {pte.mapped_page}"
    return None


def i6_written_page_is_seen_by_one(k: Kernel, pte: Pte) -> Broken:
    """No other process can reach a page that a process can write, by a pte or a reference."""
    if not pte.write:
        return None
    folio, page = pte.folio, pte.mapped_page
    for other in k.ptes:
        if other.mm is not pte.mm and other.folio is folio and other.subpage == pte.subpage:
            return f"{pte} can write {page}, which {other} maps"
    for reference in k.references:
        taken_at = reference.pte
        if taken_at is None or taken_at.mm is pte.mm:
            continue
        if reference.folio is folio and reference.subpage == pte.subpage:
            return f"{pte} can write {page}, which {reference} of another process refers to"
    return None


def i12_shared_is_read_only(k: Kernel, pte: Pte) -> Broken:
    """After fork, the copies that share a page are read-only and not exclusive."""
    page = pte.mapped_page
    if page is None or page is k.zero_page or page.mapcount < 2:
        return None
    if pte.write or page.anon_exclusive:
        return f"{page} is mapped {page.mapcount} times, and {pte} is not read-only and shared"
    return None


# -- large folios ----------------------------------------------------------------------------------


def j1_references_are_accounted_for(k: Kernel, folio: Folio) -> Broken:
    """A large folio has at least a reference for each mapping."""
    if folio.refcount < folio.mapcount:
        return f"{folio} has {folio.mapcount} mappings and {folio.refcount} references"
    return None


def j2_mappings_are_counted(k: Kernel, folio: Folio) -> Broken:
    """The mappings of a large folio are those of its pages, and it never counts as less shared than it is.

    Sharing is known since 6af8cb80d3a9 (v6.15).
    """
    mappings = sum(page.mapcount for page in folio.pages)
    if folio.mapcount != mappings:
        return f"{folio} counts {folio.mapcount} mappings, and its pages have {mappings}"
    owners = {pte.mm for pte in k.ptes if pte.folio is folio}
    if len(owners) > 1 and not folio.shared and k.has(changes.MM_OWNER_SLOTS):
        return f"{folio} is mapped by {len(owners)} processes and does not count as shared"
    return None


def j8_batch_is_unobservable(k: Kernel, pte: Pte) -> Broken:
    """No entry got more by being changed together with others than it would have got alone (batch.py)."""
    if pte.excess:
        return f"{pte} was changed in a batch, and got more than a step of its own would have given it"
    return None


# -- swap ------------------------------------------------------------------------------------------


def i7_clean_page_equals_slot(k: Kernel, folio: Folio) -> Broken:
    """A clean page in the swap cache has the content of its slot: it may be dropped without writing.

    It need not if no pte needs the content any more: zapping a dirty anonymous pte does not dirty the page.
    Nor need it while somebody may write through GUP, who marks the page dirty when the reference is given
    back; until then nobody drops the page.  In a test that gives one back without that (unpin_user_page) the
    kernel cannot claim it.
    """
    if k.unpins_clean:
        return None
    slots = folio.slots
    if not slots or folio.dirty or folio.writeback or not folio.uptodate:
        return None
    if not folio.mapcount and not any(slot.count for slot in slots):
        return None
    if any(reference.folio is folio and reference.write for reference in k.references):
        return None
    if any(pte.folio is folio and pte.dirty for pte in k.ptes):
        return None
    step = k.layout.step
    for page, slot in zip(folio.pages, slots, strict=True):
        for place in range(page.data.length):
            if step.look(page.data[place]) != step.look(slot.content[place]):
                return f"{page} is clean and differs from {slot}"
    return None


def i8_stable_writes(k: Kernel, pte: Pte) -> Broken:
    """A page under writeback to a device with stable writes has no writable pte."""
    if not pte.write:
        return None
    folio = pte.folio
    if folio is not None and folio.writeback:
        slot = folio.entry
        if slot is not None and k.stable_writes(slot.device):
            return f"{pte} can write {folio} while the device reads it, and the device needs stable pages"
    return None


def i10_writeback_stays_cached(k: Kernel, folio: Folio) -> Broken:
    """A page under writeback stays in the swap cache."""
    if folio.writeback and not folio.swapcache:
        return f"{folio} is under writeback outside the swap cache"
    return None


def i11_slot_count(k: Kernel, slot: Slot) -> Broken:
    """A slot counts the swap ptes that refer to it, and the swap cache holds the slot it links."""
    users = sum(pte.slot is slot for pte in k.ptes)
    if users != slot.count:
        return f"{slot} counts {slot.count} swap ptes, and there are {users}"
    folio = slot.folio
    linked = folio is not None and any(own is slot for own in folio.slots)
    if folio is not None and not (slot.has_cache and linked and folio.swapcache):
        return f"{slot} and {folio} disagree about the swap cache"
    return None


def i14_locks_are_given_back(k: Kernel, mm: Mm) -> Broken:
    """When all threads are back in user space for good, nobody holds the locks of an address space.

    Daemons may hold them, so a test with a background actor is not checked.
    """
    held = mm.ptl or mm.mmap_writer or mm.mmap_readers
    if held and _nobody_is_in_the_kernel(k):
        return f"every thread has returned to user space, and a lock of {mm} is held"
    return None


def i14_folio_locks_are_given_back(k: Kernel, folio: Folio) -> Broken:
    """When all threads are back in user space for good, nobody holds the lock of a folio.

    Devices hold none: a folio is unlocked before it is written, and whoever reads it waits for its content.
    """
    if folio.locked and _nobody_is_in_the_kernel(k):
        return f"every thread has returned to user space, and the lock of {folio} is held"
    return None


def _nobody_is_in_the_kernel(k: Kernel) -> bool:
    """True when all threads have done their last statement, in a test without daemons."""
    if k.program.background or k.zswap_entries:
        return False
    return all(task.done or not k.mm(task).alive for task in k.tasks)


def i13_swap_leads_to_content(k: Kernel, pte: Pte) -> Broken:
    """No content is lost on the way out: a swap pte leads to a cached page or to a slot that was written."""
    slot = pte.slot
    if slot is None or slot.folio is not None:
        return None
    step, gone = k.layout.step, k.discarded
    if any(step.look(slot.content[place]) == gone.code for place in range(slot.data.length)):
        return f"{pte} leads to {slot}, which was never written or is discarded"
    return None


def pinned_stays_mapped(k: Kernel, pte: Pte) -> Broken:
    """Reclaim leaves a page mapped that is exclusive and pinned (I4, seen from the swap pte)."""
    slot = pte.slot
    folio = slot.folio if slot is not None else None
    if not pte.exclusive or slot is None or folio is None:
        return None
    subpage = folio.subpage_of(slot)
    if any(ref.pin and ref.folio is folio and ref.subpage == subpage for ref in k.references):
        return f"{folio.page(subpage)} was exclusive and pinned, and {pte} does not map it"
    return None


# -- the list --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Invariant:
    """An invariant of the list.  `since` is the change with which a release claims it; None if all do."""

    name: str
    title: str
    over: str  # "ptes", "folios", "slots", ... (see applying_to): it is checked for each of them
    check: Callable[..., Broken]
    since: Change | None = None


INVARIANTS = (
    Invariant("I1", "writable is exclusive", "ptes", i1_writable_is_exclusive, changes.ANON_EXCLUSIVE),
    Invariant("I2", "exclusive is alone", "folios", i2_exclusive_is_alone, changes.ANON_EXCLUSIVE),
    Invariant("I2", "exclusive is alone", "ptes", exclusive_migration_is_alone, changes.ANON_EXCLUSIVE),
    Invariant("I3", "marked slot", "ptes", i3_marked_slot_has_one_user, changes.SWP_EXCLUSIVE_BIT),
    Invariant("I4", "pinned is exclusive", "references", i4_pinned_is_exclusive, changes.UNSHARE),
    Invariant("I4", "pinned is exclusive", "ptes", pinned_stays_mapped, changes.UNSHARE),
    Invariant("I5", "reference meets mapping", "references", i5_reference_meets_mapping, changes.UNSHARE),
    Invariant(
        "I6", "written by one", "ptes", i6_written_page_is_seen_by_one, changes.SWAPIN_REUSE_BY_REFCOUNT
    ),
    Invariant("I7", "clean equals slot", "folios", i7_clean_page_equals_slot),
    Invariant("I8", "stable writes", "ptes", i8_stable_writes),
    Invariant("I10", "writeback is cached", "folios", i10_writeback_stays_cached),
    Invariant("I11", "slot count", "slots", i11_slot_count),
    Invariant("I12", "shared is read-only", "ptes", i12_shared_is_read_only),
    Invariant("J1", "references are counted", "large folios", j1_references_are_accounted_for),
    Invariant("J2", "mappings are counted", "large folios", j2_mappings_are_counted),
    Invariant("J8", "a batch is unobservable", "ptes of large folios", j8_batch_is_unobservable),
    Invariant("I13", "swap leads to content", "ptes", i13_swap_leads_to_content),
    Invariant("I14", "locks are given back", "mms", i14_locks_are_given_back),
    Invariant("I14", "locks are given back", "folios", i14_folio_locks_are_given_back),
)
"""I9 (writeback starts only without other references) is about a moment: swap_writepage checks it."""


def title(name: str) -> str:
    """Return the title of an invariant.

    >>> title("I8")
    'stable writes'
    """
    return next(invariant.title for invariant in INVARIANTS if invariant.name == name)


def judge(k: Kernel, invariant: Invariant, record: Record) -> Broken:
    """Return what is wrong with one record, or None."""
    return invariant.check(k, record)


def unlocked(k: Kernel, invariant: Invariant, record: Record) -> Broken:
    """Return what is wrong with one record, or None; nothing is claimed while a page-table lock is held.

    It is used where a section under that lock takes several steps.
    """
    if any(mm.ptl for mm in k.mms) and not isinstance(record, Mm):
        return None
    return invariant.check(k, record)


def applying_to(k: Kernel) -> tuple[tuple[str, Callable[[], Broken]], ...]:
    """Return the invariants that the release claims, regardless of changes added or dropped by hand."""
    records: dict[str, tuple[Record, ...]] = {
        "ptes": k.ptes,
        "folios": (*k.folios, *k.large_folios),
        "large folios": k.large_folios,
        "ptes of large folios": k.ptes if k.large_folios else (),
        "slots": k.slots,
        "references": k.references,
        "mms": k.mms,
    }
    return tuple(
        (invariant.name, partial(unlocked if k.lockless else judge, k, invariant, record))
        for invariant in INVARIANTS
        if invariant.since is None or k.ask(Version.claims, invariant.since)
        for record in records[invariant.over]
    )
