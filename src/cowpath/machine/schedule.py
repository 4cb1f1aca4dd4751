# SPDX-License-Identifier: MIT
"""The orders in which the statements of a test can run, one statement at a time.

Two orders that differ only in neighbours that cannot notice each other (another page, no fork, no swapoff)
are one: the machine need run only one of them.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from cowpath.litmus import ast, statements
from cowpath.litmus.form import Kind
from cowpath.litmus.program import Program
from cowpath.machine.errors import MachineError

Order = list[int]
"""The actors of the steps, in order: a thread, or the number of threads + n for background actor n."""

Step = tuple[int, int]
"""An actor, and the number of its statement."""

MAX_ORDERS = 256
"""Where there are more orders, this many are sampled, and the result says so."""


class FollowError(MachineError):
    """Raised for an order given by hand that the test cannot run in."""


@dataclass(frozen=True)
class Schedule:
    """The orders to run a test in; `sampled` where there are more."""

    orders: tuple[tuple[int, ...], ...]
    sampled: bool

    @property
    def concurrent(self) -> bool:
        """True where the test can run in more than one order."""
        return self.sampled or len(self.orders) > 1


def schedule(program: Program, seed: int = 0) -> Schedule:
    """Return every order, or a random choice of MAX_ORDERS of them.

    >>> from cowpath.litmus.resolve import program_from_text
    >>> text = "C t { char x[1]; char y[1]; } P0(char *x) { r0 = x[0]; } P1(char *y) { r0 = y[0]; }"
    >>> schedule(program_from_text(text)).orders
    ((0, 1),)
    """
    steps = _Steps(program)
    found: list[tuple[int, ...]] = []
    for order in steps.orders():
        found.append(tuple(order))
        if len(found) > MAX_ORDERS:
            chance = random.Random(seed)
            chosen = {tuple(steps.random_order(chance)) for _ in range(MAX_ORDERS)}
            return Schedule(tuple(sorted(chosen)), sampled=True)
    return Schedule(tuple(found), sampled=False)


WAITING = (statements.UserfaultfdWp, statements.UserfaultfdRead)


def writes_wait(program: Program) -> bool:
    """Tell whether a write may wait until another thread allows it, or a thread for a write of another.

    Its statement ends in the middle of another's then, and an order of whole statements says nothing.
    """
    bodies = [statement for thread in program.threads for statement in thread.body]
    return len(program.threads) > 1 and any(isinstance(s, WAITING) for s in bodies)


def follow(program: Program, text: str) -> Schedule:
    """Return the order in `text`: a thread for each statement, as `P0 P0 P1`.  Raises FollowError.

    What comes after the last name runs in file order.

    >>> from cowpath.litmus.resolve import program_from_text
    >>> text = "C t { char x[1]; } P0(char *x) { r0 = x[0]; } P1(char *x) { x[0] = 'a'; }"
    >>> follow(program_from_text(text), "P1").orders
    ((1, 0),)
    """
    if writes_wait(program):
        raise FollowError(f"{program.name}: one thread's write waits for another thread: there is no order")
    steps, order = _Steps(program), list[int]()
    names = {thread.name: thread.index for thread in program.threads}
    names |= {f"{a.kind}({','.join(program.pages[p].name for p in a.pages)})": len(names) + n
              for n, a in enumerate(program.background)}  # fmt: skip
    for word in text.replace(", ", ",").split():
        if word not in names:
            raise FollowError(f"nobody is called {word!r}: there are {', '.join(names)}")
        if names[word] not in steps.enabled(order):
            raise FollowError(f"{word} cannot run after {' '.join(text.split()[: len(order)]) or 'nothing'}")
        order.append(names[word])
    while runnable := [actor for actor in steps.enabled(order) if actor < len(program.threads)]:
        order.append(runnable[0])
    return Schedule((tuple(order),), sampled=False)


class _Steps:
    """The statements of a program and what must come before what."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.threads = len(program.threads)
        self.lengths = [len(thread.body) for thread in program.threads] + [1] * len(program.background)
        self.takes = {
            s.reference: (thread.index, i, s.page)
            for thread in program.threads
            for i, s in enumerate(thread.body)
            if isinstance(s, statements.GetUserPage)
        }

    def orders(self) -> Iterator[Order]:
        """Yield each order that matters, by depth-first search."""
        yield from self._extend([], [0] * len(self.lengths))

    def _extend(self, order: Order, done: list[int]) -> Iterator[Order]:
        enabled = [actor for actor in self._enabled(done) if self._comes_first(order, done, actor)]
        if not any(actor < self.threads for actor in self._enabled(done)):
            yield order + self._blocked(done)
        for actor in enabled:
            order.append(actor)
            done[actor] += 1
            yield from self._extend(order, done)
            done[actor] -= 1
            order.pop()

    def _blocked(self, done: list[int]) -> Order:
        """Return a step that can never be taken, if any: a machine that tries it hangs, as it should."""
        return [actor for actor in range(self.threads) if done[actor] < self.lengths[actor]][:1]

    def random_order(self, chance: random.Random) -> Order:
        """Return a random order."""
        order: Order = []
        while any(actor < self.threads for actor in self.enabled(order)):
            order.append(chance.choice(self.enabled(order)))
        return order

    def enabled(self, order: Order) -> list[int]:
        """Return the actors that can do the next step after `order`."""
        done = [0] * len(self.lengths)
        for actor in order:
            done[actor] += 1
        return self._enabled(done)

    def _enabled(self, done: list[int]) -> list[int]:
        actors = range(len(self.lengths))
        return [
            actor
            for actor in actors
            if done[actor] < self.lengths[actor]
            and all(done[other] > i for other, i in self.before[(actor, done[actor])])
        ]

    def _comes_first(self, order: Order, done: list[int], actor: int) -> bool:
        """Tell whether this step may follow the last: not if the other order is the same and comes first."""
        if not order or order[-1] <= actor:
            return True
        last = (order[-1], done[order[-1]] - 1)
        return last in self.before[(actor, done[actor])] or not self._independent(last, (actor, done[actor]))

    @cached_property
    def before(self) -> dict[Step, list[Step]]:
        """The steps of other actors that must be over before each step."""
        found: dict[Step, list[Step]] = {
            (self.threads + n, 0): [] for n in range(len(self.program.background))
        }
        for thread in self.program.threads:
            for i, statement in enumerate(thread.body):
                found[(thread.index, i)] = self._needs(thread.index, statement)
                if i == 0 and thread.process:
                    found[(thread.index, i)].append(self._fork_of(thread.process))
        return found

    def _needs(self, thread: int, statement: ast.Statement) -> list[Step]:
        match statement:
            case statements.Wait(thread=name):
                return self._end_of(self.program.thread_index[name])
            case statements.Exit():
                process = self.program.threads[thread].process
                others = [t.index for t in self.program.threads if t.process == process and t.index != thread]
                return [step for other in others for step in self._end_of(other)]
            case statements.DeviceRead() | statements.DeviceWrite() | statements.PutPage():
                return [self.takes[statement.reference][:2]]
        return []

    def _end_of(self, thread: int) -> list[Step]:
        length = self.lengths[thread]
        process = self.program.threads[thread].process
        if length:
            return [(thread, length - 1)]
        return [self._fork_of(process)] if process else []

    def _fork_of(self, process: int) -> Step:
        for thread in self.program.threads:
            for i, statement in enumerate(thread.body):
                if isinstance(statement, statements.Fork):
                    child = self.program.threads[self.program.thread_index[statement.thread]]
                    if child.process == process:
                        return thread.index, i
        raise AssertionError("a process that nobody forks")

    def _independent(self, one: Step, other: Step) -> bool:
        first, second = self._touches(one), self._touches(other)
        return first is not None and second is not None and not first & second

    def _touches(self, step: Step) -> set[int] | None:
        """Return the pages of a step; None for one that may touch anything.

        For a page of a large folio they are all pages of the folio.
        """
        actor, i = step
        if actor >= self.threads:
            return self._with_folio(self.program.background[actor - self.threads].pages)
        statement = self.program.threads[actor].body[i]
        if statement.form.everywhere:
            return None
        operands = statement.form.operands
        named = [operand for operand in operands if operand.kind in (Kind.PAGE, Kind.RANGE)]
        last = getattr(statement, "last", "")
        found = [self.program.range(getattr(statement, operand.field), last) for operand in named]
        used = (getattr(statement, operand.field) for operand in operands if operand.kind is Kind.REFERENCE)
        found += [self.program.range(self.takes[reference][2]) for reference in used]
        return self._with_folio(page for pages in found for page in pages)

    def _with_folio(self, pages: Iterable[int]) -> set[int]:
        """Return pages, with all others of the areas that they lie in."""
        wanted = set(pages)
        return {page for area in self.program.areas if wanted & set(area) for page in area}
