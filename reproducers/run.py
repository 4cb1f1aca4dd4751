# SPDX-License-Identifier: MIT
"""Boots kernels with the reproducers inside, and says how often each of them lost data.

    python run.py qemu:7.2 qemu:7.3      with what `make` has built

Prints a Markdown table: rounds that lost data, of all rounds.  A dash: that kernel cannot try it, and stderr
says why.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from cowpath.errors import CowpathError
from cowpath.machine import machines
from cowpath.machine.guest import Guest
from cowpath.machine.programs import Command, Ended, run

BUILD = Path(__file__).parent / "build"
PROCESSORS = 2

VERDICT = re.compile(r"^(\d+) of (\d+) rounds lost data$", re.MULTILINE)


@dataclass(frozen=True)
class Case:
    """One way to run a program; a control must lose nothing."""

    title: str
    command: Command
    control: bool = False


def case(title: str, line: str, swap: str = "ssd", control: bool = False) -> Case:
    """A case by its command line."""
    program, *arguments = line.split()
    return Case(title, Command(BUILD / program, tuple(arguments), swap), control)


CASES = (
    case("zswap, zeros, huge page", "zswap-zeros", "zswap"),
    case("zswap, zeros, small pages", "zswap-zeros -4", "zswap"),
    case("control: another byte than zero", "zswap-zeros -f 98", "zswap", control=True),
    case("control: nobody touches", "zswap-zeros -q", "zswap", control=True),
    case("control: no writeback", "zswap-zeros -n", "zswap", control=True),
    case("io_uring, swapped in", "uring-buffer -m swapin"),
    case("io_uring, mprotect", "uring-buffer -m mprotect"),
    case("io_uring, MADV_FREE before", "uring-buffer -m free"),
    case("io_uring, MADV_FREE while registered", "uring-buffer -m late"),
    case("io_uring, hole of a memfd", "uring-buffer -m memfd"),
    case("control: IORING_OP_READ", "uring-buffer -c op", control=True),
    case("control: one byte written first", "uring-buffer -c touch", control=True),
    case("control: the same, MADV_FREE", "uring-buffer -m free -c touch", control=True),
    case("control: swap on zram", "uring-buffer -m swapin", "zram", control=True),
    case("AF_ALG, swapped in", "alg-recv -m swapin"),
    case("AF_ALG, MADV_FREE", "alg-recv -m free"),
    case("control: one byte written first", "alg-recv -c", control=True),
    case("KSM page, MADV_FREE", "ksm-free"),
    case("control: no MADV_FREE", "ksm-free -c", control=True),
)


def main(names: list[str]) -> int:
    """Run every case on every machine; 1 if a control lost data, 2 if a machine cannot be had."""
    found: dict[str, list[Ended]] = {}
    for name in names:
        try:
            chosen = machines.machine(name, processors=PROCESSORS)
            if not isinstance(chosen, Guest):
                raise CowpathError(f"{name}: reproducers change settings of the whole machine; name a guest")
            found[name] = run(chosen, [case.command for case in CASES])
        except CowpathError as error:
            print(error, file=sys.stderr)
            return 2
    print(table(found))
    lost = [
        f"{name}: {case.title}"
        for name, results in found.items()
        for case, ended in zip(CASES, results, strict=True)
        if case.control and ended.code == 1
    ]
    for line in lost:
        print(f"a control lost data on {line}", file=sys.stderr)
    return 1 if lost else 0


def table(found: dict[str, list[Ended]]) -> str:
    """Cases down, kernels across."""
    rows = [["", *(kernel(name, results) for name, results in found.items())], ["---"] * (len(found) + 1)]
    for number, case in enumerate(CASES):
        cells = []
        for name, results in found.items():
            ended = results[number]
            cells.append(cell(ended))
            if cells[-1] == "-":
                why = ended.reason or ended.output.strip().splitlines()[-1:] or "no word"
                print(f"{name}, {case.title}: {why}", file=sys.stderr)
        rows.append([case.title, *cells])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def kernel(name: str, results: list[Ended]) -> str:
    """The kernel that a machine turned out to be: "7.2.13" where Debian says so."""
    for ended in results:
        if version := re.search(r"Debian (\d+\.\d+\.\d+)", ended.kernel):
            return version[1]
    return name


def cell(ended: Ended) -> str:
    """Rounds that lost data, of all; "-" where it could not be tried.

    >>> cell(Ended(1, "round 1: ...\\n3 of 10 rounds lost data\\n"))
    '3/10'
    """
    verdict = VERDICT.search(ended.output)
    return f"{verdict[1]}/{verdict[2]}" if verdict and ended.code in (0, 1) else "-"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
