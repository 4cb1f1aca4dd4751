# SPDX-License-Identifier: MIT
"""A kernel on a test bench: call its functions one by one and look at the state in between."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from typing import Any, TypeVar, cast

from cowpath.explore.record.step import Blocked
from cowpath.history.version import version
from cowpath.linux.model import build
from cowpath.linux.state import Folio, Pte, Slot
from cowpath.litmus.resolve import program_from_text
from cowpath.report.words import value_words

ONE_PAGE = 'C bench { char x[2] = "ab"; } P0(char *x) { r0 = x[0]; }'
FORKED = 'C bench { char x[2] = "ab"; } P0(char *x) { fork(P1); r0 = x[0]; } P1(char *x) { r0 = x[0]; }'

T = TypeVar("T")


class Bench:
    """One kernel in one state.

    `call` runs a function as one atomic step, `finish` a whole kernel path with nobody else running.  Between
    calls, records read as they are.
    """

    def __init__(
        self,
        release: str = "6.1",
        text: str = ONE_PAGE,
        arch: str = "x86_64",
        without: tuple[str, ...] = (),
        added: tuple[str, ...] = (),
    ) -> None:
        kernel = version(release, arch, added, without)
        self.k, model = build(kernel, program_from_text(text))
        self.state = model.initial
        self.notes: list[str] = []
        self._look()

    def _look(self) -> None:
        self.k.layout.step.telling = True
        self.k.layout.step.begin(self.state)

    def _commit(self) -> None:
        step, after = self.k.layout.step, bytearray(self.state)
        for cell, code in step.writes.items():
            after[cell] = code
        for target, source in step.moves.items():
            after[target] = self.state[source]
        self.notes += [note.text for note in step.notes]
        self.state = bytes(after)
        self._look()

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run one step; a Blocked step leaves no trace."""
        self._look()
        try:
            result = function(*arguments)
        except BaseException:
            self._look()
            raise
        self._commit()
        return result

    def set(self, record: Any, **fields: Any) -> None:
        """Assign cells by hand."""
        self._look()
        for name, value in fields.items():
            setattr(record, name, value)
        self._commit()

    def steps(self, path: Generator[object, None, T]) -> Generator[None, None, T]:
        """Run a kernel path step by step: yields after each, returns its value."""
        assert inspect.isgenerator(path)
        while True:
            self._look()
            try:
                next(path)
            except StopIteration as end:
                self._commit()
                return cast(T, end.value)
            self._commit()
            yield

    def finish(self, path: Generator[object, None, T]) -> T:
        """Run a kernel path to its end."""
        running = self.steps(path)
        while True:
            try:
                next(running)
            except StopIteration as end:
                return cast(T, end.value)

    def blocks(self, function: Callable[..., Any], *arguments: Any) -> bool:
        """Whether a step has to wait in this state."""
        try:
            self.call(function, *arguments)
        except Blocked:
            return True
        return False

    def pte(self, process: int = 0, page: int = 0) -> Pte:
        """A pte."""
        return self.k.pte(self.k.mms[process], page)

    def shown(self, process: int = 0, page: int = 0) -> str:
        """A pte in words."""
        return value_words(self.pte(process, page).fields_in(self.state))

    def folio(self, number: int = 0) -> Folio:
        """A folio."""
        return self.k.folios[number]

    def slot(self, number: int = 0) -> Slot:
        """A swap slot."""
        return self.k.slots[number]

    def data(self, record: Folio | Slot) -> str:
        """The content of a folio or a slot."""
        self._look()
        step, values = self.k.layout.step, self.k.layout.values
        return "".join(values[step.look(record.data[place])] for place in range(record.data.length))
