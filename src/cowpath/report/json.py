# SPDX-License-Identifier: MIT
"""`cowpath check --format json`: everything, all values as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cowpath.history.version import names_of
from cowpath.judge.result import Outcome, Result


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that could not be checked."""

    file: str
    message: str


def document(tests: Sequence[dict[str, Any]], failures: Sequence[Failure] = ()) -> str:
    """The JSON object for a whole run, from what `test` makes of each result."""
    import json

    failed = [{"file": failure.file, "verdict": "error", "message": failure.message} for failure in failures]
    return json.dumps({"tests": [*tests, *failed]}, indent=2) + "\n"


def test(file: str, result: Result) -> dict[str, Any]:
    """The JSON object for the result of a test on one kernel."""
    version, found = result.version, result.exploration
    return {
        "name": result.program.name,
        "file": file,
        "kernel": str(version.release),
        "arch": version.architecture,
        "with": names_of(version.added),
        "without": names_of(version.dropped),
        "verdict": result.verdict,
        "breakage": list(result.breakage),
        "outcomes": [outcome(one) for one in result.outcomes],
        "invariants": [{"name": str(v), "text": v.text} for v in result.violations],
        "condition": result.condition,
        "reason": result.reason,
        "engine": found.engine,
        "states": len(found.states),
        "transitions": found.transitions,
        "recordings": found.recorder.recordings,
        "seconds": round(result.seconds, 3),
    }


def outcome(one: Outcome) -> dict[str, Any]:
    """The JSON object for an outcome; keys that say nothing are left out."""
    shown: dict[str, Any] = {"registers": dict(one.registers), "memory": dict(one.memory)}
    if one.copies is not None:
        shown["copies"] = str(one.copies)
    for name in ("crash", "hang", "breakage"):
        if getattr(one, name):
            shown[name] = getattr(one, name)
    return shown | {"promised": one.promised}
