# SPDX-License-Identifier: MIT
"""`cowpath diff`: changes, corpus, programs."""

import json
from pathlib import Path

from tests.commands.conftest import Run


def test_two_releases(run: Run, tmp_path: Path) -> None:
    status, out, err = run(
        "diff", "5.18", "5.19", "--tests", "fresh-page", "get-read-stale", "--theme", "swap,gup",
        "--time", "120", "--write", tmp_path / "programs",
    )  # fmt: skip
    assert (status, err) == (1, "")
    assert out.startswith("5.18 x86_64 and 5.19 x86_64\n\nonly 5.19 x86_64: 1493a1913e34, anon-exclusive, ")
    assert "  copies: fewer, in 1 test: fresh-page\n" in out
    assert "swap+gup: 5.18 x86_64 shows what 5.19 x86_64 cannot (4 statements" in out
    files = sorted((tmp_path / "programs").iterdir())
    assert len(files) == 2
    assert {run("check", *files, "--kernel", kernel).status for kernel in ("5.18", "5.19")} == {1}


def test_what_no_program_can_tell(run: Run) -> None:
    status, out, _ = run("diff", "6.1", "6.2", "--tests", "fresh-page", "--theme", "swap", "--time", "120")
    assert status == 0
    assert out.endswith("\nNo program of these can tell them apart: swap.\n")


def test_the_same_rules(run: Run) -> None:
    assert run("diff", "5.13", "5.13") == (0, "5.13 x86_64 and 5.13 x86_64 have the same rules\n", "")


def test_json(run: Run) -> None:
    out = run("diff", "5.18", "5.19", "--tests", "get-write-fork", "--no-programs", "--format", "json").out
    found = json.loads(out)
    assert found["kernels"] == ["5.18 x86_64", "5.19 x86_64"]
    assert "anon-exclusive" in found["only_new"]
    assert found["answers"] == 1


def test_a_theme_that_there_is_not(run: Run) -> None:
    status, _, err = run("diff", "5.18", "5.19", "--theme", "swop")
    assert status == 2
    assert "swap" in err
