# SPDX-License-Identifier: MIT
"""The picture of a path for a slide: everything is in it, nothing lies on anything else."""

import xml.etree.ElementTree as ET
from functools import cache
from itertools import pairwise

import pytest

from cowpath.corpus.files import program
from cowpath.errors import CowpathError
from cowpath.explore.trace import trace
from cowpath.history.version import version
from cowpath.judge.goal import Goal, default_goal
from cowpath.judge.judge import judge
from cowpath.judge.result import Result
from cowpath.report import lane_layout, lanes
from cowpath.report.trace import blocks

SVG = "{http://www.w3.org/2000/svg}"
PATHS = [("get-write-read-refault", "5.18"), ("CVE-2020-29374", "5.7"), ("pin-write-fork", "5.7"),
         ("swapoff-finishes", "6.1"), ("dirty-unpin-after-swapin", "5.10"), ("pin-write-fork", "5.10"),
         ("tlb-clean-reclaim", "5.10")]  # fmt: skip


@cache
def judged(name: str, release: str) -> tuple[Result, Goal]:
    result = judge(program(name), version(release))
    goal = default_goal(result)
    assert goal is not None
    return result, goal


@cache
def drawn(name: str, release: str, slide: int | None = None) -> ET.Element:
    result, goal = judged(name, release)
    return ET.fromstring(lanes.document(result, trace(result.exploration, goal.state), goal, slide))


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
        assert one[3] < two[1] or one[2] < two[0]  # the second is below, or in the next column
    for line in picture.iter(f"{SVG}text"):
        x, y, words = float(line.get("x", 0)), float(line.get("y", 0)), line.text or ""
        holding = [box for box in boxes if box[0] <= x <= box[2] and box[1] <= y <= box[3]]
        if line.get("text-anchor") != "end":
            right = holding[0][2] if holding else lane_layout.WIDTH
            assert x + len(words) * 7.23 <= right, words


@pytest.mark.parametrize(
    ("name", "release", "slides"),
    [(*path, slides) for path, slides in zip(PATHS, [1, 1, 2, 1, 1, 2, 4], strict=True)],
)
def test_it_is_made_of_slides(name: str, release: str, slides: int) -> None:
    picture = drawn(name, release)
    assert (picture.get("width"), picture.get("height")) == ("1280", str(720 * slides))
    for _, top, _, bottom in rectangles(picture):
        assert top // 720 == (bottom + lane_layout.MARGIN) // 720
    titles = [text.get("y") for text in picture.iter(f"{SVG}text") if "title" in text.get("class", "")]
    assert titles == [str(720 * number + 28) for number in range(slides)]


def test_one_slide_alone() -> None:
    picture = drawn("pin-write-fork", "5.10", slide=2)
    assert (picture.get("viewBox"), picture.get("height")) == ("0 720 1280 720", "720")
    with pytest.raises(CowpathError, match="there is no slide 3: this path takes 2"):
        drawn("pin-write-fork", "5.10", slide=3)


@pytest.mark.parametrize(("name", "release"), PATHS)
def test_every_block_of_the_trace_is_there(name: str, release: str) -> None:
    result, goal = judged(name, release)
    words = "\n".join(text.text or "" for text in drawn(name, release).iter(f"{SVG}text"))
    for block in blocks(result, trace(result.exploration, goal.state)):
        assert all(part in words for part in block.title.split())
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
