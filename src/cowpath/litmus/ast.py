# SPDX-License-Identifier: MIT
"""The syntax tree of a litmus test: what was written, nothing resolved, nothing judged.

Positions are carried for error messages and traces and take no part in comparisons, so a file and its
reprinted form have equal trees.  `program.py` turns a tree into a checked `Program`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

ZERO = r"\0"
"""The value of memory that was never written, spelled as in C."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where something stands in the file; line and column count from 1."""

    line: int
    column: int


NOWHERE = Position(0, 0)


@dataclass(frozen=True, slots=True)
class Node:
    """Anything that stands at a place in the file."""

    position: Position = field(default=NOWHERE, compare=False, repr=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Register(Node):
    """A register used as a value: `x[0] = r1`."""

    name: str


Value = str | Register
"""A character (or ZERO), or the register that holds it."""


# -- statements, in the order of docs/litmus.md ----------------------------------------------------


@dataclass(frozen=True, slots=True)
class Load(Node):
    """`r0 = x[1]`: a load through the page table."""

    register: str
    page: str
    place: int


@dataclass(frozen=True, slots=True)
class Store(Node):
    """`x[1] = 'c'`: a store through the page table."""

    page: str
    place: int
    value: Value


@dataclass(frozen=True, slots=True)
class GetUserPage(Node):
    """`g = get_user_page(x, FOLL_WRITE)`, `pin_user_page(...)`, and their `_fast` forms."""

    reference: str
    page: str
    flags: tuple[str, ...]  # FOLL_WRITE, FOLL_LONGTERM, FOLL_FORCE, in this order
    pin: bool  # FOLL_PIN instead of FOLL_GET
    fast: bool  # without the mmap lock


@dataclass(frozen=True, slots=True)
class DeviceWrite(Node):
    """`device_write(g, 0, 'D')`: through the reference, not through any pte."""

    reference: str
    place: int
    value: Value


@dataclass(frozen=True, slots=True)
class DeviceRead(Node):
    """`r0 = device_read(g, 0)`."""

    register: str
    reference: str
    place: int


@dataclass(frozen=True, slots=True)
class PutPage(Node):
    """`put_page(g)` or `unpin_user_page(g)`."""

    reference: str
    pin: bool


@dataclass(frozen=True, slots=True)
class Fork(Node):
    """`fork(P1)`: P1 starts in a child of this process."""

    thread: str


@dataclass(frozen=True, slots=True)
class Exit(Node):
    """`exit()`: the whole process ends; its memory goes."""


@dataclass(frozen=True, slots=True)
class Wait(Node):
    """`wait(P1)`: until P1 has done its last statement."""

    thread: str


@dataclass(frozen=True, slots=True)
class Madvise(Node):
    """`madvise(x, MADV_PAGEOUT)`."""

    page: str
    advice: str  # MADV_PAGEOUT, MADV_DONTNEED, MADV_FREE, MADV_MERGEABLE, MADV_UNMERGEABLE


@dataclass(frozen=True, slots=True)
class Mprotect(Node):
    """`mprotect(x, PROT_READ | PROT_WRITE)`."""

    page: str
    protection: tuple[str, ...]  # PROT_READ, PROT_WRITE in this order, or PROT_NONE alone


@dataclass(frozen=True, slots=True)
class Munmap(Node):
    """`munmap(x)`."""

    page: str


@dataclass(frozen=True, slots=True)
class Swapoff(Node):
    """`swapoff()`: every slot of the test's swap device is read back in."""


@dataclass(frozen=True, slots=True)
class Migrate(Node):
    """`migrate(x)`: the page moves to another folio."""

    page: str


@dataclass(frozen=True, slots=True)
class KsmMerge(Node):
    """`ksm_merge(x, y)`: ksmd finds the two pages and tries to merge them."""

    page: str
    other: str


@dataclass(frozen=True, slots=True)
class UserfaultfdMove(Node):
    """`userfaultfd_move(x, y)`: UFFDIO_MOVE to x from y."""

    destination: str
    source: str


Statement = (
    Load
    | Store
    | GetUserPage
    | DeviceWrite
    | DeviceRead
    | PutPage
    | Fork
    | Exit
    | Wait
    | Madvise
    | Mprotect
    | Munmap
    | Swapoff
    | Migrate
    | KsmMerge
    | UserfaultfdMove
)


# -- the initial block -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PageDeclaration(Node):
    """`char x[2] = "ab";` populated, exclusive and writable; `char x[2];` never touched (content None)."""

    name: str
    places: int
    content: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Setting(Node):
    """`swap = ssd;`"""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Background(Node):
    """`kswapd(x);` an actor that may act at any moment."""

    kind: str
    pages: tuple[str, ...]


# -- threads and conditions ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ThreadDeclaration(Node):
    """`P2(char *x) of P1 { ... }`"""

    name: str
    parameters: tuple[str, ...]
    of: str | None
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class RegisterIs(Node):
    """`0:r1='a'`"""

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
    """One file."""

    name: str
    comment: str
    pages: tuple[PageDeclaration, ...]
    settings: tuple[Setting, ...]
    background: tuple[Background, ...]
    threads: tuple[ThreadDeclaration, ...]
    condition: Condition | None

    def statements(self) -> Iterator[tuple[ThreadDeclaration, Statement]]:
        """Every statement with its thread, in file order."""
        for thread in self.threads:
            for statement in thread.body:
                yield thread, statement


def atoms(expression: Expression) -> Iterator[RegisterIs | MemoryIs | CountIs]:
    """The observations that a condition is made of, from left to right.

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
