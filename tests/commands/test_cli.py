# SPDX-License-Identifier: MIT
"""The program as a whole: help, interruption, pipes, progress."""

import io
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cowpath import __version__
from cowpath.cli import COMMANDS, summary
from cowpath.explore.found import Progress
from cowpath.survey import sweep
from tests.commands.conftest import Run


def test_version_and_help(run: Run) -> None:
    assert run("--version") == (0, f"cowpath {__version__}\n", "")
    status, out, _ = run("--help")
    assert status == 0
    assert all(re.search(rf"^ +{name}\b", out, re.M) for name in COMMANDS)
    assert "exit status:\n  0    as promised" in out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(run: Run, command: str) -> None:
    status, out, _ = run(command, "--help")
    assert status == 0
    assert out.startswith(f"usage: cowpath {command}")
    assert summary(command) in " ".join(out.split())


@pytest.mark.parametrize("arguments", [[], ["chekc"], ["check"], ["check", "--frmat", "x"], ["trace"]])
def test_a_wrong_command_line(run: Run, arguments: list[str]) -> None:
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith("usage: cowpath")


@pytest.mark.parametrize(("command", "room"), [("check", "survey.sweep"), ("trace", "commands.trace")])
def test_interruption(run: Run, kept: Path, monkeypatch: pytest.MonkeyPatch, command: str, room: str) -> None:
    def interrupted(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(f"cowpath.{room}.judge", interrupted)
    assert run(command, kept) == (130, "", "cowpath: interrupted\n")


def test_a_reader_that_leaves_early_is_no_error(lost: Path) -> None:
    """As with `cowpath ... | head`; a real pipe, because Python flushes once more when it ends."""
    for command in (["changes"], ["check", str(lost), "--kernel", "5.18"], ["trace", str(lost)]):
        with subprocess.Popen(
            [sys.executable, "-c", "import sys; from cowpath.cli import main; sys.exit(main())", *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.close()
            assert process.stderr.read() == b""
        assert process.returncode == 0


# -- progress --------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every search counts as long, every state is reported, and the terminal is wide."""
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setattr("cowpath.commands.progress.QUIET_SECONDS", 0.0)
    monkeypatch.setattr("cowpath.commands.progress.INTERVAL_SECONDS", 0.0)
    monkeypatch.setattr("cowpath.explore.search.PROGRESS_EVERY", 1)


@pytest.mark.usefixtures("impatient")
def test_progress_is_for_terminals_only(run: Run, lost: Path) -> None:
    assert run("check", lost, "--kernel", "5.18").err == ""


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("command", ["check", "trace"])
def test_progress_is_one_line_that_is_wiped(
    run: Run, lost: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    run(command, lost, "--kernel", "5.18")
    shown = stream.getvalue()
    assert "\n" not in shown
    assert re.search(r"\r\[1/1\] lost.*: \d+ states, 0 s, \d+ to expand, [\d,]+/s", shown)
    assert screen(shown).strip() == ""


@pytest.mark.usefixtures("impatient")
def test_progress_counts_the_searches(run: Run, lost: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    run("check", lost, "--kernel", "5.18", "--kernel", "6.1")
    assert "[1/2] lost on 5.18 x86_64: " in stream.getvalue()
    assert "[2/2] lost on 6.1 x86_64: " in stream.getvalue()


@pytest.mark.usefixtures("impatient")
def test_progress_counts_what_is_taken_over(run: Run, lost: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    run("check", lost, "--kernel", "6.1", "--kernel", "6.2", "--kernel", "5.18")
    assert "[2/3] lost on 6.2 x86_64\r" in stream.getvalue()
    assert "lost on 6.2 x86_64: " not in stream.getvalue()
    assert "[3/3] lost on 5.18 x86_64: " in stream.getvalue()


@pytest.mark.usefixtures("impatient")
def test_progress_is_wiped_when_interrupted(run: Run, lost: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)

    def stops(program: object, version: object, method: object, progress: Progress, *others: object) -> None:
        progress(1_000_000, 5, "12 of at most 100 MiB")
        raise KeyboardInterrupt

    monkeypatch.setattr(sweep, "judge", stops)
    assert run("check", lost).status == 130
    assert "1,000,000 states" in stream.getvalue()
    assert "12 of at most 100 MiB" in stream.getvalue()
    assert screen(stream.getvalue()).strip() == "cowpath: interrupted"


@pytest.mark.usefixtures("impatient")
def test_progress_fits_the_terminal(run: Run, lost: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("COLUMNS", "40")
    run("check", lost)
    assert max(map(len, stream.getvalue().split("\r"))) < 40


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [(["chekc"], "check"), (["check", "x", "--frmat=json"], "--format"), (["pte", "decod", "1"], "decode")],
)
def test_a_name_that_is_nearly_right(run: Run, arguments: list[str], meant: str) -> None:
    status, _, err = run(*arguments)
    assert status == 2
    assert err.rstrip().endswith(f"did you mean {meant!r}?")


def screen(text: str) -> str:
    """What remains visible of text with carriage returns."""
    line: list[str] = []
    for part in text.rstrip("\n").split("\r"):
        line[: len(part)] = part
    return "".join(line)


@pytest.mark.usefixtures("impatient")
def test_a_short_search_stays_quiet(lost: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cowpath.commands.progress.QUIET_SECONDS", 60.0)
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    run("check", lost)
    assert stream.getvalue() == ""
