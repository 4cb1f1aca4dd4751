# SPDX-License-Identifier: MIT
"""The events of a run that user space sees: threads begin statements, and end them with a value.

The mechanism and the promise tell the same events, so that one can be held against the other (prove/).  The
promise says nothing of reclaim, swapoff and whatever else the kernel may do by itself at any time.
"""

from __future__ import annotations

from typing import NamedTuple

from cowpath.litmus.ast import Any, Statement
from cowpath.litmus.program import Thread
from cowpath.litmus.statements import Exit, KsmMerge, Madvise, Migrate, NumaHint, Swapoff, Wait

EFAULT = "EFAULT"
"""The value with which get_user_page and pin_user_page end where they take no reference."""

SILENT_ADVICE = ("MADV_PAGEOUT", "MADV_MERGEABLE", "MADV_UNMERGEABLE")


class Begin(NamedTuple):
    """A thread begins the statement with this number (see `Thread.statements`)."""

    thread: int
    statement: int


class End(NamedTuple):
    """A thread ends a statement; `value` is the character that it read, SEGV, EFAULT, or empty."""

    thread: int
    statement: int
    value: str


def is_silent(statement: Statement) -> bool:
    """True for what the kernel may do by itself: it changes nothing that user space can see.

    >>> is_silent(Madvise("x", "MADV_PAGEOUT")), is_silent(Exit())
    (True, False)
    """
    if isinstance(statement, Madvise):
        return statement.advice in SILENT_ADVICE
    return isinstance(statement, Swapoff | Migrate | KsmMerge | NumaHint | Wait)


# -- where a thread stands in its body -------------------------------------------------------------


def following(thread: Thread, position: int) -> tuple[int, ...]:
    """The numbers of the statements that may begin where a thread stands; leaving an `any` is one way on.

    >>> from cowpath.litmus.statements import Load, Store
    >>> load, store = Load("r0", "x", 0), Store("x", 0, "a")
    >>> thread = Thread(0, "P0", 0, (Any((load, store)), load), None)
    >>> following(thread, 0), following(thread, 1)
    ((0, 1, 2), (2,))
    """
    numbers: list[int] = []
    while position < len(thread.body):
        first = sum(map(_length, thread.body[:position]))
        numbers += range(first, first + _length(thread.body[position]))
        if not isinstance(thread.body[position], Any):
            break
        position += 1
    return tuple(numbers)


def position_after(thread: Thread, number: int, killed: bool) -> int:
    """The position at which a thread goes on after a statement.

    After exit() that is the first, where its next fork begins; after SIGSEGV the end, but in `any`.
    """
    if isinstance(thread.statements[number], Exit) and thread.forked_by is not None:
        return 0
    if repeats(thread, number):
        return position_of(thread, number)
    return len(thread.body) if killed else position_of(thread, number) + 1


def position_of(thread: Thread, number: int) -> int:
    """The position in the body of the statement with this number, or of the `any` that it stands in."""
    lengths = [sum(map(_length, thread.body[: position + 1])) for position in range(len(thread.body))]
    return next(position for position, length in enumerate(lengths) if number < length)


def repeats(thread: Thread, number: int) -> bool:
    """True where a statement may be done again: it stands in an `any`."""
    return isinstance(thread.body[position_of(thread, number)], Any)


def may_stay(thread: Thread, position: int) -> bool:
    """True where a thread may stay for ever: at the end of its body, in an `any` that is its last
    statement, or before the first where it has yet to be forked.
    """
    if position == 0 and thread.forked_by is not None:
        return True
    return all(isinstance(entry, Any) for entry in thread.body[position:])


def _length(entry: Statement) -> int:
    return len(entry.choices) if isinstance(entry, Any) else 1
