# SPDX-License-Identifier: MIT
"""A finished exploration as a guarded-command program, for Spin and rumur to check as a second opinion.

Every leaf of every recorded tree is one rule: its path is the guard, its writes are the effect.  States are
those of the search, one to one, so another tool must count exactly as many.  What the trees do not hold is
unreachable.

An actor's frame is its program counter: a label in Promela, a variable in Murphi.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cowpath.explore.record.fields import written
from cowpath.explore.record.frame import Frame
from cowpath.explore.record.recorder import Branch, Leaf, Model, Recorder, Tree

Guard = tuple[tuple[int, int], ...]
Effect = tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...], int, int]


@dataclass(frozen=True, slots=True)
class Rule:
    """The effect of one frame's tree in the states where all of one of the `guards`, (cell, value), hold.

    `stores` are (cell, value), `moves` (target, source).
    """

    actor: int
    frame: int
    guards: tuple[Guard, ...]
    stores: tuple[tuple[int, int], ...]
    moves: tuple[tuple[int, int], ...]
    target: int  # the frame after the step
    crash: int  # 0: none


def rules(recorder: Recorder) -> Iterator[Rule]:
    """Every recorded step, by actor and frame.  Leaves of a frame that do the same are one rule."""
    sizes = [cell.size for cell in recorder.model.layout.cells]
    for actor, trees in enumerate(recorder.trees):
        for number, tree in enumerate(trees):
            same: dict[Effect, list[Guard]] = {}
            for guard, leaf in paths(tree, sizes):
                if leaf.blocked is None:
                    same.setdefault(_effect(recorder.model, actor, leaf), []).append(guard)
            for effect, guards in same.items():
                yield Rule(actor, number, tuple(guards), *effect)


def _effect(model: Model, actor: int, leaf: Leaf) -> Effect:
    fields, cells = written(model, leaf), len(model.layout.cells)
    target = fields.pop(cells + actor)
    crash = fields.pop(cells + len(model.actors), 0)
    return tuple(sorted(fields.items())), leaf.moves, target, crash


def paths(tree: Tree, sizes: Sequence[int]) -> Iterator[tuple[Guard, Leaf]]:
    """Every leaf of a tree with the reads that lead to it, each cell once.

    Free choices guard nothing, nor do cells that have one value only.
    """
    todo: list[tuple[Guard, Branch | Leaf]] = []
    if tree.root is not None:
        todo.append(((), tree.root))
    while todo:
        guard, node = todo.pop()
        if isinstance(node, Leaf):
            yield guard, node
            continue
        known = node.cell < 0 or sizes[node.cell] == 1 or any(cell == node.cell for cell, _ in guard)
        for value, following in sorted(node.next.items(), key=lambda item: -item[0]):
            todo.append((guard if known else (*guard, (node.cell, value)), following))


# -- Promela ---------------------------------------------------------------------------------------


def promela(recorder: Recorder, title: str = "") -> str:
    """The program for Spin: one process per actor, one label per frame.

    Count states with `spin -a`, `gcc -O2 -DSAFETY -DNOREDUCE pan.c`, `./pan -E`: a run may end anywhere.
    """
    layout = recorder.model.layout
    lines = [f"/* {title} */", "unsigned crash : 8;"]
    circles = sorted({cell for rule in rules(recorder) for cell in in_order(rule)[1]})
    lines += [f"hidden byte saved{cell};" for cell in circles]
    for cell in layout.cells:
        initial = recorder.initial[cell.index]
        bits = (cell.size - 1).bit_length()
        if bits:
            lines.append(f"unsigned c{cell.index} : {bits} = {initial}; /* {cell.name} */")
    by_frame: dict[tuple[int, int], list[Rule]] = {}
    for rule in rules(recorder):
        by_frame.setdefault((rule.actor, rule.frame), []).append(rule)
    for actor, frames in enumerate(recorder.frames):
        name = title_of(recorder, actor)
        lines.append(f"\nactive proctype actor{actor}() provided (crash == 0) {{ /* {name} */")
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
        guard, effect = condition(rule, "==", "&&", "||"), "; ".join(_promela_effect(rule))
        yield f"    :: d_step {{ {guard} -> {effect} }} goto F{rule.target}"
    yield "    fi;"


def condition(rule: Rule, equal: str, both: str, either: str) -> str:
    """The guards of a rule in the operators of some language; tests that all of them share come first."""
    shared = set(rule.guards[0]).intersection(*rule.guards[1:])
    tests = [f"c{cell} {equal} {value}" for cell, value in rule.guards[0] if (cell, value) in shared]
    others = [
        f" {both} ".join(f"c{cell} {equal} {value}" for cell, value in guard if (cell, value) not in shared)
        for guard in rule.guards
    ]
    if all(others):
        tests.append("(" + f" {either} ".join(f"({other})" for other in others) + ")")
    return f" {both} ".join(tests) or "true"


def in_order(rule: Rule) -> tuple[list[tuple[int, str | int]], list[int]]:
    """Moves one after the other, each before its source is overwritten, and the cells to save first.

    A source in the second list is read from where it was saved: those moves go in a circle.
    """
    left, ordered, saved = dict(rule.moves), list[tuple[int, str | int]](), list[int]()
    while left:
        free = next((target for target in left if target not in left.values()), None)
        if free is None:
            free = next(iter(left))
            saved.append(free)
            left = {target: -1 - free if source == free else source for target, source in left.items()}
        source = left.pop(free)
        ordered.append((free, source if source >= 0 else f"saved{-1 - source}"))
    return ordered, saved


def _promela_effect(rule: Rule) -> Iterator[str]:
    moves, saved = in_order(rule)
    for cell in saved:
        yield f"saved{cell} = c{cell}"
    for target, source in moves:
        yield f"c{target} = " + (f"c{source}" if isinstance(source, int) else source)
    for cell, value in rule.stores:
        yield f"c{cell} = {value}"
    if rule.crash:
        yield f"crash = {rule.crash}"
    if not (rule.moves or rule.stores or rule.crash):
        yield "skip"


def title_of(recorder: Recorder, actor: int) -> str:
    """The name of an actor, safe inside a comment."""
    return recorder.model.actors[actor].name.replace("*/", "")


# -- Murphi ----------------------------------------------------------------------------------------


def murphi(recorder: Recorder, title: str = "") -> str:
    """The program for rumur.  Count states with `rumur --deadlock-detection off --symmetry-reduction off`."""
    layout = recorder.model.layout
    lines = [f"-- {title}", "var", "  crash : 0..255;"]
    lines += [
        f"  c{cell.index} : 0..{cell.size - 1}; -- {cell.name}" for cell in layout.cells if cell.size > 1
    ]
    lines += [
        f"  f{actor} : 0..{max(1, len(frames) - 1)}; -- {recorder.model.actors[actor].name}"
        for actor, frames in enumerate(recorder.frames)
    ]
    lines += ["", "startstate begin", "  crash := 0;"]
    lines += [f"  c{cell.index} := {recorder.initial[cell.index]};" for cell in layout.cells if cell.size > 1]
    lines += [f"  f{actor} := 0;" for actor in range(len(recorder.frames))]
    lines += ["end;", ""]
    for rule in rules(recorder):
        guard = condition(rule, "=", "&", "|")
        lines.append(f"rule crash = 0 & f{rule.actor} = {rule.frame} & {guard} ==>")
        lines += [f"  {line}" for line in _murphi_effect(rule)] + ["end;"]
    return "\n".join(lines) + "\n"


def _murphi_effect(rule: Rule) -> Iterator[str]:
    moves, saved = in_order(rule)
    for cell in saved:
        yield f"var saved{cell} : 0..255;"
    yield "begin"
    for cell in saved:
        yield f"saved{cell} := c{cell};"
    for target, source in moves:
        yield f"c{target} := " + (f"c{source};" if isinstance(source, int) else f"{source};")
    for cell, value in rule.stores:
        yield f"c{cell} := {value};"
    yield f"f{rule.actor} := {rule.target};"
    if rule.crash:
        yield f"crash := {rule.crash};"
