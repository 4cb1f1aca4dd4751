# SPDX-License-Identifier: MIT
"""A replay in words: the model's turns, how many rounds followed each, and what the machine showed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cowpath.judge import condition, naming
from cowpath.judge.goal import Goal
from cowpath.judge.result import Outcome, Result
from cowpath.machine.agent.board import text_of
from cowpath.machine.replay.places import PLACES
from cowpath.machine.replay.rounds import Round
from cowpath.machine.replay.turns import NOBODY, Turn
from cowpath.report.style import align


@dataclass(frozen=True)
class Replayed:
    """A replay: the path of the model that was driven, and the rounds of the machine."""

    result: Result
    goal: Goal
    machine: str
    turns: Sequence[Turn]
    rounds: Sequence[Round]
    free: Sequence[Round] = ()
    """Rounds that nobody drove."""

    @property
    def followed(self) -> int:
        """The number of rounds that came to the end of the path, by a crash in the last turn if it is one."""
        last = len(self.turns) - 1
        crash = isinstance(self.goal, Outcome) and bool(self.goal.crash)
        return sum(
            one.followed > last or (crash and one.crashed and one.followed == last) for one in self.rounds
        )

    @property
    def shown(self) -> int:
        """The number of rounds that broke the promise in the way that the path leads to."""
        return shown(self.result, self.rounds)


def shown(result: Result, rounds: Sequence[Round]) -> int:
    """Return in how many rounds the promise was broken."""
    return sum(bool(breakage(result, one)) for one in rounds)


def breakage(result: Result, one: Round) -> str:
    """Return what a round shows that the promise forbids; empty if it is allowed or nothing was seen."""
    if one.crashed:
        return "crash"
    if not one.observed:
        return ""
    seen = observed(result, one)
    return "" if seen in result.promised else naming.name_breakage(result.program, seen, result.promised)


def observed(result: Result, one: Round) -> tuple[str, ...]:
    """Return what a round showed, in the order of conditions."""
    values = {name: text_of(byte) if byte >= 0 else "-" for name, byte in one.observed.items()}
    return tuple(values.get(name, "") for name in condition.names(result.program))


def replay_text(found: Replayed) -> str:
    """The report of a replay as text for a terminal."""
    result = found.result
    lines = [
        f"{result.program.name} on {found.machine}, along a path of the model of {result.version}",
        f"to {goal_text(found.goal)}",
        "",
    ]
    rows = [["turn", "thread", "statement", "the model goes to", "the machine came there"]]
    for number, turn in enumerate(found.turns):
        came = sum(one.followed > number for one in found.rounds)
        where = PLACES[turn.place].words if turn.place else "its end"
        if turn.thread == NOBODY:
            where = "the end of its writes, for which it gets time"
        rows.append([str(number + 1), turn.name, turn.statement, where, f"{came} of {len(found.rounds)}"])
    lines += align(rows).splitlines()
    for why, count in Counter(one.why for one in found.rounds if one.why).most_common():
        lines.append(f"ended early, {count} of {len(found.rounds)}: {why}")
    return "\n".join([*lines, "", *outcomes(found), ""])


def goal_text(goal: Goal) -> str:
    """Return what the path leads to."""
    return goal.text() if isinstance(goal, Outcome) else goal.text


def outcomes(found: Replayed) -> list[str]:
    """Return what the machine showed, most often first, as `cowpath run` prints it; then the sum."""
    seen: Counter[tuple[str, str]] = Counter()
    for one in found.rounds:
        if one.crashed:
            text = "crash;"
        elif not one.observed:
            text = "nothing: the test did not end"
        else:
            registers, memory = condition.split(found.result.program, observed(found.result, one))
            text = Outcome(registers, memory).text()
        seen[text, breakage(found.result, one)] += 1
    lines = [
        f"{count:<7} {'*' if broken else ' '}>{text}  {broken}".rstrip()
        for (text, broken), count in seen.most_common()
    ]
    total = len(found.rounds)
    lines.append(f"Followed {found.followed} of {total}, promise broken {found.shown} of {total}")
    if found.free:
        lines.append(f"Free running: promise broken {shown(found.result, found.free)} of {len(found.free)}")
    return lines


def places_text(found: Mapping[str, Mapping[str, str]]) -> str:
    """The places that kernels have, as a table; below it, for each kernel, why a place is nowhere."""
    kernels = list(found)
    lines = [f"| place | {' | '.join(kernels)} |", f"|---|{'---|' * len(kernels)}"]
    notes = []
    for name, place in PLACES.items():
        cells = [found[kernel][name] for kernel in kernels]
        lines.append(f"| {place.words} | {' | '.join('-' if c.startswith('-') else 'yes' for c in cells)} |")
        notes += [
            f"- {kernel}: {place.words}: {cell.removeprefix('- ')}"
            for kernel, cell in zip(kernels, cells, strict=True)
            if cell.startswith("-")
        ]
    totals = [sum(not cell.startswith("-") for cell in found[kernel].values()) for kernel in kernels]
    lines.append(f"| of {len(PLACES)} | {' | '.join(map(str, totals))} |")
    return "\n".join([*lines, "", *notes, ""])
