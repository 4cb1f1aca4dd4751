# SPDX-License-Identifier: MIT
"""The events of steps as numbers for the engine, and what they make of the number of a model's monitor.

The engine moves the monitor's number by itself (see c/told.c).  It asks once for each number and what is told
there; see explore/monitor.py.
"""

from __future__ import annotations

from collections.abc import Hashable

from cowpath.explore.native.core import Core
from cowpath.explore.record.recorder import Leaf, Recorder


class Telling:
    """The leaves of steps, with what each tells."""

    def __init__(self, recorder: Recorder, engine: Core) -> None:
        self.recorder, self.engine = recorder, engine
        self.monitor = recorder.model.monitor
        self.numbers: dict[tuple[Hashable, ...], int] = {(): 0}
        self.tellers: dict[int, tuple[Leaf, int, int]] = {}  # engine leaf -> leaf, actor, told

    def leaf(self, leaf: Leaf, actor: int) -> int:
        """The engine's leaf for a recorded step of an actor."""
        told = self.told(leaf)
        number = self.engine.step_leaf(leaf, told)
        if told:
            self.tellers[number] = leaf, actor, told
        return number

    def told(self, leaf: Leaf) -> int:
        """The number of what a leaf tells; 0 where that moves no monitor."""
        if self.monitor is None or not leaf.events or self.recorder.ends_run(leaf):
            return 0
        return self.numbers.setdefault(self.monitor.seen(leaf.events), len(self.numbers))

    def answer(self, known: int, number: int) -> None:
        """Tell the engine what one of its leaves makes of a number of the monitor."""
        assert self.monitor is not None
        leaf, actor, told = self.tellers[known]
        after = self.monitor.next(number, leaf.events)
        if isinstance(after, int):
            self.engine.next(number, told, after)
        else:
            instead = self.engine.step_leaf(self.recorder.moved(leaf, number, actor))
            self.engine.refused(number, known, instead)
