# SPDX-License-Identifier: MIT
"""herd7 logs, read back as mcompare7 does: by the words at the beginning of lines."""

import re

from cowpath.report import herd
from tests.founding import judged


def read(log: str) -> dict[str, dict[str, object]]:
    """Test NAME KIND, States N, N states, a verdict, Witnesses, counts, Condition, Observation, Hash."""
    tests: dict[str, dict[str, object]] = {}
    lines = iter(log.splitlines())
    for line in lines:
        head = re.fullmatch(r"Test (\S+) (Allowed|Forbidden|Required)", line)
        if head is None:
            continue
        count = re.fullmatch(r"States (\d+)", next(lines))
        assert count is not None
        states = [next(lines) for _ in range(int(count[1]))]
        for state in states:
            assert re.fullmatch(r"(\S+?=\S+?;( |$))+", state), state
        verdict = next(lines)
        assert verdict in ("Ok", "No", "Undef")
        assert next(lines) == "Witnesses"
        counts = re.fullmatch(r"Positive: (\d+) Negative: (\d+)", next(lines))
        assert counts is not None
        assert int(counts[1]) + int(counts[2]) == len(states)
        assert re.fullmatch(r"Condition (exists|~exists|forall) \(.*\)", next(lines))
        seen = re.fullmatch(r"Observation (\S+) (Never|Sometimes|Always) (\d+) (\d+)", next(lines))
        assert seen is not None
        assert (seen[3], seen[4]) == (counts[1], counts[2])
        assert re.fullmatch(r"Time \S+ \d+\.\d\d", next(lines))
        digest = re.fullmatch(r"Hash=([0-9a-f]{32})", next(lines))
        assert digest is not None
        tests[head[1]] = {"states": states, "verdict": verdict, "observed": seen[2], "hash": digest[1]}
    return tests


def test_a_log_of_two_kernels_can_be_compared() -> None:
    tests = read(herd.log([judged("5.18"), judged("6.1"), judged("6.1", "get-write-fork")]))
    old, new, other = tests.values()
    assert (old["observed"], new["observed"]) == ("Always", "Never")
    assert old["hash"] == new["hash"] != other["hash"]
