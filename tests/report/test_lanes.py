# SPDX-License-Identifier: MIT
"""The picture of a path for a slide: everything is in it, nothing lies on anything else."""

import xml.etree.ElementTree as ET
from functools import cache
from itertools import pairwise

import pytest

from cowpath.corpus.files import program
from cowpath.explore.trace import trace
from cowpath.history.version import version
from cowpath.judge.goal import default_goal
from cowpath.judge.judge import judge
from cowpath.report import lanes
from cowpath.report.trace import blocks

SVG = "{http://www.w3.org/2000/svg}"
PATHS = [("get-write-read-refault", "5.18"), ("CVE-2020-29374", "5.7"), ("pin-write-fork", "5.7"),
         ("swapoff-finishes", "6.1")]  # fmt: skip


@cache
def drawn(name: str, release: str) -> ET.Element:
    result = judge(program(name), version(release))
    goal = default_goal(result)
    assert goal is not None
    return ET.fromstring(lanes.document(result, trace(result.exploration, goal.state), goal))


def rectangles(picture: ET.Element) -> list[tuple[float, float, float, float]]:
    """Left, top, right and bottom of every box."""
    found = [box for box in picture.iter(f"{SVG}rect") if box.get("class") == "box"]
    sides = [[float(box.get(side, 0)) for side in ("x", "y", "width", "height")] for box in found]
    return [(x, y, x + width, y + height) for x, y, width, height in sides]


@pytest.mark.parametrize(("name", "release"), PATHS)
def test_boxes_lie_apart_and_hold_their_text(name: str, release: str) -> None:
    picture = drawn(name, release)
    boxes = rectangles(picture)
    for one, two in pairwise(boxes):
        assert one[3] < two[1]
    for line in picture.iter(f"{SVG}text"):
        x, y, words = float(line.get("x", 0)), float(line.get("y", 0)), line.text or ""
        holding = [box for box in boxes if box[0] <= x <= box[2] and box[1] <= y <= box[3]]
        if line.get("text-anchor") != "end":
            right = holding[0][2] if holding else lanes.WIDTH
            assert x + len(words) * 7.23 <= right, words


@pytest.mark.parametrize(("name", "release"), PATHS[:2])
def test_it_fits_on_a_slide(name: str, release: str) -> None:
    picture = drawn(name, release)
    assert (picture.get("width"), picture.get("height")) == ("1280", "720")
    assert max(box[3] for box in rectangles(picture)) < 720


@pytest.mark.parametrize(("name", "release"), PATHS)
def test_every_block_of_the_trace_is_there(name: str, release: str) -> None:
    result = judge(program(name), version(release))
    goal = default_goal(result)
    assert goal is not None
    words = "\n".join(text.text or "" for text in drawn(name, release).iter(f"{SVG}text"))
    for block in blocks(result, trace(result.exploration, goal.state)):
        assert block.title in words
        assert all(part in words for note in block.notes for part in note.split())


def test_an_arrow_says_who_waited_for_what() -> None:
    words = [text.text for text in drawn("CVE-2020-29374", "5.7").iter(f"{SVG}text")]
    told = [line for line in words if line and line.startswith("had to wait")]
    assert told == [
        "had to wait for the fork of P1",
        "had to wait for the end of P1",
        "had to wait for reference g",
    ]
    arrows = [path for path in drawn("CVE-2020-29374", "5.7").iter(f"{SVG}path") if path.get("marker-end")]
    assert len(arrows) == len(told)


def test_no_arrow_crosses_a_box() -> None:
    picture = drawn("CVE-2020-29374", "5.7")
    for path in picture.iter(f"{SVG}path"):
        if not path.get("marker-end"):
            continue
        x = float(path.get("d", "").split("H")[1].split("V")[0])  # of the long way down
        assert all(not left < x < right for left, _, right, _ in rectangles(picture))
