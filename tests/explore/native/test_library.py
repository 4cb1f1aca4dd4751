# SPDX-License-Identifier: MIT
"""The engine's library: found, made, free of warnings, and clean under sanitizers."""

import subprocess
import sys
from pathlib import Path

import pytest

from cowpath.explore import engine
from cowpath.explore.found import Exploration
from cowpath.explore.native import library
from cowpath.explore.native.compiler import CompilerError, compile_library, compiler, library_name
from cowpath.explore.search import explore as reference_search
from tests.explore.models import build
from tests.explore.native.test_search import LARGE
from tests.tools import missing, need_compiler

needs_compiler = pytest.mark.usefixtures("c_compiler")
ROOT = Path(__file__).parents[3]

SEARCHES = """
from tests.explore.models import build
from tests.explore.native.test_search import LARGE, small
from cowpath.explore.method import Method
from cowpath.explore.native.exploration import native
from cowpath.explore.record.recorder import Recorder
for rename in (False, True):
    found = native(Recorder(build(LARGE, 3)), Method(memory=1 << 30, rename=rename))
    assert found.finished
    found.layers(len(found.states) - 1)
found = native(Recorder(build((("take", "take"), ("take",), ("take", "copy")), 2)), Method(memory=1 << 30))
assert found.hang is not None
assert not native(Recorder(build(LARGE, 3)), Method(memory=120_000)).finished
for bits in (64, 26, 20):
    for rename in (False, True):
        small(2, bits, 2, rename=rename)
"""


@pytest.fixture
def c_compiler() -> None:
    """The test compiles."""
    need_compiler()


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No library in the package, an empty cache."""
    cached = tmp_path / "cache" / library_name()
    monkeypatch.setattr("cowpath.userdirs.need_private", str)
    monkeypatch.setattr(library, "places", lambda: (tmp_path / "none", cached))
    library.library.cache_clear()
    return cached


@needs_compiler
def test_it_is_made_once(nowhere: Path) -> None:
    assert not library.ready()
    library.library()
    assert nowhere.exists()
    assert library.ready()


@needs_compiler
@pytest.mark.parametrize("damage", ["torn", "empty", "other"])
def test_a_torn_one_is_made_anew(nowhere: Path, damage: str) -> None:
    """Whoever loads half a library is killed."""
    library.library()
    whole = nowhere.read_bytes()
    torn = {
        "torn": whole[: len(whole) // 2],
        "empty": b"",
        "other": whole.replace(b"engine_new", b"engine_old"),
    }
    nowhere.unlink()  # the loaded one stays as it is
    nowhere.write_bytes(torn[damage])
    library.library.cache_clear()
    assert library.library().engine_new
    assert library.whole(nowhere)
    assert list(nowhere.parent.iterdir()) == [nowhere]


def test_without_a_compiler_the_reference_goes_on(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    assert not library.available()
    with pytest.raises(library.Unavailable, match="cannot be had: there is no C compiler"):
        library.library()
    monkeypatch.setattr(engine, "THRESHOLD", 100)
    assert isinstance(engine.explore(build(LARGE, 2)), Exploration)


def test_a_compiler_that_fails_is_quoted(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "false")
    with pytest.raises(CompilerError, match="refuses the engine's sources"):
        compile_library(nowhere)
    monkeypatch.setattr(engine, "THRESHOLD", 100)
    found = engine.explore(build(LARGE, 2))
    assert isinstance(found, Exploration)
    assert len(found.states) == len(reference_search(build(LARGE, 2)).states)


@needs_compiler
@pytest.mark.slow
def test_no_warnings(tmp_path: Path) -> None:
    compile_library(tmp_path / "engine.so", "-Wall", "-Wextra", "-Werror")


@needs_compiler
@pytest.mark.slow
@pytest.mark.parametrize(("runtime", "checks"), [("asan", "address,undefined"), ("tsan", "thread")])
def test_sanitizers_find_nothing(runtime: str, checks: str, tmp_path: Path) -> None:
    made = tmp_path / "cowpath" / "native" / library_name()
    try:
        compile_library(made, "-g", "-O1", f"-fsanitize={checks}", "-fno-sanitize-recover=undefined")
        library.seal(made)
    except CompilerError as error:
        missing(f"a compiler with sanitizers: {error}")
    named = subprocess.run(
        [str(compiler()), f"-print-file-name=lib{runtime}.so"], capture_output=True, text=True, check=True
    ).stdout.strip()
    environment = {
        "PATH": "/usr/bin:/bin",
        "XDG_CACHE_HOME": str(tmp_path),
        "LD_PRELOAD": named,
        "ASAN_OPTIONS": "detect_leaks=0",  # Python's own
        "TSAN_OPTIONS": "exitcode=66",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-c", SEARCHES],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-4000:]
