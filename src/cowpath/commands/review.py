# SPDX-License-Identifier: MIT
"""Show what a patch changes: every test with and without it, and only what differs, worst first."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cowpath.commands import options, status
from cowpath.errors import CowpathError
from cowpath.judge.result import ORDER
from cowpath.survey.review import NO_ANSWER

if TYPE_CHECKING:
    from cowpath.commands.progress import Meter
    from cowpath.history.version import Version
    from cowpath.judge.goal import Goal
    from cowpath.judge.result import Result
    from cowpath.litmus.program import Program
    from cowpath.survey.examine import Examined
    from cowpath.survey.patch import Patched
    from cowpath.survey.review import Difference, Pair

SECONDS = 3.0
"""Seconds after which one search for a program is given up, unless --time says otherwise."""

MAX_STATES = 300_000
"""States after which one search is given up, unless --max-states says otherwise."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `cowpath review`."""
    from cowpath.prove.themes import themes

    parser.add_argument(
        "patch",
        nargs="?",
        metavar="PATCH",
        help="a Python file that replaces functions of the model (def do_swap_page(k, vmf): ...), a unified "
        "diff of linux/, or a patch to Linux, of which it says what it touches; - is stdin. Without it: "
        "--with and --without",
    )
    parser.add_argument(
        "--tests",
        nargs="+",
        metavar="CORPUS",
        help="files, directories, corpus tests or themes (default: the whole corpus)",
    )
    parser.add_argument(
        "--theme",
        type=themes,
        action="append",
        default=[],
        metavar="NAMES",
        help="look at the programs of these themes (swap,gup); repeatable, see `cowpath prove` (default: "
        "each theme beside swap that comes to what is changed)",
    )
    parser.add_argument(
        "--no-programs", action="store_true", help="no programs of themes: corpus tests alone"
    )
    parser.add_argument("--time", type=options.seconds, default=SECONDS, metavar="SECONDS",
        help=f"give one search for a program up after so long (default {SECONDS:g})")  # fmt: skip
    options.add_kernel_options(parser)
    options.add_jobs_option(parser)
    parser.add_argument("--max-states", type=options.positive, default=MAX_STATES, metavar="N",
        help=f"give one search up beyond N states (default {MAX_STATES:,})")  # fmt: skip
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    form.add_argument("--reply", action="store_true", help="a plain summary, fit to send to a list")
    parser.add_argument("--paths", action="store_true", help="print the path to each new breakage in full")
    parser.add_argument("--html", metavar="OUT", help="also write a page with the paths, to attach to a mail")
    parser.add_argument(
        "--skeleton",
        metavar="OUT",
        default="replacement.py",
        help="of a patch to Linux: where to write the functions to change (default replacement.py)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print what differs; status 0 if nothing breaks that did not, 1 if something does."""
    from cowpath.survey import kernel_patch

    if arguments.patch is None:
        if not arguments.added and not arguments.dropped:
            raise CowpathError("name a patch, or changes with --with and --without")
        return reviewed(arguments, " ".join(changes_words(arguments)), None)
    name, text = read(arguments.patch)
    if kernel_patch.is_kernel_patch(text):
        return kernel(name, text, arguments.skeleton)
    from cowpath.survey.patch import apply

    with tempfile.TemporaryDirectory(prefix="cowpath-review-") as directory:
        patched = apply(name, text, Path(directory) / "linux")
        return reviewed(arguments, name, patched)


def read(name: str) -> tuple[str, str]:
    """The name of a patch, and its text.  Raises CowpathError."""
    if name == "-":
        return "<stdin>", sys.stdin.read()
    try:
        return Path(name).name, Path(name).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CowpathError(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}") from error


def kernel(name: str, text: str, out: str) -> int:
    """Say what a patch to Linux touches, and write the skeleton of its replacement."""
    from cowpath.report import review as report
    from cowpath.survey import kernel_patch

    found = kernel_patch.read(name, text)
    if not found.modelled:
        sys.stdout.write(report.kernel_text(found, ""))
        return status.NOTHING_RAN
    if Path(out).exists():
        raise CowpathError(f"{out} exists already: name another file with --skeleton")
    options.write_page(out, kernel_patch.skeleton(found))
    sys.stdout.write(report.kernel_text(found, out))
    return status.KEPT


def changes_words(arguments: argparse.Namespace) -> list[str]:
    """--with and --without as they were given."""
    added = [f"with {name}" for name in arguments.added]
    return added + [f"without {name}" for name in arguments.dropped]


def reviewed(arguments: argparse.Namespace, name: str, patched: Patched | None) -> int:
    """Compare every test, ask about every program, print the report."""
    from cowpath.commands.progress import Meter
    from cowpath.corpus.files import CORPUS, files, program
    from cowpath.explore.engine import Method
    from cowpath.report import review as report
    from cowpath.survey.parallel import Processes
    from cowpath.survey.review import compare, differences, labelled, likeness

    tests = {file: program(file) for file in files(arguments.tests or [str(CORPUS)])}
    plain = options.versions(argparse.Namespace(**{**vars(arguments), "added": [], "dropped": []}))
    changed = options.versions(arguments)
    tree = patched.directory if patched is not None else None
    if tree is not None:
        plain, changed = changed, [labelled(version, name) for version in changed]
    other = dict(zip(plain, changed, strict=True))
    with Meter(2 * len(tests) * len(plain)) as meter:
        pairs = compare(
            tests,
            plain,
            other.__getitem__,
            tree,
            Method(max_states=arguments.max_states),
            Processes(arguments.jobs),
            meter,
        )
        like = likeness(tests, pairs, meter) if tree is not None else []
        shown = Paths(tests, tree, meter)
        paths = {
            one.kind: shown.lines(one.kind, one.pairs, arguments.paths)
            for one in worth_a_path(differences(pairs))
        }
        themes = [] if arguments.no_programs else list(examined(plain, changed, patched, arguments, meter))
        effort = f"{arguments.time:g} s, {arguments.max_states:,} states"
        found = report.Review(
            name, tuple(plain), tuple(pairs), tuple(like), paths, tuple(themes), effort, arguments.paths
        )
        if arguments.html:
            options.write_page(arguments.html, shown.page(found.title, pairs))
    if arguments.reply:
        sys.stdout.write(report.reply(found))
    else:
        sys.stdout.write(report.document(found) if arguments.format == "json" else report.text(found))
    return status.BROKEN if any(one.broken for one in themes) else status_of(pairs)


def examined(
    plain: Sequence[Version],
    changed: Sequence[Version],
    patched: Patched | None,
    arguments: argparse.Namespace,
    meter: Meter,
) -> Iterator[Examined]:
    """Find what the programs of themes show on each kernel with and without the patch."""
    from cowpath.prove.themes import Combination
    from cowpath.survey.examine import Examined, examine
    from cowpath.survey.parallel import Processes
    from cowpath.survey.relevance import near, usual_combinations
    from cowpath.survey.telling import Effort

    effort, workers = Effort(arguments.max_states, arguments.time), Processes(arguments.jobs)
    for kernel, other in zip(plain, changed, strict=True):
        far: list[Combination] = []
        themes = [Combination(names) for names in arguments.theme]
        if not themes:
            meter.begin("which themes come to the change")
            functions = patched.functions if patched is not None else ()
            themes = near(kernel, kernel.changes ^ other.changes, functions, workers)
            far = [one for one in usual_combinations() if one not in themes]
        tree = patched.directory if patched is not None else None
        broken, apart = examine(kernel, other, tree, themes, effort, workers, meter)
        yield Examined(kernel, tuple(broken), tuple(apart), tuple(one.name for one in far))


def worth_a_path(found: Sequence[Difference]) -> list[Difference]:
    """The differences whose paths are shown: invariants have none where something worse shows the same."""
    worded = [one for one in found if one.kind.removesuffix(": new") in ORDER or one.kind == NO_ANSWER]
    return worded or list(found[:1])


def status_of(pairs: Sequence[Pair]) -> int:
    """1 if something breaks, or gives no answer, that did not."""
    for pair in pairs:
        fresh = set(pair.after.breakage) - set(pair.before.breakage)
        if fresh or (pair.after.error and not pair.before.error):
            return status.BROKEN
    return status.KEPT


class Paths:
    """The paths behind differences: the results are judged once more, as a comparison keeps none."""

    def __init__(self, tests: Mapping[str, Program], tree: Path | None, meter: Meter) -> None:
        self.tests, self.tree, self.meter = tests, tree, meter

    def both(self, pair: Pair) -> tuple[Result, Result]:
        """The results of a pair: as it is, and changed."""
        from cowpath.explore.engine import Method
        from cowpath.judge.judge import judge
        from cowpath.judge.tree import rules_of

        program, method = self.tests[pair.file], Method(max_states=MAX_STATES)
        self.meter.begin(f"{pair.test} once more")
        before = judge(program, pair.kernel, method)
        with rules_of(self.tree) as tree:
            return before, judge(program, pair.changed, method, tree=tree)

    def lines(self, kind: str, pairs: Sequence[Pair], full: bool) -> tuple[str, ...]:
        """The path of the simplest test to a new kind of breakage, and where the two kernels part."""
        from cowpath.report.why import tell
        from cowpath.viewer.compare import parting

        if kind == NO_ANSWER:
            return tuple(dict.fromkeys(pair.after.error for pair in pairs))[:3]
        if not kind.endswith(": new"):
            return ()
        pair = min(pairs, key=lambda one: one.after.states)
        before, after = self.both(pair)
        goal = goal_named(after, kind.removesuffix(": new"))
        if goal is None:
            return ()
        path = tell(after, goal)
        parted = parting(after, before, goal)
        lines = [
            f"{pair.test}: {path.short}",
            *(f"first difference: {line}" for line in parted[:1]),
            *parted[1:],
        ]
        return (*lines, *path.full.splitlines()) if full else tuple(lines)

    def page(self, title: str, pairs: Sequence[Pair]) -> str:
        """A page with the results of every test that differs, changed and as it is, with their paths."""
        from cowpath.viewer.pages import check_page

        results = []
        for pair in pairs:
            if not pair.same and not pair.after.error and not pair.before.error:
                before, after = self.both(pair)
                results += [(pair.file, after), (pair.file, before)]
        return check_page(results, [] if results else [f"{title}: nothing changes"])


def goal_named(result: Result, kind: str) -> Goal | None:
    """The outcome or the violation of this kind."""
    for outcome in result.outcomes:
        if outcome.breakage == kind:
            return outcome
    return next((one for one in result.violations if str(one) == kind), None)
