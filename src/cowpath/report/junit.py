# SPDX-License-Identifier: MIT
"""`--format junit`: JUnit XML as Jenkins, GitLab and GitHub read it: a suite per kernel, a case per test."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any
from xml.etree import ElementTree

from cowpath.report.case import Case

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def document(cases: Sequence[Case]) -> str:
    """The whole run as one XML document."""
    root = ElementTree.Element("testsuites", name="cowpath", **counts(cases))
    for kernel in dict.fromkeys(case.kernel for case in cases):
        inside = [case for case in cases if case.kernel == kernel]
        skipped = str(sum(case.status in ("skip", "xfail") for case in inside))
        suite = ElementTree.SubElement(
            root, "testsuite", name=clean(kernel), **counts(inside), skipped=skipped
        )
        for case in inside:
            suite.append(element(case))
    ElementTree.indent(root)
    body = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def counts(cases: Sequence[Case]) -> dict[str, Any]:
    """The attributes of a suite: how many tests, failures and errors it has, and how long it took."""
    return {
        "tests": str(len(cases)),
        "failures": str(sum(case.status == "fail" for case in cases)),
        "errors": str(sum(case.status in ("timeout", "error") for case in cases)),
        "time": f"{sum(case.seconds for case in cases):.3f}",
    }


def element(case: Case) -> ElementTree.Element:
    """The element of a case; its class is the folder of the file, as pytest does it."""
    folder = ".".join(part for part in PurePath(case.file).parent.parts if part.strip("/."))
    found = ElementTree.Element(
        "testcase", name=clean(case.test), classname=clean(folder or "litmus"), time=f"{case.seconds:.3f}"
    )
    if case.status != "pass":
        found.append(detail(case))
    if case.output:
        ElementTree.SubElement(found, "system-out").text = clean(case.output)
    return found


TAGS = {"fail": "failure", "timeout": "error", "error": "error", "xfail": "skipped", "skip": "skipped"}


def detail(case: Case) -> ElementTree.Element:
    """The reason why a case fails or is skipped; JUnit has no expected failure, so that is a skipped one."""
    message = f"expected: {case.words}" if case.status == "xfail" else case.words
    kind = case.kinds[0] if case.kinds else case.words
    kind = kind if case.status in ("fail", "error") else case.status
    found = ElementTree.Element(TAGS[case.status], type=clean(kind), message=clean(message))
    broken = [f"{seen.breakage}: {seen.text}" for seen in case.outcomes if seen.breakage]
    steps = [f"{number}. {spot.text}" for number, spot in enumerate(case.path, 1)]
    found.text = clean("\n".join([f"{case.file}, {case.kernel}", *broken, *case.why, *steps]))
    return found


def clean(text: str) -> str:
    r"""The text without what XML 1.0 cannot hold, escaped or not.

    >>> clean("a\x1bb")
    'a\ufffdb'
    """
    return _FORBIDDEN.sub("\ufffd", text)
