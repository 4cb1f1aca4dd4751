# SPDX-License-Identifier: MIT
"""`cowpath review`: what a patch changes, worst first; as text, as a reply to a mail, as JSON."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field

from cowpath.history.version import Version
from cowpath.report.examined import broken_kinds, sentences, shown_programs
from cowpath.survey.examine import Examined
from cowpath.survey.kernel_patch import KernelPatch
from cowpath.survey.mutation import Mutant
from cowpath.survey.review import Difference, Pair, copies_changed, differences

WIDTH = 100
MAIL_WIDTH = 72

NAMED = 4
"""Tests that are named in a line; JSON has them all."""


FEW = 3
"""Known changes with the same effect that are named: few tests tell few apart."""


@dataclass(frozen=True)
class Review:
    """The content of a report: the patch, the kernels, every pair, and what the patch is known as.

    `paths` has, for kinds of difference that a path shows, the path in short and where it leaves the other
    kernel's.  `examined` is what programs of themes show (`cowpath prove`), within the bounds `effort`; in
    `full`, they are printed.
    """

    patch: str
    kernels: tuple[Version, ...]
    pairs: tuple[Pair, ...]
    like: tuple[Mutant, ...] = ()
    paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    examined: tuple[Examined, ...] = ()
    effort: str = ""
    full: bool = False

    @property
    def title(self) -> str:
        """The patch and the kernels."""
        return f"{self.patch} on {', '.join(map(str, self.kernels))}"


def text(review: Review) -> str:
    """The review as text for a terminal."""
    return "\n".join([review.title, "", *body(review, WIDTH)]) + "\n"


def reply(review: Review) -> str:
    """For a mail to a list: what a reader needs first, in lines of 72 columns, without marks or colour."""
    opening = f"I ran {review.title} through cowpath, a model checker for copy-on-write."
    closing = "To see a path step by step: cowpath review --paths, or cowpath trace TEST."
    lines = [*fold(opening, MAIL_WIDTH), "", *body(review, MAIL_WIDTH), "", *fold(closing, MAIL_WIDTH)]
    return "\n".join(lines) + "\n"


def body(review: Review, width: int) -> Iterator[str]:
    """Yield what the patch is, what it changes, and what stays."""
    for mutant in review.like[:FEW]:
        change = mutant.changes[0]
        words = change.rule if mutant.added else change.before
        how = "with" if mutant.added else "without"
        yield from fold(f"It answers in every test like the same kernel {how} {mutant.name}: {words}.", width)
        yield ""
    found = differences(review.pairs)
    broken = broken_kinds(review.examined)
    if not found and not broken:
        yield "Nothing changes."
    for kind in sorted(broken.keys() - {one.kind for one in found}):
        yield from fold(f"{kind}, {broken[kind]}", width)
    for one in found:
        also = f"; and {broken[one.kind]}" if one.kind in broken else ""
        yield from fold(f"{one.kind}, in {tests(one)}{also}", width)
        for line in review.paths.get(one.kind, ()):
            yield from fold(line, width, "    ")
    changed = copies_changed(review.pairs)
    if changed:
        amount = (
            f"{abs(changed)} {'copy' if abs(changed) == 1 else 'copies'} {'more' if changed > 0 else 'fewer'}"
        )
        yield from fold(f"Worst cases, summed over all tests: {amount}.", width)
    same = sum(pair.same for pair in review.pairs)
    yield ""
    yield from fold(f"{same} of {len(review.pairs)} answers are as before.", width)
    for one_kernel in review.examined:
        for sentence in sentences(one_kernel, review.effort, len(review.kernels) > 1):
            yield from fold(sentence, width)
    if review.full:
        yield ""
        yield from shown_programs(review.examined)


def tests(one: Difference) -> str:
    """Return the number of tests, and the names of a few."""
    names = list(dict.fromkeys(pair.test for pair in one.pairs))
    more = len(names) - NAMED
    shown = ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
    return f"{len(names)} test{'s' * (len(names) != 1)}: {shown}"


def fold(line: str, width: int, indent: str = "") -> list[str]:
    """A sentence folded to `width` columns, each line after the first indented by two more."""
    return textwrap.wrap(
        line, width, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False
    )


def document(review: Review) -> str:
    """JSON: everything that differs, and how much does not."""
    whole = {
        "patch": review.patch,
        "kernels": [str(kernel) for kernel in review.kernels],
        "like": [mutant.name for mutant in review.like],
        "differences": [
            {
                "kind": one.kind,
                "tests": [{"test": pair.test, "kernel": str(pair.kernel)} for pair in one.pairs],
                "path": list(review.paths.get(one.kind, ())),
            }
            for one in differences(review.pairs)
        ],
        "answers": len(review.pairs),
        "same": sum(pair.same for pair in review.pairs),
        "copies": copies_changed(review.pairs),
        "programs": [
            {
                "kernel": str(one.kernel),
                "newly_broken": [asdict(proof) for proof in one.broken],
                "told_apart": [asdict(proof) for proof in one.apart],
                "not_asked": list(one.far),
            }
            for one in review.examined
        ],
    }
    return json.dumps(whole, indent=2) + "\n"


# -- a patch to Linux ------------------------------------------------------------------------------


def kernel_text(patch: KernelPatch, written: str) -> str:
    """Return what a patch to Linux touches; `written` is the skeleton that was written."""
    lines = [f"{patch.name} is a patch to Linux. The model has of what it touches:", ""]
    for one in patch.touched:
        where = f"{one.file}: {one.name or 'outside functions'}"
        added = sum(line.startswith("+") for line in one.lines)
        size = f"+{added} -{len(one.lines) - added}"
        if one.model is None:
            lines.append(f"  {where} ({size}): not modelled")
            continue
        span = f"linux/{one.model.path}, lines {one.model.first} to {one.model.last}"
        lines.append(f"  {where} ({size}): {span}")
        lines += [
            line
            for change in one.near
            for line in fold(f"{change.name} ({change.shown_commit}): {change.rule}", WIDTH, "      ")
        ]
    lines += [f"  {file}: outside the model" for file in patch.outside]
    if written:
        lines += [
            "",
            f"C is not translated. {written} has these functions as the model has them, and what the",
        ]
        lines += [f"patch adds and removes above each. Change them, then: cowpath review {written}"]
    else:
        lines += ["", "None of it is modelled, so there is nothing to compare."]
    return "\n".join(lines) + "\n"
