# SPDX-License-Identifier: MIT
"""Every outcome of litmus tests, and what of it breaks the promise of private memory."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from cowpath.commands import options
from cowpath.errors import CowpathError
from cowpath.expected import Expected
from cowpath.kernel.changes import Version
from cowpath.litmus.resolve import load_program
from cowpath.program import Program
from cowpath.progress import Meter
from cowpath.report import herd, text
from cowpath.report import json as json_report
from cowpath.verdict import Result, judge

BROKEN, BAD_INPUT, NOT_FINISHED = 1, 2, 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `cowpath check`."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="litmus tests")
    options.add_kernel_options(parser)
    options.add_search_options(parser)
    parser.add_argument("--format", choices=("text", "herd", "json"), default="text", help="default: text")
    parser.add_argument(
        "--expected",
        action="store_true",
        help="compare with the expected.toml beside the tests; exit status 1 where a verdict differs from it",
    )


def run(arguments: argparse.Namespace) -> int:
    """Check every file on every kernel; a file that cannot be read spoils only itself."""
    versions = options.versions(arguments)
    programs, failures = load(arguments.files)
    results = []
    with Meter(len(programs) * len(versions)) as meter:
        for file, program in programs:
            for version in versions:
                meter.begin(f"{program.name} on {version}")
                try:
                    results.append((file, check(program, version, arguments, meter.update)))
                except CowpathError as error:
                    failures.append(json_report.Failure(file, f"{file}: {error}"))
    write(arguments.format, results, failures)
    if failures:
        return BAD_INPUT
    if arguments.expected:
        return compare(results)
    return status([result for _, result in results])


def load(files: Sequence[str]) -> tuple[list[tuple[str, Program]], list[json_report.Failure]]:
    """The tests that can be read, and what is wrong with the others."""
    programs, failures = [], []
    for file in files:
        try:
            programs.append((file, load_program(file)))
        except CowpathError as error:
            failures.append(json_report.Failure(file, str(error)))
    return programs, failures


def check(
    program: Program, version: Version, arguments: argparse.Namespace, progress: Callable[[int, int], None]
) -> Result:
    """One test on one kernel."""
    every = options.verify_every(arguments)
    return judge(program, version, arguments.max_states, progress, every)


def write(form: str, results: Sequence[tuple[str, Result]], failures: Sequence[json_report.Failure]) -> None:
    """Results on stdout, in the asked form; what went wrong also on stderr."""
    found = [result for _, result in results]
    if form == "json":
        sys.stdout.write(json_report.document(results, failures))
    elif form == "herd":
        sys.stdout.write(herd.log(found))
    elif len({(file, result.version) for file, result in results}) > 1:
        sys.stdout.write(text.table(results))
    elif found:
        sys.stdout.write(text.result_text(found[0]))
    for failure in failures:
        print(failure.message, file=sys.stderr)


def status(results: Sequence[Result]) -> int:
    """The exit status for a set of verdicts; `~exists` and `forall` demand something, `exists` only asks."""
    if any(result.verdict == "unfinished" for result in results):
        return NOT_FINISHED
    return BROKEN if any(result.verdict == "broken" or not as_asked(result) for result in results) else 0


def as_asked(result: Result) -> bool:
    """Whether what the test demands of its outcomes holds."""
    condition = result.program.condition
    return condition is None or condition.quantifier == "exists" or bool(result.condition)


def compare(results: Sequence[tuple[str, Result]]) -> int:
    """Hold results against the expected ones beside the tests; differences go to stderr."""
    wrong = 0
    for file, result in results:
        expected = Expected.beside(Path(file)).verdict(result.program.name, result.version)
        found = text.expected_words(result)
        if expected is not None and expected not in (found, found.split(";")[0]):
            wrong += 1
            print(f"{file}, {result.version}: expected {expected!r}, found {found!r}", file=sys.stderr)
    if any(result.verdict == "unfinished" for _, result in results):
        return NOT_FINISHED
    return BROKEN if wrong else 0
