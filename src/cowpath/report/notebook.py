# SPDX-License-Identifier: MIT
"""Results and paths as small pieces of HTML for notebooks: no script, no style sheet, every text escaped."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from cowpath.explore.trace import PathStep, trace
from cowpath.judge.goal import Goal, default_goal
from cowpath.judge.result import Outcome, Result
from cowpath.report import lanes, text
from cowpath.report.trace import TraceBlock, blocks, last_line, promised_words, subtitle, title
from cowpath.report.words import value_words

BAD, GOOD = "color:#c2410c;font-weight:600", "color:#15803d"
CELL = "text-align:left;vertical-align:top;padding:.15em .8em .15em 0"


def result_html(result: Result) -> str:
    """The verdict, the outcomes, the answer to the condition; of a broken promise also its picture."""
    style = GOOD if result.verdict == "kept" else BAD
    head = (
        f"<p><b>{escape(result.program.name)}</b> on {escape(str(result.version))}: "
        f'<span style="{style}">{escape(text.headline(result))}</span></p>'
    )
    rows = [row(outcome.text(), outcome.breakage) for outcome in result.outcomes]
    rows += [row(violation.text, str(violation)) for violation in result.violations]
    goal = default_goal(result) if result.breakage else None
    shown = "" if goal is None else picture(result, trace(result.exploration, goal.state), goal)
    asked = "" if result.condition is None else f"<p><code>{escape(text.condition_line(result))}</code></p>"
    return f"{head}<table>{''.join(rows)}</table>{asked}{shown}"


def picture(result: Result, steps: Sequence[PathStep], goal: Goal) -> str:
    """The path as swim lanes.  As an image it brings its own styles, and leaves the page's alone."""
    drawn = base64.b64encode(lanes.document(result, steps, goal).encode()).decode()
    return (
        f'<img alt="the path as swim lanes" style="max-width:100%" src="data:image/svg+xml;base64,{drawn}">'
    )


def row(what: str, breakage: str) -> str:
    """The table row of an outcome or a broken invariant."""
    said = breakage or "as promised"
    return (
        f'<tr><td style="{CELL}"><code>{escape(what)}</code></td>'
        f'<td style="{CELL};{BAD if breakage else GOOD}">{escape(said)}</td></tr>'
    )


def trace_html(result: Result, steps: Sequence[PathStep], goal: Goal) -> str:
    """The path as a table, who and what, what changed, why; then as a picture."""
    style = GOOD if isinstance(goal, Outcome) and goal.promised else BAD
    rows = "".join(map(block_html, blocks(result, steps)))
    last = ". ".join([*promised_words(result, goal), last_line(result, goal)])
    return (
        f'<p style="{style}">{escape(title(goal))}</p><p>{escape(subtitle(result, steps))}</p>'
        f"<table>{rows}</table><p>{escape(last)}</p>{picture(result, steps, goal)}"
    )


def block_html(block: TraceBlock) -> str:
    """The table row of a block."""
    changed = "<br>".join(
        f"<code>{escape(change.name)}</code> {escape(value_words(change.before))} &rarr; "
        f"<b>{escape(value_words(change.after))}</b>"
        for change in block.changes
    )
    why = "<br>".join(f"<i>{escape(note)}</i>" for note in block.notes)
    who = f"<b>{escape(block.name)}</b> <code>{escape(block.statement)}</code><br>{escape(block.function)}"
    return "<tr>" + "".join(f'<td style="{CELL}">{cell}</td>' for cell in (who, changed, why)) + "</tr>"
