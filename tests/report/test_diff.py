# SPDX-License-Identifier: MIT
"""What tells two kernels apart, in words."""

from cowpath.prove.campaign import ProofAnswer
from cowpath.report.diff import programs


def answer(name: str, verdict: str, against: str) -> ProofAnswer:
    """The answer of a theme in one direction."""
    litmus = "C found\n{ }\n" if verdict == "broken" else ""
    return ProofAnswer(name + against, name, "a", verdict, "", 1, 1, 0.1, "", 4, litmus, against)


def test_a_theme_is_the_same_only_if_both_directions_are_decided() -> None:
    both = [answer("swap+zram", "kept", "b"), answer("swap+zram", "kept", "c")]
    half = [answer("swap+pin", "kept", "b"), answer("swap+pin", "not decided", "c")]
    told = [answer("swap+gup", "broken", "b"), answer("swap+gup", "not decided", "c")]
    lines = list(programs([*told, *half, *both], {}))
    assert "No program of these can tell them apart: swap+zram." in lines
    assert "Not decided within the bounds: swap+pin." in lines
    assert "swap+gup: b shows what a cannot (4 statements)" in lines
