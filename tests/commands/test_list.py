# SPDX-License-Identifier: MIT
"""`cowpath list`: the corpus by theme and word."""

from pathlib import Path

from cowpath.corpus.files import corpus
from tests.commands.conftest import Run


def test_every_test_is_listed_once(run: Run) -> None:
    status, out, err = run("list")
    assert (status, err) == (0, "")
    assert [line.split()[1] for line in out.splitlines()[1:]] == [file.stem for file in corpus()]
    assert max(map(len, out.splitlines())) <= 110


def test_words_choose(run: Run) -> None:
    names = [line.split()[:2] for line in run("list", "swapoff").out.splitlines()[1:]]
    assert ["founding", "get-write-swapoff"] in names
    assert len(names) < len(corpus())
    fewer = run("list", "swapoff", "founding").out.splitlines()[1:]
    assert 0 < len(fewer) < len(names)


def test_files_are_paths(run: Run) -> None:
    paths = [Path(line) for line in run("list", "cve", "--files").out.splitlines()]
    assert paths
    assert all(path.is_file() for path in paths)


def test_no_test_is_an_answer_of_its_own(run: Run) -> None:
    assert run("list", "hugetlb-of-doom") == (4, "", "cowpath list: no test has hugetlb-of-doom\n")
