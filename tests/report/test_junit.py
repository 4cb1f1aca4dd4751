# SPDX-License-Identifier: MIT
"""JUnit XML against junit.xsd beside this file, which is what Jenkins, GitLab and GitHub all accept."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
import xmlschema

from cowpath.report import junit
from cowpath.report.case import Case
from tests.report.cases import ALL, ERROR, FAIL, HOSTILE, PASS, SKIP, XFAIL

SCHEMA = xmlschema.XMLSchema(Path(__file__).with_name("junit.xsd"))


@pytest.mark.parametrize("cases", [[], *([case] for case in ALL), ALL], ids=lambda cases: str(len(cases)))
def test_the_schema_accepts_it(cases: list[Case]) -> None:
    SCHEMA.validate(junit.document(cases))


@pytest.mark.parametrize(
    "broken", ["<testsuites/>", '<testsuites name="c"><testsuite name="s"/></testsuites>']
)
def test_the_schema_refuses_what_lacks_counts(broken: str) -> None:
    with pytest.raises(xmlschema.XMLSchemaValidationError):
        SCHEMA.validate(broken)


def test_counts_and_places() -> None:
    root = ElementTree.fromstring(junit.document([PASS, FAIL, XFAIL, SKIP, ERROR]))
    assert {name: root.get(name) for name in ("tests", "failures", "errors")} == {
        "tests": "5", "failures": "1", "errors": "1",
    }  # fmt: skip
    assert [suite.get("name") for suite in root] == ["6.1 x86_64", "5.18 x86_64", "5.10 x86_64", "uml 6.1"]
    failure = root.find("testsuite[@name='5.18 x86_64']/testcase/failure")
    assert failure is not None
    assert failure.get("type") == "lost write"
    assert "the promise allows only 'D'" in (failure.text or "")
    assert root.find("testsuite[@name='5.10 x86_64']/testcase/skipped[@type='xfail']") is not None


def test_what_xml_cannot_hold_is_replaced() -> None:
    text = junit.document([HOSTILE])
    assert "<script>" not in text
    case = ElementTree.fromstring(text).find("testsuite/testcase")
    assert case is not None
    assert "<script>" in (case.get("name") or "")
