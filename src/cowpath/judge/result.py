# SPDX-License-Identifier: MIT
"""The result of `judge`: outcomes, broken invariants, and the verdict over all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from cowpath.explore.found import Observed, Search
from cowpath.history.version import Version
from cowpath.litmus.program import Program


@dataclass(frozen=True, slots=True)
class Outcome:
    """A way in which a run can end.

    `registers` and `memory` are keyed as in conditions ("0:r1", "0:x[0]"); a register that was never assigned
    and the memory of a process that has ended are left out.  `breakage` is empty where the promise allows it.
    """

    registers: Mapping[str, str]
    memory: Mapping[str, str]
    copies: int | None = None
    crash: str = ""
    hang: str = ""
    breakage: str = ""
    state: int = 0  # where the path to it ends

    @property
    def promised(self) -> bool:
        """True if the promise allows it."""
        return not self.breakage

    def text(self) -> str:
        """As herd7 prints a state: `0:r1=a; 0:x[0]=a;`"""
        if self.crash:
            return f"crash: {self.crash};"
        if self.hang:
            return f"hang: {self.hang};"
        parts = [f"{name}={value};" for name, value in (*self.registers.items(), *self.memory.items())]
        if self.copies is not None:
            parts.append(f"copies={self.copies};")
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant of the kernel that does not hold somewhere."""

    name: str
    title: str
    text: str
    state: int

    def __str__(self) -> str:
        return f"{self.name} {self.title}"


@dataclass(frozen=True)
class Result:
    """The judgement of a test on a kernel.  `breakage` names what is broken, worst first."""

    program: Program
    version: Version
    verdict: Literal["kept", "broken", "unfinished"]
    breakage: tuple[str, ...]
    outcomes: tuple[Outcome, ...]
    violations: tuple[Violation, ...]
    condition: bool | None
    promised: tuple[Observed, ...] = field(repr=False)  # what the promise allows, as in `names`
    exploration: Search = field(repr=False)
    reason: str = ""  # why the verdict is "unfinished"
    seconds: float = 0.0

    def on(self, version: Version) -> Result:
        """The same on a kernel that is alike (see `Asked`); its own search takes no time."""
        return self if version == self.version else replace(self, version=version, seconds=0.0)


ORDER = ("crash", "hang", "leak", "lost write", "missed write", "stale data")
