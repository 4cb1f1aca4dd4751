# SPDX-License-Identifier: MIT
"""One way to search, whichever engine does it.

Small searches run in the reference search, which needs nothing but Python.  One that grows past `THRESHOLD`
states starts over in the native engine, with everything recorded so far; that needs the extra
`cowpath[native]`.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from typing import Literal

from cowpath.explore.recorder import Model
from cowpath.explore.search import Search
from cowpath.explore.search import explore as reference

Engine = Literal["auto", "reference", "native"]

THRESHOLD = 30_000
"""States after which `auto` changes engines: about a second of the reference search."""

WARM_UP = 4_000
"""States that the reference search explores first for `native`: they choose the packing."""

Progress = Callable[[int, int], None]


def explore(
    model: Model,
    max_states: int | None = None,
    progress: Progress | None = None,
    verify_every: int = 0,
    engine: Engine = "auto",
    memory: int | None = None,
    threads: int = 1,
) -> Search:
    """Every reachable state, every outcome, every broken invariant, by the engine that suits.

    `memory` bounds the native engine's store in bytes (default: half of what is free).  A search that ends
    for lack of it has `finished` False and says why in `reason`.  `verify_every` needs the reference search.
    Raises ImportError where `engine` is "native" and NumPy or Numba is missing.
    """
    if engine == "reference" or verify_every or (engine == "auto" and not available()):
        return reference(model, max_states, progress, verify_every)
    first = WARM_UP if engine == "native" else THRESHOLD
    limit = first if max_states is None else min(first, max_states)
    found = reference(model, limit, progress)
    if engine == "auto" and (found.finished or limit == max_states):
        return found
    from cowpath.explore.exploration import native

    return native(found, max_states, progress, memory or free_memory() // 2, threads)


def available() -> bool:
    """Whether the native engine's libraries are installed."""
    return all(importlib.util.find_spec(name) is not None for name in ("numpy", "numba"))


def free_memory() -> int:
    """Bytes that can be taken without swapping, as Linux estimates them."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            found = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
        return int(found[0]) * 1024
    except (OSError, IndexError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


__all__ = ["Engine", "Search", "available", "explore", "free_memory"]
