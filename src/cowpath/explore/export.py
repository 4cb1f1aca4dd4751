# SPDX-License-Identifier: MIT
"""A finished exploration as a guarded-command program, for Spin and rumur to check as a second opinion.

Every leaf of every recorded tree is one rule: its path is the guard, its writes are the effect.  States are those
of the search, one to one, so another tool must count exactly as many.  What the trees do not hold is unreachable.

An actor's frame is its program counter: a label in Promela, a variable in Murphi.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from cowpath.explore.packing import Packing, room_for
from cowpath.explore.recorder import Branch, Frame, Leaf, Recorder, Tree


@dataclass(frozen=True, slots=True)
class Rule:
    """One leaf of one frame's tree.  `guard` is (cell, value); `stores` (cell, value); `moves` (target, source)."""

    actor: int
    frame: int
    guard: tuple[tuple[int, int], ...]
    stores: tuple[tuple[int, int], ...]
    moves: tuple[tuple[int, int], ...]
    target: int  # the frame after the step
    crash: int  # 0: none


def rules(recorder: Recorder) -> Iterator[Rule]:
    """Every recorded step, by actor and frame."""
    room = room_for(map(len, recorder.frames), len(recorder.crashes))
    packing = Packing(recorder.model, room, [0] * (len(recorder.model.layout.cells) + len(room)))
    for actor, trees in enumerate(recorder.trees):
        for number, tree in enumerate(trees):
            for guard, leaf in paths(tree, lambda cell: recorder.model.layout.cells[cell].size == 1):
                if leaf.blocked is None:
                    yield _rule(packing, actor, number, guard, leaf)


def _rule(packing: Packing, actor: int, frame: int, guard: tuple[tuple[int, int], ...], leaf: Leaf) -> Rule:
    written = packing.writes(leaf)
    target = written.pop(packing.first_frame + actor)
    crash = written.pop(packing.crash, 0)
    return Rule(actor, frame, guard, tuple(sorted(written.items())), leaf.moves, target, crash)


def paths(
    tree: Tree, fixed: Callable[[int], bool]
) -> Iterator[tuple[tuple[tuple[int, int], ...], Leaf]]:
    """Every leaf of a tree with the reads that lead to it; free choices and `fixed` cells guard nothing."""
    todo: list[tuple[tuple[tuple[int, int], ...], Branch | Leaf]] = []
    if tree.root is not None:
        todo.append(((), tree.root))
    while todo:
        guard, node = todo.pop()
        if isinstance(node, Leaf):
            yield guard, node
            continue
        for value, following in reversed(sorted(node.next.items(), key=lambda item: item[0])):
            todo.append((guard if node.cell < 0 or fixed(node.cell) else (*guard, (node.cell, value)), following))


# -- Promela ---------------------------------------------------------------------------------------


def promela(recorder: Recorder, title: str = "") -> str:
    """The program for Spin: one process per actor, one label per frame.

    Count states with `spin -a`, `gcc -O2 -DSAFETY -DNOREDUCE pan.c`, `./pan -E`: a run may end anywhere.
    """
    layout = recorder.model.layout
    lines = [f"/* {title} */", "unsigned crash : 8;", "hidden byte saved[64];"]
    for cell in layout.cells:
        initial = recorder.initial[cell.index]
        bits = (cell.size - 1).bit_length()
        if bits:
            lines.append(f"unsigned c{cell.index} : {bits} = {initial}; /* {cell.name} */")
    by_frame: dict[tuple[int, int], list[Rule]] = {}
    for rule in rules(recorder):
        by_frame.setdefault((rule.actor, rule.frame), []).append(rule)
    for actor, frames in enumerate(recorder.frames):
        lines.append(f"\nactive proctype actor{actor}() provided (crash == 0) {{ /* {title_of(recorder, actor)} */")
        for number, frame in enumerate(frames):
            lines += _label(number, frame, by_frame.get((actor, number), []))
        lines.append("}")
    return "\n".join(lines) + "\n"


def _label(number: int, frame: Frame, found: list[Rule]) -> Iterator[str]:
    where = " > ".join(place.function for place in frame.where) or ("end" if frame.finished else "start")
    yield f"F{number}: /* {where} */"
    if not found:
        yield "    false;"
        return
    yield "    if"
    for rule in found:
        guard = " && ".join(f"c{cell} == {value}" for cell, value in rule.guard) or "true"
        yield f"    :: d_step {{ {guard} -> {'; '.join(_promela_effect(rule))} }} goto F{rule.target}"
    yield "    fi;"


def _promela_effect(rule: Rule) -> Iterator[str]:
    """Assignments in an order that reads every source before it is overwritten."""
    overwritten = {target for target, _ in rule.moves} | {cell for cell, _ in rule.stores}
    saved = sorted({source for _, source in rule.moves if source in overwritten})
    for place, source in enumerate(saved):
        yield f"saved[{place}] = c{source}"
    for target, source in rule.moves:
        yield f"c{target} = " + (f"saved[{saved.index(source)}]" if source in saved else f"c{source}")
    for cell, value in rule.stores:
        yield f"c{cell} = {value}"
    if rule.crash:
        yield f"crash = {rule.crash}"
    if not (rule.moves or rule.stores or rule.crash):
        yield "skip"


def title_of(recorder: Recorder, actor: int) -> str:
    """The name of an actor, safe inside a comment."""
    return recorder.model.actors[actor].name.replace("*/", "")
