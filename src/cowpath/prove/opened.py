# SPDX-License-Identifier: MIT
"""An ordinary test as an alphabet: its statements in any order, any number of times.

Whatever the test shows, its opened form must show, too; and what its author did not think of.
"""

from __future__ import annotations

from dataclasses import replace

from cowpath.litmus import ast
from cowpath.litmus.program import Program
from cowpath.litmus.resolve import resolve
from cowpath.litmus.statements import DeviceWrite, Store, Wait

ANOTHER = "~"
"""The value that is stored in place of a register, which `any` forgets."""


def opened(litmus: ast.Litmus) -> Program:
    """The program in which each thread may do any of its statements; waits and the condition are gone.

    >>> from cowpath.litmus.parse import parse
    >>> tree = parse("C t { char x[1]; } P0(char *x) { r0 = x[0]; r1 = x[0]; x[0] = r0; }")
    >>> [len(thread.statements) for thread in opened(tree).threads]
    [2]
    """
    threads = []
    for thread in litmus.threads:
        statements = (alike(s) for s in ast.one_by_one(thread.body) if not isinstance(s, Wait))
        threads.append(replace(thread, body=(ast.Any(tuple(dict.fromkeys(statements))),)))
    return resolve(replace(litmus, threads=tuple(threads), condition=None))


def alike(statement: ast.Statement) -> ast.Statement:
    """The statement with one register for all, and a character for what it stores."""
    if isinstance(statement, Store | DeviceWrite) and isinstance(statement.value, ast.Register):
        return replace(statement, value=ANOTHER)
    if statement.assigns:
        return replace(statement, register="r0")  # type: ignore[call-arg]
    return statement
