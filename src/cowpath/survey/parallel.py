# SPDX-License-Identifier: MIT
"""The same pure function over many arguments, on several cores, results in order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from cowpath.interruption import work_for_parent

Argument = TypeVar("Argument")
Value = TypeVar("Value")


def default_jobs() -> int:
    """The number of cores that this process may use: so many processes run unless the user says otherwise."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def each(
    function: Callable[[Argument], Value], arguments: Sequence[Argument], jobs: int = 1
) -> Iterator[Value]:
    """`function` of every argument, in order, each as soon as it and all before it are there.

    With one job, or one argument, no process is started.  The first error ends it and is raised here; whoever
    stops to read ends what has not begun.

    >>> list(each(abs, [3, -4]))
    [3, 4]
    """
    if jobs < 2 or len(arguments) < 2:
        yield from map(function, arguments)
        return
    from concurrent.futures import ProcessPoolExecutor  # takes 30 ms to import; most commands need none

    with ProcessPoolExecutor(min(jobs, len(arguments)), initializer=work_for_parent) as pool:
        try:
            yield from pool.map(function, arguments)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            end_workers()
            raise


def end_workers() -> None:
    """End the worker processes, in the middle of whatever they do: nobody waits for it any more."""
    from multiprocessing import active_children

    for worker in active_children():
        worker.kill()
