# SPDX-License-Identifier: MIT
"""A test on one kernel, as every format for other tools reads it, wherever its outcomes came from.

`check` makes cases from what a search found (`cases`), `run` from what a machine did (`machine_cases`); the
writers (`ktap`, `junit`, `sarif`, `herd`) see only this.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from cowpath.litmus.program import Program

Status = Literal["pass", "fail", "xfail", "skip", "timeout", "error"]


@dataclass(frozen=True, slots=True)
class CaseOutcome:
    """An outcome as text, and what it breaks (empty where it is promised).

    `count` says how often a machine has shown it (0: a search says that it can happen), `allowed` whether the
    model knows it (None: nothing is modelled, or nobody asked).  `values` is what was seen, named as in
    conditions; `witness`: it satisfies the test's own.
    """

    text: str
    breakage: str = ""
    count: int = 0
    allowed: bool | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    witness: bool = False


@dataclass(frozen=True, slots=True)
class FileSpot:
    """A place in a litmus file, with what happens there; lines and columns count from 1, 0 is nowhere."""

    line: int
    column: int
    text: str


@dataclass(frozen=True, slots=True)
class Case:
    """The answer of one test on one kernel.

    `status` "xfail" is a promise broken where the expected verdicts, or the model of a machine's kernel, say
    that it is; `expected_by` names which.  `words` is the verdict in a few words, `kinds` what is broken,
    worst first, `why` the sentences that explain it, `path` the steps that lead there, `spot` where in the
    file it shows, `output` what was printed for people.  `program` is None for a file that could not be read;
    `holds` is the answer to its condition.
    """

    test: str
    file: str
    kernel: str
    status: Status
    words: str
    kinds: tuple[str, ...] = ()
    why: tuple[str, ...] = ()
    outcomes: tuple[CaseOutcome, ...] = ()
    path: tuple[FileSpot, ...] = ()
    spot: FileSpot = FileSpot(0, 0, "")
    seconds: float = 0.0
    expected_by: str = ""
    output: str = ""
    program: Program | None = None
    holds: bool | None = None

    @property
    def bad(self) -> bool:
        """True if the case fails, or could not be judged."""
        return self.status in ("fail", "timeout", "error")


def by_test(cases: Iterable[Case]) -> list[tuple[str, list[Case]]]:
    """Cases with the same file and test together, in order of first appearance.

    >>> a, b = (Case("t", "t.litmus", kernel, "pass", "kept") for kernel in ("5.10", "6.1"))
    >>> [(name, len(cases)) for name, cases in by_test([a, b])]
    [('t', 2)]
    """
    groups: dict[tuple[str, str], list[Case]] = {}
    for case in cases:
        groups.setdefault((case.file, case.test), []).append(case)
    return [(test, group) for (_, test), group in groups.items()]


def one_line(text: str) -> str:
    r"""The text on one line, with nothing in it that a terminal or a parser of lines would act upon.

    >>> one_line("a\nb\x1b[31m")
    'a b\ufffd[31m'
    """
    return "".join(c if c.isprintable() else " " if c in "\n\t" else "\ufffd" for c in text)


def failed(cases: Sequence[Case]) -> bool:
    """True if a group as a whole fails."""
    return any(case.bad for case in cases)
