# SPDX-License-Identifier: MIT
"""`cowpath mutate`: which tests notice which mutation, and the score."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cowpath.report.style import PLAIN, Style, align_prose
from cowpath.survey.mutation import SORTS, Finding, Notice

SHOWN = 3
"""How many of the tests that notice are named in text, unless all are asked for; JSON has them all."""

WIDTH = 110
"""Columns of the text; what is longer goes on below."""

FATES = {
    "missed": "MISSED: no test notices it",
    "unobservable": "cannot be observed",
    "contradiction": "NOTICED, but its record says that it cannot be",
    "none": "no kernel that is modelled has it",
}


def score(findings: Sequence[Finding]) -> str:
    """The result in one line, by sort.

    A mutation that cannot be observed is no test's fault, so it is counted apart.
    """
    parts = []
    for sort, plural in SORTS.items():
        fates = [finding.fate for finding in findings if finding.mutant.sort == sort]
        noticed = fates.count("noticed") + fates.count("contradiction")
        if noticed + fates.count("missed"):
            parts.append(f"{noticed} of {noticed + fates.count('missed')} {plural}")
    fates = [finding.fate for finding in findings]
    noticed = fates.count("noticed") + fates.count("contradiction")
    total = noticed + fates.count("missed")
    share = f"{noticed / total:.0%}" if total else "-"
    hidden = f"; {fates.count('unobservable')} cannot be observed" if "unobservable" in fates else ""
    return f"noticed: {', '.join(parts) or 'nothing'} ({share}){hidden}"


def summary(finding: Finding, shown: int = SHOWN) -> str:
    """Names the tests that notice, or says why none does."""
    if finding.fate == "noticed":
        named = "; ".join(notice_words(notice) for notice in finding.noticed[:shown])
        more = len(finding.noticed) - shown
        return named + (f"; and {more} more" if more > 0 else "")
    words = FATES[finding.fate]
    if finding.mutant.unobservable:
        words += f": {finding.mutant.unobservable}"
    if finding.silent and finding.fate == "missed":
        words += f"; outcomes differ in {', '.join(Path(test).stem for test in finding.silent)}"
    return words


def notice_words(notice: Notice) -> str:
    """A test, and in brackets by what it notices; invariants are named by number."""
    return f"{Path(notice.test).stem} ({notice_kinds(notice.why)})"


def notice_kinds(why: str) -> str:
    """Return what is noticed, invariants by their number.

    >>> notice_kinds("lost write, I5 reference meets mapping")
    'lost write, I5'
    """
    return ", ".join(kind.split(" ")[0] if kind[:1] == "I" else kind for kind in why.split(", "))


def rows(findings: Sequence[Finding], everyone: bool) -> list[list[str]]:
    """A head, then one row per mutation; `everyone` names all tests that notice it."""
    found = [["mutation", "kernel", "noticed by"]]
    for finding in findings:
        kernel = "" if finding.version is None else kernel_words(finding)
        shown = len(finding.noticed) if everyone else SHOWN
        found.append([label(finding), kernel, summary(finding, shown)])
    return found


def label(finding: Finding) -> str:
    """-H3: without it; +as-posted: with it."""
    return ("+" if finding.mutant.added else "-") + finding.mutant.name


def kernel_words(finding: Finding) -> str:
    """The kernel that was mutated: "6.1", "5.19 arm"."""
    return str(finding.version).removesuffix(" x86_64")


def text(findings: Sequence[Finding], everyone: bool = False, style: Style = PLAIN) -> str:
    """The findings as text for a terminal; `everyone` names all tests that notice a mutation."""
    style = replace(style, width=min(WIDTH, style.width or WIDTH))
    return align_prose(rows(findings, everyone), style) + f"\n{score(findings)}\n"


def markdown(findings: Sequence[Finding], everyone: bool = False) -> str:
    """A table and the score."""
    head, *body = rows(findings, everyone)
    lines = ["| " + " | ".join(head) + " |", "|---|---|---|"]
    lines += [f"| `{row[0]}` | " + " | ".join(row[1:]) + " |" for row in body]
    return "\n".join(lines) + f"\n\n{score(findings)}\n"


def document(findings: Sequence[Finding]) -> str:
    """Every finding, and the score, as one JSON object."""
    mutations = [
        {
            "name": finding.mutant.name,
            "sort": finding.mutant.sort,
            "changes": [change.name for change in finding.mutant.changes],
            "rule": finding.mutant.changes[0].rule,
            "kernel": None if finding.version is None else str(finding.version),
            "fate": finding.fate,
            "noticed": [{"test": notice.test, "why": notice.why} for notice in finding.noticed],
            "silent": list(finding.silent),
            "unobservable": finding.mutant.unobservable,
        }
        for finding in findings
    ]
    return json.dumps({"mutations": mutations, "score": score(findings)}, indent=2) + "\n"
