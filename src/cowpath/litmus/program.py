# SPDX-License-Identifier: MIT
"""A checked litmus test: what the mechanism, the promise and the machine all run.

Names are resolved once, here, so that nobody after this looks for a page or a thread that does not exist.
"""

from dataclasses import dataclass
from functools import cached_property

from cowpath.litmus.ast import Condition, Statement

UNASSIGNED = "-"
"""A register that was never assigned."""

SEGV = "SEGV"
"""What a register holds after a load from memory that is not mapped; the thread ends there."""

DISCARDED = "?"
"""What a swap device returns for a slot that was freed."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of memory, present in every process."""

    index: int
    name: str
    places: int
    content: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Thread:
    """One `P`: a thread of a process.

    `forked_by` is the thread whose fork() makes its process, None where it runs from the start.  A `P2 of P1`
    starts with P1: it has P1's `forked_by`, though the fork names only P1.
    """

    index: int
    name: str
    process: int
    body: tuple[Statement, ...]
    forked_by: int | None


@dataclass(frozen=True, slots=True)
class BackgroundActor:
    """`kswapd(x)`: may act at any moment, as often as it likes."""

    kind: str
    pages: tuple[int, ...]


@dataclass(frozen=True)
class Program:
    """A whole test.  Process 0 exists from the start; `parents[p]` is the process that forks p."""

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

    @cached_property
    def parents_first(self) -> tuple[int, ...]:
        """Every process, a parent before its children, in the order of their numbers otherwise."""
        order: list[int] = []
        while len(order) < len(self.parents):
            born = (p for p, parent in enumerate(self.parents) if parent is None or parent in order)
            order.append(next(process for process in born if process not in order))
        return tuple(order)

    @cached_property
    def page_index(self) -> dict[str, int]:
        """Page name -> index."""
        return {page.name: page.index for page in self.pages}

    @cached_property
    def thread_index(self) -> dict[str, int]:
        """Thread name -> index."""
        return {thread.name: thread.index for thread in self.threads}

    @cached_property
    def reference_index(self) -> dict[str, int]:
        """Reference name -> index."""
        return {name: index for index, name in enumerate(self.references)}
