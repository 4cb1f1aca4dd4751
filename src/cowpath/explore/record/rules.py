# SPDX-License-Identifier: MIT
"""Rules for the code of models, checked when an actor meets it, and the locals live where it yields.

A frame (where an actor stands) is identified by its code position and its live locals.  That is sound only if
nothing else can influence the rest of the generator, hence the rules:

- `yield` and `yield from` stand alone as a statement, on the right of an assignment to one name, or after
  `return`; inside an expression the rest of the expression would hide on the interpreter's stack;
- not inside `for`, `with`, `try`, `match` or a comprehension: iterators and handlers hide there too;
- a generator has no decorator and uses no `global`, `nonlocal`, nested functions or `del`.

Liveness is computed on the syntax tree, not on bytecode, so it does not depend on the Python release.  Trees
take time, so a function is looked at when an actor first stands in it: `at`.  The tests look at all: `load`.
"""

from __future__ import annotations

import ast
import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from cowpath.explore.record.step import ModelError

Names = frozenset[str]
NOTHING: Names = frozenset()


@dataclass(frozen=True, slots=True)
class YieldPoint:
    """A place where a generator can stand."""

    first_line: int
    last_line: int
    live: Names


@dataclass(frozen=True, slots=True)
class FunctionRules:
    """The places where one generator function may stand, and what matters there."""

    name: str
    line: int
    points: tuple[YieldPoint, ...]

    def live_at(self, line: int) -> Names:
        """The locals that the rest of the function may still read when it stands at this line."""
        for point in self.points:
            if point.first_line <= line <= point.last_line:
                return point.live
        raise ModelError(f"{self.name} stands at line {line}, where it has no yield")


@functools.cache
def at(filename: str, line: int) -> FunctionRules:
    """The rules of the generator function that begins at a line.  Raises ModelError if it breaks one."""
    function = _cut_out(filename, line) or _found(filename, line)
    if function is None:
        raise ModelError(f"{filename}:{line}: a generator of the model must be made by def")
    return _Liveness(function, filename).result()


def load(filename: str) -> dict[int, FunctionRules]:
    """The rules of every generator function in a file, by first line.  Raises ModelError if one is broken."""
    lines = [_first_line(function) for function in _functions(filename) if _yields(function)]
    return {line: at(filename, line) for line in lines}


def _cut_out(filename: str, line: int) -> ast.FunctionDef | None:
    """The function that begins at a line, from its lines alone: a search meets few of those in a file.

    They are a `def` at module level and all that is indented.  Where they are not (a decorator comes first, a
    string reaches the margin), they do not parse.
    """
    first, *others = _lines(filename)[line - 1 :]
    body = itertools.takewhile(lambda text: text[0] in " )\n", others)
    try:
        tree = ast.parse("\n" * (line - 1) + "".join([first, *body]), filename)
    except SyntaxError:
        return None
    return tree.body[0] if isinstance(tree.body[0], ast.FunctionDef) else None


def _found(filename: str, line: int) -> ast.FunctionDef | None:
    """The function that begins at a line, in the whole file."""
    return next((node for node in _functions(filename) if _first_line(node) == line), None)


def _functions(filename: str) -> Iterator[ast.FunctionDef]:
    """The functions of a file; those that stand in no other come first."""
    return (node for node in ast.walk(_tree(filename)) if isinstance(node, ast.FunctionDef))


@functools.cache
def _tree(filename: str) -> ast.Module:
    return ast.parse("".join(_lines(filename)), filename)


@functools.cache
def _lines(filename: str) -> list[str]:
    with open(filename, encoding="utf-8") as file:
        return file.readlines()


def _first_line(function: ast.FunctionDef) -> int:
    """As in its code object: that of its first decorator, if it has one."""
    return min([function.lineno, *(decorator.lineno for decorator in function.decorator_list)])


def _yields(function: ast.FunctionDef) -> bool:
    return any(isinstance(node, ast.Yield | ast.YieldFrom) for node in ast.walk(function))


@dataclass(frozen=True, slots=True)
class _Exits:
    """The names that are live where `break` and `continue` lead."""

    on_break: Names
    on_continue: Names


class _Liveness:
    """Backward liveness over one function.  Loops are repeated until nothing changes."""

    def __init__(self, function: ast.FunctionDef, filename: str) -> None:
        self.function, self.filename = function, filename
        self.live: dict[tuple[int, int, int], Names] = {}  # by first line, last line, column

    def result(self) -> FunctionRules:
        if self.function.decorator_list:
            raise self.refusal(self.function.lineno, "a generator of the model cannot have a decorator")
        self.block(self.function.body, NOTHING, _Exits(NOTHING, NOTHING))
        points = [YieldPoint(first, last, live) for (first, last, _), live in sorted(self.live.items())]
        for before, after in itertools.pairwise(points):
            if after.first_line <= before.last_line:
                raise self.refusal(after.first_line, "two yields share a line")
        return FunctionRules(self.function.name, self.function.lineno, tuple(points))

    def refusal(self, line: int, reason: str) -> ModelError:
        return ModelError(f"{self.filename}:{line}: in {self.function.name}: {reason}")

    def block(self, body: list[ast.stmt], live: Names, exits: _Exits) -> Names:
        """The names live before a block, given those live after it."""
        for statement in reversed(body):
            live = self.statement(statement, live, exits)
        return live

    def statement(self, node: ast.stmt, live: Names, exits: _Exits) -> Names:
        match node:
            case ast.Expr(value=ast.Yield() | ast.YieldFrom() as value):
                return self.suspension(node, value, live)
            case ast.Return(value=ast.YieldFrom() as value):
                return self.suspension(node, value, NOTHING)
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Yield() | ast.YieldFrom() as value):
                return self.suspension(node, value, live - {name})
            case ast.If():
                taken, skipped = self.block(node.body, live, exits), self.block(node.orelse, live, exits)
                return taken | skipped | self.reads(node.test)
            case ast.While():
                return self.loop(node, live)
            case ast.Break():
                return exits.on_break
            case ast.Continue():
                return exits.on_continue
            case ast.Return() | ast.Raise():
                return self.reads(node)
            case ast.Pass() | ast.Expr() | ast.Assert():
                return live | self.reads(node)
            case ast.AnnAssign(value=None):
                return live
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
                return self.assignment(node, live)
            case ast.For() | ast.With() | ast.Try() | ast.Match():
                # No yield may hide inside, so its inner order does not matter: whatever it reads is live, and
                # it may go on after it or leave the loop around it.
                return live | exits.on_break | exits.on_continue | self.reads(node)
        raise self.refusal(node.lineno, f"a generator of the model cannot use {type(node).__name__.lower()}")

    def loop(self, node: ast.While, after: Names) -> Names:
        if node.orelse:
            raise self.refusal(node.lineno, "a generator of the model cannot use while ... else")
        before: Names = NOTHING
        forever = isinstance(node.test, ast.Constant) and bool(node.test.value)
        while True:
            head = before | self.reads(node.test) | (NOTHING if forever else after)
            following = self.block(node.body, head, _Exits(after, head)) | head
            if following == before:
                return before
            before = following

    def assignment(self, node: ast.Assign | ast.AnnAssign | ast.AugAssign, live: Names) -> Names:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        stored = {
            part.id
            for target in targets
            for part in ast.walk(target)
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
        }
        if isinstance(node, ast.AugAssign):
            return live | self.reads(node) | stored
        return (live - stored) | self.reads(node)

    def suspension(self, node: ast.stmt, value: ast.Yield | ast.YieldFrom, live: Names) -> Names:
        where = (value.lineno, value.end_lineno or value.lineno, value.col_offset)
        self.live[where] = self.live.get(where, NOTHING) | live
        inner = self.reads(value.value) if value.value is not None else NOTHING
        return live | inner

    def reads(self, node: ast.AST) -> Names:
        """The names that a piece of code without yields may read."""
        names = set()
        for part in ast.walk(node):
            if isinstance(part, ast.Name):
                if isinstance(part.ctx, ast.Load):
                    names.add(part.id)
            elif isinstance(part, ast.Yield | ast.YieldFrom):
                raise self.refusal(part.lineno, "yield inside an expression, a for, a with or a try")
            elif isinstance(part, ast.FunctionDef | ast.Lambda | ast.Global | ast.Nonlocal | ast.Delete):
                kind = type(part).__name__.lower()
                raise self.refusal(part.lineno, f"a generator of the model cannot use {kind}")
        return frozenset(names)
