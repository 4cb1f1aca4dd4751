# SPDX-License-Identifier: MIT
"""Proofs as text, a line each, and as cases for the formats that other tools read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from cowpath.prove.campaign import ProofAnswer
from cowpath.prove.fixes import FoundAgain
from cowpath.prove.product import Bounds
from cowpath.report.case import Case, Status

STATUS: Mapping[str, Status] = {
    "kept": "pass",
    "broken": "fail",
    "not decided": "timeout",
    "refused": "skip",
}
"""The status of a verdict, as formats for other tools call it."""


def verdict_words(answer: ProofAnswer, file: str = "") -> str:
    """The verdict in a few words.

    >>> verdict_words(ProofAnswer("", "swap+gup", "7.3", "kept", "", 982, 24, 0.18))
    'kept for every program (982 states, 0.2 s)'
    >>> verdict_words(ProofAnswer("", "swap", "5.18", "broken", "...", 554, 24, 0.1, "lost write", 4, "C"))
    'broken: lost write, in 4 statements'
    """
    if answer.against and answer.verdict != "not decided":
        return compared_words(answer, file)
    if answer.verdict == "kept":
        return f"kept for every program ({answer.states:,} states, {answer.seconds:.1f} s)"
    if answer.verdict != "broken":
        return f"{answer.verdict}: {answer.why}"
    if answer.is_implied:
        return f"broken, {answer.why}"
    if not answer.litmus:
        return f"broken: {answer.why}; no test reproduces it, which is a bug of cowpath"
    return f"broken: {answer.kind}, in {answer.statements} statements{f' ({file})' if file else ''}"


def compared_words(answer: ProofAnswer, file: str) -> str:
    """The same where two kernels are held against each other.

    >>> compared_words(ProofAnswer("", "swap", "6.1", "kept", "", 11450, 686, 2.5, against="6.8"), "")
    'no program can tell 6.8 from it (11,450 states, 2.5 s)'
    """
    if answer.verdict == "kept":
        return (
            f"no program can tell {answer.against} from it ({answer.states:,} states, {answer.seconds:.1f} s)"
        )
    shown = f", in {answer.statements} statements" if answer.litmus else ""
    return f"told apart from {answer.against}: {answer.why}{shown}{f' ({file})' if file else ''}"


def table(answers: Sequence[ProofAnswer], files: Mapping[str, str]) -> str:
    """A line for each answer, kernel by kernel; `files` says by key where a counterexample is."""
    width = max((len(answer.name) for answer in answers), default=0)
    lines: list[str] = []
    kernel = ""
    for answer in answers:
        if answer.kernel != kernel:
            kernel = answer.kernel
            lines += ["", kernel] if lines else [kernel]
        lines.append(f"  {answer.name:{width}}  {verdict_words(answer, files.get(answer.key, ''))}")
    return "".join(f"{line}\n" for line in lines)


def claim(against: str | None) -> str:
    """Return what a line claims of every program."""
    if against:
        return f'"no program": whatever {against} shows a program of these statements, the other can, too.\n'
    return (
        '"kept": whatever a program of these statements does, however often, in any order and interleaving.\n'
    )


def assumptions(bounds: Bounds) -> str:
    """The bounds on which a claim rests."""
    overlap = f"{bounds.overlap} threads at most" if bounds.overlap else "any number of threads"
    return (
        f"Assumed: beside one folio and one swap slot for each page of each process {bounds.folios} folios "
        f"and {bounds.slots} slots\n(who needs a folio waits until one is free, and swap may be full), "
        f"{overlap} inside a statement at a time.\n"
    )


def markdown(answers: Sequence[ProofAnswer], files: Mapping[str, str]) -> str:
    """Tables in Markdown: how many combinations are kept on each kernel, and which are not."""
    lines = [
        "| kernel | combinations | kept | broken | not decided | states | s |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for kernel in dict.fromkeys(answer.kernel for answer in answers):
        rows = [answer for answer in answers if answer.kernel == kernel]
        count = Counter(answer.verdict for answer in rows)
        lines.append(
            f"| {plain(kernel)} | {len(rows)} | {count['kept']} | {count['broken']} | {count['not decided']} "
            f"| {sum(answer.states for answer in rows):,} | {sum(answer.seconds for answer in rows):,.0f} |"
        )
    lines += ["", "| kernel | themes | what is broken | statements | states |", "|---|---|---|--:|--:|"]
    for one in answers:
        if one.verdict == "broken" and not one.is_implied:
            what = one.kind or one.why
            what = f"[{what}]({files[one.key]})" if one.key in files else what
            lines.append(
                f"| {plain(one.kernel)} | {one.name} | {what} | {one.statements or ''} | {one.states:,} |"
            )
    undecided = [f"{plain(one.kernel)} {one.name}" for one in answers if one.verdict == "not decided"]
    if undecided:
        lines += ["", f"Not decided within the bounds ({len(undecided)}): {', '.join(undecided)}."]
    return "\n".join(lines) + "\n"


def plain(kernel: str) -> str:
    """A kernel without the usual architecture.

    >>> plain("7.3 x86_64 without H5")
    '7.3 without H5'
    """
    return kernel.replace(" x86_64", "", 1)


def fixes_table(found: Iterable[FoundAgain], files: Mapping[str, str]) -> str:
    """Return the fixes that were found again, as a table in Markdown, and how many."""
    rows = list(found)
    lines = ["| fix | kernel | found by | program | states | s |", "|---|---|---|---|--:|--:|"]
    for one in sorted(rows, key=lambda one: (not one.litmus, one.fix)):
        program = f"{one.breakage}, {one.statements} statements" if one.litmus else "not found"
        if one.fix in files:
            program = f"[{program}]({files[one.fix]})"
        where = one.combination if one.litmus else ""
        states = f"{one.states:,}" if one.litmus else ""
        kernel = plain(one.kernel)
        lines.append(f"| {one.fix} | {kernel} | {where} | {program} | {states} | {one.seconds:.1f} |")
    again = sum(bool(one.litmus) for one in rows)
    return "\n".join([*lines, "", f"{again} of {len(rows)} fixes were found again."]) + "\n"


def cases(answers: Iterable[ProofAnswer]) -> list[Case]:
    """Each answer as formats for other tools see it."""
    return [
        Case(
            test=answer.name,
            file="",
            kernel=answer.kernel,
            status=STATUS[answer.verdict],
            words=verdict_words(answer),
            kinds=(answer.kind,) if answer.kind else (),
            why=(answer.why,) if answer.why else (),
            seconds=answer.seconds,
            output=answer.litmus,
        )
        for answer in answers
    ]
