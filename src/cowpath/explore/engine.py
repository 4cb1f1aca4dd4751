# SPDX-License-Identifier: MIT
"""Search a model with the engine that suits it.

Small searches run in the reference search, which needs nothing but Python.  One that grows past `THRESHOLD`
states starts over in the native engine, with everything recorded so far; that needs the engine's library,
which wheels bring along and a C compiler makes elsewhere.  Without it, the reference search goes on.
"""

from __future__ import annotations

from cowpath.explore.found import Progress, Search
from cowpath.explore.method import THRESHOLD, Engine, Method, free_memory
from cowpath.explore.record.recorder import Model, Recorder
from cowpath.explore.search import STOPPED
from cowpath.explore.search import explore as reference


def explore(model: Model, method: Method | None = None, progress: Progress | None = None) -> Search:
    """Find every reachable state, every outcome and every broken invariant, by the engine that suits.

    A search that ends for lack of memory, at its bound or at a count beyond its range has `finished` False
    and says why in `reason`.  Raises Unavailable where the engine "native" is asked for and its library can
    be neither found nor made.
    """
    method = method or Method()
    if method.walk is not None:
        from cowpath.explore import walk

        return walk.explore(model, method.walk, method.max_states, progress, method.live_only, method.enough)
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

    return native(recorder, method, progress)


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


__all__ = ["Engine", "Method", "Search", "available", "explore", "free_memory"]
