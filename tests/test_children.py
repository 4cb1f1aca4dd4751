# SPDX-License-Identifier: MIT
"""What cowpath starts was put there by nobody else, and takes nothing from the current directory."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cowpath import children
from cowpath.litmus import grammar
from cowpath.userdirs import ForeignDirectoryError, need_private
from tests.founding import FOUNDING

TRAPS = ("random", "json", "select", "sitecustomize", "usercustomize", "agent", "lark", "numpy", "cowpath")
"""Modules that cowpath, its agent or Python itself would load by these names."""

COWPATH = [
    sys.executable,
    "-c",
    "import sys; sys.path.pop(0); from cowpath.cli import main; sys.exit(main())",
]
"""As the script `cowpath`, whose first directory is that of the script and never the current one."""


@pytest.fixture
def trapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, full of modules and programs that tell if somebody loads or runs them."""
    sprung = tmp_path / "sprung"
    for name in TRAPS:
        (tmp_path / f"{name}.py").write_text(f"open({str(sprung)!r}, 'a').write({name!r})\n")
    for name in ("python", "dot", "sh", "apt-get", "zstd", "gcc", "cc"):
        trap = tmp_path / name
        trap.write_text(f"#!/bin/sh\necho {name} >>{sprung}\n")
        trap.chmod(0o755)
    shutil.copy(FOUNDING, tmp_path / "test.litmus")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f".:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cold"))
    return sprung


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "test.litmus"),
        ("trace", "test.litmus", "--kernel", "5.18"),
        ("graph", "test.litmus", "--svg"),
        ("check", "test.litmus", "test.litmus", "--jobs", "2", "--kernel", "5.18", "--kernel", "6.1"),
        ("check", "test.litmus", "--engine", "native", "--memory", "1G"),
        ("kernels", "--real"),
        ("run", "test.litmus", "--on", "host", "--rounds", "1", "--results", "results"),
    ],
    ids=lambda arguments: " ".join(arguments[:1]),
)
def test_nothing_beside_the_litmus_files_is_run(trapped: Path, arguments: tuple[str, ...]) -> None:
    done = subprocess.run([*COWPATH, *arguments], capture_output=True, text=True, check=False, timeout=120)
    assert "Traceback" not in done.stderr
    assert done.stdout, done.stderr
    assert not trapped.exists(), trapped.read_text()


def test_the_agent_sees_neither_our_modules_nor_our_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("LD_PRELOAD", str(tmp_path / "library.so"))
    monkeypatch.setenv("PYTHONSTARTUP", str(tmp_path / "start.py"))
    code = "import os, sys; print([p for p in sys.path if 'site-packages' in p], sorted(os.environ))"
    shown = children.output(children.python("-S", "-c", code)).decode().strip()
    assert shown == "[] ['HOME', 'LANG', 'LC_ALL', 'PATH']"


def test_a_program_is_looked_for_where_only_root_and_we_can_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "bin"
    directory.mkdir()
    program = directory / "tool"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(directory))
    assert children.find("tool") == str(program)
    program.chmod(0o757)
    assert children.find("tool") is None, "everybody could have written the program"
    program.chmod(0o755)
    directory.chmod(0o777)
    assert children.find("tool") is None, "everybody could have put it there"
    directory.chmod(0o755)
    monkeypatch.chdir(directory)
    monkeypatch.setenv("PATH", ".::bin")
    assert children.find("tool") is None, "a relative directory is another one each time"
    assert children.environment()["PATH"] == ""


def test_a_cache_that_others_can_change_is_refused(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    assert need_private(str(cache)) == str(cache)
    cache.chmod(0o777)
    with pytest.raises(ForeignDirectoryError, match="can be changed by others"):
        need_private(str(cache))
    cache.chmod(0o755)
    tmp_path.chmod(0o777)
    with pytest.raises(ForeignDirectoryError, match="mend its owner and mode"):
        need_private(str(cache))
    tmp_path.chmod(0o1777)
    assert need_private(str(cache)) == str(cache), "as in /tmp: nobody else can move it away"
    tmp_path.chmod(0o700)
    link = tmp_path / "link"
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    link.symlink_to(tmp_path / "open")
    with pytest.raises(ForeignDirectoryError):
        need_private(str(link / "cowpath"))


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a file away")
def test_a_cache_of_another_user_is_refused(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    os.chown(cache, 65534, 65534)
    with pytest.raises(ForeignDirectoryError):
        need_private(str(cache))


def test_a_saved_parser_that_others_can_write_is_made_anew(tmp_path: Path) -> None:
    """It would be unpickled."""
    kept = tmp_path / "grammar"
    grammar.write(str(kept), b"parser")
    assert grammar.read(str(kept)) == b"parser"
    kept.chmod(0o666)
    assert grammar.read(str(kept)) is None
    kept.chmod(0o600)
    tmp_path.chmod(0o777)
    assert grammar.read(str(kept)) is None


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    code = (
        "from cowpath import children\n"
        "with children.started(['sleep', '1000'], lambda process: process.kill()) as process:\n"
        f"    open({str(told)!r}, 'w').write(f'{{process.pid}}\\n')\n"
        "    process.wait()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 30
    while not told.exists() or not told.read_text().endswith("\n"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    child = int(told.read_text())
    assert Path(f"/proc/{child}").exists()
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    while Path(f"/proc/{child}").exists() and "\nState:\tZ" not in Path(f"/proc/{child}/status").read_text():
        assert time.monotonic() < deadline, "it lives on without us"
        time.sleep(0.02)
