# SPDX-License-Identifier: MIT
"""Walks: what they see is true, and paths are short; all of a small model is seen, and then that is said."""

import pytest

from cowpath import linux
from cowpath.corpus.files import files, program
from cowpath.explore.engine import Method, explore
from cowpath.explore.record.recorder import Model, Recorder
from cowpath.explore.search import explore as reference
from cowpath.explore.trace import trace
from cowpath.explore.walk import BALL, Walker
from cowpath.history.asked import Asked
from cowpath.history.version import version
from cowpath.judge.judge import judge

LONG = 1e6
"""Seconds that no walk of these tests takes."""


def model(test: str, release: str) -> Model:
    """A corpus test on a kernel."""
    (file,) = files([test])
    return linux.build(Asked(version(release)), program(file), 2, 4)[1]


def test_a_small_model_is_seen_whole() -> None:
    walked = explore(model("get-write-read-refault", "5.18"), Method(walk=LONG))
    found = reference(model("get-write-read-refault", "5.18"))
    assert walked.finished
    assert set(walked.states) == set(found.states)
    assert walked.transitions == found.transitions
    assert {one: len(trace(walked, state)) for one, state in walked.outcomes.items()} == {
        one: len(trace(found, state)) for one, state in found.outcomes.items()
    }


@pytest.mark.parametrize(("test", "release"), [("uffd-wp-fork", "6.1"), ("stable-writes", "5.18")])
def test_what_a_walk_sees_the_search_finds(test: str, release: str) -> None:
    found = reference(model(test, release))
    walk = Walker(Recorder(model(test, release)), LONG, max_states=len(found.states) // 2)
    walk.look()
    seen = walk.graph()
    assert not seen.finished
    assert not seen.shortest
    assert "stopped walking" in seen.reason
    assert set(seen.states) <= set(found.states)
    assert seen.outcomes.keys() <= found.outcomes.keys()
    assert seen.violations.keys() <= found.violations.keys()
    for ending, state in seen.outcomes.items():
        path = trace(seen, state)  # every step is one that the model can take
        assert len(path) >= len(trace(found, found.outcomes[ending]))


def test_walks_go_beyond_the_ball() -> None:
    walk = Walker(Recorder(model("readahead-aba", "5.18")), LONG, max_states=20_000)
    walk.look()
    seen = walk.graph()
    deepest = len(seen.layers(len(seen.states) - 1))
    nearest = reference(model("readahead-aba", "5.18"), max_states=BALL)
    assert deepest > len(nearest.layers(len(nearest.states) - 1))
    assert seen.outcomes


def test_the_verdict_claims_nothing() -> None:
    (file,) = files(["readahead-aba"])
    result = judge(program(file), version("5.18"), Method(walk=LONG, max_states=20_000))
    assert result.verdict == "unfinished"
    assert result.condition is None
    assert result.outcomes


def test_what_goes_with_no_walk() -> None:
    with pytest.raises(ValueError, match="walk"):
        Method("native", walk=1.0)
