# SPDX-License-Identifier: MIT
"""cowpath prove."""

import json
from pathlib import Path

import pytest

from cowpath.cli import main
from cowpath.commands import status


def test_a_combination_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prove", "--theme", "swap,gup", "--kernel", "6.1"]) == status.KEPT
    out = capsys.readouterr().out
    assert "swap+gup  kept for every program (" in out
    assert "Assumed: " in out


def test_a_combination_is_broken_and_its_test_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prove", "--theme", "swap,gup", "--kernel", "5.18"]) == status.BROKEN
    out = capsys.readouterr().out
    assert "broken: lost write, in 4 statements" in out
    assert "exists (0:x[0]=" in out


def test_a_bound_decides_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["prove", "--theme", "swap,gup", "--kernel", "6.1", "--max-states", "50"]
    assert main(arguments) == status.NOT_FINISHED
    assert "not decided: it stopped after 50 states" in capsys.readouterr().out


def test_answers_are_kept_and_not_asked_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "answers"
    arguments = ["prove", "--pairs", "--theme", "gup,pin,munmap", "--kernel", "6.1", "--resume", str(kept)]
    assert main(arguments) == status.KEPT
    lines = kept.read_text("utf-8").splitlines()
    assert len(lines) == 6
    changed = json.loads(lines[0]) | {"states": 4711}
    kept.write_text("\n".join([json.dumps(changed), *lines[1:]]) + "\n", encoding="utf-8")
    assert main([*arguments, "--format", "json"]) == status.KEPT
    out = capsys.readouterr().out
    assert '"states": 4711' in out


def test_a_file_with_any_is_proved_and_its_counterexample_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "any.litmus"
    file.write_text(
        'C a { char x[1] = "a"; } P0(char *x) { g = get_user_page(x, FOLL_WRITE); '
        "any { madvise(x, MADV_PAGEOUT); x[0] = 'b'; device_write(g, 0, 'c'); } }",
        encoding="utf-8",
    )
    assert main(["prove", str(file), "--kernel", "5.18", "--write", str(tmp_path / "w")]) == status.BROKEN
    (found,) = (tmp_path / "w").iterdir()
    assert main(["check", str(found), "--kernel", "5.18"]) == status.BROKEN
    assert main(["check", str(file)]) == status.BAD_INPUT
    assert main(["run", str(file), "--on", "host"]) == status.BAD_INPUT
    assert "any" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["ktap", "junit", "sarif", "json"])
def test_every_format(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["prove", "--theme", "swap,gup", "--kernel", "5.18", "--kernel", "6.1", "--format", form]
    assert main(arguments) == status.BROKEN
    assert "lost write" in capsys.readouterr().out


def test_a_theme_that_there_is_not_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prove", "--theme", "swap,get"]) == status.BAD_INPUT
    assert "there is no theme 'get': known: places, swap," in capsys.readouterr().err


EVERY = """C every-program { char x[1] = "a"; }
P0(char *x) {
    ref_t g = get_user_page(x, FOLL_WRITE);
    any { madvise(x, MADV_PAGEOUT); r0 = x[0]; x[0] = 'b'; device_write(g, 0, 'c'); }
}"""


@pytest.mark.parametrize("words", [["--kernel", "6.1"], ["--theme", "swap"], ["--pairs"]])
def test_what_fixes_choose_is_not_for_us_to_choose(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prove", *words, "--fixes"]) == status.BAD_INPUT
    assert f"it does not go with {words[0]}" in capsys.readouterr().err


def test_trace_shows_which_statement_was_chosen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "every.litmus"
    file.write_text(EVERY, encoding="utf-8")
    assert main(["trace", str(file), "--kernel", "5.18"]) == status.KEPT
    out = capsys.readouterr().out
    assert out.startswith("breaks the promise: 0:x[0] is b in the end, promised is c\n")
    assert "P0  x[0] = 'b': do_swap_page" in out
    assert "P0  device_write(g, 0, 'c')" in out
    assert main(["trace", str(file), "--kernel", "6.1"]) == status.KEPT
    assert "kept for every program" in capsys.readouterr().err


def test_two_kernels_are_told_apart_or_not(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["prove", "--theme", "swap,gup", "--kernel", "5.18", "--against", "6.1"]
    assert main(arguments) == status.BROKEN
    out = capsys.readouterr().out
    assert "told apart from 6.1 x86_64: P0 r0 = device_read(g, 0) gives" in out
    assert "in 4 statements" in out
    assert main(["prove", "--theme", "swap", "--kernel", "6.1", "--against", "6.8"]) == status.KEPT
    assert "no program can tell 6.8 x86_64 from it" in capsys.readouterr().out
