# SPDX-License-Identifier: MIT
"""Every outcome of litmus tests, and what of it breaks the promise of private memory."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

from cowpath.commands import options
from cowpath.commands.progress import Meter, Tally
from cowpath.errors import CowpathError
from cowpath.explore.engine import Method
from cowpath.history.asked import Asked
from cowpath.history.version import Version
from cowpath.judge.alike import judge_each
from cowpath.judge.judge import judge
from cowpath.judge.result import Result
from cowpath.litmus.program import Program
from cowpath.litmus.resolve import load_program
from cowpath.report import formats, text
from cowpath.report import json as json_report
from cowpath.report.json import Failure
from cowpath.survey.parallel import each

BROKEN, BAD_INPUT, NOT_FINISHED = 1, 2, 3

FORMATS = ("text", "json", *formats.NAMES, "itf", "expected")

FEW = 8
"""Answers for which no second process is started: most take less time than that."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `cowpath check`."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="litmus tests")
    options.add_kernel_options(parser)
    options.add_search_options(parser)
    options.add_engine_options(parser)
    options.add_jobs_option(parser)
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
    method = options.method(arguments)
    tasks = [Task(file, program, tuple(versions), method) for file, program in programs]
    view = View(arguments.format, arguments.expected, bool(arguments.html))
    found = answer_all(tasks, view, arguments.jobs)
    answers = [one for one in found if isinstance(one, Answer)]
    failures += [one for one in found if isinstance(one, Failure)]
    sys.stdout.write(document(view, answers, failures))
    complain(view, answers, failures)
    if arguments.html:
        from cowpath.viewer.pages import check_page

        results = [(one.row.file, one.result) for one in answers if one.result is not None]
        options.write_page(arguments.html, check_page(results, [failure.message for failure in failures]))
    return BAD_INPUT if failures else status(answers, arguments.expected)


def load(files: Sequence[str]) -> tuple[list[tuple[str, Program]], list[Failure]]:
    """The tests that can be read, and what is wrong with the others."""
    programs, failures = [], []
    for file in files:
        try:
            programs.append((file, load_program(file)))
        except CowpathError as error:
            failures.append(Failure(file, str(error)))
    return programs, failures


# -- one test --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Task:
    """One test on all kernels: those that are alike share a search."""

    file: str
    program: Program
    versions: tuple[Version, ...]
    method: Method

    def title(self, version: Version) -> str:
        """The test on one of its kernels."""
        return f"{self.program.name} on {version}"


@dataclass(frozen=True, slots=True)
class View:
    """How results are shown: a format, and what else is asked of them."""

    form: str
    expected: bool
    keep: bool  # the results themselves are needed again


@dataclass(frozen=True, slots=True)
class Answer:
    """What is kept of one result: it may come from another process, so not the search itself."""

    row: text.Row
    reason: str  # why it is not finished
    as_asked: bool
    expected: str | None
    mismatch: bool
    part: object  # of the document, in the format asked for
    result: Result | None  # where the view keeps it


def answers(task: Task, view: View, meter: Meter | None = None) -> list[Answer | Failure]:
    """Judge one test on its kernels, in order."""

    def search(asked: Asked) -> Result:
        if meter is not None:
            meter.begin(task.title(asked.version))
        return judge(task.program, asked, task.method, None if meter is None else meter.update)

    found = {}
    for version, result in judge_each(task.versions, search):
        found[version] = answer(task, view, result)
        if meter is not None:
            meter.end()
    return [found[version] for version in task.versions]


def answer(task: Task, view: View, result: Result | CowpathError) -> Answer | Failure:
    """What is kept of one judgement."""
    if isinstance(result, CowpathError):
        return Failure(task.file, f"{task.file}: {result}")
    expected = expected_verdict(task, result.version) if view.expected else None
    return Answer(
        text.row(task.file, result),
        result.reason if result.verdict == "unfinished" else "",
        text.as_asked(result),
        expected,
        expected is not None and not text.as_expected(result, expected),
        part(view, task.file, result, expected),
        result if view.keep else None,
    )


def expected_verdict(task: Task, version: Version) -> str | None:
    """What the expected.toml beside the test says of it on a kernel."""
    from cowpath.corpus.expected import Expected

    return Expected.beside(task.file).verdict(task.program.name, version)


def part(view: View, file: str, result: Result, expected: str | None) -> object:
    """What a result contributes to the document."""
    if view.form in formats.NAMES:
        from cowpath.report import cases

        return cases.of_result(file, result, expected, explain=view.form in formats.WITH_PATHS)
    if view.form == "json":
        return json_report.test(file, result)
    if view.form == "itf":
        return one_trace(result)
    if view.form == "expected":
        return None  # its row says it all
    return text.result_text(result)


def one_trace(result: Result) -> str:
    """The path to the worst that happens, for viewers that show one trace."""
    from cowpath.explore.trace import trace
    from cowpath.judge.goal import default_goal
    from cowpath.report import itf

    goal = default_goal(result)
    return itf.document(result, [] if goal is None else trace(result.exploration, goal.state))


def answer_all(tasks: Sequence[Task], view: View, jobs: int) -> list[Answer | Failure]:
    """Judge them all, in order: many on all cores, a few one after the other."""
    count = sum(len(task.versions) for task in tasks)
    if view.form == "itf" and count != 1:
        raise CowpathError("an ITF document holds one trace: give one test and one kernel")
    if jobs > 1 and len(tasks) > 1 and count > FEW and not view.keep:
        with Tally(count) as tally:

            def done(task: Task) -> None:
                for version in task.versions:
                    tally.add(task.title(version))

            single = [replace(task, method=task.method.on_one_core()) for task in tasks]
            return list(chain.from_iterable(each(partial(answers, view=view), single, jobs, done)))
    with Meter(count) as meter:
        return [one for task in tasks for one in answers(task, view, meter)]


# -- all of them -----------------------------------------------------------------------------------


def document(view: View, answers: Sequence[Answer], failures: Sequence[Failure]) -> str:
    """What goes to stdout."""
    parts = [one.part for one in answers]
    if view.form in formats.NAMES:
        return document_of_cases(view.form, parts, failures)
    if view.form == "json":
        return json_report.document([part for part in parts if isinstance(part, dict)], failures)
    if view.form == "expected":
        from cowpath.report import expected

        return expected.document([one.row for one in answers])
    if is_table(view, answers):
        return text.table([one.row for one in answers])
    return "\n".join(map(str, parts))


def document_of_cases(form: str, parts: Sequence[object], failures: Sequence[Failure]) -> str:
    """Results and failures for other tools."""
    from cowpath.report import cases
    from cowpath.report.case import Case

    found = [*parts, *map(cases.of_failure, failures)]
    return formats.document(form, [case for case in found if isinstance(case, Case)])


def is_table(view: View, answers: Sequence[Answer]) -> bool:
    """Several results as text: a table says little of each."""
    return view.form == "text" and len({(one.row.file, one.row.version) for one in answers}) > 1


def complain(view: View, answers: Sequence[Answer], failures: Sequence[Failure]) -> None:
    """What went wrong goes to stderr: what a table has no room for, surprises, and files that failed."""
    brief = is_table(view, answers)
    for one in answers:
        if brief and one.reason:
            print(f"{one.row.file}, {one.row.version}: not finished: {one.reason}", file=sys.stderr)
        if view.expected and one.mismatch:
            wanted, found = one.expected, one.row.answer
            print(f"{one.row.file}, {one.row.version}: expected {wanted!r}, found {found!r}", file=sys.stderr)
    for failure in failures:
        print(failure.message, file=sys.stderr)


def status(answers: Sequence[Answer], expected: bool) -> int:
    """The exit status for a set of verdicts; `~exists` and `forall` demand something, `exists` only asks."""
    if any(one.reason for one in answers):
        return NOT_FINISHED
    if expected:
        return BROKEN if any(one.mismatch for one in answers) else 0
    return BROKEN if any(one.row.verdict == "broken" or not one.as_asked for one in answers) else 0
