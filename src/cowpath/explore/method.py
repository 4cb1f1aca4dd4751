# SPDX-License-Identifier: MIT
"""The way a model is to be searched: by which engine, within which bounds, with which reductions."""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass, replace
from typing import Literal

from cowpath.explore.found import Enough

Engine = Literal["auto", "reference", "native"]

THRESHOLD = 100_000
"""States after which `auto` changes engines: a second or two of the reference search."""


@dataclass(frozen=True, slots=True)
class Method:
    """The way to search.  Whatever the method, a search that finishes gives the same answers.

    `max_states` ends a search early, and so does `enough`, when it says so of what is found; `memory` bounds
    the native engine's store in bytes (default: half of what is free); of 2 `threads`, one takes steps and
    one numbers states.  `auto` changes engines after `threshold` states (None: after THRESHOLD).
    `verify_every` n > 0 runs the recorded steps of every n-th state again in Python; only the reference
    search does that.

    With `walk`, nothing is exhausted: for so many seconds the model is walked through at random and depth
    first (walk.py), by the reference search's means.

    Three reductions leave out states.  `live_only`: locals that nothing reads any more tell no states apart.
    `rename`: the native engine keeps one of all states that differ only by which interchangeable record is
    which.  `partial_order`: of steps that cannot disturb each other, one order is enough (partial_order.py);
    only the reference search has it, and its paths need not be shortest.
    """

    engine: Engine = "auto"
    max_states: int | None = None
    verify_every: int = 0
    memory: int | None = None
    threads: int = 1
    rename: bool = True
    partial_order: bool = False
    live_only: bool = True
    enough: Enough | None = None
    threshold: int | None = None
    walk: float | None = None

    def __post_init__(self) -> None:
        if self.threads not in (1, 2):
            raise ValueError(f"threads={self.threads}: 1 or 2")
        if self.partial_order and self.engine == "native":
            raise ValueError("partial_order: only the reference search has it")
        if self.walk is not None and (self.partial_order or self.engine == "native" or self.verify_every):
            raise ValueError("walk: not with the native engine, partial_order or verify_every")

    def on_one_core(self) -> Method:
        """The same where other searches use the other cores."""
        return replace(self, threads=1)

    @property
    def room(self) -> int:
        """Bytes that the native engine's store may take."""
        return self.memory or free_memory() // 2


def free_memory() -> int:
    """Bytes that can be taken without swapping, as Linux estimates them, and within `ulimit -v`."""
    page = os.sysconf("SC_PAGE_SIZE")
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            found = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
        free = int(found[0]) * 1024
        with open("/proc/self/statm", encoding="ascii") as file:
            taken = int(file.read().split()[0]) * page
    except (OSError, IndexError):
        return page * os.sysconf("SC_PHYS_PAGES") // 2
    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    return free if most == resource.RLIM_INFINITY else max(0, min(free, most - taken))


def amount(size: int) -> str:
    """An amount of memory in words.

    >>> amount(300 << 20), amount(100 << 10)
    ('300 MiB', '100 KiB')
    """
    return f"{size >> 20:,} MiB" if size >= 1 << 20 else f"{size >> 10:,} KiB"
