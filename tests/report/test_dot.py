# SPDX-License-Identifier: MIT
"""The state graph, as text and as Graphviz draws it."""

import re
from xml.etree import ElementTree

import pytest

from cowpath.cli import main
from cowpath.explore.found import Exploration
from cowpath.history.version import version
from cowpath.judge.judge import judge
from cowpath.judge.result import Result
from cowpath.litmus.resolve import program_from_text
from cowpath.report import dot
from tests.founding import FOUNDING, judged
from tests.tools import need


def test_every_state_and_step_is_there() -> None:
    found = judged("5.18").exploration
    text = dot.document(judged("5.18"))
    assert len(re.findall(r"^  s\d+ -> s\d+ ", text, re.MULTILINE)) == found.transitions
    assert set(re.findall(r"-> s(\d+) ", text)) == {str(n) for n in range(1, len(found.states))}
    assert 'label="lost write: 0:r0=b;' in text


RACE = """C t { char x[1] = "a"; }
P0(char *x) { x[0] = 'b'; madvise(x, MADV_PAGEOUT); }
P1(char *x) { r0 = x[0]; }
"""


def labelled(text: str) -> set[int]:
    """The states with a box of their own."""
    return {int(number) for number in re.findall(r"^  s(\d+) \[shape=box", text, re.MULTILINE)}


@pytest.mark.parametrize("result", [judged("5.18"), judge(program_from_text(RACE), version("6.1"))])
def test_every_end_has_a_label(result: Result) -> None:
    found, text = result.exploration, dot.document(result)
    assert isinstance(found, Exploration)
    assert labelled(text) == set(found.ends)
    for outcome in result.outcomes:
        assert f"{outcome.breakage or 'promised'}: {outcome.text()}" in text


def test_more_than_one_state_may_show_an_outcome() -> None:
    result = judge(program_from_text(RACE), version("6.1"))
    assert len(labelled(dot.document(result))) > len(result.outcomes) > 1


def test_where_runs_are_caught_is_an_end() -> None:
    test = RACE.replace("{ x[0]", "{ userfaultfd_wp(x); x[0]")
    result = judge(program_from_text(test), version("6.1"))
    found, text = result.exploration, dot.document(result)
    dead = {number for number in range(len(found.states)) if not any(found.edges(number))}
    assert labelled(text) == dead
    assert text.count("promised: hang") == len(dead)


def test_graphviz_draws_it(capsys: pytest.CaptureFixture[str]) -> None:
    need("dot")
    assert main(["graph", str(FOUNDING), "--kernel", "5.18", "--svg"]) == 0
    svg = ElementTree.fromstring(capsys.readouterr().out)
    nodes = svg.findall(".//{*}g[@class='node']")
    assert len(nodes) == len(judged("5.18").exploration.states)


def test_a_graph_that_nobody_can_read_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graph", str(FOUNDING), "--kernel", "5.18", "--max-states", "10"]) == 3
    assert "more than 10 states" in capsys.readouterr().err
