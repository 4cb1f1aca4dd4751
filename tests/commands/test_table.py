# SPDX-License-Identifier: MIT
"""`cowpath table`, `mutate` and `copies` as a user meets them."""

import json
import re
import zlib
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from cowpath.cli import main

FOUNDING = Path(__file__).parents[2] / "litmus" / "founding"
SMALL = ["--reference", "get-write", "--situation", "swap-read", "--situation", "fork-after"]
RACE = [*SMALL[:-1], "fork-during"]
KERNELS = ["--kernel", "5.18", "--kernel", "6.1"]


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    status = main([*words, "--jobs", "1"])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_text_names_the_command_that_shows_each_bug(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "table", *SMALL, *KERNELS)
    assert (status, err) == (0, "")
    assert re.search(r"swapped out, read back +lost +reliable\n", out)
    assert re.search(r"fork while it is held +\(lost\) +\(lost\)\n", out)
    assert "\x1b" not in out
    line = next(line for line in out.splitlines() if "get-write-swap-read" in line)
    status, shown, _ = run(capsys, *line.split()[1:])
    assert status == 0
    assert "5.18 x86_64: lost\n" in shown
    assert "0:x[0] is 'a'; the promise allows only 'D'\n" in shown
    assert shown.endswith("Promise broken on 5.18 x86_64: lost write\n")


def test_releases_that_agree_share_a_column(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "table", "--reference", "get-write", "--situation", "plain")
    head = next(line for line in out.splitlines() if line.startswith("FOLL_GET"))
    assert re.fullmatch(r"FOLL_GET \| FOLL_WRITE +5\.7-\d\.\d+", head)


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_every_link_has_its_trace(capsys: pytest.CaptureFixture[str], form: str) -> None:
    _, out, _ = run(capsys, "table", *SMALL, *KERNELS, "--format", form)
    links = set(re.findall(r'(?:href="|\()#([\w-]+)', out))
    assert links
    assert links <= set(re.findall(r'id="([\w-]+)"', out))


def test_html_needs_no_network(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "table", *SMALL, *KERNELS, "--format", "html")
    assert "http" not in out
    assert "prefers-color-scheme: dark" in out
    assert out.count("<table>") == out.count("</table>") == 1


def test_pages_show_every_step_of_a_cell(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, out, _ = run(capsys, "table", *RACE, *KERNELS, "--html", str(tmp_path / "table"))
    index = Path(out.strip())
    assert (status, index) == (0, tmp_path / "table" / "index.html")
    assert sorted(re.findall(r'href="([^"]*)"', index.read_text())) == [
        "get-write-fork-during.html#kernel=5.18+x86_64",
        "get-write-fork-during.html#kernel=6.1+x86_64",
        "get-write-swap-read.html#kernel=5.18+x86_64",
    ]
    pages = sorted(path.name for path in index.parent.iterdir())
    assert pages == ["get-write-fork-during.html", "get-write-swap-read.html", "index.html"]
    lost, excluded = (page_data(index.parent / name)["tests"][0] for name in pages[1::-1])
    assert [run["verdict"] for run in lost["runs"]] == ["broken", "kept"]
    assert lost["runs"][0]["paths"][0]["steps"]
    assert "no more is promised for such a reference" in excluded["overview"]["comment"]
    # what leads to the lost write that nobody promises, not just to the first outcome
    for found in excluded["runs"]:
        (path,) = found["paths"]
        assert len(found["outcomes"]) > 1
        assert "0:x[0]=a;" in found["outcomes"][int(path["goal"].removeprefix("outcome-"))]["text"]
    (tmp_path / "file").write_text("")
    status, _, err = run(capsys, "table", *RACE, *KERNELS, "--html", str(tmp_path / "file"))
    assert (status, "file: File exists" in err) == (2, True)


def page_data(page: Path) -> dict[str, Any]:
    """What a page holds."""
    packed = re.search(r'id="data">([^<]*)<', page.read_text())
    assert packed is not None
    found: dict[str, Any] = json.loads(zlib.decompress(b64decode(packed[1])))
    return found


def test_equal_paths_are_shown_once(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "table", *SMALL, "--kernel", "5.19", "--kernel", "6.1", "--format", "html")
    assert out.count("<details ") == 1
    assert "5.19, 6.1" in out


def test_no_traces(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "table", *SMALL, *KERNELS, "--format", "markdown", "--no-traces")
    assert "**lost**" in out
    assert "details" not in out


def test_json_has_every_cell(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "table", *SMALL, *KERNELS, "--format", "json")
    cells = {(cell["situation"], cell["column"]): cell for cell in json.loads(out)["cells"]}
    assert len(cells) == 4
    lost = cells["swap-read", "5.18"]
    assert (lost["verdict"], lost["promised"], lost["broken"]) == ("lost", True, True)
    assert lost["trace"]
    assert cells["fork-after", "6.1"]["promised"] is False


def test_the_tests_can_be_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, out, _ = run(capsys, "table", *SMALL, "--tests", str(tmp_path / "cells"))
    assert status == 0
    assert len(out.splitlines()) == 2
    assert main(["check", *out.split(), "--kernel", "5.18"]) == 1


def test_a_bounded_search_is_not_finished(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "table", *SMALL, "--kernel", "6.1", "--max-states", "5")
    assert status == 3
    assert "not finished" in out


def test_a_cell_without_fault_has_no_trace(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "table", "--trace", "get-write-plain", "--kernel", "6.1")
    assert status == 1
    assert out.endswith("6.1 x86_64: reliable\n")


def test_an_unknown_cell_has_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(capsys, "table", "--trace", "get-write-swap-reed")
    assert status == 2
    assert "did you mean 'get-write-swap-read'?" in err


# -- mutate ----------------------------------------------------------------------------------------


def test_mutate_names_who_notices_and_the_score(capsys: pytest.CaptureFixture[str]) -> None:
    fresh = str(FOUNDING / "fresh-page.litmus")
    status, out, _ = run(capsys, "mutate", fresh, "--only", "H4b")
    assert status == 0
    assert "fresh-page (condition holds)" in out
    assert out.endswith("noticed: 1 of 1 upstream changes (100%)\n")


def test_mutate_fails_where_nobody_notices(capsys: pytest.CaptureFixture[str]) -> None:
    fresh = str(FOUNDING / "fresh-page.litmus")
    status, out, _ = run(capsys, "mutate", fresh, "--only", "no-pte-same-in-anonymous", "--format", "json")
    assert status == 1
    assert json.loads(out)["mutations"][0]["fate"] == "missed"


def test_mutate_lists_what_it_would_do(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "mutate", "--list")
    assert status == 0
    assert re.search(r"^H3 +change +\S+, 5\.19,.* fork copies the swap pte as it is$", out, re.MULTILINE)


@pytest.mark.parametrize("words", [["--only", "H99"], ["no/such/corpus"]])
def test_mutate_teaches(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    status, _, err = run(capsys, "mutate", *words)
    assert status == 2
    assert words[-1] in err


# -- copies ----------------------------------------------------------------------------------------


def test_copies(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "copies", str(FOUNDING / "fresh-page.litmus"), *KERNELS)
    assert status == 0
    assert out.splitlines()[1].split() == ["fresh-page", "0-1", "+1", "0", "0"]


def test_copies_json(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "copies", str(FOUNDING / "fresh-page.litmus"), *KERNELS, "--format", "json")
    kernels = json.loads(out)["tests"][0]["kernels"]
    assert [(one["kernel"], one["most"], one["avoidable"]) for one in kernels] == [
        ("5.18 x86_64", 1, 1), ("6.1 x86_64", 0, 0),
    ]  # fmt: skip


def test_help_says_the_real_default(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("table", "copies"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        assert "(default every release that changes a rule" in " ".join(capsys.readouterr().out.split())
