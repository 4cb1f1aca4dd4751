# SPDX-License-Identifier: MIT
"""A library of tests, without a browser."""

from pathlib import Path

import pytest

from cowpath.corpus.files import corpus
from cowpath.errors import CowpathError
from cowpath.history.version import version
from cowpath.litmus.errors import LitmusError
from cowpath.viewer import library
from cowpath.viewer.library import Library
from tests.viewer.conftest import Serve
from tests.viewer.test_server import ask


def test_every_test_of_the_corpus_is_in_it() -> None:
    contents = Library([version("6.1")]).contents()
    names = {test["name"] for theme in contents["themes"] for test in theme["tests"]}
    assert names == {file.stem for file in corpus()}
    assert {"usage": "r = mincore(x);", "meaning": "as mincore(2)"} in contents["statements"]


def test_a_program_is_opened_once_and_one_of_the_corpus_has_its_name(tmp_path: Path) -> None:
    shelf = Library([version("6.1")])
    own = shelf.source("lesson-1")["text"]
    assert shelf.open(own) == {"of": "lesson-1"}
    changed = own.replace("'b'", "'c'")
    first = shelf.open(changed)
    assert shelf.open(changed) == first != {"of": "lesson-1"}
    assert shelf.source(first["of"])["text"] == changed
    assert shelf.session(first["of"]).verdict("6.1 x86_64")["verdict"] == "kept"


def test_what_cannot_be_opened_says_why() -> None:
    shelf = Library([version("6.1")])
    with pytest.raises(LitmusError, match="the file is empty"):
        shelf.open("")
    with pytest.raises(CowpathError, match="cowpath prove"):
        shelf.open("C t { char x[1]; } P0(char *x) { any { x[0] = 'a'; } }")
    with pytest.raises(CowpathError, match="there is no test"):
        shelf.session("../../etc/passwd")


def test_the_oldest_program_is_forgotten_where_there_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "MOST_SESSIONS", 2)
    shelf = Library([version("6.1")])
    opened = [shelf.open(f"C t{number} {{ }} P0() {{ }}")["of"] for number in range(3)]
    assert list(shelf.sessions) == opened[1:]


def test_a_server_of_one_test_has_no_library(serve: Serve) -> None:
    one, many = serve(), serve(None, "6.1")
    for path in ("/walk", "/api/library", "/api/open?text=C"):
        assert ask(one, path)[0].status == 404
        assert ask(many, path)[0].status == 200
    assert ask(many, "/api/test?kernel=6.1")[0].status == 400  # of which test?
    assert ask(many, "/api/open?text=C", Origin="https://evil.example")[0].status == 403
