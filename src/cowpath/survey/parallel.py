# SPDX-License-Identifier: MIT
"""The same pure function over many arguments, by whoever does the work: this process, others, a cluster."""

from __future__ import annotations

import contextlib
import mmap
import os
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from cowpath.interruption import work_for_parent

Argument = TypeVar("Argument")
Value = TypeVar("Value")

FEW = 8
"""Judgements for which no second process is started: most take less time than that."""


POOL_THREADS, POOL_ROOM = 2, 64 << 20
"""What a pool of processes needs in ours: a thread that manages it, one that feeds it, and bytes for both."""

KILLED = "a worker process was killed, as it happens where memory is short: --jobs 1 needs less"


def default_jobs() -> int:
    """The number of cores that this process may use: so many processes run unless the user says otherwise."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class Failed:
    """The error that a task ended with, in place of its value."""

    error: Exception


Answers = Generator[tuple[int, Value | Failed], None, None]
"""(number of the argument, value or error), in whatever order they come."""


class Workers(Protocol):
    """Those who do tasks.  With more than this process, functions, arguments and values are pickled."""

    def here(self, tasks: int, judgements: int | None = None) -> bool:
        """True where so few tasks are better done in this process, which can say how far each of them is.

        `judgements` is the number of tests and kernels in all of them, where that says more.
        """

    def as_they_come(
        self, function: Callable[[Argument], Value], arguments: Sequence[Argument]
    ) -> Answers[Value]:
        """Do `function` of every argument.  Whoever stops to read ends what has not begun."""


@dataclass(frozen=True, slots=True)
class Processes:
    """So many processes of this machine; one is this process itself.

    They are forked where they are needed, in a few milliseconds, and gone afterwards.
    """

    jobs: int = 1

    def here(self, tasks: int, judgements: int | None = None) -> bool:
        """See `Workers`."""
        return self.jobs < 2 or tasks < 2 or (judgements is not None and judgements <= FEW)

    def as_they_come(
        self, function: Callable[[Argument], Value], arguments: Sequence[Argument]
    ) -> Answers[Value]:
        """See `Workers`.  Whoever stops to read ends all that runs.

        Raises MemoryError where a process is killed from outside.
        """
        if self.jobs < 2 or len(arguments) < 2:
            for number, argument in enumerate(arguments):
                yield number, attempt(function, argument)
            return
        from concurrent.futures import (  # takes 30 ms; most need none
            BrokenExecutor,
            ProcessPoolExecutor,
            as_completed,
        )

        need_room(POOL_ROOM, POOL_THREADS)
        with ProcessPoolExecutor(min(self.jobs, len(arguments)), initializer=work_for_parent) as pool:
            try:
                tasks = {pool.submit(function, one): number for number, one in enumerate(arguments)}
                for done in as_completed(tasks):
                    error = done.exception()
                    if isinstance(error, BrokenExecutor):
                        raise MemoryError(KILLED)
                    yield tasks[done], Failed(error) if isinstance(error, Exception) else done.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                end_workers()
                raise


ALONE = Processes(1)
"""This process and no other."""


def attempt(function: Callable[[Argument], Value], argument: Argument) -> Value | Failed:
    """The value of a function, or the error that it raises."""
    try:
        return function(argument)
    except Exception as error:
        return Failed(error)


def each(
    function: Callable[[Argument], Value], arguments: Sequence[Argument], workers: Workers = ALONE
) -> Iterator[Value]:
    """`function` of every argument, in order, each as soon as it and all before it are there.

    An error is raised in its turn, and ends it; whoever stops to read ends what has not begun.

    >>> list(each(abs, [3, -4]))
    [3, 4]
    """
    ready: dict[int, Value | Failed] = {}
    turn = 0
    with contextlib.closing(workers.as_they_come(function, arguments)) as answers:
        for number, value in answers:
            ready[number] = value
            while turn in ready:
                value = ready.pop(turn)
                if isinstance(value, Failed):
                    raise value.error
                yield value
                turn += 1


def need_room(size: int, threads: int) -> None:
    """Try whether so many bytes and threads are still to be had, and give them back.

    A pool whose own threads find no memory waits for ever, or ends in the middle of its own book-keeping.
    Raises MemoryError where the memory is not there, and RuntimeError where a thread is not.
    """
    enough = threading.Event()
    started: list[threading.Thread] = []
    try:
        with mmap.mmap(-1, size):
            for _ in range(threads):
                thread = threading.Thread(target=enough.wait)
                thread.start()
                started.append(thread)
    except OSError as error:
        raise MemoryError from error
    finally:
        enough.set()
        for thread in started:
            thread.join()


def end_workers() -> None:
    """End the worker processes, in the middle of whatever they do: nobody waits for it any more."""
    from multiprocessing import active_children

    for worker in active_children():
        worker.kill()
