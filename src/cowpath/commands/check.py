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
from cowpath.explore.trace import trace
from cowpath.goal import default_goal
from cowpath.kernel.changes import Version
from cowpath.litmus.resolve import load_program
from cowpath.program import Program
from cowpath.progress import Meter
from cowpath.report import cases, formats, itf, text
from cowpath.report import json as json_report
from cowpath.report.case import Case
from cowpath.verdict import Result, judge

BROKEN, BAD_INPUT, NOT_FINISHED = 1, 2, 3

FORMATS = ("text", "json", *formats.WRITERS, "itf")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `cowpath check`."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="litmus tests")
    options.add_kernel_options(parser)
    options.add_search_options(parser)
    parser.add_argument("--format", choices=FORMATS, default="text", help="default: text")
    parser.add_argument("--html", metavar="OUT", help="also write a page of its own to the file OUT")
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
    write(arguments, results, failures)
    if arguments.html:
        from cowpath.explorer.pages import check_page

        options.write_page(arguments.html, check_page(results, [failure.message for failure in failures]))
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


def write(
    arguments: argparse.Namespace,
    results: Sequence[tuple[str, Result]],
    failures: Sequence[json_report.Failure],
) -> None:
    """Results on stdout, in the asked form; what went wrong also on stderr."""
    found = [result for _, result in results]
    form = arguments.format
    if form in formats.WRITERS:
        explain = form in formats.WITH_PATHS
        sys.stdout.write(formats.WRITERS[form](all_cases(results, failures, arguments.expected, explain)))
    elif form == "itf":
        sys.stdout.write(one_trace(found))
    elif form == "json":
        sys.stdout.write(json_report.document(results, failures))
    elif len({(file, result.version) for file, result in results}) > 1:
        sys.stdout.write(text.table(results))
    elif found:
        sys.stdout.write(text.result_text(found[0]))
    for failure in failures:
        print(failure.message, file=sys.stderr)


def all_cases(
    results: Sequence[tuple[str, Result]],
    failures: Sequence[json_report.Failure],
    use_expected: bool,
    explain: bool,
) -> list[Case]:
    """Results and failures as cases, held against what is expected if that was asked."""
    found = [
        cases.of_result(file, result, expected_verdict(file, result) if use_expected else None, explain)
        for file, result in results
    ]
    return found + [cases.of_failure(failure) for failure in failures]


def one_trace(results: Sequence[Result]) -> str:
    """The path to the worst that happens, for viewers that show one trace."""
    if len(results) != 1:
        raise CowpathError("an ITF document holds one trace: give one test and one kernel")
    goal = default_goal(results[0])
    steps = [] if goal is None else trace(results[0].exploration, goal.state)
    return itf.document(results[0], steps)


def status(results: Sequence[Result]) -> int:
    """The exit status for a set of verdicts; `~exists` and `forall` demand something, `exists` only asks."""
    if any(result.verdict == "unfinished" for result in results):
        return NOT_FINISHED
    return BROKEN if any(result.verdict == "broken" or not text.as_asked(result) for result in results) else 0


def compare(results: Sequence[tuple[str, Result]]) -> int:
    """Hold results against the expected ones beside the tests; differences go to stderr."""
    wrong = 0
    for file, result in results:
        expected, found = expected_verdict(file, result), text.expected_words(result)
        if expected is not None and not text.as_expected(result, expected):
            wrong += 1
            print(f"{file}, {result.version}: expected {expected!r}, found {found!r}", file=sys.stderr)
    if any(result.verdict == "unfinished" for _, result in results):
        return NOT_FINISHED
    return BROKEN if wrong else 0


def expected_verdict(file: str, result: Result) -> str | None:
    """What the expected.toml beside a test says of it on this kernel."""
    return Expected.beside(Path(file)).verdict(result.program.name, result.version)
