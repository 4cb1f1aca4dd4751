# SPDX-License-Identifier: MIT
"""Requests to a machine, and its answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cowpath.litmus.program import Program
from cowpath.machine.compile import compile_program
from cowpath.machine.means import CannotRunAnywhereError
from cowpath.machine.schedule import Schedule, writes_wait

Observed = tuple[str, ...]

Job = dict[str, Any]
"""What the agent is told, as it goes through JSON."""

ROUNDS = 100
SEED = 1
ROUND_SECONDS = 10


@dataclass(frozen=True)
class RunRequest:
    """A request: one test, how often and in which orders."""

    program: Program
    schedule: Schedule
    rounds: int = ROUNDS
    seed: int = SEED

    def jobs(self, round_seconds: float = ROUND_SECONDS) -> list[dict[str, Any]]:
        """Return a job for the driven rounds, and one for free ones where the test leaves a choice.

        Where one thread's write waits for another thread they cannot be driven one at a time.
        Raises CannotRunAnywhereError.
        """
        common = {
            "format": 1,
            "program": compile_program(self.program),
            "seed": self.seed,
            "round_seconds": round_seconds,
            "seconds": 60 + self.rounds * 2 + 10 * round_seconds,
            "allow_global": False,
            "guest": False,
            "devices": [],
        }
        orders = [list(order) for order in self.schedule.orders]
        free = common | {"mode": "free", "orders": [], "rounds": self.rounds}
        if writes_wait(self.program):
            return [free]
        jobs = [common | {"mode": "driven", "orders": orders, "rounds": max(self.rounds, len(orders))}]
        if self.schedule.concurrent:
            jobs.append(free)
        return jobs


@dataclass
class Answer:
    """The answer of a machine for one test.  `status`: ran, cannot or failed; `reason` says why not ran."""

    status: str
    reason: str = ""
    outcomes: dict[Observed, int] = field(default_factory=dict)
    orders: dict[Observed, list[int]] = field(default_factory=dict)
    unmet: dict[str, int] = field(default_factory=dict)
    hangs: int = 0
    failures: dict[str, int] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    """Lines that the kernel itself logged meanwhile: BUG, WARNING, Oops."""

    @property
    def rounds(self) -> int:
        """The number of rounds that had an outcome."""
        return sum(self.outcomes.values())


def cannot(error: CannotRunAnywhereError) -> Answer:
    """Return the answer for a test that no machine can run."""
    return Answer("cannot", str(error))


def merge(results: list[dict[str, Any]]) -> Answer:
    """Make one answer of the results of a request's jobs: what went wrong in any of them went wrong.

    >>> merge([{"status": "cannot", "reason": "no KSM"}]).reason
    'no KSM'
    """
    if not results:
        return Answer("failed", "the machine gave no answer")
    for status in ("failed", "cannot"):
        for result in results:
            if result["status"] == status:
                return Answer(status, result["reason"], facts=result.get("facts", {}))
    answer = Answer("ran", facts=results[0].get("facts", {}))
    for result in results:
        for outcome in result["outcomes"]:
            seen = tuple(outcome["observed"])
            answer.outcomes[seen] = answer.outcomes.get(seen, 0) + outcome["count"]
            answer.orders.setdefault(seen, outcome["order"])
        for reason, count in result["unmet"].items():
            answer.unmet[reason] = answer.unmet.get(reason, 0) + count
        for reason, count in result["failures"].items():
            answer.failures[reason] = answer.failures.get(reason, 0) + count
        answer.hangs += result["hangs"]
        answer.complaints += result.get("complaints", [])
    return answer
