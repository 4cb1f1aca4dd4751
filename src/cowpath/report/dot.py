# SPDX-License-Identifier: MIT
"""`cowpath graph`: every state and step of a small test as a Graphviz graph."""

from __future__ import annotations

from collections.abc import Iterator

from cowpath.explore.evaluate import Observation
from cowpath.explore.found import Ending, Search
from cowpath.explore.trace import explain
from cowpath.judge.result import Result
from cowpath.report.trace import change_words

COLOURS = ("#0b6e99", "#a3277c", "#9a6700", "#3b7a2a", "#4b4bc8", "#a8431f")


def document(result: Result) -> str:
    """The graph in the dot language; an edge says who took the step and what a reader would see of it."""
    found = result.exploration
    lines = [
        f"digraph {quoted(result.program.name)} {{",
        f"  label={quoted(f'{result.program.name} on {result.version}')}; labelloc=t;",
        '  node [shape=circle, label="", width=0.15, fontname="monospace", fontsize=10];',
        '  edge [fontname="monospace", fontsize=9, arrowsize=0.6];',
        "  s0 [shape=point, width=0.2];",
        *(f"  {line}" for line in ends(result)),
        *(f"  {line}" for line in edges(found)),
        "}",
    ]
    return "\n".join(lines) + "\n"


def ends(result: Result) -> Iterator[str]:
    """Yield a line of dot for every end of a run, and for the first state that breaks an invariant."""
    outcomes = {outcome.state: outcome for outcome in result.outcomes}
    labels: dict[int, list[str]] = {}
    bad: set[int] = set()
    for state, first in endings(result.exploration):
        breakage = outcomes[first].breakage
        labels.setdefault(state, []).append(f"{breakage or 'promised'}: {outcomes[first].text()}")
        if breakage:
            bad.add(state)
    for violation in result.violations:
        labels.setdefault(violation.state, []).append(str(violation))
        bad.add(violation.state)
    for state, texts in labels.items():
        colour = "#b42318" if state in bad else "#1c6b3c"
        paint = f"color={quoted(colour)}, fontcolor={quoted(colour)}"
        yield f"s{state} [shape=box, {paint}, label={quoted(*texts)}];"


def endings(found: Search) -> Iterator[tuple[int, int]]:
    """Yield every state where a run may end, with the first state that shows the same outcome.

    Where runs are caught, that is the state that `Hang` names, and every other from which no step leads on.
    """
    recorder, observation = found.recorder, Observation(found.recorder)
    for number, state in enumerate(found.states):
        crash = recorder.crash(state)
        if crash or recorder.at_rest(state):
            yield number, found.outcomes[Ending((), crash) if crash else Ending(observation.of(state))]
        elif found.hang is not None and (number == found.hang.state or not any(found.edges(number))):
            yield number, found.hang.state


def edges(found: Search) -> Iterator[str]:
    """Yield a line of dot for every step of the search, each once."""
    for number in range(len(found.states)):
        for actor, target in found.edges(number):
            step = explain(found.recorder, actor, found.states[number], found.states[target])
            shown = [f"{c.name}: {change_words(c)}" for c in step.changes if not c.quiet][:3]
            colour = quoted(COLOURS[actor % len(COLOURS)])
            label = quoted(step.actor_name, *shown)
            yield f"s{number} -> s{target} [color={colour}, fontcolor={colour}, label={label}];"


def quoted(*lines: str) -> str:
    r"""Lines of text as one dot string; nothing in them is read as markup or as an escape.

    >>> quoted('say "hi"', r"a\n")
    '"say \\"hi\\"\\na\\\\n"'
    """
    return '"' + r"\n".join(line.replace("\\", "\\\\").replace('"', '\\"') for line in lines) + '"'
