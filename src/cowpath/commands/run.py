# SPDX-License-Identifier: MIT
"""The same litmus tests on real kernels, held against the model and the promise."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

from cowpath.commands import options, status, terminal
from cowpath.commands.check import load
from cowpath.corpus.files import HELP
from cowpath.errors import CowpathError
from cowpath.litmus.program import Program
from cowpath.machine import machines, results, scratch
from cowpath.machine.again import judge_again
from cowpath.machine.apt import say
from cowpath.machine.compare import Comparison, expect, stable_release
from cowpath.machine.follow import orders_of_model
from cowpath.machine.job import ROUNDS, SEED, Answer, RunRequest
from cowpath.machine.schedule import Schedule, follow, schedule
from cowpath.report import formats
from cowpath.report import machines as text
from cowpath.report.machine_cases import of_comparison, status_of

MOST_CPUS = 64
MOST_ROUNDS, MOST_SEED = 100_000, (1 << 63) - 1

LONGEST_ORDER = 100_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `cowpath run`."""
    add = parser.add_argument
    add("files", nargs="+", metavar="FILE", help=HELP)
    add("--on", action="append", metavar="MACHINE",
        help="host, uml:6.1, qemu:6.1, qemu:6.1:arm64, or a path of a kernel or of a built tree; "
        "more than once to compare (default uml:6.1; `cowpath kernels --real` lists them)")  # fmt: skip
    add("--rounds", type=options.within(1, MOST_ROUNDS), default=ROUNDS, metavar="N",
        help=f"rounds of each test, 1 to {MOST_ROUNDS:,} (default {ROUNDS})")  # fmt: skip
    add("--seed", type=options.within(0, MOST_SEED), default=SEED, metavar="N",
        help=f"for what is left to chance, 0 to 2^63 - 1 (default {SEED})")  # fmt: skip
    add("--follow", metavar="ORDER",
        help='run in this order: threads, one for each statement ("P0 P1 P0"), a file with them, or "model": '
        "the orders of shortest paths to each outcome of the model")  # fmt: skip
    add("--allow-global", action="store_true", help="on the host: allow a swap device, KSM and vm settings")
    add("--cpus", type=options.within(1, MOST_CPUS), default=1, metavar="N",
        help=f"processors of each QEMU guest, 1 to {MOST_CPUS} (default 1)")  # fmt: skip
    add("--modules", type=Path, metavar="DIRECTORY",
        help="the modules of a kernel of your own; default: those of the tree")  # fmt: skip
    options.add_large_option(parser)
    add("--jobs", "-j", type=options.processes, default=1, metavar="N",
        help="machines at a time, 1 to 1024 (default 1)")  # fmt: skip
    add(
        "--format",
        choices=("text", "json", *formats.NAMES, "markdown"),
        default="text",
        help="default: text",
    )
    add("--results", type=Path, metavar="DIRECTORY", help="where to keep the result (default: see docs)")
    add("--judge", type=Path, metavar="RUN",
        help="run nothing: judge again what a kept run, from anywhere, has shown")  # fmt: skip
    add("--compare-with", type=Path, metavar="FILE", help="an earlier result: say what is different")


def run(arguments: argparse.Namespace) -> int:
    """Run every file on every machine."""
    programs, failures = load(arguments.files, arguments.large)
    for failure in failures:
        terminal.complain(failure.message)
    if failures:
        return status.BAD_INPUT
    for path, program in programs:
        if program.is_open:
            raise CowpathError(f"{path}: a machine runs one program, and any stands for many: cowpath prove")
    if arguments.judge:
        return judged(arguments, programs)
    for left in scratch.remove_leftovers():
        say(f"{left}: removed what a run that was killed had left")
    names = list(dict.fromkeys(arguments.on or ["uml:6.1"]))
    earlier = results.load(arguments.compare_with) if arguments.compare_with else None
    chosen = [
        machines.machine(name, arguments.allow_global, arguments.cpus, arguments.modules) for name in names
    ]
    for machine in chosen:
        machine.prepare()
    configs = {machine.name: machines.config_of_image(machine) for machine in chosen}
    record = results.RunRecord(configs, arguments.results)
    try:
        found = run_all(chosen, programs, arguments, record.add)
    except BaseException:
        say(f"what came until then is in {record.file}")
        raise
    sys.stdout.write(render(arguments.format, found, record.document()))
    sys.stdout.flush()  # before anything can go wrong with keeping it
    if earlier is not None:
        for line in results.differences(earlier, record.document()):
            print(line, file=sys.stderr if arguments.format != "text" else sys.stdout)
    say(f"kept in {record.finish()}")
    say(summary(found))
    return status_for(found)


def judged(arguments: argparse.Namespace, programs: Sequence[tuple[str, Program]]) -> int:
    """Judge a kept run again, print it, and return the status."""
    kept = results.load(arguments.judge)
    found = judge_again(kept, programs)
    if not found:
        raise CowpathError(f"{arguments.judge}: no result there is of one of these tests")
    entries = [results.entry(comparison) for comparison in found]
    sys.stdout.write(render(arguments.format, found, {**kept, "results": entries}))
    say(summary(found))
    return status_for(found)


def run_all(
    chosen: Sequence[machines.Machine],
    programs: Sequence[tuple[str, Program]],
    arguments: argparse.Namespace,
    keep: Callable[[Comparison], None],
) -> list[Comparison]:
    """Every test on every machine, --jobs machines at a time; Ctrl-C ends them all."""
    if arguments.jobs <= 1:
        return [found for machine in chosen for found in run_on(machine, programs, arguments, keep)]
    with ThreadPoolExecutor(arguments.jobs) as pool:
        work = [pool.submit(run_on, machine, programs, arguments, keep) for machine in chosen]
        try:
            return [comparison for done in work for comparison in done.result()]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for machine in chosen:
                machine.stop()
            raise


def run_on(
    machine: machines.Machine,
    programs: Sequence[tuple[str, Program]],
    arguments: argparse.Namespace,
    keep: Callable[[Comparison], None],
) -> list[Comparison]:
    """Every test (by its file) on one machine; the model is asked while the machine works."""
    architecture = machines.model_architecture(machine)
    requests = [request(program, architecture, arguments) for _, program in programs]
    found: list[Comparison | None] = [None] * len(requests)

    def answered(index: int, answer: Answer) -> None:
        file, program = programs[index]
        release = stable_release(answer.facts) or machines.release_of(machine)
        may = expected(program, release, architecture)
        found[index] = comparison = Comparison(program, machine.name, answer, may, file)
        keep(comparison)
        say(f"{machine.name}: {program.name}: {comparison.words}")

    machine.run(requests, answered)
    return [comparison for comparison in found if comparison is not None]


expected = lru_cache(maxsize=None)(expect)


def request(program: Program, architecture: str, arguments: argparse.Namespace) -> RunRequest:
    """A test and the orders to run it in."""
    return RunRequest(program, orders(program, architecture, arguments), arguments.rounds, arguments.seed)


def orders(program: Program, architecture: str, arguments: argparse.Namespace) -> Schedule:
    """The orders that --follow asks for, else every order that matters."""
    wanted: str | None = arguments.follow
    if wanted is None:
        found = schedule(program, arguments.seed)
        if found.sampled:
            say(f"{program.name}: too many orders, {len(found.orders)} of them are chosen by chance")
        return found
    if wanted == "model":
        return orders_of_model(program, architecture)
    return follow(program, order_in(wanted) if os.path.isfile(wanted) else wanted)


def order_in(file: str) -> str:
    """The order that a file holds.  Raises CowpathError where it is no text, or far too long for one."""
    with open(file, "rb") as stream:
        content = stream.read(LONGEST_ORDER + 1)
    try:
        text = content.decode("ascii")
    except UnicodeDecodeError:
        raise CowpathError(f"--follow {file}: not a text of threads, as in P0 P1 P0") from None
    if len(content) > LONGEST_ORDER:
        raise CowpathError(f"--follow {file}: more than {LONGEST_ORDER:,} characters are no order")
    return text


def render(form: str, found: Sequence[Comparison], kept: dict[str, object]) -> str:
    """The results on stdout."""
    if form in formats.NAMES:
        return formats.document(form, [of_comparison(comparison) for comparison in found])
    if form == "json":
        return json.dumps(kept, indent=1) + "\n"
    if form == "markdown":
        return text.markdown([results.entry(comparison) for comparison in found])
    return text.histogram(found[0]) if len(found) == 1 else text.table(found, terminal.style_of())


def status_for(found: Sequence[Comparison]) -> int:
    """The exit status: 0 where all is as the model says, 1 where something is not.

    3 where a machine gave no answer, 4 where no test could run at all.  Where a kernel is not modelled, the
    promise takes the place of the model.
    """
    statuses = [status_of(comparison) for comparison in found]
    if "fail" in statuses:
        return status.BROKEN
    if {"error", "timeout"} & set(statuses):
        return status.NOT_FINISHED
    return status.NOTHING_RAN if set(statuses) <= {"skip"} else status.KEPT


def summary(found: Sequence[Comparison]) -> str:
    """Says how many of the tests gave an answer."""
    ran = sum(status_of(comparison) in ("pass", "fail", "xfail") for comparison in found)
    return f"{ran} of {len(found)} tests gave an answer"
