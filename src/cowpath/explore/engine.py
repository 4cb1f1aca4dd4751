# SPDX-License-Identifier: MIT
"""Search a model with the engine that suits it.

Small searches run in the reference search, which needs nothing but Python.  One that grows past `THRESHOLD`
states starts over in the native engine, with everything recorded so far; that needs the engine's library,
which wheels bring along and a C compiler makes elsewhere.  Without it, the reference search goes on.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Literal

from cowpath.explore.found import Enough, Progress, Search
from cowpath.explore.record.recorder import Model, Recorder
from cowpath.explore.search import STOPPED
from cowpath.explore.search import explore as reference

Engine = Literal["auto", "reference", "native"]

THRESHOLD = 100_000
"""States after which `auto` changes engines: a second or two of the reference search."""


@dataclass(frozen=True, slots=True)
class Method:
    """The way to search.  Whatever the method, a search that finishes gives the same answers.

    `max_states` ends a search early, and so does `enough`, when it says so of what is found; `memory` bounds
    the native engine's store in bytes (default: half of what is free); of 2 `threads`, one takes steps and
    one numbers states.  `auto` changes engines after `threshold` states
    (None: after THRESHOLD).  `verify_every` n > 0 runs the
    recorded steps of every n-th state again in Python; only the reference search does that.

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

    def __post_init__(self) -> None:
        if self.threads not in (1, 2):
            raise ValueError(f"threads={self.threads}: 1 or 2")
        if self.partial_order and self.engine == "native":
            raise ValueError("partial_order: only the reference search has it")

    def on_one_core(self) -> Method:
        """The same where other searches use the other cores."""
        return replace(self, threads=1)


def explore(model: Model, method: Method | None = None, progress: Progress | None = None) -> Search:
    """Find every reachable state, every outcome and every broken invariant, by the engine that suits.

    A search that ends for lack of memory, at its bound or at a count beyond its range has `finished` False
    and says why in `reason`.  Raises Unavailable where the engine "native" is asked for and its library can
    be neither found nor made.
    """
    method = method or Method()
    if method.partial_order:
        from cowpath.explore import partial_order

        return partial_order.explore(
            model, method.max_states, progress, method.verify_every, method.live_only
        )
    if method.engine == "reference" or method.verify_every or (method.engine == "auto" and not available()):
        return reference(
            model, method.max_states, progress, method.verify_every, method.live_only, method.enough
        )
    if method.engine == "native":
        return _native(Recorder(model, method.live_only), method, progress)
    first = THRESHOLD if method.threshold is None else method.threshold
    limit = first if method.max_states is None else min(first, method.max_states)
    found = reference(model, limit, progress, live_only=method.live_only, enough=method.enough)
    stays = found.finished or limit == method.max_states or len(found.states) <= limit
    if stays or found.reason == STOPPED:
        return found
    from cowpath.explore.native.library import Unavailable

    try:
        return _native(found.recorder, method, retold(progress, len(found.states)))
    except Unavailable:
        return reference(model, method.max_states, progress, live_only=method.live_only, enough=method.enough)


def _native(recorder: Recorder, method: Method, progress: Progress | None) -> Search:
    """Search with the native engine, using what a recorder has recorded."""
    from cowpath.explore.native import library

    if progress is not None and not library.ready():
        progress(0, 0, "compiling the native engine, this once")
    library.library()
    from cowpath.explore.native.exploration import native

    memory = method.memory or free_memory() // 2
    how = (method.max_states, progress, memory, method.threads, method.rename, method.enough)
    return native(recorder, *how)


def retold(progress: Progress | None, states: int) -> Progress | None:
    """The same progress, which says that the count has begun again until it has passed `states`."""
    if progress is None:
        return None

    def told(count: int, frontier: int, remark: str) -> None:
        progress(count, frontier, remark if count >= states else "again, in C")

    return told


def available() -> bool:
    """True where the native engine's library is there or can be made."""
    from cowpath.explore.native import library

    return library.available()


def free_memory() -> int:
    """Bytes that can be taken without swapping, as Linux estimates them."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            found = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
        return int(found[0]) * 1024
    except (OSError, IndexError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


__all__ = ["Engine", "Method", "Search", "available", "explore", "free_memory"]
