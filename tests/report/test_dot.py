# SPDX-License-Identifier: MIT
"""The state graph, as text and as Graphviz draws it."""

import re
from xml.etree import ElementTree

import pytest

from cowpath.cli import main
from cowpath.report import dot
from tests.founding import FOUNDING, judged
from tests.tools import need


def test_every_state_and_step_is_there() -> None:
    found = judged("5.18").exploration
    text = dot.document(judged("5.18"))
    assert len(re.findall(r"^  s\d+ -> s\d+ ", text, re.MULTILINE)) == found.transitions
    assert set(re.findall(r"-> s(\d+) ", text)) == {str(n) for n in range(1, len(found.states))}
    assert 'label="lost write: 0:r0=b;' in text


def test_graphviz_draws_it(capsys: pytest.CaptureFixture[str]) -> None:
    need("dot")
    assert main(["graph", str(FOUNDING), "--kernel", "5.18", "--svg"]) == 0
    svg = ElementTree.fromstring(capsys.readouterr().out)
    nodes = svg.findall(".//{*}g[@class='node']")
    assert len(nodes) == len(judged("5.18").exploration.states)


def test_a_graph_that_nobody_can_read_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graph", str(FOUNDING), "--kernel", "5.18", "--max-states", "10"]) == 3
    assert "more than 10 states" in capsys.readouterr().err
