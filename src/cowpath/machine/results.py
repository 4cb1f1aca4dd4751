# SPDX-License-Identifier: MIT
"""Results as JSON, kept in one file for each run, so that a later run can be compared with an earlier one."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cowpath import __version__
from cowpath.errors import CowpathError
from cowpath.machine.compare import Comparison

FORMAT = 1


def document(comparisons: Sequence[Comparison], configs: dict[str, dict[str, str]]) -> dict[str, Any]:
    """Return a whole run as a JSON document."""
    return {
        "format": FORMAT,
        "cowpath": __version__,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "configs": configs,
        "results": [entry(comparison) for comparison in comparisons],
    }


def entry(comparison: Comparison) -> dict[str, Any]:
    """Return the JSON entry of one test on one machine."""
    answer, expectation = comparison.answer, comparison.expectation
    return {
        "test": comparison.program.name,
        "machine": comparison.machine,
        "standing": comparison.standing,
        "words": comparison.words,
        "reason": comparison.reason,
        "model": {"kernel": str(expectation.version or ""), "verdict": expectation.words},
        "outcomes": [
            {
                "text": seen.text,
                "observed": list(seen.observed),
                "count": seen.count,
                "breakage": seen.breakage,
                "allowed_by_model": seen.allowed if expectation.allowed is not None else None,
            }
            for seen in comparison.seen
        ],
        "unmet": answer.unmet,
        "hangs": answer.hangs,
        "failures": answer.failures,
        "facts": answer.facts,
        "complaints": answer.complaints,
    }


def keep(found: dict[str, Any], directory: Path | None = None) -> Path:
    """Write a run to a file of its own; return the file."""
    directory = directory or default_directory()
    directory.mkdir(parents=True, exist_ok=True)
    name = found["date"].replace(":", "").replace("+0000", "")
    file, number = directory / f"{name}.json", 1
    while file.exists():
        number += 1
        file = directory / f"{name}-{number}.json"
    file.write_text(json.dumps(found, indent=1) + "\n")
    return file


def default_directory() -> Path:
    """Return `$XDG_STATE_HOME/cowpath/runs`, or the same under ~/.local/state."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "cowpath" / "runs"


def load(file: Path) -> dict[str, Any]:
    """Read a run that was kept.  Raises CowpathError."""
    try:
        found: dict[str, Any] = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise CowpathError(f"{file}: {error}") from None
    if found.get("format") != FORMAT:
        raise CowpathError(f"{file}: not a run that this version of cowpath can read")
    return found


def differences(earlier: dict[str, Any], later: dict[str, Any]) -> list[str]:
    """Return a line for each test and machine of both runs that shows other outcomes, or another standing.

    >>> where = {"test": "t", "machine": "m"}
    >>> before = where | {"standing": "cannot", "outcomes": []}
    >>> now = where | {"standing": "agrees", "outcomes": [{"text": "0:r0=a;"}]}
    >>> differences({"results": [before]}, {"results": [now]})
    ['t on m: was cannot, is agrees', 't on m: new outcome 0:r0=a;']
    """
    lines = []
    known = {(e["test"], e["machine"]): e for e in earlier["results"]}
    for now in later["results"]:
        before = known.get((now["test"], now["machine"]))
        if before is None:
            continue
        head = f"{now['test']} on {now['machine']}"
        if before["standing"] != now["standing"]:
            lines.append(f"{head}: was {before['standing']}, is {now['standing']}")
        old, new = ({outcome["text"] for outcome in run["outcomes"]} for run in (before, now))
        lines += [f"{head}: new outcome {text}" for text in sorted(new - old)]
        lines += [f"{head}: no longer seen: {text}" for text in sorted(old - new)]
    return lines
