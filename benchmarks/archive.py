# SPDX-License-Identifier: MIT
"""What real kernels have shown, in the repository: one small JSON file for each, and tables made of them.

    python benchmarks/archive.py keep RUN.json...   put the results of runs that were kept into docs/kernels/
    python benchmarks/archive.py tables             make the tables of docs/real-kernels.md anew
    python benchmarks/archive.py share              how many (test, kernel) pairs gave an answer

A later result of a test takes the place of an earlier one.  Digests tell whether a test does what it did.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from cowpath.machine import results
from cowpath.machine.compare import stable_release
from cowpath.report.machines import markdown

DOCS = Path(__file__).parents[1] / "docs"
ARCHIVE = DOCS / "kernels"
PAGE = DOCS / "real-kernels.md"

RAN = ("agrees", "disagrees", "known", "not modelled")

Entry = dict[str, Any]


def main(arguments: Sequence[str]) -> int:
    """Do what was asked for."""
    match arguments:
        case ["keep", *files] if files:
            for file in files:
                keep(results.load(Path(file)))
        case ["tables"]:
            PAGE.write_text(with_tables(PAGE.read_text(), read()))
        case ["share"]:
            print(share(read()))
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


def keep(run: dict[str, Any]) -> None:
    """Add a run's results to the files of their machines."""
    ARCHIVE.mkdir(exist_ok=True)
    for entry in run["results"]:
        file = ARCHIVE / f"{entry['machine'].replace(':', '-')}.json"
        known = json.loads(file.read_text()) if file.is_file() else {"machine": entry["machine"], "tests": {}}
        known["tests"][entry["test"]] = small(entry, run["date"][:10])
        known["tests"] = dict(sorted(known["tests"].items()))
        file.write_text(json.dumps(known, indent=1) + "\n")


def small(entry: Entry, date: str) -> Entry:
    """Return what is kept of a result: enough for a table, and to judge it again."""
    return {
        "date": date,
        "digest": entry.get("digest", ""),
        "kernel": stable_release(entry["facts"]),
        "standing": entry["standing"],
        "words": entry["words"],
        "reason": entry["reason"],
        "model": entry["model"],
        "outcomes": [
            {
                "observed": one["observed"],
                "count": one["count"],
                "text": one["text"],
                "breakage": one["breakage"],
            }
            for one in entry["outcomes"]
        ],
    }


def read() -> list[Entry]:
    """Return every result of the archive, as runs have them: User-Mode Linux first, older kernels first."""
    found = []
    for known in sorted((json.loads(file.read_text()) for file in ARCHIVE.glob("*.json")), key=order):
        found += [
            {"test": test, "machine": known["machine"], **entry} for test, entry in known["tests"].items()
        ]
    return found


def order(known: Entry) -> tuple[bool, list[int], str]:
    """Return what machines are ordered by.

    >>> order({"machine": "qemu:6.12:arm64"})
    (True, [6, 12], 'arm64')
    """
    kind, _, rest = known["machine"].partition(":")
    release, _, architecture = rest.partition(":")
    return kind != "uml", [int(part) for part in release.split(".") if part.isdigit()], architecture


TABLE = re.compile(r"(<!-- archive: ([a-z ]+) -->\n).*?(<!-- end of archive -->)", re.DOTALL)
"""A table in a page, with the themes whose tests it has."""


def with_tables(page: str, entries: Iterable[Entry]) -> str:
    """Return a page with its tables, and the line below each of them, made anew."""
    entries = list(entries)

    def table(found: re.Match[str]) -> str:
        tests = set().union(*(tests_of(theme) for theme in found[2].split()))
        inside = [entry for entry in entries if entry["test"] in tests]
        return f"{found[1]}{markdown(inside)}\n{share(inside)}\n{found[3]}"

    return TABLE.sub(table, page)


def tests_of(theme: str) -> set[str]:
    """Return the names of a theme's tests."""
    return {file.stem for file in (DOCS.parent / "litmus" / theme).glob("*.litmus")}


def share(entries: Iterable[Entry]) -> str:
    """Return in one line how many pairs of a test and a kernel gave an answer.

    >>> share([{"standing": "agrees"}, {"standing": "cannot"}])
    '1 of 2 (test, kernel) pairs gave an answer, 1 cannot run; 1 agree.'
    """
    found = [entry["standing"] for entry in entries]
    ran = sum(standing in RAN for standing in found)
    cannot = found.count("cannot")
    return (
        f"{ran} of {len(found)} (test, kernel) pairs gave an answer, {cannot} cannot run; "
        f"{found.count('agrees')} agree."
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
