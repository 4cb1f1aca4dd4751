# SPDX-License-Identifier: MIT
"""Make a counterexample minimal: no statement, thread, background actor or page of it can be left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from cowpath.litmus import ast
from cowpath.litmus.statements import DeviceRead, DeviceWrite, Fork, GetUserPage, PutPage, Wait

Broken = Callable[[ast.Litmus], bool]


def minimised(litmus: ast.Litmus, still_broken: Broken) -> ast.Litmus:
    """The test, with everything left out that it is broken without."""
    while True:
        smaller = next(filter(still_broken, smaller_ones(litmus)), None)
        if smaller is None:
            return litmus
        litmus = smaller


def smaller_ones(litmus: ast.Litmus) -> Iterator[ast.Litmus]:
    """The test without one thing, and without whatever makes no sense without that."""
    for actor in litmus.background:
        yield replace(litmus, background=tuple(other for other in litmus.background if other is not actor))
    for setting in litmus.settings:
        yield replace(litmus, settings=tuple(other for other in litmus.settings if other is not setting))
    for thread in reversed(litmus.threads):
        for statement in reversed(thread.body):
            yield without(litmus, statement)
    for page in litmus.pages:
        if len(litmus.pages) > 1:
            yield without_page(litmus, page.name)


def without(litmus: ast.Litmus, left_out: ast.Statement) -> ast.Litmus:
    """The test without a statement: a reference goes with whoever uses it, a fork with its child."""
    gone = {id(left_out)}
    dead: set[str] = set()
    if isinstance(left_out, GetUserPage):
        gone |= {
            id(s)
            for _, s in litmus.statements()
            if isinstance(s, DeviceRead | DeviceWrite | PutPage) and s.reference == left_out.reference
        }
    if isinstance(left_out, Fork):
        dead = descendants(litmus, left_out.thread)
    kept = []
    for thread in litmus.threads:
        body = tuple(s for s in thread.body if id(s) not in gone)
        if thread.name not in dead and (body or is_needed(litmus, thread)):
            kept.append(replace(thread, body=body))
    return renamed(replace(litmus, threads=tuple(kept)))


def descendants(litmus: ast.Litmus, child: str) -> set[str]:
    """The threads of a forked process, and of those that it forks."""
    found = {child} | {thread.name for thread in litmus.threads if thread.of == child}
    for thread, statement in litmus.statements():
        if thread.name in found and isinstance(statement, Fork) and statement.thread not in found:
            found |= descendants(litmus, statement.thread)
    return found


def is_needed(litmus: ast.Litmus, thread: ast.ThreadDeclaration) -> bool:
    """True of P0, and of the first thread of a child: without it there is no process."""
    forks = (statement for _, statement in litmus.statements() if isinstance(statement, Fork))
    return thread.name == "P0" or any(fork.thread == thread.name for fork in forks)


def renamed(litmus: ast.Litmus) -> ast.Litmus:
    """Threads numbered anew; nobody waits for one that is gone."""
    names = {thread.name: f"P{number}" for number, thread in enumerate(litmus.threads)}

    def body(statements: tuple[ast.Statement, ...]) -> Iterator[ast.Statement]:
        for statement in statements:
            if not isinstance(statement, Fork | Wait):
                yield statement
            elif statement.thread in names:
                yield replace(statement, thread=names[statement.thread])

    threads = tuple(
        replace(
            thread,
            name=names[thread.name],
            of=names.get(thread.of) if thread.of is not None else None,
            body=tuple(body(thread.body)),
        )
        for thread in litmus.threads
    )
    return replace(litmus, threads=threads)


def without_page(litmus: ast.Litmus, name: str) -> ast.Litmus:
    """The test without a page; one that some statement names is refused when the names are looked up."""
    threads = tuple(
        replace(thread, parameters=tuple(p for p in thread.parameters if p != name))
        for thread in litmus.threads
    )
    return replace(litmus, pages=tuple(p for p in litmus.pages if p.name != name), threads=threads)
