# SPDX-License-Identifier: MIT
"""SARIF 2.1.0 against sarif.schema.json beside this file, and the places it points to."""

import json
from pathlib import Path

import jsonschema
import pytest

from cowpath.report import cases, sarif
from cowpath.report.case import Case
from tests.founding import FOUNDING, judged
from tests.report.cases import ALL, ERROR, FAIL, PASS, SKIP, XFAIL

SCHEMA = json.loads(Path(__file__).with_name("sarif.schema.json").read_text())


@pytest.mark.parametrize("found", [[], *([case] for case in ALL), ALL], ids=lambda found: str(len(found)))
def test_the_schema_accepts_it(found: list[Case]) -> None:
    log = json.loads(sarif.document(found))
    jsonschema.validate(log, SCHEMA, format_checker=jsonschema.FormatChecker())


def test_only_findings_are_results() -> None:
    (run,) = json.loads(sarif.document([PASS, FAIL, XFAIL, SKIP, ERROR]))["runs"]
    assert [result["ruleId"] for result in run["results"]] == ["lost-write", "leak"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["lost-write", "leak"]
    assert "suppressions" not in run["results"][0]
    assert run["results"][1]["suppressions"][0]["kind"] == "external"
    assert run["invocations"][0]["executionSuccessful"] is False
    notes = run["invocations"][0]["toolExecutionNotifications"]
    assert [(note["level"], note["message"]["text"]) for note in notes] == [
        ("note", "ksm on uml 6.1: no KSM on this machine"),
        ("error", "big on 6.1 x86_64: not finished"),
    ]
    assert json.loads(sarif.document([SKIP]))["runs"][0]["invocations"][0]["executionSuccessful"] is True


def test_it_points_to_the_load_that_shows_the_lost_write() -> None:
    case = cases.of_result(str(FOUNDING), judged("5.18"))
    (run,) = json.loads(sarif.document([case]))["runs"]
    region = run["results"][0]["locations"][0]["physicalLocation"]["region"]
    line = FOUNDING.read_text().splitlines()[region["startLine"] - 1]
    assert line[region["startColumn"] - 1 :] == "r1 = x[0];"
    flow = run["results"][0]["codeFlows"][0]["threadFlows"][0]["locations"]
    assert "wp_page_copy" in json.dumps(flow)
