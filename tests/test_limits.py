# SPDX-License-Identifier: MIT
"""The table of docs/limits.md: what happens where disk, memory, descriptors or letters run out."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from cowpath.commands import status
from cowpath.explore.native import library
from cowpath.explore.native.compiler import compiler
from tests.founding import FOUNDING

MAIN = "import sys; from cowpath.cli import main; sys.exit(main())"

LARGE = ("check", "readahead-aba", "--kernel", "5.18")
"""A search of 60,000 states."""

needs_compiler = pytest.mark.skipif(compiler() is None, reason="no C compiler")

Done = subprocess.CompletedProcess[str]


def limited(limits: Mapping[int, int]) -> Callable[[], None]:
    """For a child between fork and exec: it may use no more of some resources."""

    def limit() -> None:
        for kind, most in limits.items():
            resource.setrlimit(kind, (most, most))

    return limit


def cowpath(
    *arguments: str,
    env: Mapping[str, str] | None = None,
    limits: Mapping[int, int] | None = None,
    before: Sequence[str] = (),
) -> Done:
    """Run a command in an environment, `before` a command that runs it; it ends without an accident."""
    done = subprocess.run(
        [*before, sys.executable, "-c", MAIN, *arguments],
        env={**os.environ, **(env or {})},
        preexec_fn=limited(limits or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=120,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode in status.MEANING, (done.returncode, done.stderr)
    return done


def redirected(arguments: str, redirection: str) -> Done:
    """Run a command whose output goes where a shell sends it."""
    return cowpath(*arguments.split(), before=("sh", "-c", f'exec "$@" {redirection}', "sh"))


# -- output ----------------------------------------------------------------------------------------

ANSWERS = (f"check {FOUNDING}", f"check {FOUNDING} --format json", "pte layout arm64", "--version")
HELP = ("--help", "table --help")


@pytest.mark.parametrize("arguments", [*ANSWERS, *HELP])
def test_an_answer_that_finds_no_room_is_an_error(arguments: str) -> None:
    done = redirected(arguments, ">/dev/full")
    assert (done.returncode, "No space left on device" in done.stderr) == (status.BAD_INPUT, True)


@pytest.mark.parametrize("arguments", [ANSWERS[0], "--version"])
def test_an_answer_that_nobody_could_read_is_not_worked_out(arguments: str) -> None:
    done = redirected(arguments, ">&-")
    assert (done.returncode, done.stderr.count("\n")) == (status.BAD_INPUT, 1)
    assert "stdout is closed" in done.stderr


@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-"])
@pytest.mark.parametrize(
    ("arguments", "found"), [(ANSWERS[0], 0), ("check --bogus", 2), ("check /no/such/file", 2)]
)
def test_a_complaint_that_finds_no_room_changes_no_status(
    arguments: str, found: int, redirection: str
) -> None:
    done = redirected(arguments, redirection)
    assert (done.returncode, done.stderr) == (found, "")


ASCII = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
"""Python then speaks ASCII, and files are read as UTF-8 all the same."""


@pytest.mark.parametrize("env", [ASCII, ASCII | {"PYTHONIOENCODING": "ascii"}], ids=["C", "ascii"])
@pytest.mark.parametrize(
    "arguments",
    [
        "check",
        "check --format json",
        "check --format junit",
        "trace --kernel 5.18",
        "trace --story --kernel 5.18",
    ],
)
def test_what_the_terminal_cannot_show_is_shown_escaped(
    arguments: str, env: Mapping[str, str], tmp_path: Path
) -> None:
    named = tmp_path / "été-漢.litmus"
    named.write_text(FOUNDING.read_text("utf-8").replace("(*", "(* été 漢 ", 1), "utf-8")
    command, *options = arguments.split()
    done = cowpath(command, str(named), *options, env=env)
    assert done.returncode in (status.KEPT, status.BROKEN), done.stderr
    assert done.stdout.isascii()


# -- disk ------------------------------------------------------------------------------------------

NO_FILES = {resource.RLIMIT_FSIZE: 0}
"""No file may be written, as on a full disk."""


def mounted(options: str, directory: Path) -> list[str]:
    """A command that runs another one, for which a small file system lies at a directory."""
    script = f'mount -t tmpfs -o {options} none "$0" && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, str(directory)]


can_mount = pytest.mark.skipif(
    shutil.which("unshare") is None
    or subprocess.run(["unshare", "--mount", "true"], check=False).returncode != 0,
    reason="mounts a file system",
)


@pytest.fixture
def cold(tmp_path: Path) -> dict[str, str]:
    """An environment with a cache that is empty."""
    return {"XDG_CACHE_HOME": str(tmp_path)}


def test_a_full_disk_costs_time_only(cold: dict[str, str]) -> None:
    assert cowpath("check", str(FOUNDING), env=cold, limits=NO_FILES).returncode == status.KEPT


@can_mount
@pytest.mark.parametrize("options", ["ro", "size=4k", "nr_inodes=2"])
def test_a_cache_that_takes_nothing_costs_time_only(
    cold: dict[str, str], tmp_path: Path, options: str
) -> None:
    done = cowpath("check", str(FOUNDING), env=cold, before=mounted(options, tmp_path))
    assert (done.returncode, done.stderr) == (status.KEPT, "")


@pytest.mark.parametrize("place", ["/dev/null", "/proc/nowhere"])
def test_a_cache_that_cannot_be_costs_time_only(place: str) -> None:
    done = cowpath("check", str(FOUNDING), env={"XDG_CACHE_HOME": place})
    assert (done.returncode, done.stderr) == (status.KEPT, "")


@needs_compiler
@pytest.mark.parametrize("engine", ["auto", "native"])
def test_without_a_place_for_it_there_is_no_native_engine(engine: str) -> None:
    """Who asks for it by name is told why; else the reference search goes on."""
    done = cowpath("check", str(FOUNDING), "--engine", engine, env={"XDG_CACHE_HOME": "/dev/null"})
    if engine == "native":
        assert done.returncode == status.BAD_INPUT
        assert "the native engine cannot be had: " in done.stderr
    else:
        assert (done.returncode, done.stderr) == (status.KEPT, "")


def test_a_run_whose_results_cannot_be_kept_does_not_begin(tmp_path: Path) -> None:
    done = cowpath("run", str(FOUNDING), "--on", "host", "--results", "/dev/null/runs")
    assert done.returncode == status.BAD_INPUT
    assert "/dev/null/runs" in done.stderr
    assert done.stdout == ""


def test_a_kernel_cannot_be_fetched_to_where_nothing_can_be_written() -> None:
    done = cowpath("run", str(FOUNDING), "--on", "uml:6.1", env={"XDG_CACHE_HOME": "/dev/null"})
    assert done.returncode == status.BAD_INPUT
    assert "/dev/null" in done.stderr


def test_without_a_home_everything_works(tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if name not in ("HOME", "XDG_CACHE_HOME")}
    command = [sys.executable, "-c", MAIN, "check", str(FOUNDING)]
    for home in ({}, {"HOME": "relative"}, {"XDG_CACHE_HOME": "relative"}):
        done = subprocess.run(
            command, env=env | home, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (status.KEPT, "")
    assert list(tmp_path.iterdir()) == []


@needs_compiler
@pytest.mark.slow
def test_two_processes_on_a_cold_cache_do_not_disturb_each_other(tmp_path: Path) -> None:
    env = os.environ | {"XDG_CACHE_HOME": str(tmp_path)}
    command = [sys.executable, "-c", MAIN, "check", str(FOUNDING), "--engine", "native"]
    both = [
        subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [status.KEPT, status.KEPT], said
    assert [error for _, error in said] == ["", ""]
    left = sorted(path.suffix for path in (tmp_path / "cowpath" / "native").iterdir())
    assert left == [".so"]


# -- memory, processes, files ----------------------------------------------------------------------


@pytest.mark.parametrize("mebibytes", [24, 32, 48, 64])
@pytest.mark.parametrize("engine", ["reference", pytest.param("native", marks=needs_compiler)])
def test_little_memory_is_an_answer_or_a_word_of_it(mebibytes: int, engine: str) -> None:
    if engine == "native":
        library.library()  # to compile it takes more
    limits = {resource.RLIMIT_AS: mebibytes << 20}
    done = cowpath(*LARGE, "--engine", engine, "--max-states", "20000", limits=limits)
    if engine == "native" and done.returncode == status.BAD_INPUT:
        assert "native engine cannot be had" in done.stderr  # there is not even room for the library
        return
    assert done.returncode in (status.KEPT, status.BROKEN, status.NOT_FINISHED)
    assert (
        done.returncode != status.NOT_FINISHED
        or "memory" in done.stdout + done.stderr
        or "20,000" in done.stdout
    )


@pytest.mark.parametrize("mebibytes", [48, 64])
def test_little_memory_for_many_processes_is_told(mebibytes: int) -> None:
    limits = {resource.RLIMIT_AS: mebibytes << 20}
    done = cowpath("check", "tutorial", "--jobs", "2", limits=limits)
    assert done.returncode in (status.KEPT, status.NOT_FINISHED), done.stderr
    assert done.returncode == status.KEPT or "not enough memory" in done.stderr


@needs_compiler
def test_a_bound_of_memory_is_kept_and_told() -> None:
    done = cowpath(*LARGE, "--engine", "native", "--memory", "100K")
    assert done.returncode == status.NOT_FINISHED
    assert "not finished: 100 KiB hold no more than" in done.stdout


def test_too_few_descriptors_are_told() -> None:
    done = cowpath("check", "tutorial", "--jobs", "2", limits={resource.RLIMIT_NOFILE: 8})
    assert done.returncode == status.BAD_INPUT
    assert "Too many open files" in done.stderr


@pytest.mark.slow
def test_a_worker_that_is_killed_ends_the_command_and_is_told() -> None:
    """The kernel does that where memory is short."""
    command = [sys.executable, "-c", MAIN, "mutate", "--jobs", "2"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    workers = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    deadline = time.monotonic() + 60
    while not (found := workers.read_text().split()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(int(found[0]), signal.SIGKILL)
    _, complaint = process.communicate(timeout=60)
    assert process.returncode == status.NOT_FINISHED
    assert "a worker process was killed" in complaint
    assert "Traceback" not in complaint


def test_the_table_names_its_tests() -> None:
    """Each row of docs/limits.md names tests that there are."""
    root = Path(__file__).parents[1]
    rows = [line for line in (root / "docs/limits.md").read_text().splitlines() if line.startswith("| ")][2:]
    assert len(rows) > 10
    for row in rows:
        names = [word.strip("`") for word in row.split("|")[-2].split(", ")]
        for name in names:
            file, _, test = name.strip(" `").partition("::")
            assert f"def {test}(" in (root / "tests" / file).read_text(), row
