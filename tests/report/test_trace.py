# SPDX-License-Identifier: MIT
"""A path as plain text, as sentences, and on a terminal."""

import io

from rich.console import Console

from cowpath.explore.trace import PathStep, trace
from cowpath.history.version import version
from cowpath.judge.goal import Goal, default_goal
from cowpath.judge.judge import judge
from cowpath.litmus.resolve import load_program
from cowpath.report.story import story_text
from cowpath.report.terminal import print_trace
from cowpath.report.trace import trace_text
from tests.founding import FOUNDING, judged

HANGS = "swapoff-finishes.litmus"
LAST = "Promise broken on 5.18 x86_64: lost write"


def path() -> tuple[list[PathStep], Goal]:
    goal = default_goal(judged("5.18"))
    assert goal is not None
    return trace(judged("5.18").exploration, goal.state), goal


def terminal(width: int, colour: bool) -> str:
    out = io.StringIO()
    console = Console(
        file=out, width=width, force_terminal=colour, color_system="standard" if colour else None
    )
    print_trace(console, judged("5.18"), *path())
    return out.getvalue()


def test_the_last_line_names_the_broken_promise() -> None:
    assert trace_text(judged("5.18"), *path()).splitlines()[-1] == LAST
    assert terminal(100, False).splitlines()[-1] == LAST


def test_piped_text_has_no_colour_and_the_terminal_has() -> None:
    assert "\x1b" not in trace_text(judged("5.18"), *path())
    assert "\x1b[1;36mP0" in terminal(100, True)


def test_columns_are_aligned_through_the_whole_path() -> None:
    lines = [line for line in terminal(100, False).splitlines() if "->" in line]
    assert len({line.index("->") for line in lines}) == 1
    assert all(len(line.rstrip()) <= 100 for line in lines)


def test_a_story_can_be_quoted() -> None:
    story = story_text(judged("5.18"), *path())
    assert all(len(line) <= 72 for line in story.splitlines())
    flat = " ".join(story.split())
    assert flat.startswith(
        "On Linux 5.18 (x86_64), the test get-write-read-refault can lose a write: 0:r0=b;"
    )
    assert "P0.x maps folio0 read-only. Why: folio0 has 4 references" in flat
    assert "folio1[1] becomes 'c'. Only P0.x leads to folio1." in flat
    assert "folio0[0] becomes 'D'. Only g leads to folio0." in flat
    assert flat.endswith(f"{LAST}.")
    assert "refcount" not in flat


def test_an_endless_loop_is_told_in_every_form() -> None:
    loop = judge(load_program(FOUNDING.with_name(HANGS)), version("6.1", dropped=["H2"]))
    goal = default_goal(loop)
    assert goal is not None
    steps = trace(loop.exploration, goal.state)
    out = io.StringIO()
    print_trace(Console(file=out, width=100), loop, steps, goal)
    for told in (trace_text(loop, steps, goal), story_text(loop, steps, goal), out.getvalue()):
        assert "again and again:" in told
        assert "swapoff never recognises this" in told


def test_who_crashes_is_told_in_every_form() -> None:
    """A step that changes nothing else a reader cares for."""
    crash = judged("5.10", "fault-meets-swapoff")
    goal = default_goal(crash)
    assert goal is not None
    steps = trace(crash.exploration, goal.state)
    out = io.StringIO()
    print_trace(Console(file=out, width=100), crash, steps, goal)
    for told in (trace_text(crash, steps, goal), story_text(crash, steps, goal), out.getvalue()):
        flat = " ".join(told.split())
        assert "the kernel stops: use after free: slot0 is read from a device" in flat
        assert flat.index("r0 = x[0]") < flat.index("the kernel stops")
