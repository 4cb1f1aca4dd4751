# SPDX-License-Identifier: MIT
"""Answers of an agent, damaged: read, or refused with a reason, and fit for a terminal either way."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

from cowpath.litmus.resolve import program_from_text
from cowpath.machine import answers
from cowpath.machine.job import RunRequest, merge
from cowpath.machine.schedule import schedule
from tests.fuzz.outcome import in_time

TEST = program_from_text("C t { char x[2] = \"ab\"; } P0(char *x) { r0 = x[0]; x[1] = 'c'; }")
EVIL: tuple[Any, ...] = (
    None,
    True,
    -1,
    0.5,
    10**30,
    "",
    "\x1b[2J",
    "x" * 10_000,
    [],
    {},
    [[]],
    {"": {}},
    "\ud800",
)


def attempt(chance: Random, directory: Path) -> None:
    """One answer, with some of its parts exchanged, then some of its characters."""
    rounds = chance.randint(1, 5)
    (job,) = RunRequest(TEST, schedule(TEST), rounds).jobs()
    answer: Any = {
        "status": "ran",
        "reason": "",
        "test": "t",
        "outcomes": [{"observed": ["a", "a", "c"], "count": rounds, "order": [0, 0]}],
        "unmet": {},
        "failures": {},
        "hangs": 0,
        "complaints": ["BUG: bad page"],
        "facts": {
            "release": "6.1.0",
            "version": "#1",
            "page_size": 4096,
            "swap": ["ssd"],
            "config": {"SWAP": "y"},
        },
    }
    for _ in range(chance.randint(0, 3)):
        answer = exchanged(chance, answer)
    text = json.dumps(answer)
    for _ in range(chance.choice([0, 0, 0, 1, 3])):
        at = chance.randrange(len(text) + 1)
        text = text[:at] + chance.choice('{}[]",:\\0e-\x1b') * chance.choice([1, 1, 5000]) + text[at + 1 :]
    with in_time():
        try:
            result = answers.read(text, job)
        except (answers.GarbledError, answers.BadAnswerError) as refused:
            clean(str(refused))
            return
        merged = merge([result])
    clean(merged.reason, *merged.unmet, *merged.failures, *merged.complaints, str(merged.facts))
    assert merged.rounds <= rounds
    assert all(len(observed) == 3 for observed in merged.outcomes)


def exchanged(chance: Random, tree: Any) -> Any:
    """The tree with one part replaced by something that does not belong there."""
    if isinstance(tree, dict) and tree and chance.random() < 0.9:
        key = chance.choice(list(tree))
        return {**tree, key: exchanged(chance, tree[key])}
    if isinstance(tree, list) and tree and chance.random() < 0.7:
        at = chance.randrange(len(tree))
        return [*tree[:at], exchanged(chance, tree[at]), *tree[at + 1 :]]
    return chance.choice(EVIL)


def clean(*texts: str) -> None:
    """No text controls a terminal."""
    assert all(one.isprintable() or one in "\n\t" for text in texts for one in text), texts
