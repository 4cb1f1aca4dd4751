# SPDX-License-Identifier: MIT
"""The reliability table: what each kind of reference can be relied upon for, in each situation, by kernel."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cowpath.commands import options, status
from cowpath.commands.terminal import style_of
from cowpath.errors import CowpathError

if TYPE_CHECKING:
    from cowpath.commands.progress import Meter
    from cowpath.corpus.situations import ReferenceKind, Situation
    from cowpath.history.version import Version
    from cowpath.survey.parallel import Workers
    from cowpath.survey.reliability import Table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `cowpath table`."""
    from cowpath.corpus.situations import KINDS, MORE_KINDS, SITUATIONS

    kinds = [kind.name for kind in (*KINDS, *MORE_KINDS)]
    options.add_kernel_options(parser, "every release that changes a rule")
    group = parser.add_argument_group("which part of the table")
    group.add_argument(
        "--reference", action="append", choices=kinds, metavar="KIND",
        help=f"repeatable; default the first four of: {', '.join(kinds)}",
    )  # fmt: skip
    group.add_argument(
        "--situation", action="append", choices=[one.name for one in SITUATIONS], metavar="NAME",
        help="repeatable; default all: " + ", ".join(one.name for one in SITUATIONS),
    )  # fmt: skip
    options.add_large_option(group)
    group = parser.add_argument_group("what to do with it")
    group.add_argument("--format", choices=("text", "markdown", "html", "json"), default="text")
    group.add_argument(
        "--html", metavar="DIR", type=Path,
        help="write the table as DIR/index.html instead, and beside it pages that show every step",
    )  # fmt: skip
    group.add_argument("--no-traces", action="store_true", help="leave the traces out of Markdown and HTML")
    group.add_argument("--trace", metavar="TEST", help="show one cell instead: its test and the path to it")
    group.add_argument("--tests", metavar="DIR", type=Path, help="write the tests behind the cells there")
    options.add_search_options(parser)
    options.add_jobs_option(parser)
    options.add_cluster_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the table.

    Status 0 if it is complete, 3 if a search was cut short; with --trace 1 if there is nothing to show.
    """
    from cowpath.commands.progress import Meter
    from cowpath.report.reliability.path import tell
    from cowpath.survey import reliability

    if arguments.trace is not None:
        return show(arguments)
    if arguments.tests is not None:
        return write_tests(arguments)
    wanted, chosen = kinds(arguments.reference), situations(arguments.situation, arguments.large)
    kernels = versions(arguments)
    answers = len(wanted) * len(chosen) * len(kernels)
    with options.workers(arguments) as workers, Meter(answers) as meter:
        table = reliability.build(
            kernels,
            wanted,
            chosen,
            merge=arguments.kernel is None,
            max_states=arguments.max_states,
            workers=workers,
            tell=tell if traced(arguments) else None,
            watch=meter,
        )
        if arguments.html is not None:
            write_pages(table, arguments, workers, meter)
    if arguments.html is None:
        sys.stdout.write(written(table, arguments.format))
    return (
        status.NOT_FINISHED
        if any(cell.verdict == "not finished" for cell in table.cells.values())
        else status.KEPT
    )


def traced(arguments: argparse.Namespace) -> bool:
    """True if the table itself holds the traces."""
    forms = ("markdown", "html", "json")
    return arguments.format in forms and arguments.html is None and not arguments.no_traces


def write_pages(table: Table, arguments: argparse.Namespace, workers: Workers, meter: Meter) -> None:
    """The table and the pages that it links to."""
    from cowpath.report.reliability import html
    from cowpath.survey.parallel import each
    from cowpath.viewer import row_pages

    made = [] if arguments.no_traces else list(row_pages.rows(table, arguments.max_states))
    pages = each(row_pages.page_of, made, workers)
    directory: Path = arguments.html
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for row, page in zip(made, pages, strict=True):
            (directory / f"{row.name}.html").write_text(page, encoding="utf-8")
            meter.done(f"{row.name}.html")
        index = directory / "index.html"
        index.write_text(html.document(table, row_pages.links(table, made)), encoding="utf-8")
    except OSError as error:
        raise CowpathError(f"{directory}: {error.strerror}") from error
    print(index)


def versions(arguments: argparse.Namespace) -> list[Version]:
    """The kernels asked for; by default every release that changes a rule and can be changed as asked."""
    from cowpath.history.eras import all_versions

    if arguments.kernel is not None:
        return options.versions(arguments)
    return options.changeable([version.release for version in all_versions()], arguments)


def kinds(names: Sequence[str] | None) -> list[ReferenceKind]:
    """Kinds of reference by name; the four of the founding patch's note unless asked otherwise."""
    from cowpath.corpus.situations import KINDS, MORE_KINDS

    return [kind for kind in (*KINDS, *MORE_KINDS) if kind.name in names] if names else list(KINDS)


def situations(names: Sequence[str] | None, large: bool) -> list[Situation]:
    """Situations by name, all unless asked otherwise; with `large`, of pages in large folios."""
    from cowpath.corpus.situations import SITUATIONS

    return [replace(one, large=large) for one in SITUATIONS if names is None or one.name in names]


def written(table: Table, form: str) -> str:
    """The table in one of the formats."""
    from cowpath.report.reliability import html, json, markdown, text

    if form == "text":
        return text.document(table, style_of())
    if form == "markdown":
        return markdown.document(table)
    return html.document(table) if form == "html" else json.document(table)


def show(arguments: argparse.Namespace) -> int:
    """The test behind one cell and the path to what is wrong there, on each kernel asked for."""
    from cowpath.litmus.print import to_text
    from cowpath.report.reliability.path import tell
    from cowpath.survey import reliability
    from cowpath.survey.sweep import judge_here

    kind, situation = cell_named(arguments.trace)
    situation = replace(situation, large=arguments.large)
    kernels = options.versions(arguments)
    sys.stdout.write(to_text(situation.test(kind)))
    question = reliability.assignment(kind, situation, kernels, arguments.max_states)
    cells = judge_here(question, partial(reliability.cell, tell=tell))
    shown = 0
    for version, cell in zip(kernels, cells, strict=True):
        sys.stdout.write(f"\n{version}: {cell.words}  {cell.message}".rstrip() + "\n")
        if cell.trace is not None:
            shown += 1
            sys.stdout.write("\n" + cell.trace.text)
    return status.KEPT if shown else status.BROKEN


def cell_named(name: str) -> tuple[ReferenceKind, Situation]:
    """The kind and the situation that a test's name is made of; CowpathError if there is no such test.

    >>> kind, situation = cell_named("get-write-swap-read")
    >>> kind.title, situation.title
    ('FOLL_GET | FOLL_WRITE', 'swapped out, read back')
    """
    import difflib

    from cowpath.corpus.situations import KINDS, MORE_KINDS, SITUATIONS

    tests = {f"{kind.name}-{one.name}": (kind, one) for kind in (*KINDS, *MORE_KINDS) for one in SITUATIONS}
    if name in tests:
        return tests[name]
    close = difflib.get_close_matches(name, tests, n=1)
    hint = f"did you mean {close[0]!r}?" if close else "it is a KIND and a NAME, see --help"
    raise CowpathError(f"no cell has a test {name!r}: {hint}")


def write_tests(arguments: argparse.Namespace) -> int:
    """Write the test behind every cell into a directory."""
    from cowpath.litmus.print import to_text

    directory: Path = arguments.tests
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for kind in kinds(arguments.reference):
            for situation in situations(arguments.situation, arguments.large):
                test = situation.test(kind)
                path = directory / f"{test.name}.litmus"
                path.write_text(to_text(test), encoding="utf-8")
                print(path)
    except OSError as error:
        raise CowpathError(f"{directory}: {error.strerror}") from error
    return 0
