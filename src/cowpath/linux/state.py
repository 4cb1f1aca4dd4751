# SPDX-License-Identifier: MIT
"""The state of the kernel, as far as private anonymous memory depends on it.  Read this file first.

One class per thing, one line per cell.  A reference count means what it means in the kernel, with one
difference: a FOLL_PIN adds 1024 to it there; here pins have a count of their own, so that
"maybe pinned" (refcount >= 1024) is `pincount > 0`.

    process (Mm) -- Vma, Pte --> Folio <-- Reference (a device)
                        |          |
                        +--> Slot -+   (swap; the swap cache is the link between the two)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cowpath.explore.monitor import Number
from cowpath.explore.record.cells import Choice, Contents, ContentView, Count, Flag, Layout, Pointer, Record
from cowpath.explore.record.recorder import Constant
from cowpath.explore.record.step import Blocked, Content, Exhausted
from cowpath.history import changes, swap_bits
from cowpath.history.asked import Answer, Asked
from cowpath.history.change import Change
from cowpath.history.version import Version
from cowpath.litmus.features import features
from cowpath.litmus.program import DISCARDED, LARGE_PAGES, SEGV, UNASSIGNED, Program
from cowpath.litmus.statements import PutPage


class Mm(Record):
    """struct mm_struct: one address space."""

    alive = Flag("the process runs")
    mmap_readers = Count(7, "holders of mmap_lock for reading", quiet=True)
    mmap_writer = Flag("mmap_lock is held for writing", quiet=True)
    ptl = Flag("the page-table lock is held", quiet=True)
    has_pinned = Flag("MMF_HAS_PINNED: some page was pinned once")
    write_protect_seq = Count(
        63, "odd while fork write-protects this process's pages", quiet=True, feature="gup_fast"
    )
    half_forked = Flag(
        "fork has given it up: its list of mappings ends half way", quiet=True, feature="failures"
    )
    on_mmlist = Flag("swapoff will visit this process", quiet=True)
    tlb_flush_pending = Count(7, "changes of entries that are not flushed yet", quiet=True, feature="tlb")
    tlb_flush_batched = Flag("reclaim may have unmapped pages and not flushed", quiet=True, feature="tlb")


class Vma(Record):
    """struct vm_area_struct: one page of one process, with what mmap said about it."""

    mapped = Flag("the mapping exists")
    read = Flag("VM_READ: it may be accessed at all")
    write = Flag("VM_WRITE: it may be written")
    lock_readers = Count(7, "holders of the VMA lock for reading", quiet=True, feature="tlb")
    locked = Flag("the VMA lock is held for writing", quiet=True, feature="tlb")
    mergeable = Flag("VM_MERGEABLE: KSM may merge it", feature="ksm")
    soft_dirty = Flag(
        "VM_SOFTDIRTY: all of it counts as written, as nothing is tracked yet", feature="soft_dirty"
    )
    uffd_wp = Flag("VM_UFFD_WP: it is registered with a userfaultfd", feature="uffd_wp")
    wp_async = Flag("UFFD_FEATURE_WP_ASYNC: writes only take the protection away", feature="wp_async")
    dontfork = Flag("VM_DONTCOPY: fork leaves it out", feature="dontfork")
    untouched = Flag("it has no anon_vma, as it never had a page of its own", quiet=True, feature="untouched")


class Pte(Record):
    """A page-table entry.  Fields that its kind does not use are 0, so equal values are equal cells."""

    whole = True

    kind = Choice(("none", "present", "swap", "migration"), "what the entry is")
    folio = Pointer["Folio"]("Folio", "present: the page")
    subpage = Count(3, "present: which page of a large folio", feature="large")
    write = Flag("present: writable")
    dirty = Flag("present (and migration, with soft-dirty): written through it since it was last cleaned")
    slot = Pointer["Slot"]("Slot", "swap: where the content is")
    exclusive = Flag("swap: the exclusive marker, pte_swp_exclusive")
    migrating = Pointer["Folio"]("Folio", "migration: the page that is being moved", feature="migration")
    access = Choice(
        ("none", "read", "exclusive", "write"),
        "migration: how it was mapped; exclusive is the read-only kind that is exclusive",
        feature="migration",
    )
    soft_dirty = Flag("written since clear_refs, as far as faults tell", feature="soft_dirty")
    uffd_wp = Flag("the next write waits for whoever listens to the userfaultfd", feature="uffd_wp")
    poisoned = Flag("swap: PTE_MARKER_POISONED, in place of what could not be read", feature="poison")
    protnone = Flag("present: the next access faults, for NUMA balancing to learn of it", feature="numa")
    hw_dirty = Flag("present: only the CPU knows that it is dirty, not the kernel", feature="lazyfree")
    excess = Flag(
        "not the kernel's: a batch gave it more than a step of its own would have (J8)",
        quiet=True,
        feature="large",
    )

    @property
    def mm(self) -> Mm:
        """The process that the entry belongs to."""
        return self.layout.all(Mm)[self.number // self.layout.dimensions["pages"]]

    @property
    def page(self) -> int:
        """The number of the page that the entry is for, in its process."""
        return self.number % self.layout.dimensions["pages"]

    @property
    def vma(self) -> Vma:
        """The mapping that the entry lies in."""
        return self.layout.all(Vma)[self.number]

    @property
    def mapped_page(self) -> MappedPage | None:
        """The page of the folio that a present entry maps; None for other entries."""
        folio = self.folio
        return None if folio is None else folio.page(self.subpage)


class Folio(Record):
    """struct folio: a page of memory, or several that are one.  Free where refcount and pincount are 0.

    A large folio has one of everything but of what Subpage has.  Its `mapcount` counts the mappings of all of
    its pages.
    """

    data = Contents("places", "what is in it")
    refcount = Count(15, "references, FOLL_PIN ones not counted", more=("large", 47))
    pincount = Count(3, "FOLL_PIN references; folio_maybe_dma_pinned where > 0")
    mapcount = Count(7, "present ptes that map it", more=("large", 32))
    locked = Flag("PG_locked, the folio lock", quiet=True)
    anon_exclusive = Flag("PG_anon_exclusive: it belongs to one process only")
    uptodate = Flag("PG_uptodate: its content has been read in", quiet=True)
    dirty = Flag("PG_dirty: it differs from its copy in swap")
    swapcache = Flag("PG_swapcache: it is in the swap cache, for `entry`", quiet=True)
    entry = Pointer["Slot"]("Slot", "folio->swap: the slot whose content it holds")
    writeback = Flag("PG_writeback: it is being written to swap")
    bio = Choice(("none", "submitted", "read"), "how far the device is with writing it", quiet=True)
    lru = Flag("PG_lru: on an LRU list, where reclaim finds it", quiet=True)
    batch = Count(15, "1 + the CPU whose LRU-add batch holds it (and a reference); 0: in none")
    ksm = Flag("PageKsm: it stands for equal contents anywhere", feature="ksm")
    lazyfree = Flag("not PG_swapbacked: MADV_FREE gave its content up", feature="lazyfree")
    lazyfree_batch = Count(
        15, "1 + the CPU whose lazyfree batch holds it (and a reference); 0: in none", feature="lazyfree"
    )
    index = Count(
        8, "1 + the page of a process it was first mapped for (folio->index); 0: none yet", quiet=True
    )
    owner0 = Pointer[Mm]("Mm", "large: a process that maps pages of it ...", quiet=True, feature="large")
    owner0_mapcount = Count(4, "... and how many (folio->_mm_id_mapcount[0])", quiet=True, feature="large")
    owner1 = Pointer[Mm]("Mm", "large: another one ...", quiet=True, feature="large")
    owner1_mapcount = Count(4, "... and how many (folio->_mm_id_mapcount[1])", quiet=True, feature="large")
    shared = Flag("large: FOLIO_MM_IDS_SHARED, more than one process may map it", feature="large")
    partially_mapped = Flag(
        "large: some page of it is not mapped any more (it is on the deferred split queue)", feature="large"
    )

    @property
    def is_large(self) -> bool:
        """True for a folio of several pages."""
        return self.layout.dimensions["folios"] <= self.number < len(self.layout.all(Folio)) - 1

    @property
    def pages(self) -> tuple[MappedPage, ...]:
        """The pages of the folio, in order."""
        if not self.is_large:
            return (self,)
        first = (self.number - self.layout.dimensions["folios"]) * LARGE_PAGES
        return self.layout.all(Subpage)[first : first + LARGE_PAGES]

    def page(self, number: int) -> MappedPage:
        """Return the page with this number in the folio."""
        return self.pages[number] if self.is_large else self

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The slots that the swap cache has the folio for, one a page; none outside the swap cache."""
        entry = self.entry
        return () if entry is None else entry.run(len(self.pages))

    def subpage_of(self, slot: Slot) -> int:
        """Return the number of the page whose content a slot has: folio_file_page(folio, swp_offset(entry)).

        A large folio has slots that are aligned to its size.
        """
        return slot.number % LARGE_PAGES if self.is_large else 0


class Subpage(Record):
    """struct page, one of the pages of a large folio.

    A folio of one page is that page: it has these cells itself.
    """

    data = Contents("places", "what is in it")
    mapcount = Count(7, "present ptes that map it")
    anon_exclusive = Flag("PG_anon_exclusive: it belongs to one process only")


MappedPage = Folio | Subpage
"""A page that a pte maps, as it is told from its folio: struct page."""


class Slot(Record):
    """A slot of a swap device, with its entry in swap_map and in the swap cache."""

    data = Contents("places", "what the device holds")
    count = Count(7, "swap ptes that refer to it")
    has_cache = Flag("SWAP_HAS_CACHE: taken by the swap cache", quiet=True)
    folio = Pointer[Folio]("Folio", "the folio in the swap cache")
    zswap = Pointer["ZswapEntry"]("ZswapEntry", "its compressed copy", feature="zswap")
    zero = Flag("in the zeromap: it reads as zeros, whatever is stored for it", feature="zswap")

    def run(self, length: int) -> tuple[Slot, ...]:
        """Return this slot and those that follow it, as many as asked for."""
        return (self,) if length == 1 else self.layout.all(Slot)[self.number : self.number + length]

    @property
    def content(self) -> ContentView:
        """The content that a read of the slot gives.

        That is zeros if the zeromap says so, else the compressed copy if there is one, else what the device
        holds.
        """
        if self.zero:
            return self.layout.all(Folio)[-1].data  # the zero page
        entry = self.zswap
        return self.data if entry is None else entry.data

    @property
    def device(self) -> SwapDevice:
        """The device that the slot is on."""
        devices = self.layout.all(SwapDevice)
        return devices[self.number * len(devices) // len(self.layout.all(Slot))]

    @property
    def offset(self) -> int:
        """The place of the slot on its device, where place 0 is the header."""
        return 1 + sum(before.device is self.device for before in self.layout.all(Slot)[: self.number])


class ZswapEntry(Record):
    """struct zswap_entry: a compressed page; only there with `swap = zswap`."""

    data = Contents("places", "what was compressed")
    slot = Pointer[Slot]("Slot", "the slot that it was stored for")
    refcount = Count(3, "the tree, and who is writing it to the device", quiet=True)


class Zswap(Record):
    """The settings of zswap; only there in tests that change them."""

    enabled = Flag("zswap_enabled: it takes new pages")


class SwapDevice(Record):
    """A swap device: struct swap_info_struct (include/linux/swap.h)."""

    write_ok = Flag("SWP_WRITEOK: slots may be taken")
    off = Flag("swapoff has freed its data")
    users = Count(7, "get_swap_device references", quiet=True)


class Reference(Record):
    """A reference that a device (or a pipe, or a driver) holds to a page, through GUP."""

    state = Choice(("none", "held", "put"), "not taken yet, held, given back", quiet=True)
    folio = Pointer[Folio]("Folio", "what it refers to")
    subpage = Count(3, "which page of a large folio it was taken to", quiet=True, feature="large")
    pin = Flag("FOLL_PIN, not FOLL_GET")
    write = Flag("FOLL_WRITE: the device may write")
    pte = Pointer[Pte]("Pte", "where it was taken", quiet=True)
    coherent = Flag("not the kernel's: no fork or zap has touched that address since", quiet=True)


class Task(Record):
    """A thread of the litmus test."""

    done = Flag("it has run its last statement", quiet=True)
    userfault = Pointer[Pte]("Pte", "where it waits to be let write", feature="uffd_wp")
    reported = Flag("somebody has read so from the userfaultfd", quiet=True, feature="uffd_wp")


class Tlb(Record):
    """The TLB entry of a thread's CPU for one pte; only there with `option = tlb`."""

    folio = Pointer[Folio]("Folio", "the page it leads to")
    write = Flag("it may be written")
    dirty = Flag("the pte was dirty already, so that a write need not look at it")


class Register(Record):
    """A register of a thread."""

    value = Contents(None, "its content")


class Statistics(Record):
    """Counters that no rule reads; only there where a test asks for them."""

    copies = Count(15, "pages the kernel copied")


@dataclass(frozen=True, slots=True)
class SwapTraits:
    """A kind of swap device, as the kernel's flags (SWP_...) and settings have it."""

    synchronous: bool = False  # SWP_SYNCHRONOUS_IO
    stable_writes: bool = False  # SWP_STABLE_WRITES
    unstable_with: Change | None = None  # a change that takes stable writes from it
    zswap: bool = False  # zswap stands in front of it
    slot_free_notify: bool = False  # it drops what nobody is said to need any more (swap_slot_free_notify)


SWAP_KINDS: Mapping[str, SwapTraits] = {
    "ssd": SwapTraits(),
    "zram": SwapTraits(
        synchronous=True,
        stable_writes=True,
        unstable_with=changes.ZRAM_TAKES_ANYTHING,
        slot_free_notify=True,
    ),
    "brd": SwapTraits(synchronous=True),
    "ssd_stable": SwapTraits(stable_writes=True),
    "zswap": SwapTraits(zswap=True),
    "zswap_zram": SwapTraits(
        synchronous=True,
        stable_writes=True,
        unstable_with=changes.ZRAM_TAKES_ANYTHING,
        zswap=True,
        slot_free_notify=True,
    ),
}
"""Each swap device of the language.  zram asks for stable writes, but for v5.19 (e7be8d1dd983, undone by
37887783b3fe, v6.0)."""


class Kernel(Constant):
    """A running kernel: what it can be asked, the test it runs, and every record by kind.

    `folios` and `slots` bound the model: a run that needs more raises Exhausted and is repeated with more.
    `soft_dirty` is CONFIG_MEM_SOFT_DIRTY, in a test that looks at it; `family` has every address space, a
    parent before its children.

    A `watched` kernel runs for ever: threads tell what they do (client.py), background actors act again and
    again, swap may be full, and who needs a folio where none is free waits for one, as reclaim makes it wait.
    Of the threads `overlap` at most are inside a statement (0: all may be).
    """

    def __init__(
        self,
        version: Version | Asked,
        program: Program,
        folios: int,
        slots: int,
        count_copies: bool = False,
        watched: bool = False,
        overlap: int = 0,
    ) -> None:
        self.asked, self.program, self.count_copies = Asked.of(version), program, count_copies
        self.watched, self.overlap = watched, overlap
        processes, pages = len(program.parents), len(program.pages)
        devices = len(program.swap)
        large = large_folios(program, folios)
        if program.blocks:
            slots = (slots + LARGE_PAGES - 1) // LARGE_PAGES * LARGE_PAGES
        counts: dict[type[Record], int] = {
            Mm: processes,
            Vma: processes * pages,
            Pte: processes * pages,
            Folio: folios + large + 1,
            Subpage: LARGE_PAGES * large,
            Slot: slots * devices,
            ZswapEntry: slots * devices + 1
            if any(SWAP_KINDS[device].zswap for device in program.swap)
            else 0,
            Zswap: int("zswap_switch" in features(program)),
            SwapDevice: devices,
            Reference: len(program.references),
            Task: len(program.threads),
            Tlb: len(program.threads) * pages if "tlb" in program.options else 0,
            Register: len(program.registers),
            Statistics: int(count_copies),
            Number: int(watched),
        }
        values = (*program.values, DISCARDED, UNASSIGNED, SEGV)
        places = max((page.places for page in program.pages), default=1)
        dimensions = {"pages": pages, "places": places, "folios": folios}
        names = _names(program, folios, large)
        self.layout = Layout(counts, values, dimensions, names, features(program))
        self.mms, self.vmas, self.ptes = self.layout.all(Mm), self.layout.all(Vma), self.layout.all(Pte)
        self.family = tuple(self.mms[process] for process in program.parents_first)
        self.folios = self.layout.all(Folio)[:folios]
        self.large_folios = self.layout.all(Folio)[folios:-1]
        self.zero_page = self.layout.all(Folio)[-1]
        self.slots, self.devices = self.layout.all(Slot), self.layout.all(SwapDevice)
        self.references, self.tasks = self.layout.all(Reference), self.layout.all(Task)
        self.zswap_entries = self.layout.all(ZswapEntry)
        self.tlbs = self.layout.all(Tlb)
        self.discarded = self.content(DISCARDED)
        self.registers, self.statistics = self.layout.all(Register), self.layout.all(Statistics)
        self.soft_dirty = "soft_dirty" in self.layout.features and self.ask(swap_bits.has_soft_dirty)
        self.uffd_wp = "uffd_wp" in self.layout.features

    @property
    def debug_vm(self) -> bool:
        """True with `option = debug_vm` (CONFIG_DEBUG_VM): checks that production kernels compile out."""
        return "debug_vm" in self.program.options

    @property
    def lockless(self) -> bool:
        """True where some thread of the test walks page tables without a lock (GUP-fast)."""
        return "gup_fast" in self.layout.features

    @property
    def forks_untouched(self) -> bool:
        """True where fork may meet a mapping that never had a page of its own."""
        return "untouched" in self.layout.features

    @property
    def swapoff_runs(self) -> bool:
        """True where the test calls swapoff, which may free a device that somebody else looks at."""
        return "swapoff" in self.layout.features

    @property
    def tracks_hw_dirty(self) -> bool:
        """True where it makes a difference whether the CPU or the kernel has set a dirty bit.

        It does to MADV_FREE, which alone leaves a writable entry clean before v6.11, and on arm64 until
        ff1712f953e2 (v5.10).
        """
        lazyfree = "lazyfree" in self.layout.features
        return lazyfree and self.ask(Version.lacks, changes.WRPROTECT_KEEPS_DIRTY)

    @property
    def unpins_clean(self) -> bool:
        """True where a reference is given back in this test without a word of what it may have written.

        The page is not marked dirty then (unpin_user_page).
        """
        statements = (statement for thread in self.program.threads for statement in thread.statements)
        return any(isinstance(s, PutPage) and s.pin and not s.dirty for s in statements)

    def fails(self, why: str) -> bool:
        """Choose whether what may fail here does, with `option = failures`; the search explores both."""
        failed = "failures" in self.program.options and self.choose(2) == 1
        if failed:
            self.say(why)
        return failed

    @property
    def zswap_enabled(self) -> bool:
        """True while zswap takes new pages: always, unless the test switches it off."""
        return all(settings.enabled for settings in self.layout.all(Zswap))

    @property
    def exclusive_loads(self) -> bool:
        """True with `option = exclusive_loads` (zswap.exclusive_loads=1, b9c91c43412f, v6.5 to v6.8)."""
        return "exclusive_loads" in self.program.options

    @property
    def weak_barriers(self) -> bool:
        """True with `option = weak_barriers`: a CPU may reorder what no barrier keeps in order."""
        return "weak_barriers" in self.program.options

    def has(self, change: Change) -> bool:
        """Tell whether this kernel has an upstream change."""
        return self.asked.has(change)

    def ask(self, question: Callable[..., Answer], *operands: object) -> Answer:
        """Ask something else about this kernel: return `question(version, *operands)`."""
        return self.asked.ask(question, *operands)

    def say(self, text: str) -> None:
        """Explain, beside the rule that decides, why it decides so; traces print the text."""
        self.layout.step.say(text)

    def choose(self, options: int) -> int:
        """Choose a number that nothing in the state decides: each of 0 .. options-1 is explored."""
        return self.layout.step.choose(options)

    def content(self, value: str) -> Content:
        """Return a constant page content."""
        return self.layout.content(value)

    @property
    def has_tlb(self) -> bool:
        """True with `option = tlb`: CPUs have TLBs, and flushes are deferred as in the kernel."""
        return bool(self.tlbs)

    def tlb(self, cpu: int, pte: Pte) -> Tlb:
        """Return the TLB entry of a thread's CPU for a pte."""
        return self.tlbs[cpu * len(self.program.pages) + pte.page]

    def mm(self, task: Task) -> Mm:
        """Return the address space that a thread runs in."""
        return self.mms[self.program.threads[task.number].process]

    def pte(self, mm: Mm, page: int) -> Pte:
        """Return the page-table entry of one page of a process."""
        return self.ptes[mm.number * len(self.program.pages) + page]

    def area(self, mm: Mm, number: int) -> tuple[Pte, ...]:
        """Return the entries of one area: of a page, or of all pages that began as one large folio."""
        return tuple(self.pte(mm, page) for page in self.program.areas[number])

    def count_copy(self) -> None:
        """Count one more page that was copied, if the test asks for the number."""
        if self.count_copies:
            self.statistics[0].copies = self.statistics[0].copies + 1

    def detach_references(self, pte: Pte, *, but_pins: bool = False) -> None:
        """Stop claiming that references taken at this entry agree with it (I5).

        With `but_pins`, that is still claimed of pins.
        """
        for reference in self.references:
            if reference.coherent and not (but_pins and reference.pin) and reference.pte is pte:
                reference.coherent = False

    def move_references(self, dst_pte: Pte, src_pte: Pte) -> None:
        """Let references that were taken at one entry agree with another one from here on (I5)."""
        for reference in self.references:
            if reference.coherent and reference.pte is src_pte:
                reference.pte = dst_pte

    def exhausted(self, kind: str) -> Exhausted | Blocked:
        """Return the exception to raise where the model has no free record left."""
        return Blocked(f"a free {kind.lower()}") if self.watched else Exhausted(kind)

    def zswap(self, device: SwapDevice) -> bool:
        """True where zswap stands in front of the device."""
        return SWAP_KINDS[self.program.swap[device.number]].zswap

    def notifies_slot_free(self, device: SwapDevice) -> bool:
        """True where the device is told of slots that are free (swap_slot_free_notify): zram is."""
        return SWAP_KINDS[self.program.swap[device.number]].slot_free_notify

    def synchronous(self, device: SwapDevice) -> bool:
        """True where reads and writes complete in the caller (SWP_SYNCHRONOUS_IO: zram, brd)."""
        return SWAP_KINDS[self.program.swap[device.number]].synchronous

    def stable_writes(self, device: SwapDevice) -> bool:
        """True where a page must not change while the device reads it (SWP_STABLE_WRITES)."""
        kind = SWAP_KINDS[self.program.swap[device.number]]
        return kind.stable_writes and not (kind.unstable_with and self.has(kind.unstable_with))


def large_folios(program: Program, folios: int) -> int:
    """Return the number of large folios that a test may have at a time, if it has that many small ones.

    A fault makes one only where a large folio is read back from swap.
    """
    made = folios - len(program.parents) * len(program.pages) if program.swap else 0
    return len(program.blocks) + min(made, len(program.blocks) * made)


def _names(program: Program, folios: int, large: int) -> dict[tuple[str, int], str]:
    """Return the names of records as people call them: P0.x, 0:r1, the zero page."""
    names = {("Folio", folios + large): "zero_page"}
    for block in range(large):
        names["Folio", folios + block] = f"large{block}"
        for number in range(LARGE_PAGES):
            names["Subpage", block * LARGE_PAGES + number] = f"large{block}.{number}"
    for process in range(len(program.parents)):
        leader = next(thread.name for thread in program.threads if thread.process == process)
        names["Mm", process] = f"{leader}.mm"
        for page in program.pages:
            index = process * len(program.pages) + page.index
            names["Pte", index] = f"{leader}.{program.label(page.index)}"
            names["Vma", index] = f"{leader}.{program.label(page.index)}.vma"
    if "tlb" in program.options:
        for thread in program.threads:
            for page in program.pages:
                names["Tlb", thread.index * len(program.pages) + page.index] = (
                    f"{thread.name}.tlb.{page.name}"
                )
    for index, reference in enumerate(program.references):
        names["Reference", index] = reference
    for thread in program.threads:
        names["Task", thread.index] = thread.name
    for index, (owner, register) in enumerate(program.registers):
        names["Register", index] = f"{owner}:{register}"
    return names


def still(k: Kernel, mutant: Change, holds: bool) -> bool:
    """Tell whether what was seen without a lock holds under it; a kernel with the mutant believes so."""
    return holds or k.has(mutant)
