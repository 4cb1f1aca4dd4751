# SPDX-License-Identifier: MIT
"""`--format sarif`: SARIF 2.1.0, which code hosts show beside the lines of the litmus file.

A result per broken promise; its path is a code flow through the statements of the test.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cowpath import __version__
from cowpath.report.case import Case, CaseOutcome, FileSpot

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

RULES = {
    "lost write": "A write by the CPU or a device never reaches the process that owns the page.",
    "missed write": "A write happens that the kernel was asked to report, and it does not.",
    "leak": "A process sees what another one wrote after fork.",
    "stale data": "A reference that is promised to be coherent shows old content.",
    "crash": "The kernel stops at a check that failed.",
    "hang": "A state from which no end can be reached.",
    "invariant": "Something that must hold in every state of the kernel does not.",
    "not as demanded": "The outcomes do not satisfy the condition of the test.",
    "not in the model": "A real kernel did what the model of that version says it cannot do.",
}
"""The meaning of each kind of finding; the name with dashes is the id of its rule."""


def document(cases: Sequence[Case]) -> str:
    """The SARIF log, which has a single run."""
    found = [case for case in cases if case.status in ("fail", "xfail")]
    used = list(dict.fromkeys(rule_of(case) for case in found))
    run = {
        "tool": {"driver": driver(used)},
        "columnKind": "unicodeCodePoints",
        "invocations": [invocation(cases)],
        "artifacts": [{"location": artifact(file)} for file in dict.fromkeys(case.file for case in cases)],
        "results": [result(case, used.index(rule_of(case))) for case in found],
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2) + "\n"


def driver(rules: Sequence[str]) -> dict[str, Any]:
    """cowpath itself, with the rules that this log uses."""
    return {
        "name": "cowpath",
        "semanticVersion": __version__,
        "rules": [
            {
                "id": identifier(rule),
                "name": "".join(word.capitalize() for word in rule.split()),
                "shortDescription": {"text": RULES[rule]},
                "defaultConfiguration": {"level": "error"},
            }
            for rule in rules
        ],
    }


def invocation(cases: Sequence[Case]) -> dict[str, Any]:
    """Say whether all could be judged; what could not, or did not run, is said here, not lost."""
    levels = {"timeout": "error", "error": "error", "skip": "note"}
    notes = [
        {
            "level": levels[case.status],
            "message": {"text": f"{case.test} on {case.kernel}: {case.words}"},
            "locations": [location(case.file, case.spot)],
        }
        for case in cases
        if case.status in levels
    ]
    said: dict[str, Any] = {"toolExecutionNotifications": notes} if notes else {}
    return {"executionSuccessful": not any(note["level"] == "error" for note in notes)} | said


def result(case: Case, rule: int) -> dict[str, Any]:
    """A finding: the rule that is broken, where, and how it comes about."""
    kinds = ", ".join(case.kinds) or case.words
    broken = next((seen.text for seen in case.outcomes if seen.breakage), "")
    text = f"{case.test} on {case.kernel}: {kinds}. {'. '.join(case.why) or broken}".strip()
    found: dict[str, Any] = {
        "ruleId": identifier(rule_of(case)),
        "ruleIndex": rule,
        "level": "error",
        "message": {"text": text},
        "locations": [location(case.file, case.spot)],
        "partialFingerprints": {"testAndKernel/v1": fingerprint(case)},
        "properties": {"kernel": case.kernel, "outcomes": [shown(seen) for seen in case.outcomes]},
    }
    if case.path:
        steps = [{"location": location(case.file, spot, spot.text)} for spot in case.path]
        found["codeFlows"] = [{"threadFlows": [{"locations": steps}]}]
    if case.status == "xfail":
        found["suppressions"] = [{"kind": "external", "justification": f"{case.expected_by} says so"}]
    return found


def shown(seen: CaseOutcome) -> str:
    """An outcome, with how often a machine has shown it."""
    return f"{seen.text} {seen.count}" if seen.count else seen.text


def rule_of(case: Case) -> str:
    """The rule that the worst finding of a case breaks."""
    worst = case.kinds[0] if case.kinds else "not as demanded"
    return worst if worst in RULES else "invariant"


def identifier(rule: str) -> str:
    """A rule's id: "lost-write"."""
    return rule.replace(" ", "-")


def location(file: str, spot: FileSpot, message: str = "") -> dict[str, Any]:
    """A place in a file; the whole file where the line is not known."""
    physical: dict[str, Any] = {"artifactLocation": artifact(file)}
    if spot.line > 0:
        physical["region"] = {"startLine": spot.line, "startColumn": max(1, spot.column)}
    return {"physicalLocation": physical} | ({"message": {"text": message}} if message else {})


def artifact(file: str) -> dict[str, str]:
    """A file as a URI: relative paths stay relative.

    >>> artifact("litmus/a b.litmus")
    {'uri': 'litmus/a%20b.litmus'}
    """
    path = Path(file)
    return {"uri": path.as_uri() if path.is_absolute() else quote(path.as_posix(), safe="/")}


def fingerprint(case: Case) -> str:
    """The same for the same finding in the next run."""
    text = "\0".join((case.test, case.kernel, *case.kinds))
    return hashlib.sha256(text.encode()).hexdigest()[:32]
