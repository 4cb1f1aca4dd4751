# SPDX-License-Identifier: MIT
"""herd7 and litmus7 logs, read back by the rules of mcompare7 (herdtools7, tools/lexLog_tools.mll)."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cowpath.litmus.parse import parse_source
from cowpath.litmus.program import Program
from cowpath.litmus.resolve import resolve
from cowpath.litmus.source import Source
from cowpath.litmus.values import CHARACTERS
from cowpath.report import herd
from cowpath.report.case import Case, CaseOutcome
from cowpath.report.cases import of_failure, of_result
from cowpath.report.json import Failure
from tests.founding import judged

NAME = r"[A-Za-z][A-Za-z0-9_.]*"
HEAD = re.compile(r"Test +([A-Za-z0-9_/.\-+\[\]]+) +(Allowed|Forbidden|Required)")
BINDING = re.compile(rf" *((?:\d+:)?{NAME}) *= *(-?\d+|0x[0-9a-fA-F]+|{NAME}) *;")
CONDITION = re.compile(
    r"(exists|~exists|forall) \(((?:~|\(|\)| |/\\|\\/|(?:\d+:)?[A-Za-z][\w.]*=[A-Za-z0-9]+)+)\)"
)


def read(log: str) -> dict[str, dict[str, object]]:
    """Name and kind, the outcomes with their counts, the answer, witnesses, condition, observation, hash."""
    tests: dict[str, dict[str, object]] = {}
    lines = iter(log.splitlines())
    for line in filter(None, lines):
        head = HEAD.fullmatch(line)
        assert head is not None, line
        size = re.fullmatch(r"States (\d+)|Histogram \((\d+) states\)", next(lines))
        assert size is not None
        states = [read_state(next(lines), bool(size[2])) for _ in range(int(size[1] or size[2]))]
        answer = next(lines)
        assert answer in ("Ok", "No", "Undef")
        assert next(lines) == "Witnesses"
        counts = re.fullmatch(r"Positive: (\d+) Negative: (\d+)", next(lines))
        assert counts is not None
        found: dict[str, object] = {"kind": head[2], "states": states, "answer": answer}
        found["witnesses"] = (int(counts[1]), int(counts[2]))
        for line in lines:
            key, _, rest = line.partition("=" if line.startswith("Hash") else " ")
            found[key] = rest
            if key == "Condition":
                assert CONDITION.fullmatch(rest), rest
            if key == "Hash":
                break
        assert len(str(found["Hash"])) == 32
        tests[head[1]] = found
    return tests


def read_state(line: str, counted: bool) -> tuple[int, dict[str, str]]:
    """How often, and what; a comment ends the line."""
    count = re.match(r"(\d+) *(?::>|\*>)", line)
    assert (count is not None) == counted, line
    at, bindings = count.end() if count else 0, {}
    while found := BINDING.match(line, at):
        bindings[found[1]] = found[2]
        at = found.end()
    assert re.fullmatch(r" *(#.*)?", line[at:]), line
    return int(count[1]) if count else 1, bindings


def log(*tests: tuple[str, str]) -> dict[str, dict[str, object]]:
    """The log of founding tests, each on one kernel."""
    return read(herd.document([of_result(f"{name}.litmus", judged(kernel, name)) for kernel, name in tests]))


def test_a_log_of_two_kernels_can_be_compared() -> None:
    name = "get-write-read-refault"
    tests = log(("5.18", name), ("6.1", name), ("6.1", "get-write-fork"))
    assert list(tests) == [f"{name}+5.18-x86_64", f"{name}+6.1-x86_64", "get-write-fork+6.1-x86_64"]
    old, new, other = tests.values()
    seen = {"0:r0": "b", "0:r1": "a", "0:x.0": "a", "0:x.1": "c", "crash": "0", "hang": "0"}
    assert old["states"] == [(1, seen)]
    assert (old["witnesses"], new["witnesses"]) == ((1, 0), (0, 1))
    assert str(old["Observation"]).endswith(" Always 1 0")
    assert str(new["Observation"]).endswith(" Never 0 1")
    assert old["Hash"] == new["Hash"] != other["Hash"]
    assert old["Condition"] == "exists (0:r1=a)"


def test_a_crash_is_a_binding_with_a_comment() -> None:
    (test,) = log(("5.10", "fault-meets-swapoff")).values()
    states = test["states"]
    assert isinstance(states, list)
    assert (1, {"1:r0": "none", "0:x.0": "none", "crash": "1", "hang": "0"}) in states


def test_every_state_of_a_test_names_the_same_locations() -> None:
    """mcompare7 gives up on others, within a log and between two."""
    for name in ("fork-then-swapoff", "fork-then-unmap", "get-write-fork"):
        states = [one["states"] for one in log(("5.10", name), ("6.1", name)).values()]
        assert len({tuple(seen) for found in states if isinstance(found, list) for _, seen in found}) == 1


PROGRAM = """C t
{{ char x[2] = "ab"; char _y[1]; }}
P0(char *x, char *_y) {{ _r = x[0]; fork(P1); wait(P1); }}
P1(char *x, char *_y) {{ exit(); }}
P2(char *x, char *_y) {{ q = _y[0]; }}
{condition}
"""


def program(condition: str) -> Program:
    source = Source("t.litmus", PROGRAM.format(condition=condition))
    return resolve(parse_source(source), source)


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        (r"~exists (0:_r='\0' /\ ~(2:q='7' \/ crash))", r"~exists (0:u._r=0 /\ ~(2:q=7 \/ crash=1))"),
        ("forall (2:_y[0]='<')", "forall (0:u._y.0=60)"),  # P2 is a thread of P0's process
        (r"exists (1:x[1]=SEGV /\ copies=2)", r"exists (1:x.1=SEGV /\ copies=2)"),
    ],
)
def test_conditions_are_written_in_words_that_herd_knows(written: str, read_as: str) -> None:
    case = Case("t", "t.litmus", "6.1", "pass", "kept", program=program(written), holds=True)
    assert read(herd.document([case]))["t"]["Condition"] == read_as


def test_what_witnesses_a_forbidden_outcome_is_what_is_not_it() -> None:
    seen = (CaseOutcome("", witness=True, count=3), CaseOutcome("", count=4))
    case = Case("t", "t.litmus", "uml:6.1", "pass", "", outcomes=seen, program=program("~exists (0:_r='a')"))
    test = read(herd.document([case]))["t"]
    assert (test["kind"], test["witnesses"], test["Observation"]) == ("Forbidden", (4, 3), "t Sometimes 3 4")


@given(st.lists(st.sampled_from(CHARACTERS), min_size=2, max_size=2, unique=True))
def test_different_values_stay_different(characters: list[str]) -> None:
    one, other = (
        read_state(herd.state(CaseOutcome("", values={"0:r": value}), {}), False) for value in characters
    )
    assert one != other


def test_what_is_no_test_is_not_in_the_log() -> None:
    skipped = Case(
        "t", "t.litmus", "uml:6.1", "skip", "cannot run here", program=program("exists (0:_r='a')")
    )
    assert herd.document([of_failure(Failure("a.litmus", "a.litmus:1:1: no")), skipped]) == ""
