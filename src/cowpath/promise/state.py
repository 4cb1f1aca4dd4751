# SPDX-License-Identifier: MIT
"""The state of the promise: the memory of each process, references, and which of them share their bytes."""

from __future__ import annotations

from cowpath.explore.record.cells import Choice, Contents, Flag, Layout, Pointer, Record
from cowpath.explore.record.recorder import Constant
from cowpath.explore.record.step import Content
from cowpath.litmus.features import features
from cowpath.litmus.program import DISCARDED, SEGV, UNASSIGNED, Program


class Process(Record):
    """A process of the test."""

    alive = Flag("it runs")
    clearing = Flag("clear_refs runs", feature="soft_dirty")


class Memory(Record):
    """A page, as one process has it."""

    data = Contents("places", "what it reads there")
    mapped = Flag("it is mapped")
    read = Flag("it may be read")
    write = Flag("it may be written")
    lazy = Flag("MADV_FREE: it may turn into zeros until it is written again", feature="lazyfree")
    occupied = Flag("it has been written: there is a page of its own", feature="occupied")
    dontfork = Flag("fork leaves it out", feature="dontfork")
    written = Flag("since clear_refs, or since ever: it is soft-dirty", feature="soft_dirty")
    scanned = Flag("written since pagemap_scan: the next one must say so", feature="wp_async")
    populated = Flag("it is certain that there is a page", feature="uffd_wp")
    registered = Flag("a userfaultfd may write-protect it", feature="uffd_wp")
    protected = Flag("userfaultfd: writes wait", feature="uffd_wp")
    lost = Flag("it could not be read from swap when swapoff wanted it", feature="poison")

    @property
    def readable(self) -> bool:
        """True where a load succeeds; else it gets SIGSEGV."""
        return self.mapped and self.read

    @property
    def writable(self) -> bool:
        """True where a store succeeds; else it gets SIGSEGV."""
        return self.mapped and self.write

    def occupy(self) -> None:
        """Note that it was written, so that it has a page of its own; only UFFDIO_MOVE can tell."""
        if "occupied" in self.layout.features:
            self.occupied = True


class Reference(Record):
    """A reference that a device or a driver holds."""

    state = Choice(("none", "held", "put"), "not taken yet, held, given back")
    owner = Pointer[Memory]("Memory", "the memory it was taken from")
    data = Contents("places", "what is read through it")
    pin = Flag("FOLL_PIN")
    promised = Flag("it stays attached to its owner")


class Attachment(Record):
    """The link between one reference and the page of one process: while it is set they share their bytes."""

    attached = Flag("a write through either is seen through the other")


class Task(Record):
    """A thread of the test."""

    done = Flag("it has run its last statement")
    waits = Pointer[Memory]("Memory", "what it waits to write to", feature="uffd_wp")
    reported = Flag("somebody has read so from the userfaultfd", feature="uffd_wp")


class Register(Record):
    """A register of a thread: the value that was last assigned."""

    value = Contents(None, "its content")


class Promise(Constant):
    """The promise for one test: its records, by kind.  No kernel keeps the `strict` one: see rules.py."""

    def __init__(self, program: Program, strict: bool = False) -> None:
        self.program, self.strict = program, strict
        processes, pages = len(program.parents), len(program.pages)
        counts: dict[type[Record], int] = {
            Process: processes,
            Memory: processes * pages,
            Reference: len(program.references),
            Attachment: processes * len(program.references),
            Task: len(program.threads),
            Register: len(program.registers),
        }
        places = max((page.places for page in program.pages), default=1)
        values = (*program.values, DISCARDED, UNASSIGNED, SEGV)
        self.layout = Layout(counts, values, {"places": places}, features=features(program))
        self.processes, self.memories = self.layout.all(Process), self.layout.all(Memory)
        self.references, self.attachments = self.layout.all(Reference), self.layout.all(Attachment)
        self.tasks, self.registers = self.layout.all(Task), self.layout.all(Register)

    def content(self, value: str) -> Content:
        """Return a constant as content of memory."""
        return self.layout.content(value)

    def choose(self) -> bool:
        """Return True or False; the search takes both ways."""
        return self.layout.step.choose(2) == 1

    @property
    def io_fails(self) -> bool:
        """True where what is read from swap may not be there (`option = failures`)."""
        return "failures" in self.program.options and bool(self.program.swap)

    @property
    def fork_fails(self) -> bool:
        """Choose whether this fork fails, with `option = failures`."""
        return "failures" in self.program.options and self.choose()

    def memory_of(self, process: Process) -> tuple[Memory, ...]:
        """Return the memory of a process, page by page."""
        pages = len(self.program.pages)
        return self.memories[process.number * pages : (process.number + 1) * pages]

    def process_of(self, memory: Memory) -> Process:
        """Return the process whose memory it is."""
        return self.processes[memory.number // len(self.program.pages)]

    def tells(self, feature: str) -> bool:
        """True where the test asks for writes in this way: "soft_dirty" or "uffd_wp"."""
        return feature in self.layout.features

    # -- what is the same bytes --------------------------------------------------------------------

    def attach(self, reference: Reference, memory: Memory) -> None:
        """From now on a write through the reference is seen in the memory, and the other way round."""
        self._attachment(reference, memory).attached = True

    def detach(self, reference: Reference, memory: Memory) -> None:
        """From now on no write through the reference is seen in the memory, nor the other way round."""
        self._attachment(reference, memory).attached = False

    def detach_all(self, reference: Reference) -> None:
        """Detach the reference from all memory, of every process."""
        for memory in self.seen_through(reference):
            self.detach(reference, memory)

    def is_attached(self, reference: Reference, memory: Memory) -> bool:
        """True where they share their bytes.  The memory may be that of another process, at the same page."""
        owner, pages = reference.owner, len(self.program.pages)
        if owner is None or owner.number % pages != memory.number % pages:
            return False
        return self._attachment(reference, memory).attached

    def attached(self, memory: Memory) -> list[Reference]:
        """Return the references that share their bytes with this memory."""
        return [reference for reference in self.references if self.is_attached(reference, memory)]

    def seen_through(self, reference: Reference) -> list[Memory]:
        """Return the memory, of one process or more, that shares its bytes with this reference."""
        return [memory for memory in self.memories if self.is_attached(reference, memory)]

    def parted(self, memory: Memory) -> list[Reference]:
        """Return the references taken at this page, in whatever process, whose owner they are attached to
        no longer.
        """
        pages, found = len(self.program.pages), []
        for reference in self.references:
            owner = reference.owner
            here = owner is not None and owner.number % pages == memory.number % pages
            if owner is not None and here and not self.is_attached(reference, owner):
                found.append(reference)
        return found

    def _attachment(self, reference: Reference, memory: Memory) -> Attachment:
        """Return the link between them; a process has one for each reference."""
        process = memory.number // len(self.program.pages)
        return self.attachments[process * len(self.references) + reference.number]
