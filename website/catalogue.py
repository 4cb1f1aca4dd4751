# SPDX-License-Identifier: MIT
"""The corpus as a catalogue: a page for each test, with its program, verdicts, story and picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cowpath.corpus.files import about, corpus
from cowpath.errors import CowpathError
from cowpath.explore.trace import trace
from cowpath.history.eras import all_versions, span
from cowpath.history.version import Version
from cowpath.judge.alike import Judged, judge_each
from cowpath.judge.answer import short_verdict
from cowpath.judge.goal import default_goal
from cowpath.judge.judge import judge
from cowpath.judge.result import Result
from cowpath.litmus.resolve import load_program
from cowpath.report import lanes
from cowpath.report.story import story_text


@dataclass(frozen=True, slots=True)
class Entry:
    """A test of the catalogue: its page, and the picture beside it."""

    theme: str
    name: str
    about: str
    verdicts: tuple[tuple[str, str], ...]  # releases, and what they make of it
    page: str
    picture: str


def tests(themes: Sequence[str]) -> list[Path]:
    """Return the tests of some themes, or of all of them."""
    return [file for file in corpus() if not themes or file.parent.name in themes]


def entry(file: Path) -> Entry:
    """Judge a test on every kernel that changes a rule, and write its page."""
    program = load_program(file)
    versions = all_versions()
    judged = list(judge_each(versions, partial(judge, program)))
    found = list(verdicts(judged, versions))
    shown = chosen(judged)
    story, picture = ("", "") if shown is None else how(shown)
    theme, text = file.parent.name, file.read_text("utf-8")
    rows = "".join(f"| {releases} | {words} |\n" for releases, words in found)
    page = (
        f"# {file.stem}\n\n{about(file)}\n\n```c\n{text.rstrip()}\n```\n\n"
        f"    cowpath check {file.stem}\n    cowpath explore {file.stem}\n\n"
        f"## Verdicts\n\n| Linux | x86_64 |\n|---|---|\n{rows}\n"
    )
    if shown is not None:
        page += f"## How it comes about\n\n```text\n{story.rstrip()}\n```\n\n"
        page += f"![The path as swim lanes]({file.stem}.svg)\n"
    return Entry(theme, file.stem, about(file), tuple(found), page, picture)


def verdicts(judged: Iterable[Judged], versions: Sequence[Version]) -> Iterator[tuple[str, str]]:
    """Yield runs of releases that make the same of a test."""
    runs: list[tuple[list[Version], str]] = []
    for version, one in zip(versions, judged, strict=True):
        answer = one.answer
        words = "not modelled" if isinstance(answer, CowpathError) else short_verdict(answer)
        if runs and runs[-1][1] == words:
            runs[-1][0].append(version)
        else:
            runs.append(([version], words))
    for run, words in runs:
        yield span(run[0].release, run[-1].release), words


def chosen(judged: Sequence[Judged]) -> Result | None:
    """Return the result to tell of: the newest that is broken, else the newest."""
    results = [one.answer for one in judged if isinstance(one.answer, Result)]
    broken = [result for result in results if result.breakage]
    return (broken or results)[-1] if results else None


def how(result: Result) -> tuple[str, str]:
    """Return the story of the path to the worst that can happen, and its picture."""
    fresh = judge(result.program, result.version)  # a result that others share stands for another kernel
    goal = default_goal(fresh)
    if goal is None:
        return "Nothing happens.", ""
    steps = trace(fresh.exploration, goal.state)
    return story_text(fresh, steps, goal), lanes.document(fresh, steps, goal)


def index(theme: str, entries: Sequence[Entry]) -> str:
    """Return the list of a theme's tests, with the verdict on the newest kernel."""
    rows = "".join(
        f"| [{one.name}]({one.name}.md) | {one.about} | {one.verdicts[-1][1]} |\n" for one in entries
    )
    return f"\n## Catalogue\n\n| test | what it is about | newest kernel |\n|---|---|---|\n{rows}"
