# SPDX-License-Identifier: MIT
"""Random litmus tests that a machine can run: what nobody thought of, to hold model and kernels against.

One seed, one test, on every machine and with every version of Python; Hypothesis, which shrinks and explores,
is for the project's own tests.
"""

from __future__ import annotations

import random
from typing import Any

from cowpath.litmus import ast
from cowpath.litmus.form import Form, Kind, Operand
from cowpath.litmus.resolve import resolve
from cowpath.litmus.statements import CALLS, KINDS, Exit, Fork, GetUserPage, Load, PutPage, Store, Wait
from cowpath.machine.compile import compile_program
from cowpath.machine.means import CannotRunAnywhereError

THEMES: tuple[tuple[str, ...], ...] = (
    ("get_user_page", "get_user_page_fast", "put_page", "device_read", "device_write"),
    ("pin_user_page", "pin_user_page_fast", "unpin_user_page", "unpin_user_pages_dirty_lock",
     "device_read", "device_write"),
    ("madvise", "madvise", "mincore"),
    ("madvise", "swapoff"),
    ("mprotect", "munmap", "madvise"),
    ("soft_dirty", "clear_refs"),
    ("userfaultfd_wp", "userfaultfd_read"),
    ("ksm_merge", "migrate"),
    ("userfaultfd_move", "migrate"),
)  # fmt: skip
"""Calls that say something together.  A test has few themes: of everything a little says nothing."""

PLACED = ("fork", "wait", "exit")
"""Calls whose place is decided last, since others depend on it."""

VALUES = (ast.ZERO, "a", "b", "c")
PLAIN = 0.4
"""The share of statements that are loads and stores."""

LONGEST = (6, 4)
"""Statements of the first thread at most, and of the second."""


def random_litmus(seed: str) -> ast.Litmus:
    """Return the test of a seed: one thread, two of one process, or a parent and a child.

    >>> random_litmus("1-0") == random_litmus("1-0"), random_litmus("1-0") == random_litmus("1-1")
    (True, False)
    """
    chance = random.Random(seed)
    while True:
        litmus = _Writer(chance).litmus(f"random-{seed}")
        try:
            compile_program(resolve(litmus))
        except CannotRunAnywhereError:
            continue
        return litmus


class _Writer:
    """Writes one test, statement by statement."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        places = chance.choice((1, 1, 2))
        self.pages = tuple(
            ast.PageDeclaration(name, places, chance.choice((None, content, content)))
            for name in "xy"[: chance.choice((1, 1, 2))]
            for content in [tuple(chance.choice(VALUES) for _ in range(places))]
        )
        self.swap = chance.choice((None, None, None, ("zram",), ("none",)))
        self.themes = chance.sample(THEMES, chance.choice((1, 2, 2, 3)))
        self.taken: list[GetUserPage] = []
        self.held: list[GetUserPage] = []  # by the thread that is being written
        self.registers = 0

    def litmus(self, name: str) -> ast.Litmus:
        """Return the whole test."""
        shape = self.chance.choice(("one", "one", "fork", "fork", "threads"))
        bodies = [self._body(longest) for longest in LONGEST[: 1 if shape == "one" else 2]]
        if shape == "fork":
            self._fork(bodies)
        parameters = tuple(page.name for page in self.pages)
        headers = (None, "P0" if shape == "threads" else None)
        threads = tuple(
            ast.ThreadDeclaration(f"P{number}", parameters, headers[number], tuple(body))
            for number, body in enumerate(bodies)
        )
        settings = () if self.swap is None else (ast.Setting("swap", self.swap),)
        return ast.Litmus(name, "", self.pages, settings, (), threads, None)

    def _body(self, longest: int) -> list[ast.Statement]:
        self.held, self.registers = [], 0
        return [self._statement() for _ in range(self.chance.randint(1, longest))]

    def _fork(self, bodies: list[list[ast.Statement]]) -> None:
        """Let the first thread fork the second; now and then that one exits, or is waited for."""
        parent, child = bodies
        at = self.chance.randint(0, len(parent))
        parent.insert(at, Fork("P1"))
        if self.chance.random() < 0.3:
            parent.insert(self.chance.randint(at + 1, len(parent)), Wait("P1"))
        if self.chance.random() < 0.2:
            child.append(Exit())

    def _statement(self) -> ast.Statement:
        page = self.chance.choice(self.pages)
        place = self.chance.randrange(page.places)
        possible = [name for name in self.chance.choice(self.themes) if self._possible(name)]
        if not possible or self.chance.random() < PLAIN:
            if self.chance.random() < 0.5:
                return Load(self._register(), page.name, place)
            return Store(page.name, place, self.chance.choice(VALUES))
        return self._call(CALLS[self.chance.choice(possible)])

    def _possible(self, name: str) -> bool:
        form = CALLS[name]
        if form.needs_swap and self.swap == ("none",):
            return False
        if any(operand.kind is Kind.REFERENCE for operand in form.operands):
            return bool(self._holding(form))
        return sum(operand.kind in (Kind.PAGE, Kind.RANGE) for operand in form.operands) <= len(self.pages)

    def _holding(self, form: Form) -> list[GetUserPage]:
        """Return the references that a call can work on."""
        return [take for take in self.held if take.pin == form.implied.get("pin", take.pin)]

    def _call(self, form: Form) -> ast.Statement:
        fields: dict[str, Any] = dict(form.implied)
        pages = self.chance.sample([page.name for page in self.pages], len(self.pages))
        holding = self._holding(form)
        take = self.chance.choice(holding) if holding else None
        for operand in form.operands:
            if operand.kind in (Kind.PAGE, Kind.RANGE):
                fields[operand.field] = pages.pop()
            elif operand.kind is Kind.REFERENCE and take is not None:
                fields[operand.field] = take.reference
            else:
                fields[operand.field] = self._operand(operand)
        if form.result == "register":
            fields["register"] = self._register()
        elif form.result == "reference":
            fields["reference"] = f"g{len(self.taken)}"
        statement = KINDS[form.name](**fields)
        if isinstance(statement, GetUserPage):
            self.taken.append(statement)
            self.held.append(statement)
        if isinstance(statement, PutPage) and take is not None:
            self.held.remove(take)
        return statement

    def _operand(self, operand: Operand) -> object:
        if operand.kind is Kind.PLACE:
            return self.chance.randrange(self.pages[0].places)
        if operand.kind is Kind.VALUE:
            return self.chance.choice(VALUES)
        if operand.kind is Kind.WORD:
            return self.chance.choice(operand.words())
        return self.chance.choice(operand.allowed)

    def _register(self) -> str:
        self.registers += 1
        return f"r{self.registers - 1}"
