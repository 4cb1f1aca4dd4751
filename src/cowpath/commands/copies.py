# SPDX-License-Identifier: MIT
"""Pages copied, test by test and kernel by kernel, and which of the copies nobody needed."""

from __future__ import annotations

import argparse
import sys

from cowpath.commands import options, status, terminal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `cowpath copies`."""
    options.add_corpus_argument(parser)
    options.add_kernel_options(
        parser, "every release that changes a rule, and the newest without the founding patch"
    )
    options.add_search_options(parser)
    options.add_jobs_option(parser)
    parser.add_argument("--format", choices=("text", "markdown", "json"), default="text")


def run(arguments: argparse.Namespace) -> int:
    """Print the table; status 0 if it is complete, 3 if a search was cut short or could not run."""
    from cowpath.commands.progress import Meter
    from cowpath.report import copies as report
    from cowpath.survey import copies
    from cowpath.survey.parallel import Processes

    chosen = arguments.kernel or arguments.arch or arguments.added or arguments.dropped
    versions = options.versions(arguments) if chosen else copies.default_versions()
    tests = options.corpus(arguments)
    with Meter(len(tests) * len(versions)) as meter:
        found = copies.build(
            tests,
            versions,
            merge=not chosen and arguments.format != "json",
            max_states=arguments.max_states,
            workers=Processes(arguments.jobs),
            watch=meter,
        )
    form = {"text": report.text, "markdown": report.markdown, "json": report.document}[arguments.format]
    sys.stdout.write(form(found))
    lacking = [one for row in found.rows for one in row.counts if one.most is None]
    for one in lacking:
        terminal.complain(f"{one.test}: no number: {one.why}")
    return status.NOT_FINISHED if lacking else status.KEPT
