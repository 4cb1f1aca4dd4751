# SPDX-License-Identifier: MIT
"""The syntax tree of a litmus test, as it was written: no name is looked up and no limit checked yet.

Positions are carried for error messages and traces and take no part in comparisons, so a file and its
reprinted form have equal trees.  `resolve.py` turns a tree into a checked `Program`.  The statements
themselves are in statements.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from cowpath.litmus.form import Form

ZERO = r"\0"
"""The value of memory that was never written, spelled as in C."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the file; line and column count from 1."""

    line: int
    column: int


NOWHERE = Position(0, 0)


@dataclass(frozen=True, slots=True)
class Node:
    """The base of all parts of the tree that an error message can point to."""

    position: Position = field(default=NOWHERE, compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Register(Node):
    """A register used as a value: `x[0] = r1`."""

    name: str


Value = str | Register
"""A character (or ZERO), or the register that holds it."""

NO, YES = "0", "1"
"""The answers of a statement that asks a question: characters, not zero memory."""


@dataclass(frozen=True, slots=True)
class Statement(Node):
    """Something that a thread does.  Every kind of it is a class of statements.py, with its row."""

    forms: ClassVar[tuple[Form, ...]] = ()
    """The rows that this kind of statement is written by: one, or one for each name that it can have."""

    @property
    def form(self) -> Form:
        """The row that this statement is written by: among several, the one whose implied fields it has."""
        for form in self.forms:
            if all(getattr(self, name) == value for name, value in form.implied.items()):
                return form
        raise TypeError(f"not a statement: {self!r}")

    @property
    def assigns(self) -> str:
        """The register that this statement gives a value; empty where it gives none a value."""
        name: str = getattr(self, "register") if self.form.result == "register" else ""  # noqa: B009
        return name


@dataclass(frozen=True, slots=True)
class Any(Statement):
    """`any { s; s; }`: any of these statements, in any order, any number of times, also never."""

    choices: tuple[Statement, ...]


def one_by_one(body: tuple[Statement, ...]) -> tuple[Statement, ...]:
    """All statements of a body in order, those of an `any` one by one.

    >>> one_by_one((Any((Any(()), Any(()))),))
    (Any(choices=()), Any(choices=()))
    """
    return tuple(s for entry in body for s in (entry.choices if isinstance(entry, Any) else (entry,)))


# -- the initial block -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PageDeclaration(Node):
    """`char x[2] = "ab";` populated, exclusive and writable; `char x[2];` never touched (content None)."""

    name: str
    places: int
    content: tuple[str, ...] | None
    block: int | None = None  # the number of the block `mthp { ... }` that it stands in


@dataclass(frozen=True, slots=True)
class Setting(Node):
    """A line `swap = ssd;` or `option = tlb;` of the initial block."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Background(Node):
    """A line `kswapd(x);` of the initial block: an actor that may act at any moment."""

    kind: str
    pages: tuple[str, ...]


# -- threads and conditions ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ThreadDeclaration(Node):
    """A thread with its statements: `P2(char *x) of P1 { ... }`."""

    name: str
    parameters: tuple[str, ...]
    of: str | None
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class RegisterIs(Node):
    """An observation of a register: `0:r1='a'`."""

    thread: int
    register: str
    value: str


@dataclass(frozen=True, slots=True)
class MemoryIs(Node):
    """`0:x[0]='a'`, as the process of that thread would read it at the end."""

    thread: int
    page: str
    place: int
    value: str


@dataclass(frozen=True, slots=True)
class CountIs(Node):
    """`copies=1` (pages copied by the kernel), `crash` (=1), `hang` (=1)."""

    name: str
    value: int


@dataclass(frozen=True, slots=True)
class Not:
    """`~ c`"""

    operand: "Expression"


@dataclass(frozen=True, slots=True)
class And:
    r"""`a /\ b`"""

    operands: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Or:
    r"""`a \/ b`"""

    operands: tuple["Expression", ...]


Atom = RegisterIs | MemoryIs | CountIs
Expression = Atom | Not | And | Or


@dataclass(frozen=True, slots=True)
class Condition(Node):
    """`exists (...)`, `~exists (...)` or `forall (...)`."""

    quantifier: Literal["exists", "~exists", "forall"]
    expression: Expression


@dataclass(frozen=True, slots=True)
class Litmus:
    """The whole of one file."""

    name: str
    comment: str
    pages: tuple[PageDeclaration, ...]
    settings: tuple[Setting, ...]
    background: tuple[Background, ...]
    threads: tuple[ThreadDeclaration, ...]
    condition: Condition | None

    def statements(self) -> Iterator[tuple[ThreadDeclaration, Statement]]:
        """Yield every statement with its thread, in file order."""
        for thread in self.threads:
            for statement in one_by_one(thread.body):
                yield thread, statement


def atoms(expression: Expression) -> Iterator[RegisterIs | MemoryIs | CountIs]:
    """Yield the observations that a condition is made of, from left to right.

    >>> [atom.name for atom in atoms(Not(And((CountIs("crash", 1), CountIs("hang", 1)))))]
    ['crash', 'hang']
    """
    if isinstance(expression, Not):
        yield from atoms(expression.operand)
    elif isinstance(expression, And | Or):
        for operand in expression.operands:
            yield from atoms(operand)
    else:
        yield expression
