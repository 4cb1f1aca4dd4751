# SPDX-License-Identifier: MIT
"""The path behind a cell of the reliability table."""

from __future__ import annotations

from cowpath.report.trace import last_line, path_lines, promised_words, subtitle, title
from cowpath.survey.reliability import Told, Witness


def tell(witness: Witness) -> Told:
    """The path as `cowpath trace` prints it; its last lines say what a coherent reference would allow.

    Where the real promise excludes the outcome, nothing here calls it broken.
    """
    result, goal = witness.result, witness.goal
    who = "the promise" if witness.broken else "a coherent reference"
    body = [*path_lines(result, witness.steps, goal), "", *promised_words(result, goal, who)]
    ending = f"Not promised: {goal.breakage}, and no bug of {result.version}"
    if witness.broken:
        ending = last_line(result, goal)
    lines = [title(goal), subtitle(result, witness.steps), "", *body, ending]
    return Told("\n".join(lines) + "\n", "\n".join([title(goal), *body]))
