# SPDX-License-Identifier: MIT
"""Answers that no agent would give: each is a failure of its test alone, and controls nobody's terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.machine.false_guest import BEGIN, DONE, ONE, Dying, answers, say, statuses

pytestmark = pytest.mark.xdist_group("machine")

RAN = {"status": "ran", "outcomes": [], "unmet": {}, "failures": {}, "hangs": 0}
SEEN = {"observed": ["-", "\\0"], "count": 1, "order": [0]}


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ([], "the answer is list, not a table"),
        ("7", "the answer is int, not a table"),
        ({}, "status is NoneType, not a text"),
        ({"status": "fine"}, "status is 'fine'"),
        ({"status": []}, "status is list"),
        ({"status": "failed", "reason": 7}, "reason is int"),
        (RAN | {"outcomes": {}}, "outcomes is dict, not a list"),
        (RAN | {"outcomes": [7]}, "an outcome is int"),
        (RAN | {"outcomes": [SEEN | {"observed": ["a"]}]}, "an outcome of 1 values: the test has 2"),
        (RAN | {"outcomes": [SEEN | {"observed": [1, 2]}]}, "observed is int"),
        (RAN | {"outcomes": [SEEN | {"count": -1}]}, "count is out of its range"),
        (RAN | {"outcomes": [SEEN | {"count": True}]}, "count is bool"),
        (RAN | {"outcomes": [SEEN | {"count": 10**30}]}, "count is out of its range"),
        (RAN | {"outcomes": [SEEN | {"order": None}]}, "order is NoneType"),
        (RAN | {"outcomes": [SEEN, SEEN]}, "outcomes has more than 1 entries"),
        (RAN | {"outcomes": [SEEN], "hangs": 1}, "2 rounds, of 1 that were asked for"),
        (RAN | {"unmet": ["x"]}, "unmet is list"),
        (RAN | {"failures": {"x": "y"}}, "failures is str"),
        (RAN | {"hangs": 0.5}, "hangs is float"),
        (RAN | {"facts": []}, "facts is list"),
        (RAN | {"facts": {"release": 6.1}}, "release is float"),
        (RAN | {"facts": {"config": {"SWAP": None}}}, "config is NoneType"),
        (RAN | {"complaints": [["BUG"]]}, "complaints is list"),
        (RAN | {"complaints": ["BUG"] * 101}, "complaints has more than 100 entries"),
    ],
)
def test_a_bad_answer_is_a_failure_of_its_test_alone(tmp_path: Path, answer: object, why: str) -> None:
    found = answers(Dying(tmp_path, say(answer) + say(RAN | {"outcomes": [SEEN]}, 1) + DONE))
    assert statuses(found) == ["failed", "ran"]
    assert found[0] is not None
    assert why in found[0].reason


def test_what_nobody_asked_for_is_left_out(tmp_path: Path) -> None:
    answer = RAN | {"outcomes": [SEEN], "more": [1], "facts": {"release": "6.1", "more": {}}}
    (found,) = answers(Dying(tmp_path, say(answer) + DONE), 1)
    assert found is not None
    assert found.facts == {"release": "6.1"}
    assert found.outcomes == {("-", "\\0"): 1}


@pytest.mark.parametrize(
    "line",
    [
        "COWPATH-RESULT 00001.json " + "[" * 100_000,
        "COWPATH-RESULT 00001.json " + '{"a":' * 50_000,
        'COWPATH-RESULT 00001.json {"status": "ran", "hangs": NaN}',
        f'COWPATH-RESULT 00001.json {{"status": "ran", "hangs": 1{"0" * 5000}}}',
        "COWPATH-RESULT",
        "COWPATH-RESULT -1 {}",
        "COWPATH-RESULT x.json {}",
        "COWPATH-RESULT 00007.json {}",
        "COWPATH-BEGIN",
        "COWPATH-BEGIN ...",
        "COWPATH-BEGIN 99999999999999999999999999.json",
        "COWPATH-BEGIN 00000.json",
        "COWPATH-DONE",
    ],
    ids=lambda line: line[:40],
)
def test_what_no_agent_says_ends_the_guest_and_loses_nothing(tmp_path: Path, line: str) -> None:
    for number in ("first", "later"):  # the job that is left has number 0 in the boots that follow
        text = line if number == "first" else line.replace("00000", "00007").replace("00001", "00000")
        (tmp_path / number).write_text(f"{text}\n")
    good = say(RAN | {"outcomes": [SEEN]})
    lies = [f"cat {tmp_path}/{number} OUT;" for number in ("first", "later", "later")]
    found = answers(Dying(tmp_path, good + BEGIN.replace("00000", "00001") + lies[0], *lies[1:]))
    assert statuses(found) == ["ran", "failed"], "what came before is kept"


def test_a_second_answer_to_a_test_is_none(tmp_path: Path) -> None:
    both = say(RAN | {"outcomes": [SEEN]}) + say({"status": "failed", "reason": "another"})
    assert statuses(answers(Dying(tmp_path, both, ONE + DONE))) == ["ran", "ran"]


def test_nothing_reaches_the_terminal_that_controls_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e"
    answer = {"status": "failed", "reason": evil, "facts": {"release": evil}, "complaints": [evil]}
    talk = f"{BEGIN} printf '{evil}\\n' OUT; exit;"
    found = answers(Dying(tmp_path, say(answer) + talk.replace("00000", "00001"), talk, talk))
    shown = capsys.readouterr()
    assert statuses(found) == ["failed", "failed"]
    texts = [shown.out, shown.err, *(one.reason for one in found if one), str(found)]
    assert all(one.isprintable() or one == "\n" for text in texts for one in text)
    assert "\\x1b" in texts[2]
    assert "\\x1b" in texts[3]
