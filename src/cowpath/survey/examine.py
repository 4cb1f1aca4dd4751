# SPDX-License-Identifier: MIT
"""Programs of themes on a kernel with and without a change: what is newly broken, what tells them apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cowpath.explore.engine import Method
from cowpath.history.version import Version
from cowpath.prove.campaign import ProofAnswer, Question, answer
from cowpath.prove.product import USUAL, Bounds
from cowpath.prove.themes import Combination
from cowpath.survey.parallel import ALONE, Workers, each
from cowpath.survey.sweep import NOBODY, Watch
from cowpath.survey.telling import Effort, programs


@dataclass(frozen=True, slots=True)
class Examined:
    """The findings about programs of themes on a kernel with and without a change.

    `broken` are proofs of the changed kernel that fail where those of the plain one do not; `apart` says of
    each theme, in both directions, whether user space can tell the two kernels.  Programs of `far` themes do
    not come to the change within some thousand states, and were not asked.
    """

    kernel: Version
    broken: tuple[ProofAnswer, ...]
    apart: tuple[ProofAnswer, ...]
    far: tuple[str, ...] = ()


def examine(
    plain: Version,
    changed: Version,
    tree: Path | None,
    themes: Sequence[Combination],
    effort: Effort,
    workers: Workers = ALONE,
    watch: Watch = NOBODY,
) -> tuple[list[ProofAnswer], list[ProofAnswer]]:
    """(newly broken, told apart or not) for each theme; the first where they are broken, shortest first.

    With `tree`, the changed kernel has the rules of that directory.
    """
    broken = newly_broken(plain, changed, tree, themes, effort, workers, watch)
    apart = programs(plain, changed, themes, effort, workers, watch, tree)
    return sorted(broken, key=lambda one: (one.statements, one.name)), apart


def newly_broken(
    plain: Version,
    changed: Version,
    tree: Path | None,
    themes: Sequence[Combination],
    effort: Effort,
    workers: Workers = ALONE,
    watch: Watch = NOBODY,
) -> list[ProofAnswer]:
    """Proofs of the changed kernel that fail, where those of the plain one do not or fail for another reason.

    The first thing that breaks may be an invariant of the kernel, so a theme that is broken is asked again
    for what user space can see; and the plain kernel is asked only then.
    """
    first = proved([question(one, changed, effort, tree) for one in themes], workers, watch)
    broken = [theme for theme, one in zip(themes, first, strict=True) if one.verdict == "broken"]
    asked = [
        question(theme, kernel, effort, rules, bounds)
        for theme in broken
        for bounds in (USUAL, VISIBLE)
        for kernel, rules in ((changed, tree), (plain, None))
    ]
    found = proved(asked, workers, watch)
    new = {
        (after.name, kind(after)): after
        for after, before in zip(found[::2], found[1::2], strict=True)
        if after.verdict == "broken" and (before.verdict != "broken" or kind(before) != kind(after))
    }
    return list(new.values())


VISIBLE = Bounds(invariants=False)
"""Only what user space can see counts as broken."""


def question(
    theme: Combination, kernel: Version, effort: Effort, tree: Path | None = None, bounds: Bounds = USUAL
) -> Question:
    """Ask whether a kernel keeps the promise for every program of a theme, within bounds."""
    method = Method(max_states=effort.max_states)
    return Question(theme.name, theme.program(), kernel, theme, bounds, method, effort.seconds, tree=tree)


def proved(questions: Sequence[Question], workers: Workers, watch: Watch) -> list[ProofAnswer]:
    """The answers, in order."""
    found = []
    for one, told in zip(questions, each(answer, questions, workers), strict=True):
        watch.done(one.name)
        found.append(told)
    return found


def kind(found: ProofAnswer) -> str:
    """The kind of breakage as `check` calls it; where no test reproduces it, the invariant or the promise."""
    return found.kind or found.why.split(":")[0]
