# SPDX-License-Identifier: MIT
"""The same pure function over many arguments, on several cores, results in order."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TypeVar

Task = TypeVar("Task")
Answer = TypeVar("Answer")


def default_jobs() -> int:
    """How many processes are used unless the user says otherwise: the cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def each(
    function: Callable[[Task], Answer],
    tasks: Sequence[Task],
    jobs: int = 1,
    done: Callable[[Task], None] = lambda task: None,
) -> list[Answer]:
    """`function` of every task; `done` is called for each in the order given, as soon as it is there.

    With one job, or one task, no process is started.  The first error ends it and is raised here.

    >>> each(abs, [3, -4])
    [3, 4]
    """
    if jobs < 2 or len(tasks) < 2:
        return [_and_tell(function(task), task, done) for task in tasks]
    from concurrent.futures import ProcessPoolExecutor  # takes 30 ms to import; most commands need none

    with ProcessPoolExecutor(min(jobs, len(tasks))) as pool:
        try:
            answers = pool.map(function, tasks)
            return [_and_tell(answer, task, done) for task, answer in zip(tasks, answers, strict=True)]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _and_tell(answer: Answer, task: Task, done: Callable[[Task], None]) -> Answer:
    done(task)
    return answer
