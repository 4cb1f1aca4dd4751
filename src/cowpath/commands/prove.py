# SPDX-License-Identifier: MIT
"""Every program over an alphabet, of any length: is the promise of private memory kept?"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from cowpath.commands import options, status
from cowpath.commands.check import load
from cowpath.commands.progress import Meter
from cowpath.corpus.files import HELP, source
from cowpath.errors import CowpathError
from cowpath.history.version import DEFAULT_ARCHITECTURE, Version, version
from cowpath.litmus.parse import parse_source
from cowpath.litmus.program import Program
from cowpath.prove import campaign, fixes
from cowpath.prove.campaign import Kept, ProofAnswer, Question
from cowpath.prove.opened import opened as open_test
from cowpath.prove.product import Bounds
from cowpath.prove.themes import THEMES, Combination, themes
from cowpath.report import formats
from cowpath.report import prove as report
from cowpath.survey.parallel import Failed, Workers, each

FORMATS = ("text", "json", "markdown", *formats.NAMES)

MAX_STATES = 1_000_000
"""The bound on states of one proof, unless another is given."""

LADDER_STATES = 100_000
"""The same where many are tried for one fix."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `cowpath prove`."""
    parser.description = f"{__doc__} The themes: {', '.join(THEMES)}."
    add = parser.add_argument
    add("files", nargs="*", metavar="FILE", help=f"{HELP}; those with any {{ ... }} are meant")
    group = parser.add_argument_group("which programs")
    add = group.add_argument
    add("--any", action="store_true", help="the statements of each FILE in any order, any number of times")
    add("--theme", type=themes, metavar="NAMES", default=None,
        help="themes that the parent combines, as in swap,gup (default: each beside swap)")  # fmt: skip
    add("--child-theme", type=themes, metavar="NAMES", default=(), help="themes of the first child")
    add("--thread-theme", type=themes, metavar="NAMES", default=(), help="themes of the second thread")
    add("--processes", type=options.within(1, 16), default=1, metavar="N", help="a parent and N - 1 children")
    add("--threads", type=options.within(1, 16), default=1, metavar="N", help="threads of the parent")
    add("--pairs", action="store_const", const=2, dest="size", help="every two themes (of --theme)")
    add("--triples", action="store_const", const=3, dest="size", help="every three themes (of --theme)")
    add("--against", metavar="RELEASE",
        help="instead: what can this kernel show user space that --kernel cannot?")  # fmt: skip
    add("--fixes", nargs="*", metavar="COMMIT",
        help="instead: which upstream fixes are found again without any test, each on the newest kernel that "
        "its absence breaks (default: all that the corpus has a test for)")  # fmt: skip
    options.add_kernel_options(parser)
    group = parser.add_argument_group("how far")
    add = group.add_argument
    add("--folios", type=options.within(1, 64), default=Bounds.folios, metavar="N",
        help=f"free folios beside one a page (default {Bounds.folios})")  # fmt: skip
    add("--slots", type=options.within(0, 64), default=Bounds.slots, metavar="N",
        help=f"swap slots beside one a page (default {Bounds.slots})")  # fmt: skip
    add("--overlap", type=options.within(0, 64), default=Bounds.overlap, metavar="N",
        help="threads inside a statement at the same time (default: all)")  # fmt: skip
    add("--time", type=options.seconds, metavar="SECONDS", help="give one proof up after so long")
    options.add_search_options(parser)
    options.add_engine_options(parser)
    options.add_walk_option(parser)
    options.add_jobs_option(parser)
    options.add_cluster_options(parser, resume=False)
    add = parser.add_argument
    add("--write", type=Path, metavar="DIR", help="write each counterexample to a file there")
    add("--resume", type=Path, metavar="FILE",
        help="keep answers in this file, and do not ask again what it has an answer for")  # fmt: skip
    add("--format", choices=FORMATS, default="text", help="default: text")


def run(arguments: argparse.Namespace) -> int:
    """Ask every question, print the answers."""
    if arguments.fixes is not None:
        return run_fixes(arguments)
    kept = Kept(arguments.resume)
    questions = list(all_questions(arguments))
    with options.workers(arguments, keep=False) as workers:
        answers = ask(questions, kept, workers)
    files = written(answers, arguments.write) if arguments.write else {}
    sys.stdout.write(document(arguments, answers, files))
    return status_of(answers)


def run_fixes(arguments: argparse.Namespace) -> int:
    """Print which fixes are found again; the status says whether all of them are.

    Raises CowpathError for options that choose kernels or programs: each fix has its own.
    """
    chosen = {
        "--kernel": arguments.kernel, "--arch": arguments.arch, "--with": arguments.added,
        "--without": arguments.dropped, "--theme": arguments.theme, "--child-theme": arguments.child_theme,
        "--thread-theme": arguments.thread_theme, "--any": arguments.any, "--against": arguments.against,
        "--pairs or --triples": arguments.size, "FILE": arguments.files,
    }  # fmt: skip
    for name, value in chosen.items():
        if value:
            raise CowpathError(f"--fixes chooses kernels and programs itself: it does not go with {name}")
    method = replace(
        options.method(arguments).on_one_core(), max_states=arguments.max_states or LADDER_STATES
    )
    wanted = fixes.fixes(tuple(arguments.fixes))
    search = partial(fixes.find_again, method=method, seconds=arguments.time)
    found = []
    with options.workers(arguments, keep=False) as workers, Meter(len(wanted)) as meter:
        for fix, one in zip(wanted, each(search, wanted, workers), strict=True):
            found.append(one)
            meter.done(fix.name)
    files = {}
    if arguments.write:
        arguments.write.mkdir(parents=True, exist_ok=True)
        files = {one.fix: write(arguments.write, one.fix, one.litmus) for one in found if one.litmus}
    if arguments.format == "json":
        sys.stdout.write(json.dumps({"fixes": [asdict(one) for one in found]}, indent=2) + "\n")
    else:
        sys.stdout.write(report.fixes_table(found, files))
    return status.KEPT if all(one.litmus for one in found) else status.NOT_FINISHED


def write(directory: Path, title: str, litmus: str) -> str:
    """Write a counterexample under a name of its own; returns the file."""
    name = re.sub(r"[^A-Za-z0-9.+-]+", "_", title)
    path = directory / f"{name}.litmus"
    path.write_text(litmus.replace("C found\n", f"C {name}\n", 1), encoding="utf-8")
    return str(path)


def all_questions(arguments: argparse.Namespace) -> list[Question]:
    """The programs of the options and files on every kernel.  Raises CowpathError for bad ones."""
    programs, failures = load(arguments.files)
    if failures:
        raise CowpathError("\n".join(failure.message for failure in failures))
    asked: list[tuple[str, Program, Combination | None]] = [
        (name, opened(name, program) if arguments.any else program, None) for name, program in programs
    ]
    if not arguments.files or arguments.theme is not None or arguments.size:
        asked += [(one.name, one.program(), one) for one in chosen(arguments)]
    method = options.method(arguments).on_one_core()
    method = replace(method, max_states=method.max_states or MAX_STATES)
    against = other_kernel(arguments)
    return [
        Question(name, program, kernel, combination, bounds_of(arguments), method, arguments.time, against)
        for kernel in options.versions(arguments)
        for name, program, combination in asked
    ]


def opened(file: str, program: Program) -> Program:
    """A test as an alphabet, unless it is one."""
    return program if program.is_open else open_test(parse_source(source(file)))


def other_kernel(arguments: argparse.Namespace) -> Version | None:
    """The kernel of --against, of the usual architecture or the one asked for."""
    if arguments.against is None:
        return None
    return version(arguments.against, (arguments.arch or [DEFAULT_ARCHITECTURE])[0])


def bounds_of(arguments: argparse.Namespace) -> Bounds:
    """The bounds that the options set."""
    return Bounds(arguments.folios, arguments.slots, arguments.overlap)


def chosen(arguments: argparse.Namespace) -> list[Combination]:
    """The combinations of themes that the options ask for."""
    if arguments.size or arguments.theme is None:
        names = arguments.theme or campaign.all_themes()
        return campaign.combinations(names, arguments.size or 1, arguments.processes, arguments.threads)
    children = [arguments.child_theme if n == 0 else () for n in range(arguments.processes - 1)]
    threads = [arguments.thread_theme if n == 0 else () for n in range(arguments.threads - 1)]
    return [Combination(arguments.theme, tuple(children), tuple(threads))]


def ask(questions: Sequence[Question], kept: Kept, workers: Workers) -> list[ProofAnswer]:
    """The answers, in order; they are kept as they come.

    What is kept is not asked again; nor is what a smaller combination answers: where that is broken, all that
    contain it are.
    """
    with Meter(len(questions)) as meter:
        for _, group in itertools.groupby(questions, key=size_of):
            new = []
            for question in group:
                smaller = campaign.broken_before(question, kept.answers, questions)
                if smaller:
                    kept.answers[question.key] = campaign.implied(question, smaller)
                elif question.key not in kept.answers:
                    new.append(question)
            for found in answered(new, workers, meter):
                kept.add(found)
                meter.done(found.key)
    return [kept.answers[question.key] for question in questions]


def answered(new: Sequence[Question], workers: Workers, meter: Meter) -> Iterator[ProofAnswer]:
    """The answers in whatever order they come; in this process they show how far each search is."""
    if workers.here(len(new)):
        for question in new:
            meter.begin(question.key)
            yield campaign.answer(question, meter.update)
        return
    for _, found in workers.as_they_come(campaign.answer, new):
        if isinstance(found, Failed):
            raise found.error
        yield found


def size_of(question: Question) -> tuple[str, int]:
    """The kernel, and how many themes there are: one group after the other is asked."""
    if question.combination is None:
        return str(question.version), 0
    named = (question.combination.parent, *question.combination.children, *question.combination.threads)
    return str(question.version), sum(map(len, named))


def written(answers: Sequence[ProofAnswer], directory: Path) -> dict[str, str]:
    """Write every counterexample into a directory; the file of each, by the answer's key."""
    directory.mkdir(parents=True, exist_ok=True)
    files = {}
    for answer in answers:
        if answer.litmus:
            files[answer.key] = write(directory, f"{answer.kernel}-{answer.name}", answer.litmus)
    return files


def document(arguments: argparse.Namespace, answers: Sequence[ProofAnswer], files: dict[str, str]) -> str:
    """Return the text for stdout."""
    if arguments.format == "json":
        return json.dumps(campaign.document(answers), indent=2) + "\n"
    if arguments.format == "markdown":
        return report.markdown(answers, files)
    if arguments.format != "text":
        return formats.document(arguments.format, report.cases(answers))
    text = (
        report.table(answers, files)
        + "\n"
        + report.claim(arguments.against)
        + report.assumptions(bounds_of(arguments))
    )
    if len(answers) == 1 and answers[0].litmus and not files:
        text += "\n" + answers[0].litmus
    return text


def status_of(answers: Sequence[ProofAnswer]) -> int:
    """As `check`: what is not decided comes first."""
    verdicts = {answer.verdict for answer in answers}
    if "not decided" in verdicts:
        return status.NOT_FINISHED
    return status.BROKEN if "broken" in verdicts else status.KEPT
