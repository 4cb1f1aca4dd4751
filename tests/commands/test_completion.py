# SPDX-License-Identifier: MIT
"""What a shell offers after `cowpath`: asked of bash itself."""

import builtins
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cowpath import cli
from cowpath.commands import completion
from cowpath.errors import CowpathError
from tests.commands.conftest import Run
from tests.tools import need

ASK = """
source "$1"; shift
COMP_WORDS=(cowpath "$@"); COMP_CWORD=$#; COMP_LINE="cowpath $*"; COMP_POINT=${#COMP_LINE}
_shtab_cowpath
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The script for bash, in a file."""
    file = tmp_path_factory.mktemp("completion") / "cowpath.bash"
    file.write_text(completion.script("bash"))
    return file


def offered(script: Path, *words: str) -> set[str]:
    """The words that bash offers for the last one, in an empty directory."""
    command = ["bash", "-c", ASK, "bash", str(script), *words]
    found = subprocess.run(command, capture_output=True, text=True, cwd=script.parent, check=True)
    return set(found.stdout.split())


def test_every_command_is_offered(script: Path) -> None:
    assert set(cli.COMMANDS) <= offered(script, "")
    assert offered(script, "ch") == {"check", "changes"}


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (("check", "--form"), {"--format"}),
        (("check", "--format", "k"), {"ktap"}),
        (("check", "lesson-"), {f"lesson-{number}" for number in range(1, 6)}),
        (("trace", "CVE-2020"), {"CVE-2020-29374"}),
        (("check", "--kernel", "5.18"), {"5.18"}),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, tuple) else "",
)
def test_options_choices_tests_and_kernels_are_offered(
    script: Path, words: tuple[str, ...], wanted: set[str]
) -> None:
    assert offered(script, *words) == wanted


def test_files_are_offered_beside_tests(script: Path) -> None:
    (script.parent / "lesson-mine.litmus").touch()
    try:
        assert "lesson-mine.litmus" in offered(script, "check", "lesson-m")
    finally:
        (script.parent / "lesson-mine.litmus").unlink()


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_every_shell_gets_a_script(run: Run, shell: str) -> None:
    status, out, _ = run("completion", shell)
    assert status == 0
    assert "cowpath" in out
    need(shell)
    subprocess.run([shell, "-n"], input=out, text=True, check=True)


def test_without_shtab_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: Any) -> Any:
        if name == "shtab":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(CowpathError, match=r'pip install "cowpath\[completion\]"'):
        completion.script("bash")
