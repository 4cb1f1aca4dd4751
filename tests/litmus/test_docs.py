# SPDX-License-Identifier: MIT
"""docs/litmus.md defines the language: its examples work and nothing is left out."""

import re
from pathlib import Path

import pytest

from cowpath.litmus import initial, resolve, values
from cowpath.litmus.errors import LitmusError
from cowpath.litmus.parse import MAX_CODE, MAX_CONDITION_DEPTH, parse
from cowpath.litmus.print import statement_text
from cowpath.litmus.program import SEGV
from cowpath.litmus.source import MAX_BYTES
from cowpath.litmus.statements import CALLS

DOCS = (Path(__file__).parents[2] / "docs" / "litmus.md").read_text("utf-8")
EXAMPLES = re.findall(r"```c\n(.*?)```", DOCS, re.DOTALL)
STATEMENTS = [
    code.replace("\\|", "|")
    for row in DOCS.split("## Statements")[1].split("## Conditions")[0].split("\n")
    if row.startswith("| `")
    for code in re.findall(r"`([^`]+)`", re.split(r"(?<!\\)\|", row)[1])
]


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_a_test(example: str) -> None:
    resolve.program_from_text(example)


@pytest.mark.parametrize("text", STATEMENTS)
def test_every_statement_is_one(text: str) -> None:
    (statement,) = parse(f"C t {{ }} P0() {{ {text}; }}").threads[0].body
    assert statement_text(statement) == text


def test_every_word_is_documented() -> None:
    words = {*initial.SWAP_DEVICES, initial.NO_SWAP, *initial.OPTIONS, *initial.BACKGROUND, SEGV}
    for form in CALLS.values():
        assert any(re.search(rf"\b{form.name}\(", text) for text in STATEMENTS)
        words |= {word for operand in form.operands for word in operand.words()}
    for word in words:
        assert re.search(rf"\b{word}\b", DOCS), word


def test_every_usage_that_a_hint_shows_is_a_statement() -> None:
    for form in CALLS.values():
        assert parse(f"C t {{ }} P0() {{ {form.usage()}; }}").threads[0].body


def test_the_limits_are_those_of_the_code() -> None:
    limits = " ".join(DOCS.split("## Limits")[1].split())
    assert (
        f"{resolve.MAX_THREADS} threads, {resolve.MAX_THREADS} processes, {resolve.MAX_PAGES} pages" in limits
    )
    assert f"{resolve.MAX_PLACES} places per page, {resolve.MAX_STATEMENTS} statements per thread" in limits
    assert f"{resolve.MAX_DEVICES} swap devices, conditions nested {MAX_CONDITION_DEPTH} deep" in limits
    assert f"files of {MAX_BYTES // 10**6} MB, of which {MAX_CODE // 1000} kB outside comments" in limits


def test_the_error_is_what_is_printed() -> None:
    text = "C t\n{\n char x[1];\n}\nP0(char *x)\n{\n    madvice(x, MADV_PAGEOUT);\n}\n"
    with pytest.raises(LitmusError) as caught:
        parse(text, "swap.litmus")
    assert f"```text\n{caught.value}\n```" in DOCS


def test_values_are_one_visible_character() -> None:
    assert all(len(value) == 1 and value.isprintable() and value.isascii() for value in values.CHARACTERS)
    assert not {"?", "-", "'", '"', "\\", " "} & set(values.CHARACTERS)
