# SPDX-License-Identifier: MIT
"""ITF traces: the shape of ADR-015, and that they say what the path says."""

import json

from cowpath.explore.trace import trace
from cowpath.judge.goal import default_goal
from cowpath.report import itf
from tests.founding import judged


def test_states_follow_the_path() -> None:
    result = judged("5.18")
    goal = default_goal(result)
    assert goal is not None
    steps = trace(result.exploration, goal.state)
    document = json.loads(itf.document(result, steps))
    assert document["#meta"]["format"] == "ITF"
    assert len(document["states"]) == len(steps) + 1
    for index, state in enumerate(document["states"]):
        assert state["#meta"]["index"] == index
        assert set(state) == {"#meta", *document["vars"]}
    first, last = (dict(document["states"][at]["pte"]["#map"])["P0.x"] for at in (0, -1))
    assert (first["kind"], first["folio"], last["folio"]) == ("present", "folio0", "folio1")
    assert dict(document["states"][-1]["register"]["#map"])["0:r1"] == {"value": {"#tup": ["a"]}}


def test_only_the_json_that_itf_has() -> None:
    result = judged("5.18")

    def walk(value: object) -> None:
        if isinstance(value, dict):
            special = [key for key in value if key.startswith("#")]
            assert set(special) <= {"#meta", "#map", "#tup", "#set", "#bigint"}
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)
        else:
            assert isinstance(value, str | bool | int)

    walk(json.loads(itf.document(result, [])))
