# SPDX-License-Identifier: MIT
"""The control experiment: every rule is one of the model's, and the model says that its tests break."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cowpath.corpus.files import source
from cowpath.judge.judge import judge
from cowpath.litmus.resolve import program_from_text
from cowpath.machine.mutated import Edit, EditError

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "control.py"


def script() -> Any:
    """The script, which is in no package."""
    spec = importlib.util.spec_from_file_location("cowpath_control", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = found  # dataclasses look there
    spec.loader.exec_module(found)
    return found


CONTROL = script()
MARKER, RULES = CONTROL.read(SCRIPT.with_suffix(".toml"))
BUILT = SimpleNamespace(version="6.1.176-1")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.change)
def test_the_model_breaks_where_the_rule_is_gone(rule: Any) -> None:
    for test in rule.tests:
        program = program_from_text(source(test).text)
        whole, broken = (
            judge(program, CONTROL.kernel(BUILT)),
            judge(program, CONTROL.kernel(BUILT, rule.change)),
        )
        assert whole.verdict == "kept", test
        assert set(broken.breakage) & set(CONTROL.ORDER), test


def test_an_edit_that_does_not_fit_is_refused() -> None:
    text = "int f(void)\n{\n\tone;\n}\n"
    assert Edit("a.c", "one", "two", "f").apply(text) == text.replace("one", "two")
    with pytest.raises(EditError, match="'three' is there 0 times, and not 1"):
        Edit("a.c", "three", "0", "f").apply(text)
    with pytest.raises(EditError, match="no function g"):
        Edit("a.c", "one", "two", "g").apply(text)


def test_a_call_is_no_definition() -> None:
    text = "int g(void)\n{\n\tf(x);\n}\nint f(int x)\n{\n\treturn x;\n}\n"
    assert Edit("a.c", "return x", "return 0", "f").apply(text).endswith("\treturn 0;\n}\n")


def test_the_table_says_whether_both_break_alike() -> None:
    kept, lost = frozenset[str](), frozenset({"lost write"})
    whole, alike = CONTROL.Cell(kept, kept, "kept 9/9"), CONTROL.Cell(lost, lost, "lost write 9/9")
    text = CONTROL.table("6.1.176-1", [(RULES[0], "t", whole, alike)])
    assert "1 of 1 rows agree" in text
    assert "| t | kept | kept 9/9 | lost write | lost write 9/9 | agrees |" in text
    unlike = CONTROL.Cell(lost, kept, "kept 9/9")
    assert "**differs**" in CONTROL.table("6.1.176-1", [(RULES[0], "t", whole, unlike)])
