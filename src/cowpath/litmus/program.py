# SPDX-License-Identifier: MIT
"""A checked litmus test: what the mechanism, the promise and the machine all run.

Names are resolved once, here, so that nobody after this looks for a page or a thread that does not exist.
"""

from dataclasses import dataclass
from functools import cached_property

from cowpath.litmus.ast import Any, Condition, Statement, one_by_one
from cowpath.litmus.statements import DeviceWrite, Store

UNASSIGNED = "-"
"""The value of a register that was never assigned."""

SEGV = "SEGV"
"""The value of a register after a load that got SIGSEGV; its thread ends there."""

DISCARDED = "?"
"""The value that a swap device returns for a slot that was freed."""


@dataclass(frozen=True, slots=True)
class Page:
    """A variable of the test: one page, in every process that has it.  `content` is None if never touched."""

    index: int
    name: str
    places: int
    content: tuple[str, ...] | None


LARGE_PAGES = 4
"""The pages of a large folio: 16 kB, the smallest that anonymous memory has."""


@dataclass(frozen=True, slots=True)
class Block:
    """Pages that begin as one large folio, mapped by ptes: `mthp { ... }`.

    `first` is the index of its first page.  Beside the named pages it has silent ones, which no statement
    names and nobody looks at: after each named page as many as are missing to LARGE_PAGES.  They have no name
    and no places.
    """

    first: int


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread of a process: `P0`, `P1`, ...

    `forked_by` is the thread whose fork() makes its process, None where it runs from the start.  A `P2 of P1`
    starts with P1: it has P1's `forked_by`, though the fork names only P1.
    """

    index: int
    name: str
    process: int
    body: tuple[Statement, ...]
    forked_by: int | None

    @property
    def statements(self) -> tuple[Statement, ...]:
        """All statements of the body in order, those of an `any` one by one."""
        return one_by_one(self.body)


@dataclass(frozen=True, slots=True)
class BackgroundActor:
    """An actor such as `kswapd(x)`, which may act at any moment."""

    kind: str
    pages: tuple[int, ...]


@dataclass(frozen=True)
class Program:
    """A whole test.  Process 0 exists from the start; `parents[p]` is the process that forks process p."""

    name: str
    comment: str
    pages: tuple[Page, ...]
    threads: tuple[Thread, ...]
    parents: tuple[int | None, ...]
    references: tuple[str, ...]
    registers: tuple[tuple[int, str], ...]  # (thread, name), in order of first assignment
    values: tuple[str, ...]  # every character of the program; ZERO first
    swap: tuple[str, ...]  # device kinds, empty: no swap
    options: frozenset[str]
    background: tuple[BackgroundActor, ...]
    condition: Condition | None
    blocks: tuple[Block, ...] = ()

    def written_beside(self, thread: int, process: int | None = None) -> bool:
        """True if a page with several places can be written while a thread copies it.

        By a device that another thread drives, or by another thread of `process`, if one is given.
        """
        several = any(page.places > 1 for page in self.pages)
        others = [other for other in self.threads if other.index != thread]
        return several and any(
            isinstance(statement, DeviceWrite) or (isinstance(statement, Store) and other.process == process)
            for other in others
            for statement in one_by_one(other.body)
        )

    @cached_property
    def parents_first(self) -> tuple[int, ...]:
        """Every process, a parent before its children, in the order of their numbers otherwise."""
        order: list[int] = []
        while len(order) < len(self.parents):
            born = (p for p, parent in enumerate(self.parents) if parent is None or parent in order)
            order.append(next(process for process in born if process not in order))
        return tuple(order)

    def born_of(self, process: int) -> tuple[int, ...]:
        """Return the threads of a process, and of all that it forks, directly or not."""
        kin = {process}
        for child in self.parents_first:
            if self.parents[child] in kin:
                kin.add(child)
        return tuple(thread.index for thread in self.threads if thread.process in kin)

    @cached_property
    def is_open(self) -> bool:
        """True where a thread has an `any`: then it stands for many programs."""
        return any(isinstance(entry, Any) for thread in self.threads for entry in thread.body)

    @cached_property
    def page_index(self) -> dict[str, int]:
        """The index of each page, by its name; silent pages have none."""
        return {page.name: page.index for page in self.pages if page.name}

    @cached_property
    def areas(self) -> tuple[tuple[int, ...], ...]:
        """The pages as the kernel takes them in one go: those of a block together, others one by one."""
        blocks = {block.first: tuple(range(block.first, block.first + LARGE_PAGES)) for block in self.blocks}
        inside = {page for area in blocks.values() for page in area}
        found = [
            blocks.get(p.index, (p.index,)) for p in self.pages if p.index in blocks or p.index not in inside
        ]
        return tuple(found)

    def block_of(self, page: int) -> int | None:
        """The number of the block that a page stands in, None if in none."""
        found = (n for n, block in enumerate(self.blocks) if block.first <= page < block.first + LARGE_PAGES)
        return next(found, None)

    def named(self, page: int) -> int:
        """The page itself, or for a silent one the named page before it."""
        return max(p.index for p in self.pages[: page + 1] if p.name)

    def label(self, page: int) -> str:
        """A page as traces call it: by its name, or as the one after a named page: "x+1"."""
        named = self.named(page)
        return self.pages[named].name + (f"+{page - named}" if page > named else "")

    def range(self, first: str, last: str = "") -> tuple[int, ...]:
        """The pages from one to another one, or of one alone, with the silent ones that follow each."""
        begin, end = self.page_index[first], self.page_index[last or first]
        silent = 1
        while end + silent < len(self.pages) and not self.pages[end + silent].name:
            silent += 1
        return tuple(range(begin, end + silent))

    @cached_property
    def thread_index(self) -> dict[str, int]:
        """The index of each thread, by its name."""
        return {thread.name: thread.index for thread in self.threads}

    @cached_property
    def reference_index(self) -> dict[str, int]:
        """The index of each reference, by its name."""
        return {name: index for index, name in enumerate(self.references)}
