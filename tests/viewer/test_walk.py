# SPDX-License-Identifier: MIT
"""Paths, pictures and comparisons, without a browser."""

import json
import zlib
from base64 import b64decode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cowpath.explore.path import path_to
from cowpath.explore.record.cells import Count, Flag, Layout, Pointer, Record
from cowpath.judge.goal import default_goal
from cowpath.litmus.source import read_source
from cowpath.viewer import pages
from cowpath.viewer.compare import first_difference
from cowpath.viewer.pages import check_page, deltas, trace_page
from cowpath.viewer.picture import columns, picture
from cowpath.viewer.walk import Move, Walk, read_path, write_path
from tests.founding import FOUNDING, judged
from tests.viewer.conftest import session

MOVES = st.lists(st.builds(Move, st.integers(0, 30), st.integers(0, 3)), max_size=60)


@given(MOVES)
def test_a_link_names_its_path(moves: list[Move]) -> None:
    assert read_path(write_path(moves)) == moves


def test_every_outcome_can_be_walked_to() -> None:
    for test in ("get-write-read-refault", "get-read-leak", "pin-write-fork"):
        walk = Walk(judged("5.18", test))
        for number, outcome in enumerate(walk.result.outcomes):
            moves = walk.path_to(outcome.state)
            states, problem = walk.follow(moves)
            assert problem == ""
            assert len(moves) == len(path_to(walk.result.exploration, outcome.state))
            assert walk.frame_of(states[-1])["end"] == number


def test_moves_and_waits_are_those_of_the_search() -> None:
    walk = Walk(judged("5.18", "pin-write-fork"))
    found = walk.result.exploration
    waits = set()
    for number, state in enumerate(found.states):
        assert [target for _, target in walk.moves(state)] == [
            found.states[t] for _, t in found.edges(number)
        ]
        waits |= {what for _, what in walk.blocked(state)}
    assert any("fork" in what for what in waits)
    assert not any("batch" in what for what in waits)  # what only idles is no news


def test_a_record_that_nobody_knows_shows_up_by_itself() -> None:
    class Page(Record):
        """A page.  More."""

        count = Count(3, "references")

    class StableNode(Record):
        """A node of a tree."""

        page = Pointer["Page"]("Page", "what it keeps")
        stale = Flag("to be freed", quiet=True)

    shown = picture(Layout({Page: 1, StableNode: 2}, values=("0",)))
    assert [record["name"] for record in shown["records"]] == ["page0", "stablenode0", "stablenode1"]
    assert shown["kinds"][1]["fields"][0] == {
        "name": "page", "meaning": "what it keeps", "type": "pointer", "target": "Page",
    }  # fmt: skip
    assert columns([Page, StableNode]) == {Page: 1, StableNode: 0}


def test_kernels_part_where_the_swap_pte_forgets() -> None:
    both = session(read_source(FOUNDING), "5.18", "6.1")
    path = both.jump("5.18 x86_64", "outcome-0")["path"]
    other = both.follow("5.18 x86_64", path, "6.1 x86_64")["other"]
    assert other["first"] == 5
    assert "P0.x" in other["differs"][5]
    assert other["frames"][other["at"][5]]["words"]["P0.x"] == "swap slot0 exclusive"
    assert other["frames"][-1]["actors"][0]["finished"]
    same = session(read_source(FOUNDING), "5.17", "5.18").follow("5.18 x86_64", "0x3", "5.18 x86_64")
    assert same["other"]["first"] is None


def test_what_differs_within_a_statement_only_is_no_difference() -> None:
    assert first_difference([True, False, True], [[], ["a"], []]) is None
    assert first_difference([True, False, True], [[], ["a"], ["a"]]) == 1
    assert first_difference([True, True], [["a"], ["a"]]) is None


def test_a_page_holds_no_markup_of_the_test() -> None:
    goal = default_goal(judged("5.18"))
    assert goal is not None
    page = trace_page("</script><script>alert(1)</script>", judged("5.18"), goal)
    assert "alert(1)" not in page
    assert page.count("<script") == page.count("</script>") == 3
    assert inside(page)["tests"][0]["overview"]["file"] == "</script><script>alert(1)</script>"


@pytest.mark.slow
def test_pages_fit_into_a_mail() -> None:
    results = [(str(FOUNDING), judged(release)) for release in ("5.10", "5.18", "6.1")] * 40
    assert len(check_page(results).encode()) < 500_000


def test_where_a_page_is_full_broken_promises_keep_their_paths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "BUDGET", 1000)
    page = check_page([(str(FOUNDING), judged("5.18")), (str(FOUNDING), judged("6.1"))])
    (test,) = inside(page)["tests"]
    assert [len(run["paths"][0]["steps"]) for run in test["runs"]] == [18, 0]
    assert inside(page)["failures"] == [pages.LEFT_OUT]


def inside(page: str) -> dict[str, Any]:
    """The data in a page."""
    packed = page.split('id="data">')[1].split("<")[0]
    data: dict[str, Any] = json.loads(zlib.decompress(b64decode(packed)))
    return data


def test_frames_can_be_put_together_again() -> None:
    walk = Walk(judged("5.18"))
    states, _ = walk.follow(read_path("0x18"))
    frames = [walk.frame_of(state) for state in states]
    cells: dict[int, int] = {}
    for frame, delta in zip(frames, deltas(frames), strict=True):
        cells |= dict(delta["cells"])
        assert list(cells.values()) == frame["cells"]


def test_a_search_that_keeps_one_state_for_many_can_be_walked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such a search knows the representative of each state; here, the one with two cells exchanged."""
    walk = Walk(judged("5.18"))
    found = walk.result.exploration
    goal, plain = walk.result.outcomes[0].state, walk.path_to(walk.result.outcomes[0].state)
    monkeypatch.setattr(found, "states", [found.states[0], *(state[::-1] for state in found.states[1:])])
    monkeypatch.setattr(found, "canonical", lambda state: state[::-1])
    assert walk.path_to(goal) == plain


def test_a_large_search_is_not_kept_for_its_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    both = session(read_source(FOUNDING), "5.18", "6.1")
    assert both.verdict("5.18 x86_64")["words"] == "lost write"
    monkeypatch.setattr("cowpath.viewer.session.SMALL", 10)
    assert both.verdict("6.1 x86_64")["verdict"] == "kept"
    assert list(both.walks) == ["5.18 x86_64"]
    assert both.progress("6.1 x86_64")["states"] > 0
    assert both.test("6.1 x86_64")["verdict"] == "kept"
