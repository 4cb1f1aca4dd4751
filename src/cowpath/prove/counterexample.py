# SPDX-License-Identifier: MIT
"""A shortest path to what is broken becomes an ordinary litmus test, which `check` must find broken, too.

The statements are those of the path, in their order.  In most cases the threads as they are will do: check
tries every interleaving, the one of the path among them.  Where that lets the promise off, because another
interleaving may end in the same way, threads are cut into parts that `wait` for each other.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from cowpath.explore.found import Search
from cowpath.explore.trace import trace
from cowpath.litmus import ast
from cowpath.litmus.events import Begin, End
from cowpath.litmus.program import SEGV, Program
from cowpath.litmus.statements import (
    DeviceRead,
    DeviceWrite,
    Fork,
    GetUserPage,
    PutPage,
    Store,
    Wait,
)

LETTERS = "defghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ23456789"
"""Values for stores that are to be told apart."""

Line = tuple[int, int]
"""A process of the test to be written (a child may come again), and which of its threads."""


@dataclass(frozen=True, slots=True)
class Done:
    """A statement of a path: by whom, between which steps (`end` None: it is not over), and its value."""

    line: Line
    statement: ast.Statement
    begin: int
    end: int | None
    value: str = ""

    def ends_before(self, other: Done) -> bool:
        """True where this statement is over when the other begins."""
        return self.end is not None and self.end < other.begin


def statements_on(found: Search, state: int) -> list[tuple[int, int, int, int | None, str]]:
    """(thread, statement, first step, last step or None, value) along a shortest path to a state."""
    done: list[tuple[int, int, int, int | None, str]] = []
    running: dict[int, int] = {}
    for number, step in enumerate(trace(found, state)):
        for event in step.events:
            if isinstance(event, Begin):
                running[event.thread] = len(done)
                done.append((event.thread, event.statement, number, None, ""))
            elif isinstance(event, End):
                at = running.pop(event.thread)
                done[at] = (*done[at][:3], number, event.value)
    return done


def unfolded(program: Program, found: Search, state: int, fresh: bool) -> list[Done]:
    """The statements of a path, with names of their own for children, references and registers.

    With `fresh`, every store has a value of its own: a test that tells more values apart.
    """
    letters, registers = iter(LETTERS), itertools.count()
    process, born, taken, times = {0: 0}, 1, dict[str, str](), Counter[str]()
    result = []
    for thread, number, begin, end, value in statements_on(found, state):
        statement = program.threads[thread].statements[number]
        own = program.threads[thread].process
        rank = sum(other.process == own for other in program.threads[:thread])
        line = process.get(own, 0), rank
        if isinstance(statement, Fork):
            child = program.threads[program.thread_index[statement.thread]].process
            process[child] = born
            statement, born = replace(statement, thread=str(born)), born + 1
        elif isinstance(statement, GetUserPage):
            times[statement.reference] += 1
            again = times[statement.reference]
            taken[statement.reference] = f"{statement.reference}{again if again > 1 else ''}"
        if isinstance(statement, GetUserPage | DeviceRead | DeviceWrite | PutPage):
            statement = replace(statement, reference=taken[statement.reference])
        if statement.assigns:
            statement = replace(statement, register=f"r{next(registers)}")  # type: ignore[call-arg]
        if fresh and isinstance(statement, Store | DeviceWrite) and statement.value != ast.ZERO:
            statement = replace(statement, value=next(letters))
        result.append(Done(line, statement, begin, end, value))
    return result


# -- from statements to threads --------------------------------------------------------------------


@dataclass
class Part:
    """A thread to be written.  Its fork() names a process, its wait() a part, by number."""

    process: int
    body: list[ast.Statement]


def one_thread_each(done: Sequence[Done]) -> list[Done] | None:
    """The same with one thread for each process; None where statements of a process overlap."""
    last: dict[int, Done] = {}
    for each in done:
        before = last.get(each.line[0])
        if before is not None and not before.ends_before(each):
            return None
        last[each.line[0]] = each
    return [replace(each, line=(each.line[0], 0)) for each in done]


class Cutter:
    """Cuts threads into parts.  If `ordered`, a statement waits for all that was over when it began."""

    def __init__(self, ordered: bool) -> None:
        self.ordered = ordered
        self.parts: list[Part] = []
        self.current: dict[Line, int] = {}  # the part that each line is writing
        self.closed: set[int] = set()  # parts that somebody waits for, or that have ended
        self.last: dict[Line, Done] = {}
        self.born: dict[int, int] = {}  # process -> the first step after its fork

    def cut(self, done: Iterable[Done]) -> list[Part]:
        """All statements, in parts; P0 is there whatever it does."""
        self.part((0, 0))
        for each in done:
            self.add(each)
        return self.parts

    def add(self, each: Done) -> None:
        """Write one statement."""
        mine = self.part(each.line)
        for other in self.waits_for(each, mine):
            self.closed.add(other)
            self.parts[mine].body.append(Wait(str(other)))
        if isinstance(each.statement, Fork):
            child = int(each.statement.thread)
            self.part((child, 0))  # one that does nothing is there, too
            self.born[child] = each.begin + 1
        self.parts[mine].body.append(each.statement)
        self.last[each.line] = each
        if each.value == SEGV:
            self.closed.add(mine)

    def part(self, line: Line) -> int:
        """The part to which a line adds its next statement: a new one where its last is closed."""
        before = self.current.get(line)
        if before is None or before in self.closed:
            self.current[line] = len(self.parts)
            self.parts.append(Part(line[0], [] if before is None else [Wait(str(before))]))
        return self.current[line]

    def waits_for(self, each: Done, mine: int) -> Iterator[int]:
        """The parts whose end a statement has to be told of; a child knows what was before its fork."""
        if not self.ordered:
            return
        born = self.born.get(each.line[0], 0)
        for line, before in sorted(self.last.items(), key=lambda item: item[0]):
            other = self.current[line]
            news = before.ends_before(each) and before.begin >= born
            if line != each.line and news and other not in self.known(mine):
                yield other

    def known(self, part: int) -> set[int]:
        """The parts that have ended when a part is where it is now."""
        found: set[int] = set()
        todo = [part]
        while todo:
            for statement in self.parts[todo.pop()].body:
                if isinstance(statement, Wait) and int(statement.thread) not in found:
                    found.add(int(statement.thread))
                    todo.append(int(statement.thread))
        return found


def litmus(name: str, program: Program, parts: Sequence[Part]) -> ast.Litmus:
    """The test: the parts as threads, in the setting of the program."""
    pages = tuple(page.name for page in program.pages if page.name)
    order = sorted(range(len(parts)), key=lambda n: (parts[n].process, n))
    names = {number: f"P{index}" for index, number in enumerate(order)}
    leads: dict[int, int] = {}
    for number in order:
        leads.setdefault(parts[number].process, number)

    def named(statement: ast.Statement) -> ast.Statement:
        if isinstance(statement, Fork):
            return replace(statement, thread=names[leads[int(statement.thread)]])
        return (
            replace(statement, thread=names[int(statement.thread)])
            if isinstance(statement, Wait)
            else statement
        )

    threads = []
    for number in order:
        process = parts[number].process
        of = None if process == 0 or number == leads[process] else names[leads[process]]
        body = tuple(map(named, parts[number].body))
        threads.append(ast.ThreadDeclaration(names[number], pages, of, body))
    return ast.Litmus(name, "", *setting(program), tuple(threads), None)


def setting(
    program: Program,
) -> tuple[tuple[ast.PageDeclaration, ...], tuple[ast.Setting, ...], tuple[ast.Background, ...]]:
    """The initial block of a program."""
    pages = tuple(
        ast.PageDeclaration(page.name, page.places, page.content, program.block_of(page.index))
        for page in program.pages
        if page.name
    )
    settings = [] if program.swap == ("ssd",) else [ast.Setting("swap", program.swap or ("none",))]
    settings += [ast.Setting("option", tuple(sorted(program.options)))] if program.options else []
    actors = tuple(
        ast.Background(actor.kind, tuple(program.pages[page].name for page in actor.pages))
        for actor in program.background
    )
    return pages, tuple(settings), actors


def candidates(name: str, program: Program, found: Search, state: int) -> Iterator[ast.Litmus]:
    """Ways to write a path down, the simplest first."""
    for ordered, fresh in itertools.product((False, True), (True, False)):
        done = unfolded(program, found, state, fresh)
        for each in (one_thread_each(done), done):
            if each is not None:
                yield litmus(name, program, Cutter(ordered).cut(each))
