# SPDX-License-Identifier: MIT
"""Answers held against the model: what agrees, what does not, what says nothing; and how it is printed."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from cowpath.commands.run import status_for
from cowpath.litmus.resolve import load_program
from cowpath.machine.compare import Comparison, expect
from cowpath.machine.job import Answer, Observed
from cowpath.report import formats
from cowpath.report.machine_cases import of_comparison
from cowpath.report.machines import histogram, table
from tests.machine.conftest import CORPUS, program

FILE = "litmus/founding/get-write-read-refault.litmus"
LOST, KEPT, ODD = ("b", "a", "a", "c"), ("b", "D", "D", "c"), ("b", "b", "b", "b")
TEST = load_program(CORPUS / "founding" / "get-write-read-refault.litmus")


def comparison(
    release: str, architecture: str, outcomes: dict[Observed, int], **answer: object
) -> Comparison:
    """What a machine might say of the founding test."""
    said = Answer("ran", outcomes=outcomes)
    for name, value in answer.items():
        setattr(said, name, value)
    return Comparison(TEST, "uml:6.1", said, expect(TEST, release, architecture), FILE)


def written(form: str, *found: Comparison) -> str:
    """What `cowpath run --format` prints of these answers."""
    return formats.document(form, [of_comparison(comparison) for comparison in found])


def test_the_predicted_breakage_agrees() -> None:
    found = comparison("6.1.176", "um", {LOST: 100})
    assert (found.standing, found.words, found.expectation.words) == (
        "agrees",
        "lost write 100/100",
        "lost write",
    )
    assert "100     *>0:r0=b; 0:r1=a; 0:x[0]=a; 0:x[1]=c;  lost write" in histogram(found)
    assert "Observation get-write-read-refault Always 100 0" in histogram(found)
    assert status_for([found]) == 0


def test_what_the_model_does_not_allow_is_loud() -> None:
    found = comparison("6.1.176", "x86_64", {LOST: 1, KEPT: 99})
    assert (found.standing, status_for([found])) == ("disagrees", 1)
    loud = "!!! 0:r0=b; 0:r1=a; 0:x[0]=a; 0:x[1]=c; is NOT ALLOWED BY THE MODEL"
    assert loud in histogram(found)
    assert loud in table([found])
    ktap = written("ktap", found)
    assert "\n    not ok 2 0:r0=b; 0:r1=a; 0:x[0]=a; 0:x[1]=c; 1\n" in ktap
    assert "\n    ok 1 0:r0=b; 0:r1=D; 0:x[0]=D; 0:x[1]=c; 99\n" in ktap
    assert f"\n  # {loud}" in ktap
    assert ktap.endswith("\nnot ok 1 get-write-read-refault\n")
    suite = ElementTree.fromstring(written("junit", found))[0]
    assert (suite.get("name"), suite.get("failures")) == ("uml:6.1", "1")
    assert "Histogram (2 states)" in (suite.findtext("testcase/system-out") or "")
    (result,) = json.loads(written("sarif", found))["runs"][0]["results"]
    assert result["ruleId"] == "not-in-the-model"
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == FILE
    line = Path(CORPUS.parent, FILE).read_text().splitlines()[place["region"]["startLine"] - 1]
    assert line.strip() == "r1 = x[0];"


@pytest.mark.parametrize(
    ("answer", "standing", "words", "line"),
    [
        (Answer("cannot", "no KSM"), "cannot", "cannot run here",
         "ok 1 uml:6.1 # SKIP cannot run here: no KSM"),
        (Answer("ran", unmet={"x was not swapped out": 9}), "not met", "precondition not met",
         "ok 1 uml:6.1 # SKIP precondition not met: x was not swapped out"),
        (Answer("failed", "the guest died"), "failed", "no answer",
         "not ok 1 uml:6.1 # ERROR no answer: the guest died"),
        (Answer("ran", hangs=3), "timed out", "timed out 3", "not ok 1 uml:6.1 # TIMEOUT timed out 3"),
    ],
)  # fmt: skip
def test_no_outcome_is_never_agreement(answer: Answer, standing: str, words: str, line: str) -> None:
    found = Comparison(TEST, "uml:6.1", answer, expect(TEST, "6.1", "um"))
    assert (found.standing, found.words) == (standing, words)
    assert f"\n  {line}\n" in written("ktap", found)
    assert status_for([found]) == (3 if standing in ("failed", "timed out") else 4)


def test_a_hang_that_the_model_predicts_agrees() -> None:
    waits = program("C t { char x[1] = \"a\"; } P0(char *x) { userfaultfd_wp(x); x[0] = 'b'; }")
    found = Comparison(waits, "qemu:6.1", Answer("ran", hangs=3), expect(waits, "6.1", "x86_64"))
    assert (found.expectation.hangs, found.standing) == (True, "agrees")


def test_predicted_breakage_is_an_expected_failure_in_ktap() -> None:
    found = comparison("6.1", "um", {LOST: 100})
    text = written("ktap", found)
    assert "\n    ok 1 0:r0=b; 0:r1=a; 0:x[0]=a; 0:x[1]=c; 100 # XFAIL lost write\n" in text
    assert "\n  ok 1 uml:6.1 # XFAIL lost write 100/100\n" in text
    assert text.endswith("\nok 1 get-write-read-refault\n")
    (result,) = json.loads(written("sarif", found))["runs"][0]["results"]
    assert result["suppressions"] == [{"kind": "external", "justification": "the model of 6.1 um says so"}]


def test_herd_tools_read_a_run_as_a_log_of_litmus7() -> None:
    log = written("herd", comparison("6.1", "x86_64", {LOST: 1, KEPT: 99}))
    assert log.startswith("Test get-write-read-refault Allowed\nHistogram (2 states)\n99      :>0:r0=b;")
    lost = "1       *>0:r0=b; 0:r1=a; 0:x.0=a; 0:x.1=c; crash=0; hang=0;"
    assert f"\n{lost}\nOk\nWitnesses\nPositive: 1 Negative: 99\n" in log
    assert "\nCondition exists (0:r1=a)\nObservation get-write-read-refault Sometimes 1 99\n" in log


def test_a_kernel_that_is_not_modelled_is_judged_by_the_promise() -> None:
    found = comparison("9.9", "x86_64", {KEPT: 5, ODD: 1})
    assert found.standing == "not modelled"
    assert found.expectation.words == "not modelled"
    assert [seen.breakage for seen in found.seen] == ["", "lost write"]
    assert status_for([found]) == 1
    assert "\n    not ok 2 0:r0=b; 0:r1=b; 0:x[0]=b; 0:x[1]=b; 1\n" in written("ktap", found)
    assert status_for([comparison("9.9", "x86_64", {KEPT: 5})]) == 0
