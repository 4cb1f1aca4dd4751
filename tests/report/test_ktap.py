# SPDX-License-Identifier: MIT
"""KTAP, read back by the rules of the kernel tree: dev-tools/ktap.rst and kunit_parser.py."""

import re

from cowpath.report import ktap
from tests.report.cases import ALL, ERROR, FAIL, HOSTILE, PASS, PREDICTED, RUN, SKIP, TIMEOUT, XFAIL

RESULT = re.compile(r"(ok|not ok) ([0-9]+) (?:- )?([^#]*?)(?: # (SKIP|XFAIL|ERROR|TODO|TIMEOUT)(?: (.*))?)?")
Parsed = list[tuple[str, str, str | None, "Parsed"]]


def parse(lines: list[str], name: str | None = None) -> Parsed:
    """Version line, plan, then results; lines that are indented by two more are the subtests of the next.

    Subtests say whose they are; a reader knows their parent's result by that name.
    """
    assert lines.pop(0) == "KTAP version 1"
    if name is not None:
        assert lines.pop(0) == f"# Subtest: {name}"
    plan = re.fullmatch(r"1\.\.([0-9]+)", lines.pop(0))
    assert plan is not None
    found: Parsed = []
    nested: list[str] = []
    for line in lines:
        if line.startswith("  "):
            nested.append(line[2:])
        elif not line.startswith("#"):
            result = RESULT.fullmatch(line)
            assert result is not None, line
            assert int(result[2]) == len(found) + 1
            found.append((result[1], result[3], result[4], parse(nested, result[3]) if nested else []))
            nested = []
    assert len(found) == int(plan[1])
    return found


def test_every_status_has_its_line() -> None:
    tests = parse(ktap.document([PASS, FAIL, XFAIL, SKIP, ERROR]).splitlines())
    assert [(good, name, mark) for good, name, mark, _ in tests] == [
        ("ok", "kept", None),
        ("not ok", "lost", None),
        ("ok", "ksm", "SKIP"),
        ("not ok", "big", None),
    ]
    assert [(good, name, mark) for good, name, mark, _ in tests[1][3]] == [
        ("not ok", "5.18 x86_64", None),
        ("ok", "5.10 x86_64", "XFAIL"),
    ]
    assert tests[3][3][0][2] == "ERROR"


def test_outcomes_of_a_machine_are_subtests_of_its_case() -> None:
    ((good, name, _, kernels),) = parse(ktap.document([RUN, PREDICTED]).splitlines())
    assert (good, name) == ("not ok", "lost")
    assert [(good, name, mark) for good, name, mark, _ in kernels] == [
        ("not ok", "uml:6.1", None),
        ("ok", "uml:6.1", "XFAIL"),
    ]
    assert kernels[0][3] == [
        ("ok", "0:r1=D; 2", None, []), ("ok", "0:r1=a; 2", "XFAIL", []), ("not ok", "0:r1=b; 1", None, []),
    ]  # fmt: skip
    assert kernels[1][3] == [("ok", "0:r1=D; 2", None, []), ("ok", "0:r1=a; 2", "XFAIL", [])]


def test_what_did_not_end_has_a_directive_of_its_own() -> None:
    assert parse(ktap.document([TIMEOUT]).splitlines())[0][3] == [("not ok", "qemu:6.1", "TIMEOUT", [])]


def test_what_explains_a_failure_stands_before_it() -> None:
    lines = ktap.document([FAIL]).splitlines()
    at = lines.index("  not ok 1 5.18 x86_64")
    assert "  # lost write: 0:r1=a;" in lines[:at]
    assert "  # 0:r1 is 'a'; the promise allows only 'D'" in lines[:at]
    assert not any("0:r1=D" in line for line in lines)


def test_a_name_cannot_forge_a_result() -> None:
    text = ktap.document([HOSTILE])
    (test,) = parse(text.splitlines())
    assert test[0] == "not ok"
    assert test[2] is None
    assert "\x1b" not in text
    assert len(parse(ktap.document(ALL).splitlines())) == 6


def test_no_case_is_an_empty_plan() -> None:
    assert ktap.document([]) == "KTAP version 1\n1..0\n"
