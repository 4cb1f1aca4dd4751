# SPDX-License-Identifier: MIT
"""Options say their range, and values beyond it are bad input and no traceback."""

from pathlib import Path

import pytest

from tests.commands.conftest import Run


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("check", "fresh-page", "--kernel", "6." + "1" * 5000), "is not a kernel release"),
        (("trace", "fresh-page", "--to", "²"), ""),
        (("check", "fresh-page", "--jobs", "0"), "'0' is not a number from 1 to 1,024"),
        (("check", "fresh-page", "--jobs", "9" * 5000), "is not a number from 1 to 1,024"),
        (("check", "fresh-page", "--max-states", "-5"), "is not a number from 1 to 1,000,000,000,000"),
        (("check", "fresh-page", "--max-states", "٣"), "is not a number"),
        (("check", "fresh-page", "--memory", "999999999T"), "is not an amount of memory"),
        (("run", "fresh-page", "--rounds", "0"), "'0' is not a number from 1 to 100,000"),
        (("run", "fresh-page", "--rounds", "1000000000000"), "from 1 to 100,000"),
        (("run", "fresh-page", "--rounds", "-5"), "from 1 to 100,000"),
        (("run", "fresh-page", "--seed", "-1"), "is not a number from 0 to"),
        (("run", "fresh-page", "--jobs", "0"), "from 1 to 1,024"),
        (("run", "fresh-page", "--on", "x" * 5000), "no machine 'xxx"),
        (("run", "fresh-page", "--on", "host", "--follow", "x" * 300), "x"),
        (("copies", "/"), "name a directory of tests"),
        (("prove", "--slots", "-1"), "is not a number from 0 to 64"),
        (("prove", "--time", "nan"), "is not a time in seconds"),
    ],
    ids=lambda value: " ".join(word[:12] for word in value[1:]) if isinstance(value, tuple) else "",
)
def test_what_is_out_of_range_is_bad_input(run: Run, arguments: tuple[str, ...], why: str) -> None:
    ran = run(*arguments)
    assert ran.status == 2
    assert why in ran.err
    assert ran.out == ""
    assert max(map(len, ran.err.splitlines())) < 1100


def test_a_binary_file_is_no_order(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "order"
    file.write_bytes(b"\x00\xff")
    ran = run("run", "fresh-page", "--on", "host", "--follow", file)
    assert (ran.status, ran.out) == (2, "")
    assert "not a text of threads" in ran.err


def test_a_graph_that_is_too_large_is_not_finished(run: Run) -> None:
    ran = run("graph", "get-write-read-refault", "--max-states", "3")
    assert ran.status == 3
    assert "more than 3 states" in ran.err


def test_a_file_name_controls_no_terminal(run: Run, tmp_path: Path) -> None:
    """`run` itself looks that no escape comes out."""
    file = tmp_path / "\x1b]0;owned\x07.litmus"
    file.write_text("C t {")
    assert run("check", file).status == 2
    ran = run("check", f"{file}.not-there", "\x1b[2J")
    assert ran.status == 2
    assert "\\x1b" in ran.err
