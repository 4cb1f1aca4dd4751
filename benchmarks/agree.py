# SPDX-License-Identifier: MIT
"""Random programs on real kernels, held against the model: what either has that the other has not.

    python benchmarks/agree.py                              500 programs on uml:6.1 and on qemu:7.2
    python benchmarks/agree.py --count 50 --on uml:6.12     fewer, elsewhere
    python benchmarks/agree.py --seed 7                     the programs of a seed, which is printed

A program that a machine cannot run is not counted, and another takes its place.  What was found is kept under
`--results`, line by line, so that a run that was interrupted goes on where it stood; its guests end with it.
Exit status 1 where a program shows what the model does not allow.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

from cowpath.commands import status
from cowpath.corpus.generate import random_litmus
from cowpath.interruption import stopped_by_signals
from cowpath.litmus.print import to_text
from cowpath.litmus.program import Program
from cowpath.litmus.resolve import resolve
from cowpath.machine import machines, results, scratch
from cowpath.machine.compare import Comparison, expect, stable_release
from cowpath.machine.job import Answer, RunRequest
from cowpath.machine.schedule import Schedule, schedule

MACHINES = ("uml:6.1", "qemu:7.2")
ROUNDS = 8
BATCH = 40
"""Programs for which a guest boots once."""

MAX_STATES = 300_000
"""Where the model's search ends: what it has not finished forbids nothing, and is counted apart."""

Entry = dict[str, Any]


def main() -> int:
    """Run the programs on every machine and print what came of them; the status is 130 if interrupted."""
    scratch.remove_leftovers()
    try:
        with stopped_by_signals():
            return agree()
    except KeyboardInterrupt:
        print("agree: interrupted: the same seed goes on", file=sys.stderr)
        return status.INTERRUPTED


def agree() -> int:
    """Run what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--count", type=int, default=500, help="programs on each machine (default 500)")
    parser.add_argument("--seed", default=str(time.time_ns() // 10**9), help="default: the time")
    parser.add_argument("--on", action="append", metavar="MACHINE", help=f"default {' and '.join(MACHINES)}")
    parser.add_argument("--results", type=Path, default=results.default_directory().parent / "agree")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}: `--seed {arguments.seed}` goes on, or runs the same programs again")
    found: list[Entry] = []
    for name in arguments.on or MACHINES:
        file = arguments.results / f"{arguments.seed}-{name.replace(':', '-')}.jsonl"
        file.parent.mkdir(parents=True, exist_ok=True)
        entries = run(name, arguments.seed, arguments.count, file)
        print(summary(name, entries), flush=True)
        found += entries
    for entry in found:
        if entry["standing"] == "disagrees":
            print(f"\non {entry['machine']}: {entry['words']}\n{entry['text']}", end="")
            print("".join(f"{outcome['count']:6} {outcome['text']}\n" for outcome in entry["outcomes"]))
    return any(entry["standing"] == "disagrees" for entry in found)


def run(name: str, seed: str, wanted: int, file: Path) -> list[Entry]:
    """Run programs on one machine until so many have run; what the file has already is not run again."""
    entries = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    machine = machines.machine(name)
    machine.prepare()
    numbers = iter(count(1 + max((entry["number"] for entry in entries), default=-1)))
    with file.open("a") as kept:
        while sum(map(counts, entries)) < wanted:
            for entry in batch(machine, seed, [next(numbers) for _ in range(BATCH)]):
                entries.append(entry)
                kept.write(json.dumps(entry) + "\n")
                kept.flush()
            print(f"{name}: {sum(map(counts, entries))} of {wanted}", file=sys.stderr, flush=True)
    return entries


def batch(machine: machines.Machine, seed: str, numbers: list[int]) -> Iterator[Entry]:
    """Run some programs in one guest, and compare each with the model."""
    tests = [random_litmus(f"{seed}-{number}") for number in numbers]
    programs = [resolve(test) for test in tests]
    answers: dict[int, Answer] = {}
    machine.run([RunRequest(program, orders(program), ROUNDS) for program in programs], answers.__setitem__)
    for index, number in enumerate(numbers):
        told = compared(machine, programs[index], answers[index])
        yield told | {"number": number, "text": to_text(tests[index])}


def orders(program: Program) -> Schedule:
    """Return a few of the orders that a program can run in: many programs say more than many orders."""
    found = schedule(program)
    if len(found.orders) <= ROUNDS:
        return found
    return Schedule(tuple(random.Random(program.name).sample(found.orders, ROUNDS)), sampled=True)


def compared(machine: machines.Machine, program: Program, answer: Answer) -> Entry:
    """Return what one program did on one machine, held against the model."""
    release = stable_release(answer.facts) or machines.release_of(machine)
    may = expect(program, release, machines.model_architecture(machine), MAX_STATES)
    return results.entry(Comparison(program, machine.name, answer, may))


def counts(entry: Entry) -> bool:
    """Tell whether a program has run: neither "cannot run here" nor "precondition not met"."""
    return entry["standing"] not in ("cannot", "not met")


def summary(name: str, entries: list[Entry]) -> str:
    """Return how many programs came to what, in one line."""
    standings = Counter(entry["standing"] for entry in entries)
    kernel = next((entry["facts"].get("release") for entry in entries if entry["facts"]), "")
    parts = [f"{number} {standing}" for standing, number in standings.most_common()]
    return f"{name} ({kernel}): {sum(counts(entry) for entry in entries)} ran: {', '.join(parts)}"


if __name__ == "__main__":
    sys.exit(main())
