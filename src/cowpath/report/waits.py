# SPDX-License-Identifier: MIT
"""Waits on a path: which block of a trace could not begin before another actor had gone on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cowpath.explore.trace import PathStep
from cowpath.judge.result import Result
from cowpath.report.trace import TraceBlock


@dataclass(frozen=True, slots=True)
class LaneWait:
    """The block `later` could begin only after the block `earlier`; before, it waited for `what`."""

    earlier: int
    later: int
    what: str


def waits(result: Result, steps: Sequence[PathStep], found: Sequence[TraceBlock]) -> list[LaneWait]:
    """Return every wait on the path that ends with the step of another actor, between two blocks."""
    ends = [next(n for n, step in enumerate(steps) if step.target == block.target) for block in found]
    arrows: dict[tuple[int, int], LaneWait] = {}
    for number, step in enumerate(steps):
        released = release(result, steps, number)
        if released is None:
            continue
        actor = steps[released[0]].actor
        earlier = [index for index, end in enumerate(ends) if found[index].actor == actor]
        # the block with the step, or the last before it where that step is not shown
        earlier = [index for index in earlier if index == 0 or ends[index - 1] < released[0]]
        later = [i for i, end in enumerate(ends) if found[i].actor == step.actor and end >= number]
        if earlier and later:
            arrows.setdefault((earlier[-1], later[0]), LaneWait(earlier[-1], later[0], released[1]))
    return list(arrows.values())


def release(result: Result, steps: Sequence[PathStep], number: int) -> tuple[int, str] | None:
    """Return the step that ended the wait of the actor of step `number`, and what it had waited for.

    None where it was never made to wait since its last step; what idles in the background does not wait.
    """
    recorder, actor = result.exploration.recorder, steps[number].actor
    for earlier in range(number - 1, -1, -1):
        if steps[earlier].actor == actor:
            return None
        source = steps[earlier].source
        leaves = recorder.leaves(source, actor)
        blocked = [leaf.blocked for leaf in leaves if leaf.blocked is not None]
        idle = actor >= len(result.program.threads) and recorder.frame(source, actor).idle
        if blocked and len(blocked) == len(leaves) and not idle:
            return earlier, blocked[0]
    return None
