# SPDX-License-Identifier: MIT
"""A kernel on a bench: run one function of the model on a state, and look at what it did."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from cowpath.explore.recorder import Code
from cowpath.kernel import model
from cowpath.kernel.changes import version
from cowpath.kernel.state import Folio, Kernel, Pte
from cowpath.litmus.resolve import program_from_text

T = TypeVar("T")


class Bench:
    """One kernel with one test on it, booted; `processes` of them exist (the second by fork())."""

    def __init__(
        self, initial: str, release: str, processes: int = 1, without: Iterable[str] = (), body: str = ""
    ) -> None:
        pages = [word.split("[")[0] for word in initial.split() if "[" in word]
        parameters = ", ".join(f"char *{page}" for page in pages)
        fork = "fork(P1);" if processes > 1 else ""
        text = f"C bench {{ {initial} }} P0({parameters}) {{ {fork} {body} }}"
        text += f" P1({parameters}) {{ }}" if processes > 1 else ""
        kernel, built = model.build(version(release, dropped=without), program_from_text(text), 2, 2)
        self.k: Kernel = kernel
        self.state = bytearray(built.initial)

    def do(self, function: Callable[[], T]) -> T:
        """Run a piece of the model as one step."""
        step = self.k.layout.step
        step.begin(bytes(self.state))
        result = function()
        moved = {target: self.state[source] for target, source in step.moves.items()}
        for cell, value in {**step.writes, **moved}.items():
            self.state[cell] = value
        return result

    def run(self, code: Callable[[], Code], most: int = 1000) -> object:
        """Run a generator of the model to its end, nothing else acting; Blocked comes through."""
        generator: list[Code] = []
        for _ in range(most):
            try:
                if not generator:
                    generator.append(code())
                self.do(lambda: next(generator[0]))
            except StopIteration as end:
                self.finish()
                return end.value
        raise AssertionError("it does not end")

    def finish(self) -> None:
        """What the last step of a generator wrote."""
        step = self.k.layout.step
        moved = {target: self.state[source] for target, source in step.moves.items()}
        for cell, value in {**step.writes, **moved}.items():
            self.state[cell] = value

    def pte(self, page: int = 0, process: int = 0) -> Pte:
        """An entry."""
        return self.k.pte(self.k.mms[process], page)

    def folio(self, page: int = 0, process: int = 0) -> Folio:
        """The page that an entry maps."""
        folio = self.do(lambda: self.pte(page, process).folio)
        assert folio is not None
        return folio
