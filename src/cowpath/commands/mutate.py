# SPDX-License-Identifier: MIT
"""The strength of a corpus: drop each change, recheck and lock, one at a time, and see which tests notice."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from cowpath.commands import options, status, terminal
from cowpath.commands.terminal import style_of
from cowpath.errors import CowpathError

if TYPE_CHECKING:
    from cowpath.survey.mutation import Finding, Mutant


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `cowpath mutate`."""
    options.add_corpus_argument(parser)
    parser.add_argument(
        "--only", action="append", metavar="NAME", help="only this mutation, by name or commit; repeatable"
    )
    parser.add_argument(
        "--all", action="store_true", dest="thorough",
        help="name every test that notices a mutation; without it the search ends at the first",
    )  # fmt: skip
    parser.add_argument("--list", action="store_true", help="say what would be mutated, and stop")
    parser.add_argument("--format", choices=("text", "markdown", "json"), default="text")
    options.add_jobs_option(parser)
    options.add_cluster_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print who notices what, and the score.

    Status 0 if every mutation is noticed or its record says why it cannot be, 1 if not.
    """
    from cowpath.commands.progress import Meter
    from cowpath.report import mutation as report
    from cowpath.survey import mutation

    mutants = chosen(arguments.only)
    if arguments.list:
        sys.stdout.write(listing(mutants))
        return 0
    with options.workers(arguments) as workers, Meter() as meter:
        laboratory = mutation.Laboratory(options.corpus(arguments), workers, meter)
        findings = mutation.measure(mutants, laboratory, arguments.thorough)
    for file, why in laboratory.unusable().items():
        terminal.complain(f"{file}: left out: {why}")
    if arguments.format == "json":
        sys.stdout.write(report.document(findings))
    else:
        form = {"text": report.text, "markdown": report.markdown}[arguments.format]
        sys.stdout.write(form(findings, arguments.thorough))
    return status_of(findings)


def status_of(findings: Sequence[Finding]) -> int:
    """1 if a mutation is missed, or noticed against its record."""
    bad = any(one.fate in ("missed", "contradiction") for one in findings)
    return status.BROKEN if bad else status.KEPT


def chosen(names: Sequence[str] | None) -> list[Mutant]:
    """The mutations with these names; CowpathError for a name that is none."""
    from cowpath.history.version import find
    from cowpath.survey.mutation import all_mutants

    mutants = all_mutants()
    if names is None:
        return mutants
    found: list[Mutant] = []
    for name in names:
        exact = [mutant for mutant in mutants if mutant.name.lower() == name.lower()]
        wanted = set(find(name)) if not exact else set()
        matching = exact or [mutant for mutant in mutants if set(mutant.changes) == wanted]
        if not matching:
            raise CowpathError(f"{name!r} is no mutation: `cowpath mutate --list` names them")
        found += matching
    return list(dict.fromkeys(found))


def listing(mutants: Sequence[Mutant]) -> str:
    """Every mutation with what it does to a kernel."""
    from cowpath.report.style import align_prose

    rows = [["mutation", "sort", "kernels", "then"]]
    for mutant in mutants:
        change = mutant.changes[0]
        then = change.rule if mutant.added else change.before
        if len(mutant.changes) > 1:
            then = "without " + ", ".join(part.name for part in mutant.changes)
        rows.append([mutant.name, mutant.sort, kernels(mutant), then])
    return align_prose(rows, style_of())


def kernels(mutant: Mutant) -> str:
    """The kernels it is tried on, in turn."""
    from cowpath.survey.mutation import kernels_for

    return ", ".join(str(version).removesuffix(" x86_64") for version in kernels_for(mutant)) or "none"
