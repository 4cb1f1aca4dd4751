# SPDX-License-Identifier: MIT
"""`cowpath bisect`: the spans of a test with one answer, and the change that began each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from cowpath.history.change import Change
from cowpath.history.stable import READ
from cowpath.history.version import NEWEST, names_of
from cowpath.report.style import align
from cowpath.survey.bisect import Bisection, Cause, Span


def text(found: Bisection) -> str:
    """The spans of mainline, then those of the stable updates that differ, then both in two sentences."""
    asked = f", is {found.wanted!r} seen?" if found.wanted else ""
    lines = [f"{found.test} on {found.architecture}{asked}", *indented(found.mainline)]
    for spans in found.stable:
        lines += [f"updates of {spans[0].first.mainline}", *indented(spans)]
    return "\n".join([*lines, *sentences(found)]) + "\n"


def indented(spans: Sequence[Span]) -> list[str]:
    """A line for each span."""
    return [f"  {line}" for line in align([cells(span) for span in spans]).splitlines()]


def cells(span: Span) -> list[str]:
    """The cells of a span: its releases, their answer, the changes that began it."""
    several = span.first != span.last
    shown = f"{span.first} to {span.last}" if several else str(span.first)
    return [shown, span.answer, "" if span.cause is None else cause_words(span.cause)]


def cause_words(cause: Cause) -> str:
    """The changes that began a span, by commit: "09854ba94c6a (wp-reuse-by-refcount)"."""
    parts = [*commits(cause.came), *(taken_back(change) for change in cause.went)]
    return " and ".join(parts) + ("" if cause.enough else ", or something else that came with it")


def commits(changes: Sequence[Change]) -> Iterator[str]:
    """Each commit, with the names of its parts."""
    for commit in dict.fromkeys(change.commit for change in changes):
        parts = [change for change in changes if change.commit == commit]
        yield f"{parts[0].shown_commit} ({', '.join(names_of(parts))})"


def taken_back(change: Change) -> str:
    """The commit that took a change back: "a308c71bf1e6 (no forced-cow-break)"."""
    return f"{change.undone_by or 'an update'} (no {change.name})"


def sentences(found: Bisection) -> Iterator[str]:
    """First and last broken, in one line each."""
    word = "seen" if found.wanted else "broken"
    first, last = found.first, found.last
    if first is None or last is None:
        yield f"never {word}"
        return
    began = "it always was" if first.cause is None else cause_words(first.cause)
    yield f"first {word}: {first.first}, {began}"
    after = next((span for span in found.mainline if span.first > last.last), None)
    if after is not None and after.cause is not None:
        yield f"last {word}:  {last.last}, until {after.first}: {cause_words(after.cause)}"
    else:
        yield f"last {word}:  {last.last}" + (", the newest that is modelled" if last.last == NEWEST else "")


def document(found: Sequence[Bisection]) -> str:
    """All bisections as one JSON object, which also says of which stable series every update was read."""
    return (
        json.dumps(
            {
                "tests": [as_object(one) for one in found],
                "updates_read": {str(series): last for series, last in READ.items()},
            },
            indent=2,
        )
        + "\n"
    )


def as_object(found: Bisection) -> dict[str, Any]:
    """The JSON object for a test."""
    return {
        "name": found.test,
        "arch": found.architecture,
        "outcome": found.wanted or None,
        "mainline": [span_object(span) for span in found.mainline],
        "stable": [[span_object(span) for span in spans] for spans in found.stable],
    }


def span_object(span: Span) -> dict[str, Any]:
    """The JSON object for a span."""
    shown: dict[str, Any] = {"answer": span.answer, "first": str(span.first), "last": str(span.last)}
    if span.cause is not None:
        shown["came"] = [change.name for change in span.cause.came]
        shown["went"] = [change.name for change in span.cause.went]
        shown["commits"] = list(dict.fromkeys(one.commit for one in (*span.cause.came, *span.cause.went)))
        shown["enough"] = span.cause.enough
    return shown
