# SPDX-License-Identifier: MIT
"""Every outcome of litmus tests, and what of it breaks the promise of private memory."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain

from cowpath.commands import options, status, terminal
from cowpath.commands.progress import Meter
from cowpath.commands.terminal import style_of
from cowpath.corpus.files import HELP, named, program
from cowpath.errors import CowpathError
from cowpath.history.version import Version
from cowpath.judge.alike import Judged
from cowpath.judge.answer import as_asked, as_expected
from cowpath.judge.result import Result
from cowpath.litmus.program import Program
from cowpath.report import formats, text
from cowpath.report import json as json_report
from cowpath.report.json import Failure
from cowpath.report.style import PLAIN, Style
from cowpath.survey.parallel import Processes
from cowpath.survey.sweep import Assignment, Sweep

FORMATS = ("text", "json", *formats.NAMES, "itf", "expected")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `cowpath check`."""
    parser.add_argument("files", nargs="+", metavar="FILE", help=HELP)
    options.add_large_option(parser)
    options.add_kernel_options(parser)
    options.add_search_options(parser)
    options.add_engine_options(parser)
    options.add_walk_option(parser)
    options.add_jobs_option(parser)
    parser.add_argument("--format", choices=FORMATS, default="text", help="default: text")
    parser.add_argument("--html", metavar="OUT", help="also write a page of its own to the file OUT")
    parser.add_argument(
        "--expected",
        action="store_true",
        help="compare with the expected.toml beside the tests: exit status 1 where a verdict differs, "
        "and where nothing is expected and the promise is broken",
    )


def run(arguments: argparse.Namespace) -> int:
    """Check every file on every kernel; a file that cannot be read spoils only itself."""
    versions = options.versions(arguments)
    programs, failures = load(arguments.files, arguments.large)
    method = options.method(arguments)
    assignments = [Assignment(file, program, tuple(versions), method) for file, program in programs]
    view = View(arguments.format, arguments.expected, bool(arguments.html), style_of())
    found = check_all(assignments, view, arguments.jobs)
    answers = [one for one in found if isinstance(one, Checked)]
    failures += [one for one in found if isinstance(one, Failure)]
    sys.stdout.write(document(view, answers, failures))
    complain(view, answers, failures)
    if arguments.html:
        from cowpath.viewer.pages import check_page

        results = [(one.row.file, one.result) for one in answers if one.result is not None]
        options.write_page(arguments.html, check_page(results, [failure.message for failure in failures]))
    if arguments.walk and not failures and any(one.seen for one in answers):
        return status.BROKEN  # who walks looks for just that
    return status.BAD_INPUT if failures else status_of(answers)


def load(names: Sequence[str], large: bool = False) -> tuple[list[tuple[str, Program]], list[Failure]]:
    """The tests that can be read, by file, and what is wrong with the others.

    With `large` their pages are in large folios.
    """
    programs: dict[str, Program] = {}
    failures = []
    for name in names:
        try:
            for file in named(name):
                programs[file] = programs.get(file) or program(file, large)
        except CowpathError as error:
            failures.append(Failure(name, str(error)))
    return list(programs.items()), failures


# -- one test --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class View:
    """The form in which results are shown, and what else is asked of them."""

    form: str
    expected: bool
    keep: bool  # the results themselves are needed again
    style: Style = PLAIN


@dataclass(frozen=True, slots=True)
class Checked:
    """The part of a result that is kept: it may come from another process, so not the search itself."""

    row: text.VerdictRow
    reason: str  # why it is not finished
    as_asked: bool
    expected: str | None
    mismatch: bool
    part: object  # of the document, in the format asked for
    result: Result | None  # where the view keeps it
    seen: bool = False  # something broken was seen, though the search did not finish

    @property
    def as_promised(self) -> bool:
        """True if the promise is kept, and what the test demands is so."""
        return self.row.verdict != "broken" and self.as_asked


def checked(one: Assignment, judged: Judged, view: View) -> Checked | Failure:
    """The part of a judgement that is kept, or the failure that it is."""
    result = judged.answer
    if isinstance(result, CowpathError):
        return Failure(one.name, f"{one.name}: {result}")
    expected = expected_verdict(one, result.version) if view.expected else None
    return Checked(
        text.row(one.name, result),
        result.reason if result.verdict == "unfinished" else "",
        as_asked(result),
        expected,
        expected is not None and not as_expected(result, expected),
        part(view, one.name, result, expected),
        result if view.keep else None,
        result.verdict == "unfinished" and bool(result.breakage),
    )


def expected_verdict(one: Assignment, version: Version) -> str | None:
    """The verdict that expected.toml beside the test has for a kernel; None if it has none."""
    from cowpath.corpus.expected import Expected

    return Expected.beside(one.name).verdict(one.program.name, version)


def part(view: View, file: str, result: Result, expected: str | None) -> object:
    """The contribution of a result to the document."""
    if view.form in formats.NAMES:
        from cowpath.report import cases

        return cases.of_result(file, result, expected, explain=view.form in formats.WITH_PATHS)
    if view.form == "json":
        return json_report.test(file, result)
    if view.form == "itf":
        return one_trace(result)
    if view.form == "expected":
        return None  # its row says it all
    return text.result_text(result, view.style)


def one_trace(result: Result) -> str:
    """The path to the worst that happens, for viewers that show one trace."""
    from cowpath.explore.trace import trace
    from cowpath.judge.goal import default_goal
    from cowpath.report import itf

    goal = default_goal(result)
    return itf.document(result, [] if goal is None else trace(result.exploration, goal.state))


def check_all(assignments: Sequence[Assignment], view: View, jobs: int) -> list[Checked | Failure]:
    """Judge them all, in order: many on all cores, a few one after the other."""
    count = sum(len(one.versions) for one in assignments)
    if view.form == "itf" and count != 1:
        raise CowpathError("an ITF document holds one trace: give one test and one kernel")
    with Meter(count) as meter:
        sweep = Sweep(partial(checked, view=view), Processes(1 if view.keep else jobs), meter)
        return list(chain.from_iterable(sweep.run(assignments)))


# -- all of them -----------------------------------------------------------------------------------


def document(view: View, answers: Sequence[Checked], failures: Sequence[Failure]) -> str:
    """The results in the form that was asked for, as text for stdout."""
    parts = [one.part for one in answers]
    if view.form in formats.NAMES:
        return document_of_cases(view.form, parts, failures)
    if view.form == "json":
        return json_report.document([part for part in parts if isinstance(part, dict)], failures)
    if view.form == "expected":
        from cowpath.report import expected

        return expected.document([one.row for one in answers])
    if is_table(view, answers):
        return text.table([one.row for one in answers], view.style)
    return "\n".join(map(str, parts))


def document_of_cases(form: str, parts: Sequence[object], failures: Sequence[Failure]) -> str:
    """Results and failures for other tools."""
    from cowpath.report import cases
    from cowpath.report.case import Case

    found = [*parts, *map(cases.of_failure, failures)]
    return formats.document(form, [case for case in found if isinstance(case, Case)])


def is_table(view: View, answers: Sequence[Checked]) -> bool:
    """Several results as text: a table says little of each."""
    return view.form == "text" and len({(one.row.file, one.row.version) for one in answers}) > 1


def complain(view: View, answers: Sequence[Checked], failures: Sequence[Failure]) -> None:
    """Print to stderr what a table has no room for, verdicts that surprise, and files that failed."""
    brief = is_table(view, answers)
    for one in answers:
        row = one.row
        if brief and one.reason:
            terminal.complain(f"{row.file}, {row.version}: not finished: {one.reason}")
        if one.mismatch:
            terminal.complain(f"{row.file}, {row.version}: expected {one.expected!r}, found {row.answer!r}")
        if view.expected and one.expected is None:
            terminal.complain(f"{row.file}, {row.version}: nothing is expected, found {row.answer!r}")
    for failure in failures:
        terminal.complain(failure.message)


def status_of(answers: Sequence[Checked]) -> int:
    """The exit status for a set of verdicts; where a verdict is expected, that alone counts."""
    if any(one.reason for one in answers):
        return status.NOT_FINISHED
    good = (one.as_promised if one.expected is None else not one.mismatch for one in answers)
    return status.KEPT if all(good) else status.BROKEN
