# SPDX-License-Identifier: MIT
"""Holds a machine's answer against the model of its kernel, and against the promise.

A machine may do less than the model (it runs some orders, not all) but never more.  "Precondition not met"
and "cannot run here" are answers of their own: they agree with nothing and contradict nothing, unless the
model says that this kernel cannot meet the precondition.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from cowpath import promise
from cowpath.errors import CowpathError
from cowpath.explore.engine import Method
from cowpath.explore.search import explore
from cowpath.history.release import Release
from cowpath.history.version import UnknownChangeError, Version, version
from cowpath.judge import condition, judge, naming
from cowpath.judge.result import ORDER, Outcome
from cowpath.litmus.program import DISCARDED, Program
from cowpath.machine.job import Answer, Observed
from cowpath.machine.known import known
from cowpath.machine.unmet import never_met

Standing = Literal["agrees", "disagrees", "known", "not modelled", "not met", "cannot", "timed out", "failed"]


@dataclass(frozen=True)
class Expectation:
    """The outcomes a test may have: `allowed` by the model (None: not modelled), and `promised`."""

    version: Version | None
    allowed: frozenset[Observed] | None
    promised: frozenset[Observed]
    words: str  # the model's verdict, or why there is none
    hangs: bool = False


@dataclass(frozen=True)
class Seen:
    """An outcome that a machine has shown."""

    observed: Observed
    count: int
    text: str
    breakage: str  # empty where the promise allows it
    allowed: bool  # by the model; True where there is none


@dataclass(frozen=True)
class Comparison:
    """The comparison of one test on one machine."""

    program: Program
    machine: str
    answer: Answer
    expectation: Expectation
    file: str = ""

    @cached_property
    def seen(self) -> tuple[Seen, ...]:
        """Return the outcomes, most frequent first."""
        found = []
        for observed, count in sorted(self.answer.outcomes.items(), key=lambda item: (-item[1], item[0])):
            registers, memory = condition.split(self.program, observed)
            text = Outcome(registers, memory).text()
            broken = "" if observed in self.expectation.promised else self._breakage(observed)
            found.append(Seen(observed, count, text, broken, self._is_allowed(observed)))
        return tuple(found)

    @property
    def standing(self) -> Standing:
        """Return the answer in one word: "agrees", "cannot", ..."""
        answer = self.answer
        if answer.status != "ran":
            return "cannot" if answer.status == "cannot" else "failed"
        if not all(seen.allowed for seen in self.seen):
            return "known" if self.known else "disagrees"
        if answer.hangs and not self.expectation.hangs:
            return "timed out"
        if answer.failures:
            return "failed"
        if not self.seen and not answer.hangs:
            if self.never_met:
                return "agrees"
            return "not met" if answer.unmet else "timed out"
        return "agrees" if self.expectation.allowed is not None else "not modelled"

    @property
    def known(self) -> str:
        """Return what explains an outcome that the model does not allow; empty where nothing does."""
        version = self.expectation.version
        return known(self.program, version.architecture) if version else ""

    @cached_property
    def never_met(self) -> bool:
        """True where no round met a precondition, and the model of this kernel never does either."""
        version = self.expectation.version
        if version is None or self.answer.rounds or not self.answer.unmet:
            return False
        return never_met(self.program, version, self.answer.unmet, Method())

    @property
    def words(self) -> str:
        """Return in a few words what the machine did: "lost write 100/100"."""
        answer = self.answer
        if answer.status != "ran":
            return "cannot run here" if answer.status == "cannot" else "no answer"
        total = answer.rounds
        parts = [f"{kind} {count}/{total}" for kind, count in self._broken_counts().items()]
        if not parts and total:
            parts.append(f"kept {total}/{total}")
        if unmet := sum(answer.unmet.values()):
            never = ", as the model says" if self.never_met else ""
            parts.append(f"precondition not met{never}" if not total else f"not met {unmet}")
        if answer.hangs:
            parts.append(f"timed out {answer.hangs}")
        if failures := sum(answer.failures.values()):
            parts.append(f"no answer {failures}")
        return ", ".join(parts)

    @property
    def reason(self) -> str:
        """Return why there is no outcome, where there is none."""
        answer = self.answer
        return answer.reason or "; ".join([*answer.unmet, *answer.failures])

    def _broken_counts(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for seen in self.seen:
            if seen.breakage:
                counts[seen.breakage] = counts.get(seen.breakage, 0) + seen.count
        return counts

    def _breakage(self, observed: Observed) -> str:
        return naming.name_breakage(self.program, observed, self.expectation.promised)

    def _is_allowed(self, observed: Observed) -> bool:
        allowed = self.expectation.allowed
        return allowed is None or observed in allowed or any(_matches(one, observed) for one in allowed)


def stable_release(facts: Mapping[str, Any]) -> str:
    """Return the release with its stable update: Debian's kernels name it in their version only.

    >>> stable_release({"release": "5.10.0-32-cloud-amd64", "version": "#1 SMP Debian 5.10.223-1"})
    '5.10.223'
    """
    found = re.search(r"Debian (\d+\.\d+\.\d+)", facts.get("version", ""))
    return found[1] if found else str(facts.get("release", ""))


def expect(program: Program, release: str, architecture: str, max_states: int | None = None) -> Expectation:
    """Return what the model of a kernel and the promise say of a test.  Raises CowpathError.

    A kernel, or a statement, that is not modelled leaves the promise alone to judge.
    """
    try:
        kernel = version(Release.reported(release), architecture)
        result = judge.judge(program, kernel, Method(max_states=max_states))
    except UnknownChangeError:
        return _promise_only(program, "not modelled")
    except CowpathError as error:
        return _promise_only(program, f"not modelled: {error}")
    if result.verdict == "unfinished":  # what it has not found yet, it does not forbid
        words = f"not modelled: the search is not finished: {result.reason}"
        return Expectation(None, None, frozenset(result.promised), words)
    count = len(condition.names(program))
    outcomes = result.exploration.outcomes
    return Expectation(
        kernel,
        frozenset(outcome.observed[:count] for outcome in outcomes if not outcome.crash),
        frozenset(result.promised),
        ", ".join(kind for kind in result.breakage if kind in ORDER) or "kept",
        hangs=any(outcome.hang for outcome in result.outcomes),
    )


def _promise_only(program: Program, words: str) -> Expectation:
    try:
        promised = frozenset(outcome.observed for outcome in explore(promise.build(program)).outcomes)
    except CowpathError as error:
        raise CowpathError(f"{program.name}: neither the model nor the promise knows it: {error}") from None
    return Expectation(None, None, promised, words)


def _matches(allowed: Observed, observed: Observed) -> bool:
    """Tell whether an outcome of the model, with unknown values (a discarded slot's) in it, is this one."""
    pairs: Iterable[tuple[str, str]] = zip(allowed, observed, strict=True)
    return DISCARDED in allowed and all(a in (DISCARDED, b) for a, b in pairs)
