# SPDX-License-Identifier: MIT
"""The same litmus tests on real kernels, held against the model and the promise."""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

from cowpath.children import STOPPING
from cowpath.commands import status, terminal
from cowpath.commands.check import load
from cowpath.corpus.files import HELP
from cowpath.errors import CowpathError
from cowpath.litmus.program import Program
from cowpath.machine import machines, results
from cowpath.machine.apt import say
from cowpath.machine.compare import Comparison, expect, stable_release
from cowpath.machine.follow import orders_of_model
from cowpath.machine.job import ROUNDS, SEED, Answer, RunRequest
from cowpath.machine.schedule import Schedule, follow, schedule
from cowpath.report import formats
from cowpath.report import machines as text
from cowpath.report.machine_cases import of_comparison, status_of


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `cowpath run`."""
    add = parser.add_argument
    add("files", nargs="+", metavar="FILE", help=HELP)
    add("--on", action="append", metavar="MACHINE",
        help="host, uml:6.1, qemu:6.1, qemu:6.1:arm64, or a path to a User-Mode Linux program or an image; "
        "more than once to compare (default uml:6.1; `cowpath kernels --real` lists them)")  # fmt: skip
    add("--rounds", type=int, default=ROUNDS, help=f"rounds of each test (default {ROUNDS})")
    add("--seed", type=int, default=SEED, help="for what is left to chance")
    add("--follow", metavar="ORDER",
        help='run in this order: threads, one for each statement ("P0 P1 P0"), a file with them, or "model": '
        "the orders of shortest paths to each outcome of the model")  # fmt: skip
    add("--allow-global", action="store_true", help="on the host: allow a swap device, KSM and vm settings")
    add("--jobs", "-j", type=int, default=1, help="machines at a time (default 1)")
    add(
        "--format",
        choices=("text", "json", *formats.NAMES, "markdown"),
        default="text",
        help="default: text",
    )
    add("--results", type=Path, metavar="DIRECTORY", help="where to keep the result (default: see docs)")
    add("--compare-with", type=Path, metavar="FILE", help="an earlier result: say what is different")


def run(arguments: argparse.Namespace) -> int:
    """Run every file on every machine."""
    programs, failures = load(arguments.files)
    for failure in failures:
        terminal.complain(failure.message)
    if failures:
        return status.BAD_INPUT
    for path, program in programs:
        if program.is_open:
            raise CowpathError(f"{path}: a machine runs one program, and any stands for many: cowpath prove")
    names = list(dict.fromkeys(arguments.on or ["uml:6.1"]))
    earlier = results.load(arguments.compare_with) if arguments.compare_with else None
    chosen = [machines.machine(name, arguments.allow_global) for name in names]
    for machine in chosen:
        machine.prepare()
    configs = {machine.name: machines.config_of_image(machine) for machine in chosen}
    with stopped_by_signals():
        found = run_all(chosen, programs, arguments)
    kept = results.document(found, configs)
    say(f"kept in {results.keep(kept, arguments.results)}")
    sys.stdout.write(render(arguments.format, found, kept))
    if earlier is not None:
        for line in results.differences(earlier, kept):
            print(line, file=sys.stderr if arguments.format != "text" else sys.stdout)
    say(summary(found))
    return status_for(found)


@contextlib.contextmanager
def stopped_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end guests and agents as Ctrl-C does; a second Ctrl-C does not disturb that."""

    def stop(number: int, frame: object) -> None:
        for other in before:
            signal.signal(other, lambda *_: None)
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in STOPPING}
    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run_all(
    chosen: Sequence[machines.Machine], programs: Sequence[tuple[str, Program]], arguments: argparse.Namespace
) -> list[Comparison]:
    """Every test on every machine, --jobs machines at a time; Ctrl-C ends them all."""
    if arguments.jobs <= 1:
        return [found for machine in chosen for found in run_on(machine, programs, arguments)]
    with ThreadPoolExecutor(arguments.jobs) as pool:
        work = [pool.submit(run_on, machine, programs, arguments) for machine in chosen]
        try:
            return [comparison for done in work for comparison in done.result()]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for machine in chosen:
                machine.stop()
            raise


def run_on(
    machine: machines.Machine, programs: Sequence[tuple[str, Program]], arguments: argparse.Namespace
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
    file = Path(wanted)
    return follow(program, file.read_text() if file.is_file() else wanted)


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
