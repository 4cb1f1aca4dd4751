# SPDX-License-Identifier: MIT
"""The parts that are no kernel code: CPUs access pages through page tables, devices through references.

A CPU finds a page by way of its TLB (with `option = tlb`) and the page table, or raises a page fault.
"""

from __future__ import annotations

from cowpath.explore.record.recorder import Code
from cowpath.explore.record.step import Blocked, Content
from cowpath.litmus.program import SEGV

from .arch.fault import KILLED, do_user_addr_fault
from .mm.gup import gup_put_folio
from .state import Folio, Kernel, MappedPage, Pte, Reference, Register, Tlb

# -- CPUs ------------------------------------------------------------------------------------------


def load(k: Kernel, cpu: int, pte: Pte, place: int, register: Register) -> Code:
    """Load from a page into a register, faulting until the CPU finds the page; KILLED after SIGSEGV."""
    page = translate(k, cpu, pte, write=False)
    while page is None:
        fate = yield from do_user_addr_fault(k, cpu, pte, write=False)
        if fate == KILLED:
            register.value[0] = k.content(SEGV)
            return KILLED
        yield
        page = translate(k, cpu, pte, write=False)
    register.value[0] = page.data[place]
    return None


def store(k: Kernel, cpu: int, pte: Pte, place: int, source: Register | None, constant: str) -> Code:
    """Store to a page, faulting until the CPU finds it writable; KILLED after SIGSEGV."""
    page = translate(k, cpu, pte, write=True)
    while page is None:
        fate = yield from do_user_addr_fault(k, cpu, pte, write=True)
        if fate == KILLED:
            return KILLED
        yield
        page = translate(k, cpu, pte, write=True)
    page.data[place] = stored(k, source, constant)
    return None


def stored(k: Kernel, register: Register | None, constant: str) -> Content:
    """Return the content that a store or a device writes: the register's, or else the constant."""
    return k.content(constant) if register is None else register.value[0]


def translate(k: Kernel, cpu: int, pte: Pte, write: bool) -> MappedPage | None:
    """Return the page that an access goes to; None if the CPU raises a page fault.

    With `option = tlb`, a TLB entry may be used until it is flushed, whatever its pte says meanwhile, or be
    evicted at any moment.  A write through a TLB entry that is not dirty yet walks the page table, so that it
    notices if the pte is gone.
    """
    if k.has_tlb:
        entry = k.tlb(cpu, pte)
        cached = entry.folio
        if cached is not None and (not write or entry.dirty):
            same = pte.folio is cached and (pte.write or not entry.write)
            if same or k.choose(2) == 0:
                explain_stale(k, pte, entry, same)
                return cached
    return walk_page_table(k, cpu, pte, write)


def walk_page_table(k: Kernel, cpu: int, pte: Pte, write: bool) -> MappedPage | None:
    """Return the page that the page table has for an access, or None; a write makes the entry dirty."""
    folio = pte.folio
    allowed = folio is not None and pte.vma.read and not pte.protnone and (pte.write or not write)
    if allowed and write:
        if k.tracks_hw_dirty and not pte.dirty:
            pte.hw_dirty = True
        pte.dirty = True
    if k.has_tlb:
        entry = k.tlb(cpu, pte)
        entry.folio = folio if allowed else None
        entry.write = allowed and pte.write
        entry.dirty = allowed and pte.write and pte.dirty
    return folio.page(pte.subpage) if folio is not None and allowed else None


def explain_stale(k: Kernel, pte: Pte, entry: Tlb, same: bool) -> None:
    """Note for the trace that an access uses a page which the page table does not lead to any more."""
    if not same:
        k.say(f"the TLB still leads {pte} to {entry.folio}: it has not been flushed")


# -- devices ---------------------------------------------------------------------------------------


def put_reference(k: Kernel, reference: Reference, dirty: bool) -> None:
    """Give a reference back; with `dirty`, first mark the page dirty (set_page_dirty_lock).

    Direct I/O that has read into a page does so (bio_release_pages), and whoever calls
    unpin_user_pages_dirty_lock.  io_uring does not for its registered buffers (io_unaccount_mem,
    unpin_user_page).
    """
    folio = held(reference)
    if folio is None:
        return
    if dirty and (reference.write or reference.pin):
        if folio.locked:
            raise Blocked(f"the lock of {folio}")
        folio.dirty = True
    gup_put_folio(k, folio, reference.pin)
    reference.state = "put"
    reference.folio = reference.pte = None
    reference.subpage = 0
    reference.pin = reference.write = reference.coherent = False


def device_write(reference: Reference, place: int, value: Content) -> None:
    """Write to a page as a device does, through its reference, whatever any pte says."""
    page = held_page(reference)
    if page is not None:
        page.data[place] = value


def device_read(reference: Reference, place: int, register: Register) -> None:
    """Read from a page as a device does, through its reference."""
    page = held_page(reference)
    if page is not None:
        register.value[0] = page.data[place]


def held_page(reference: Reference) -> MappedPage | None:
    """Return the page of the folio that a reference was taken to; wait like `held`."""
    folio = held(reference)
    return None if folio is None else folio.page(reference.subpage)


def held(reference: Reference) -> Folio | None:
    """Return the folio that a reference keeps, None after it was given back; wait until it is taken."""
    if reference.state == "none":
        raise Blocked(f"reference {reference}")
    return reference.folio
