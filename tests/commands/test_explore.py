# SPDX-License-Identifier: MIT
"""`cowpath explore` before it serves anything, and what it serves without a file."""

import threading
from pathlib import Path
from urllib.request import urlopen

import pytest

from cowpath.viewer.library import Library
from cowpath.viewer.server import ViewerServer
from tests.commands.conftest import Run


def test_a_program_that_stands_for_many_is_refused(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "any.litmus"
    file.write_text("C any-test { char x[1]; } P0(char *x) { any { x[0] = 'b'; } }")
    status, out, err = run("explore", file)
    assert (status, out) == (2, "")
    assert "stands for many programs (any): ask `cowpath prove`" in err


def test_a_test_that_does_not_exist_is_refused(run: Run) -> None:
    status, _, err = run("explore", "lesson-55")
    assert status == 2
    assert "did you mean 'lesson-5'?" in err


def test_a_port_that_is_taken_is_refused(run: Run) -> None:
    with ViewerServer(Library([])) as taken:
        status, _, err = run("explore", "lesson-1", "--port", str(taken.server_port))
    assert status == 2
    assert f"port {taken.server_port} cannot be used" in err


def test_without_a_file_it_serves_the_corpus(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    pages: list[str] = []

    def once(server: ViewerServer) -> None:
        threading.Thread(target=server.handle_request, daemon=True).start()
        with urlopen(server.url, timeout=20) as answer:
            pages.append(answer.read().decode())

    monkeypatch.setattr(ViewerServer, "serve_forever", once)
    status, out, _ = run("explore")
    assert status == 0
    assert out.startswith("http://127.0.0.1:")
    assert 'aria-label="Corpus"' in pages[0]
