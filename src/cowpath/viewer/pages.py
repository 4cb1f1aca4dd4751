# SPDX-License-Identifier: MIT
"""Pages that stand alone: `trace --html` and `check --html`, one file each, to attach to a mail."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Any

from cowpath.judge.goal import Goal, default_goal
from cowpath.judge.result import Outcome, Result
from cowpath.viewer.assets import lone_page, packed
from cowpath.viewer.session import Document, goal_name, path_document, result_document, threads
from cowpath.viewer.walk import Walk

BUDGET = 400_000
"""Bytes of data in one page: with the viewer it stays below 500 kB."""

LEFT_OUT = (
    "Paths of kept promises did not fit into this page: `cowpath trace FILE --kernel RELEASE` shows them."
)


def trace_page(file: str, result: Result, goal: Goal) -> str:
    """The page of a path, step by step."""
    data = empty_data()
    walk = Walk(result)
    run = run_document(walk, data) | {"paths": [path_of(walk, goal)]}
    data["tests"].append({"overview": overview(file, result), "runs": [run]})
    return page(data, f"{result.program.name} on {result.version}")


def check_page(results: Sequence[tuple[str, Result]], failures: Iterable[str] = ()) -> str:
    """Every result in a table, each with its path: to the worst that happens, or what its test asks for.

    Where they are too many for one page, results that keep the promise go without, and the page says so.
    """
    data = empty_data()
    tests: dict[tuple[str, str], Document] = {}
    runs: list[tuple[Walk, Document]] = []
    for file, result in results:
        walk = Walk(result)
        run = run_document(walk, data) | {"paths": []}
        key = (file, result.program.name)
        tests.setdefault(key, {"overview": overview(file, result), "runs": []})["runs"].append(run)
        runs.append((walk, run))
    for test in tests.values():
        test["overview"]["kernels"] = [run["kernel"] for run in test["runs"]]
    data["tests"] = list(tests.values())
    add_paths(runs, default_goal)
    if len(packed(data)) > BUDGET:
        add_paths(runs, lambda result: None if result.verdict == "kept" else default_goal(result))
        data["failures"].append(LEFT_OUT)
    data["failures"] += failures
    names = ", ".join(name for _, name in list(tests)[:3]) + (", ..." if len(tests) > 3 else "")
    return page(data, names)


def add_paths(runs: Sequence[tuple[Walk, Document]], goal_of: Callable[[Result], Goal | None]) -> None:
    """Give results their paths; one without a goal shows the start alone."""
    for walk, run in runs:
        goal = goal_of(walk.result)
        run["paths"] = [start_of(walk) if goal is None else path_of(walk, goal)]


def empty_data() -> Document:
    """The data of a page without results; pictures and kinds of records are kept once for all of them."""
    return {"kinds": [], "pictures": [], "tests": [], "failures": []}


def page(data: Document, title: str) -> str:
    """The page itself; its title tells what was found where."""
    return lone_page(data, f"<title>{escape(title)} - cowpath</title>")


def overview(file: str, result: Result) -> Document:
    """The test as the viewer heads it."""
    program = result.program
    return {
        "name": program.name,
        "comment": program.comment,
        "file": file,
        "threads": threads(program),
        "kernels": [str(result.version)],
    }


def run_document(walk: Walk, data: Document) -> Document:
    """A result; its picture goes to those of the page."""
    found = result_document(walk)
    kinds = [intern(data["kinds"], kind) for kind in found["picture"]["kinds"]]
    return found | {"picture": intern(data["pictures"], found["picture"] | {"kinds": kinds})}


def intern(known: list[Any], one: object) -> int:
    """The place of something in a list, where it is put if it is new."""
    if one not in known:
        known.append(one)
    return known.index(one)


def path_of(walk: Walk, goal: Goal) -> Document:
    """The path to a goal, each frame as what differs from the one before."""
    moves = walk.path_to(goal.state)
    states, _ = walk.follow(moves)
    found = path_document(walk, moves, states)
    name = goal_name(walk.result, goal) if isinstance(goal, Outcome) else goal.name
    return found | {"goal": name, "frames": deltas(found["frames"])}


def start_of(walk: Walk) -> Document:
    """The path of no steps: what a result shows that has no other."""
    found = path_document(walk, [], [walk.start])
    return found | {"goal": "", "frames": deltas(found["frames"])}


def deltas(frames: Sequence[Document]) -> list[Document]:
    """Frames as what differs from the one before; what could be done next is left to the explorer."""
    found: list[Document] = []
    before: Document = {"cells": [], "words": {}, "actors": [], "raw": {}}
    for frame in frames:
        shown = {
            name: value for name, value in frame.items() if name not in ("moves", "cells", "words", "actors")
        }
        shown["cells"] = changed(before["cells"], frame["cells"])
        shown["actors"] = changed(before["actors"], frame["actors"])
        shown["words"] = {n: text for n, text in frame["words"].items() if before["words"].get(n) != text}
        if frame["raw"] == before["raw"]:
            del shown["raw"]
        found.append(shown | {"moves": []})
        before = frame
    return found


def changed(before: Sequence[Any], after: Sequence[Any]) -> list[list[Any]]:
    """[place, value] of everything that is not as before.

    >>> changed([1, 2], [1, 3, 4])
    [[1, 3], [2, 4]]
    """
    return [
        [place, value] for place, value in enumerate(after) if place >= len(before) or before[place] != value
    ]
