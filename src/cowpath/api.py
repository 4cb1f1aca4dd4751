# SPDX-License-Identifier: MIT
"""cowpath from Python: check a litmus test, look at its outcomes, follow the path to one.

>>> import cowpath
>>> found = cowpath.check('''
... C lost
... { char x[2] = "ab"; }
... P0(char *x) { g = get_user_page(x, FOLL_WRITE); madvise(x, MADV_PAGEOUT); r0 = x[1]; x[1] = 'c';
...               device_write(g, 0, 'D'); put_page(g); r1 = x[0]; }
... ''', kernel="5.18")
>>> found
<lost on 5.18 x86_64: lost write; 1 outcome, 44 states>
>>> found.kept
False
>>> for outcome in found.outcomes:
...     print(outcome.text(), outcome.breakage)
0:r0=b; 0:r1=a; 0:x[0]=a; 0:x[1]=c; lost write
>>> [step.actor_name for step in found.trace().steps][:2]
['P0', 'P0']
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from os import PathLike, fspath

from cowpath.corpus.files import source as source_of
from cowpath.errors import CowpathError
from cowpath.explore.engine import Method
from cowpath.explore.trace import PathStep
from cowpath.explore.trace import trace as find_trace
from cowpath.history.version import DEFAULT_ARCHITECTURE, NEWEST, Version, version
from cowpath.judge.goal import Goal, choose
from cowpath.judge.judge import judge
from cowpath.judge.result import Outcome, Result, Violation
from cowpath.litmus.parse import parse_source
from cowpath.litmus.program import Program
from cowpath.litmus.resolve import resolve
from cowpath.litmus.source import Source
from cowpath.report import notebook, story, text
from cowpath.report.trace import trace_text


def check(
    path_or_text: str | PathLike[str],
    kernel: str = str(NEWEST),
    *,
    arch: str = DEFAULT_ARCHITECTURE,
    added: Iterable[str] = (),
    dropped: Iterable[str] = (),
    max_states: int | None = None,
) -> Check:
    """Explore every interleaving of one litmus test on one kernel.

    `path_or_text` is a file, the name of a corpus test, or the test itself (anything with a brace in it).
    `kernel` is a release ("6.1"), `arch` an architecture as under arch/ in the kernel tree; `added` and
    `dropped` name changes as `--with` and `--without` do.  Beyond `max_states` states the verdict is
    "unfinished".

    Raises CowpathError for a test (with line and column), a kernel or a change that it cannot use.

    >>> check("C t { char x[1]; } P0(char *x) { x[0] = 'a'; r0 = x[0]; } exists (0:r0='a')", "5.10").condition
    True
    >>> check("founding/fresh-page", "6.1").verdict
    'kept'
    >>> check("C t { char x[1]; } P0(char *x) { x[0] = 'a'; }", "sid")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    cowpath.history.release.ReleaseError: 'sid' is not a kernel release: ...
    """
    if not isinstance(kernel, str):
        raise CowpathError(
            f'kernel={kernel!r}: write it as text, "{kernel}" (6.1 and 6.10 are the same number)'
        )
    wanted = version(kernel, arch, added, dropped)
    source = read(path_or_text)
    program = resolve(parse_source(source), source)
    return Check(judge(program, wanted, Method(max_states=max_states)), source)


def read(path_or_text: str | PathLike[str]) -> Source:
    """The text of a test, from a file or as it is.

    >>> read("C t { }").filename
    '<text>'
    """
    if isinstance(path_or_text, str) and "{" in path_or_text:
        return Source("<text>", path_or_text)
    return source_of(fspath(path_or_text))


@dataclass(frozen=True, repr=False)
class Check:
    """The outcomes of one test on one kernel.  `result` has everything that the search found."""

    result: Result
    source: Source = field(repr=False)

    @property
    def program(self) -> Program:
        """The test, with every name resolved."""
        return self.result.program

    @property
    def kernel(self) -> Version:
        """The kernel it was checked on."""
        return self.result.version

    @property
    def verdict(self) -> str:
        """ "kept", "broken", or "unfinished" where the search hit its bound."""
        return self.result.verdict

    @property
    def kept(self) -> bool:
        """True if the search is finished and the kernel keeps every promise."""
        return self.result.verdict == "kept"

    @property
    def breakage(self) -> tuple[str, ...]:
        """The kinds of breakage, worst first: "crash", "hang", "leak", "lost write", ..., then invariants."""
        return self.result.breakage

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """Every way the test can end."""
        return self.result.outcomes

    @property
    def violations(self) -> tuple[Violation, ...]:
        """Invariants of the kernel that do not hold in some state."""
        return self.result.violations

    @property
    def condition(self) -> bool | None:
        """True if the test's own condition holds; None if it has none or the search is not finished."""
        return self.result.condition

    def trace(self, to: str | Outcome | Violation | None = None) -> Trace:
        """The shortest, then simplest path to an outcome.

        `to` is one of `outcomes` or `violations`, or what `cowpath trace --to` takes: a number, an
        invariant, a condition.  None means the worst that happens.  Raises CowpathError where nothing leads
        there.

        >>> test = "C t { char x[1]; } P0(char *x) { r0 = x[0]; }"
        >>> print(check(test, "6.1").trace("0:r0='a'"))
        Traceback (most recent call last):
        cowpath.errors.CowpathError: no path leads there: it cannot happen on 6.1 x86_64
        """
        goal = choose(self.result, parse_source(self.source), to) if to is None or isinstance(to, str) else to
        if goal is None:
            raise CowpathError(f"no path leads there: it cannot happen on {self.kernel}")
        return Trace(self.result, goal)

    def __repr__(self) -> str:
        count = len(self.outcomes)
        return (
            f"<{self.program.name} on {self.kernel}: {text.verdict_words(self.result)}; "
            f"{count} outcome{'s' * (count != 1)}, {len(self.result.exploration.states)} states>"
        )

    def __str__(self) -> str:
        return text.result_text(self.result)

    def _repr_html_(self) -> str:
        return notebook.result_html(self.result)


@dataclass(frozen=True, repr=False)
class Trace:
    """A path to `goal`, step by step; printed, it is what `cowpath trace` prints."""

    result: Result
    goal: Goal

    @cached_property
    def steps(self) -> tuple[PathStep, ...]:
        """Each step, with what it changed and why."""
        return tuple(find_trace(self.result.exploration, self.goal.state))

    @property
    def story(self) -> str:
        """The path in sentences."""
        return story.story_text(self.result, self.steps, self.goal)

    def __repr__(self) -> str:
        kind = (
            getattr(self.goal, "breakage", "") or str(getattr(self.goal, "name", "")) or "a promised outcome"
        )
        return f"<path to {kind} on {self.result.version}: {len(self.steps)} steps>"

    def __str__(self) -> str:
        return trace_text(self.result, self.steps, self.goal)

    def _repr_html_(self) -> str:
        return notebook.trace_html(self.result, self.steps, self.goal)
