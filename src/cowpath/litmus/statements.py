# SPDX-License-Identifier: MIT
"""The statements of the language as one table: parser, printer, checker and documentation all read it.

A new statement is a node in ast.py and a `Form` here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from itertools import combinations

from cowpath.litmus import ast


class Kind(Enum):
    """What an operand of a statement is; the value is its name in messages."""

    PAGE = "a page"
    REFERENCE = "a reference"
    THREAD = "a thread"
    PLACE = "a place (a number)"
    VALUE = "a value such as 'a', or a register"
    WORD = "a name"
    FLAGS = "flags"


@dataclass(frozen=True, slots=True)
class Operand:
    """One operand: the field of the node that holds it, and for WORD and FLAGS what may stand there."""

    field: str
    kind: Kind
    allowed: tuple[tuple[str, ...], ...] = ()

    def words(self) -> list[str]:
        """Every word that may stand here.

        >>> Operand("advice", Kind.WORD, (("MADV_FREE",), ("MADV_PAGEOUT",))).words()
        ['MADV_FREE', 'MADV_PAGEOUT']
        """
        return list(dict.fromkeys(word for group in self.allowed for word in group))


@dataclass(frozen=True, slots=True)
class Form:
    """How a statement is written: `result = name(operands)`.  Loads and stores have no name."""

    name: str
    node: type
    operands: tuple[Operand, ...]
    meaning: str
    result: str = ""  # the field that is assigned: "register", "reference" or none
    implied: Mapping[str, bool] = field(default_factory=dict)  # fields that the name itself says

    def usage(self) -> str:
        """The call as documentation and hints show it.

        >>> CALLS["device_read"].usage()
        'r = device_read(g, 0)'
        """
        result = {"register": "r = ", "reference": "g = ", "": ""}[self.result]
        return f"{result}{self.name}({', '.join(_example(operand) for operand in self.operands)})"


def subsets(*words: str) -> tuple[tuple[str, ...], ...]:
    """All sets of flags, each in the order given.

    >>> subsets("A", "B")
    ((), ('A',), ('B',), ('A', 'B'))
    """
    return tuple(chosen for size in range(len(words) + 1) for chosen in combinations(words, size))


def _example(operand: Operand) -> str:
    names = {"other": "y", "source": "y"}
    fixed = {Kind.REFERENCE: "g", Kind.THREAD: "P1", Kind.PLACE: "0", Kind.VALUE: "'a'"}
    if operand.kind is Kind.PAGE:
        return names.get(operand.field, "x")
    if operand.kind in fixed:
        return fixed[operand.kind]
    return " | ".join(next(group for group in operand.allowed if group))


_PAGE = Operand("page", Kind.PAGE)
_PLACE = Operand("place", Kind.PLACE)
_VALUE = Operand("value", Kind.VALUE)
_REFERENCE = Operand("reference", Kind.REFERENCE)
_THREAD = Operand("thread", Kind.THREAD)
_GET_FLAGS = Operand("flags", Kind.FLAGS, subsets("FOLL_WRITE", "FOLL_FORCE"))
_PIN_FLAGS = Operand("flags", Kind.FLAGS, subsets("FOLL_WRITE", "FOLL_LONGTERM", "FOLL_FORCE"))
_ADVICE = Operand(
    "advice",
    Kind.WORD,
    (("MADV_PAGEOUT",), ("MADV_DONTNEED",), ("MADV_FREE",), ("MADV_MERGEABLE",), ("MADV_UNMERGEABLE",)),
)
_PROTECTION = Operand("protection", Kind.FLAGS, (("PROT_NONE",), ("PROT_READ",), ("PROT_READ", "PROT_WRITE")))

LOAD = Form("", ast.Load, (_PAGE, _PLACE), "a load through the page table", "register")
STORE = Form("", ast.Store, (_PAGE, _PLACE, _VALUE), "a store through the page table")


def _take(name: str, flags: Operand, meaning: str, *, pin: bool, fast: bool) -> Form:
    implied = {"pin": pin, "fast": fast}
    return Form(name, ast.GetUserPage, (_PAGE, flags), meaning, "reference", implied)


CALLS: Mapping[str, Form] = {
    form.name: form
    for form in (
        _take("get_user_page", _GET_FLAGS, "take a reference: FOLL_GET", pin=False, fast=False),
        _take("get_user_page_fast", _GET_FLAGS, "FOLL_GET without the mmap lock", pin=False, fast=True),
        _take("pin_user_page", _PIN_FLAGS, "take a pin: FOLL_PIN", pin=True, fast=False),
        _take("pin_user_page_fast", _PIN_FLAGS, "FOLL_PIN without the mmap lock", pin=True, fast=True),
        Form(
            "device_write", ast.DeviceWrite, (_REFERENCE, _PLACE, _VALUE), "a device writes, through no pte"
        ),
        Form(
            "device_read", ast.DeviceRead, (_REFERENCE, _PLACE), "a device reads, through no pte", "register"
        ),
        Form("put_page", ast.PutPage, (_REFERENCE,), "give a FOLL_GET reference back", "", {"pin": False}),
        Form("unpin_user_page", ast.PutPage, (_REFERENCE,), "give a FOLL_PIN back", "", {"pin": True}),
        Form("fork", ast.Fork, (_THREAD,), "the thread starts in a child of this process"),
        Form("exit", ast.Exit, (), "the whole process ends and its memory goes"),
        Form("wait", ast.Wait, (_THREAD,), "until that thread has done its last statement"),
        Form("madvise", ast.Madvise, (_PAGE, _ADVICE), "as madvise(2)"),
        Form("mprotect", ast.Mprotect, (_PAGE, _PROTECTION), "as mprotect(2)"),
        Form("munmap", ast.Munmap, (_PAGE,), "as munmap(2)"),
        Form("swapoff", ast.Swapoff, (), "every slot of the test's swap is read back in"),
        Form("migrate", ast.Migrate, (_PAGE,), "the page moves to another folio"),
        Form("ksm_merge", ast.KsmMerge, (_PAGE, Operand("other", Kind.PAGE)), "ksmd tries to merge the two"),
        Form("numa_hint", ast.NumaHint, (_PAGE,), "NUMA balancing lets the next access fault"),
        Form("clear_refs", ast.ClearRefs, (), "4 is written to /proc/self/clear_refs"),
        Form("soft_dirty", ast.SoftDirty, (_PAGE,), "bit 55 of /proc/self/pagemap", "register"),
        Form(
            "userfaultfd_wp",
            ast.UserfaultfdWp,
            (_PAGE, Operand("mode", Kind.FLAGS, ((), (ast.NO,)))),
            "UFFDIO_WRITEPROTECT: writes wait; with 0 they need not any more",
        ),
        Form("userfaultfd_read", ast.UserfaultfdRead, (_PAGE,), "wait for a write that waits", "register"),
        Form(
            "userfaultfd_move",
            ast.UserfaultfdMove,
            (Operand("destination", Kind.PAGE), Operand("source", Kind.PAGE)),
            "UFFDIO_MOVE to the first page from the second",
        ),
    )
}
"""Every statement that is written as a call, by name, in the order of docs/litmus.md."""


def form_of(statement: ast.Statement) -> Form:
    """The entry of the table that a statement is an instance of.

    >>> form_of(ast.PutPage("g", pin=True)).name
    'unpin_user_page'
    """
    for form in (LOAD, STORE, *CALLS.values()):
        if isinstance(statement, form.node) and all(
            getattr(statement, name) == value for name, value in form.implied.items()
        ):
            return form
    raise TypeError(f"not a statement: {statement!r}")
