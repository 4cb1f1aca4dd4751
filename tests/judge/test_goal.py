# SPDX-License-Identifier: MIT
"""Where `--to` leads: whatever `cowpath check` prints is understood."""

import pytest

from cowpath.corpus.files import source
from cowpath.errors import CowpathError
from cowpath.judge.goal import Goal, choose
from cowpath.judge.result import Outcome, Violation
from cowpath.litmus.parse import parse_source
from tests.founding import judged


def goal(wanted: str | None, kernel: str = "5.18", test: str = "get-write-read-refault") -> Goal | None:
    return choose(judged(kernel, test), parse_source(source(test)), wanted)


@pytest.mark.parametrize(
    "wanted",
    ["1", "lost write", "0:r1=a", "0:r0=b; 0:r1=a; 0:x[0]=a; 0:x[1]=c;", "0:r1='a'", "exists (0:r1='a')"],
)
def test_what_check_prints_is_understood(wanted: str) -> None:
    found = goal(wanted)
    assert isinstance(found, Outcome)
    assert found == goal(None)


def test_what_does_not_happen_has_no_path() -> None:
    assert goal("leak") is None
    assert goal("crash") is None
    assert goal("I8") is None
    assert goal("0:r1='D'") is None


def test_an_invariant_by_number_or_as_printed() -> None:
    for wanted in ("I2", "i2", "I2 exclusive is unshared"):
        found = goal(wanted, "5.19", "fork-then-unmap")
        assert found is None or isinstance(found, Violation)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("I99", "there is no invariant I99: they are I1, I2, I3, I4, I5, "),
        ("7", "there is no outcome 7: this test has 1"),
        ("0:r9='a'", "--to"),
    ],
)
def test_what_there_is_not(wanted: str, message: str) -> None:
    with pytest.raises(CowpathError, match=message):
        goal(wanted)
