# SPDX-License-Identifier: MIT
"""`cowpath minimise`: the test, the path, and where it is written."""

from pathlib import Path

from tests.commands.conftest import Run


def test_a_smaller_test_and_its_path(run: Run) -> None:
    status, out, err = run("minimise", "get-write-read-refault", "--kernel", "5.18")
    assert status == 0
    assert out.startswith("C get-write-read-refault-minimal\n")
    assert "\nlost write: 0:x[0]=a; 0:x[1]=c;\n" in out
    assert err.endswith(" tests looked at\n")


def test_it_can_be_written_and_checked(run: Run, tmp_path: Path) -> None:
    small = tmp_path / "small.litmus"
    status, out, _ = run(
        "minimise", "get-write-read-refault", "--kernel", "5.18", "--write", small, "--no-path"
    )
    assert (status, out) == (0, "")
    assert run("check", small, "--kernel", "5.18").status == 1
    assert run("check", small, "--kernel", "6.1").status == 0


def test_nothing_to_show(run: Run) -> None:
    assert run("minimise", "fresh-page", "--kernel", "6.1") == (
        1, "", "cowpath minimise: nothing is broken on 6.1 x86_64\n"
    )  # fmt: skip
    status, _, err = run("minimise", "fresh-page", "--kernel", "6.1", "--to", "leak")
    assert (status, err) == (1, "cowpath minimise: 'leak' does not happen on 6.1 x86_64\n")
