# SPDX-License-Identifier: MIT
"""The written form of a statement: its name, its operands, its result, and what a test that has it needs.

A `Form` is one row of the language.  Parser, printer, checker and documentation read rows and know no
statement by name.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from itertools import combinations


class Kind(Enum):
    """The kinds of operands; the value is what messages call it."""

    PAGE = "a page"
    RANGE = "a page, or the pages x..y"
    REFERENCE = "a reference"
    THREAD = "a thread"
    PLACE = "a place (a number)"
    VALUE = "a value such as 'a', or a register"
    WORD = "a name"
    FLAGS = "flags"


@dataclass(frozen=True, slots=True)
class Operand:
    """An operand: the field of the statement that holds it, and for WORD and FLAGS what may stand there.

    `features` names the feature (see features.py) that a word of it brings into a test; for flags, all of
    them together.
    """

    field: str
    kind: Kind
    allowed: tuple[tuple[str, ...], ...] = ()
    features: Mapping[str | tuple[str, ...], str] = dataclasses.field(default_factory=dict)

    def words(self) -> list[str]:
        """Return every word that may stand here.

        >>> Operand("advice", Kind.WORD, (("MADV_FREE",), ("MADV_PAGEOUT",))).words()
        ['MADV_FREE', 'MADV_PAGEOUT']
        """
        return list(dict.fromkeys(word for group in self.allowed for word in group))


@dataclass(frozen=True, slots=True)
class Form:
    """A row of the language: `result = name(operands)`.  Loads and stores have no name."""

    name: str
    operands: tuple[Operand, ...]
    meaning: str
    result: str = ""
    """The field that is assigned: "register", "reference", or none."""
    implied: Mapping[str, bool] = dataclasses.field(default_factory=dict)
    """Fields of the statement that the name itself says."""
    feature: str = ""
    """The feature (see features.py) that a test with this statement uses; empty for none."""
    answers: tuple[str, ...] = ()
    """All values that the register can get, where they are answers of the kernel and not memory."""
    told: bool = False
    """Set where the answer says whether there was a write: a wrong answer is called a missed write."""
    needs_swap: bool = False
    """Set where the statement makes no sense without a swap device."""
    devices: tuple[str, ...] = ()
    """The swap devices that the statement is about: a test with it has one of them.  Empty for any."""
    everywhere: bool = False
    """Set where it works on all memory of its process or of all processes, and not on pages that it names."""

    def usage(self) -> str:
        """Return the call as documentation and hints show it.

        >>> page = Operand("page", Kind.PAGE)
        >>> Form("soft_dirty", (page,), "bit 55 of pagemap", "register").usage()
        'r = soft_dirty(x)'
        """
        result = {"register": "r = ", "reference": "g = ", "": ""}[self.result]
        return f"{result}{self.name}({', '.join(_example(operand) for operand in self.operands)})"


def subsets(*words: str) -> tuple[tuple[str, ...], ...]:
    """Return all sets of flags, each in the order given.

    >>> subsets("A", "B")
    ((), ('A',), ('B',), ('A', 'B'))
    """
    return tuple(chosen for size in range(len(words) + 1) for chosen in combinations(words, size))


def _example(operand: Operand) -> str:
    names = {"other": "y", "source": "y"}
    fixed = {Kind.REFERENCE: "g", Kind.THREAD: "P1", Kind.PLACE: "0", Kind.VALUE: "'a'"}
    if operand.kind in (Kind.PAGE, Kind.RANGE):
        return names.get(operand.field, "x")
    if operand.kind in fixed:
        return fixed[operand.kind]
    return " | ".join(next(group for group in operand.allowed if group))
