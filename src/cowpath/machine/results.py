# SPDX-License-Identifier: MIT
"""Results as JSON, kept in one file for each run, so that a later run can be compared with an earlier one."""

from __future__ import annotations

import contextlib
import itertools
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cowpath import __version__, userdirs
from cowpath.errors import CowpathError
from cowpath.machine.again import digest
from cowpath.machine.compare import Comparison

FORMAT = 1


class RunRecord:
    """A run while it goes on: each result is written as it comes, so that what ends the run loses none.

    `file` has a result a line until `finish` puts the whole run in its place.
    """

    def __init__(self, configs: dict[str, dict[str, str]], directory: Path | None = None) -> None:
        """Begin.  Raises CowpathError where nothing can be written to the directory."""
        self.begun = datetime.now(UTC)
        self.configs = configs
        self.entries: list[dict[str, Any]] = []
        directory = directory or default_directory()
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self.file = _new_file(directory, f"{self.begun:%Y-%m-%dT%H%M%S}")
        except OSError as error:
            hint = "--results names another directory"
            raise CowpathError(f"{directory}: results cannot be kept: {error.strerror}; {hint}") from None

    def add(self, comparison: Comparison) -> None:
        """Keep one result; on a disk that is full it is kept in memory alone, for `finish` to complain of."""
        self.entries.append(entry(comparison))
        with contextlib.suppress(OSError), self.file.open("a") as file:
            file.write(json.dumps(self.entries[-1]) + "\n")

    def document(self) -> dict[str, Any]:
        """Return the whole run as a JSON document."""
        return {
            "format": FORMAT,
            "cowpath": __version__,
            "date": self.begun.isoformat(timespec="seconds"),
            "configs": self.configs,
            "results": self.entries,
        }

    def finish(self) -> Path:
        """Write the whole run to its file, which has another name now; return it.  Raises CowpathError."""
        whole = self.file.with_suffix(".json")
        try:
            unfinished = self.file.with_suffix(".new")
            unfinished.write_text(json.dumps(self.document(), indent=1) + "\n")
            unfinished.rename(whole)
            self.file.unlink()
        except OSError as error:
            raise CowpathError(f"{whole} cannot be written: {error.strerror}; see {self.file}") from None
        return whole


def _new_file(directory: Path, name: str) -> Path:
    """Create a file for a run that no other run has, nor had."""
    for number in itertools.count(1):
        file = directory / f"{name}{f'-{number}' * (number > 1)}.jsonl"
        if not file.with_suffix(".json").exists():
            try:
                file.open("x").close()
                return file
            except FileExistsError:
                continue
    raise AssertionError


def entry(comparison: Comparison) -> dict[str, Any]:
    """Return the JSON entry of one test on one machine."""
    answer, expectation = comparison.answer, comparison.expectation
    return {
        "test": comparison.program.name,
        "digest": digest(comparison.program),
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


def default_directory() -> Path:
    """Return `$XDG_STATE_HOME/cowpath/runs`, or the same under ~/.local/state."""
    return Path(userdirs.state()) / "runs"


def load(file: Path) -> dict[str, Any]:
    """Read a run that was kept.  Raises CowpathError."""
    try:
        found: Any = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise CowpathError(f"{file}: {error}") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT or not _is_run(found.get("results")):
        raise CowpathError(f"{file}: not a run that this version of cowpath can read")
    return found


def _is_run(results: object) -> bool:
    """Tell whether this is a list of results, as far as they are compared."""
    return isinstance(results, list) and all(
        isinstance(result, dict)
        and all(isinstance(result.get(name), str) for name in ("test", "machine", "standing"))
        and isinstance(result.get("outcomes"), list)
        and all(isinstance(one, dict) and isinstance(one.get("text"), str) for one in result["outcomes"])
        for result in results
    )


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
