# SPDX-License-Identifier: MIT
"""`--format herd`: the log of herd7 (of litmus7 for what a machine has shown), which mcompare7 reads.

herd knows registers of threads and no memory of processes, and names and numbers as values.  So memory
`0:x[1]` is written as register `0:x.1`, zero as 0, and what is no letter or digit as its character code.  All
states of a test, in every log, must name the same locations: what has no value is `none`, and each state says
whether the kernel crashed or hung.
"""

from __future__ import annotations

import hashlib
import re
import string
from collections.abc import Mapping, Sequence

from cowpath.judge.condition import leader_of, mentions_copies, names
from cowpath.litmus import ast
from cowpath.litmus.print import condition_text
from cowpath.litmus.program import DISCARDED, SEGV, Program
from cowpath.report.case import Case, CaseOutcome, one_line

KINDS = {"exists": "Allowed", "~exists": "Forbidden", "forall": "Required"}


def document(cases: Sequence[Case]) -> str:
    """Every case as one test; tests on several kernels get the kernel into their name.

    What could not be read, or could not run, has no place in a log of what was seen.
    """
    tests = [(case, case.program) for case in cases if case.program is not None and case.status != "skip"]
    several = len({case.kernel for case, _ in tests}) > 1
    return "\n".join(one(case, program, name_of(case, several)) for case, program in tests)


def name_of(case: Case, with_kernel: bool) -> str:
    """A name in the characters that mcompare7 takes.

    >>> name_of(Case("get-write-fork", "f.litmus", "6.1 x86_64 without H3", "pass", "kept"), True)
    'get-write-fork+6.1-x86_64-without-H3'
    """
    name = f"{case.test}+{case.kernel}" if with_kernel else case.test
    return re.sub(r"[^A-Za-z0-9_./+\-]+", "-", name)


def one(case: Case, program: Program, name: str) -> str:
    """The log of a single test: its states, the answer to its condition, the counts."""
    quantifier = "exists" if program.condition is None else program.condition.quantifier
    counted = any(seen.count for seen in case.outcomes)
    states = f"Histogram ({len(case.outcomes)} states)" if counted else f"States {len(case.outcomes)}"
    lines = [f"Test {name} {KINDS[quantifier]}", states]
    named = locations(program)
    lines += [state(seen, named) for seen in case.outcomes]
    lines += answer(case, program, name)
    lines += [f"Time {name} {case.seconds:.2f}", f"Hash={digest(program)}", ""]
    return "\n".join(lines)


def locations(program: Program) -> dict[str, str]:
    """The names in the states of a test, each with the value that stands for "not seen"."""
    copies = {"copies": "none"} if mentions_copies(program) else {}
    return dict.fromkeys(names(program), "none") | copies | {"crash": "0", "hang": "0"}


def state(seen: CaseOutcome, named: Mapping[str, str]) -> str:
    """An outcome as a state of the log; the reason why a kernel stopped is a comment.

    >>> seen = CaseOutcome("0:r0=a; 0:x[1]=7;", count=99, values={"0:r0": "a", "0:x[1]": "7"}, witness=True)
    >>> state(seen, {"0:r0": "none", "0:x[1]": "none", "crash": "0"})
    '99      *>0:r0=a; 0:x.1=7; crash=0;'
    """
    values = dict(named) | {name: value(shown) for name, shown in seen.values.items()}
    head = f"{seen.count:<8}{'*' if seen.witness else ':'}>" if seen.count else ""
    stopped = f" # {one_line(seen.text)}" if {"crash", "hang"} & set(seen.values) else ""
    return head + " ".join(f"{location(name)}={shown};" for name, shown in values.items()) + stopped


def location(name: str) -> str:
    """A register or a place of memory, as herd names registers.

    >>> location("0:r1"), location("1:x[0]"), location("0:_x"), location("copies")
    ('0:r1', '1:x.0', '0:u._x', 'copies')
    """
    plain = re.sub(r"\[(\d+)\]", r".\1", name)
    return re.sub(r":(?=_)", ":u.", plain)


def value(character: str) -> str:
    r"""A value as herd writes one.

    >>> [value(character) for character in ("a", r"\0", "7", "0", "?")]
    ['a', '0', '7', '48', 'discarded']
    """
    special = {ast.ZERO: "0", DISCARDED: "discarded", SEGV: SEGV}
    plain = character in string.ascii_letters + "123456789"
    return special.get(character) or (character if plain or len(character) > 1 else str(ord(character)))


def answer(case: Case, program: Program, name: str) -> list[str]:
    """Say whether the condition holds, and how many outcomes (of a machine: rounds) witness it.

    What witnesses `~exists` does not satisfy its expression; an observation counts what does.
    """
    weights = [(seen.witness, seen.count or 1) for seen in case.outcomes]
    positive = sum(weight for witness, weight in weights if witness)
    negative = sum(weight for witness, weight in weights if not witness)
    if program.condition is None:
        good = "Ok" if case.status in ("pass", "fail", "xfail") else "Undef"
        return [good, "Witnesses", f"Positive: {positive + negative} Negative: 0"]
    quantifier = program.condition.quantifier
    witnesses = (negative, positive) if quantifier == "~exists" else (positive, negative)
    condition = condition_text(program.condition.expression, lambda atom: atom_text(program, atom))
    lines = [
        "Undef" if case.holds is None else "Ok" if case.holds else "No",
        "Witnesses",
        f"Positive: {witnesses[0]} Negative: {witnesses[1]}",
        f"Condition {quantifier} ({condition})",
    ]
    if weights:
        observed = "Never" if not positive else "Always" if not negative else "Sometimes"
        lines.append(f"Observation {name} {observed} {positive} {negative}")
    return lines


def atom_text(program: Program, atom: ast.Atom) -> str:
    """An atom of a condition; memory is that of the first thread of its process, as in states."""
    if isinstance(atom, ast.CountIs):
        return f"{atom.name}={atom.value}"
    if isinstance(atom, ast.RegisterIs):
        return f"{location(f'{atom.thread}:{atom.register}')}={value(atom.value)}"
    leader = leader_of(program, program.threads[atom.thread].process)
    return f"{location(f'{leader}:{atom.page}[{atom.place}]')}={value(atom.value)}"


def digest(program: Program) -> str:
    """A hash that is equal for equal tests, whatever kernel they ran on."""
    text = repr((program.pages, program.threads, program.swap, program.background))
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
