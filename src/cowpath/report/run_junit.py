# SPDX-License-Identifier: MIT
"""`cowpath run --format junit`: one test suite for each machine."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from cowpath.machine.compare import Comparison
from cowpath.report.machines import histogram, loud

ELEMENTS = {
    "disagrees": "failure",
    "failed": "error",
    "timed out": "error",
    "cannot": "skipped",
    "not met": "skipped",
}


def junit(comparisons: Sequence[Comparison]) -> str:
    """A whole run."""
    root = ElementTree.Element("testsuites", name="cowpath run")
    for name in dict.fromkeys(comparison.machine for comparison in comparisons):
        tests = [comparison for comparison in comparisons if comparison.machine == name]
        kinds = [ELEMENTS.get(test.standing, "") for test in tests]
        suite = ElementTree.SubElement(root, "testsuite", name=name, tests=str(len(tests)))
        for attribute, element in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            suite.set(attribute, str(kinds.count(element)))
        for test, kind in zip(tests, kinds, strict=True):
            case(suite, test, kind)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def case(suite: ElementTree.Element, comparison: Comparison, kind: str) -> None:
    """One test."""
    element = ElementTree.SubElement(
        suite, "testcase", name=comparison.program.name, classname=f"cowpath.{comparison.machine}"
    )
    if kind:
        message = "; ".join(loud(comparison)) or f"{comparison.words}: {comparison.reason}"
        ElementTree.SubElement(element, kind, message=printable(message))
    ElementTree.SubElement(element, "system-out").text = printable(histogram(comparison))


def printable(text: str) -> str:
    """What XML can hold: a guest's console may have left anything."""
    return re.sub(r"[^\t\n\x20-\uD7FF\uE000-\uFFFD]", "?", text)
