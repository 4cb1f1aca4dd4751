# SPDX-License-Identifier: MIT
"""Judge what a machine has shown once more: by the model of today, from a run that was kept, also elsewhere.

A result belongs to a test by a digest of what the test does; its comment and its condition may have changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from cowpath.errors import CowpathError
from cowpath.judge import condition
from cowpath.litmus.print import statement_text
from cowpath.litmus.program import Program
from cowpath.machine.compare import Comparison, expect, stable_release
from cowpath.machine.job import Answer
from cowpath.machine.machines import BY_UNAME

RAN = ("agrees", "disagrees", "known", "not modelled", "not met", "timed out")
"""Standings of tests that have run."""


def digest(program: Program) -> str:
    """Return 16 hexadecimal digits that tell a test from any that does something else.

    >>> from cowpath.litmus.resolve import program_from_text
    >>> one = program_from_text("C one { char x[1]; } P0(char *x) { x[0] = 'b'; }")
    >>> two = program_from_text("C two { char x[1]; } P0(char *x) { x[0] = 'b'; } exists (0:x[0]='b')")
    >>> digest(one) == digest(two)
    True
    """
    threads = [
        (thread.name, thread.process, [statement_text(statement) for statement in thread.body])
        for thread in program.threads
    ]
    pages = [(page.name, page.places, page.content) for page in program.pages]
    background = [(actor.kind, actor.pages) for actor in program.background]
    whole = (
        pages,
        threads,
        program.parents,
        program.swap,
        sorted(program.options),
        background,
        program.blocks,
    )
    return hashlib.sha256(repr(whole).encode()).hexdigest()[:16]


def judge_again(run: Mapping[str, Any], programs: Sequence[tuple[str, Program]]) -> list[Comparison]:
    """Return every result of a kept run whose test is among these, held against today's model.

    Raises CowpathError where a result is of another test of the same name, or is none.
    """
    known = {program.name: (file, program) for file, program in programs}
    found = []
    for entry in run["results"]:
        if entry["test"] in known:
            file, program = known[entry["test"]]
            if entry.get("digest", digest(program)) != digest(program):
                message = "has changed since this result was kept: it does something else now"
                raise CowpathError(f"{file}: {program.name} {message}")
            try:
                found.append(_comparison(entry, program, file))
            except (KeyError, TypeError, ValueError, AttributeError):
                raise CowpathError(
                    f"a result of {program.name} is none that `cowpath run` has kept"
                ) from None
    return found


def _comparison(entry: Mapping[str, Any], program: Program, file: str) -> Comparison:
    answer = _answer(entry, len(condition.names(program)))
    expected = expect(program, stable_release(answer.facts), _architecture(entry))
    return Comparison(program, str(entry["machine"]), answer, expected, file)


def _answer(entry: Mapping[str, Any], width: int) -> Answer:
    """Return the machine's answer.  Raises ValueError where it has other values than the test."""
    standing = entry["standing"]
    status = "ran" if standing in RAN else "cannot" if standing == "cannot" else "failed"
    outcomes: dict[tuple[str, ...], int] = {}
    for one in entry["outcomes"]:
        seen = tuple(str(value) for value in one["observed"])
        if len(seen) != width:
            raise ValueError
        outcomes[seen] = outcomes.get(seen, 0) + int(one["count"])
    return Answer(
        status,
        str(entry["reason"]),
        outcomes,
        unmet={str(why): int(count) for why, count in entry["unmet"].items()},
        hangs=int(entry["hangs"]),
        failures={str(why): int(count) for why, count in entry["failures"].items()},
        facts=dict(entry["facts"]),
        complaints=[str(line) for line in entry["complaints"]],
    )


def _architecture(entry: Mapping[str, Any]) -> str:
    """Return the model's architecture: the one that it was judged by, else the one that uname says."""
    words = str(entry["model"]["kernel"]).split()
    machine = str(entry["facts"].get("machine", ""))
    return words[1] if len(words) > 1 else BY_UNAME.get(machine, machine)
