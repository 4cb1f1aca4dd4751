# SPDX-License-Identifier: MIT
"""`cowpath why`: reasons in words, as JSON, and its exit status."""

import json

from tests.commands.conftest import Run


def test_reasons_with_outcome_and_path(run: Run) -> None:
    status, out, err = run("why", "get-read-leak", "--kernel", "6.1", "--to", "leak")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[:4] == [
        "get-read-leak on 6.1 x86_64: why not 'leak'?",
        "",
        "Each of these alone keeps something out:",
        "",
    ]
    assert lines[4] == "  without wp-reuse-by-refcount: leak"
    assert "      2:r0=p; 0:x[0]=p;  (13 steps)" in lines
    assert "the model asks for change nothing alone" in out
    assert "Of those, all pairs (" in out
    assert "and all triples (" in out


def test_paths_in_full(run: Run) -> None:
    out = run("why", "get-read-leak", "--kernel", "6.1", "--to", "leak", "--no-pairs", "--paths").out
    assert "        Promise broken on 6.1 x86_64 without wp-reuse-by-refcount: leak" in out
    assert "pairs" not in out


def test_what_would_mend_it(run: Run) -> None:
    out = run("why", "13ddaf26be32", "--kernel", "6.1", "--no-pairs").out
    assert "Each of these alone would mend it:\n\n  with bypass-takes-slot\n" in out


def test_what_happens_is_no_question(run: Run) -> None:
    status, out, _ = run("why", "get-read-leak", "--kernel", "5.7", "--to", "leak")
    assert status == 1
    assert "It happens" in out


def test_json(run: Run) -> None:
    out = run("why", "get-read-leak", "--kernel", "6.1", "--to", "leak", "--format", "json").out
    found = json.loads(out)
    assert found["keepers"][0]["mutations"] == ["wp-reuse-by-refcount"]
    assert found["keepers"][0]["steps"] == 13


def test_one_kernel_only(run: Run) -> None:
    status, _, err = run("why", "get-read-leak", "--kernel", "5.10..6.1")
    assert (status, err) == (
        2, "cowpath why: the reasons are those of one kernel: give --kernel and --arch once\n"
    )  # fmt: skip
