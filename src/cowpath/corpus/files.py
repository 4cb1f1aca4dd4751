# SPDX-License-Identifier: MIT
"""Names of tests: files, directories, tests and themes of cowpath's own corpus, and "-" for stdin.

The corpus is a part of the package, so its tests have names everywhere: `cowpath check CVE-2020-29374`.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from cowpath.errors import CowpathError
from cowpath.litmus.large import in_large_folios
from cowpath.litmus.parse import parse_source
from cowpath.litmus.program import Program
from cowpath.litmus.resolve import resolve
from cowpath.litmus.source import Source, read_source

CORPUS = Path(__file__).parent / "litmus"
"""The corpus: a directory for each theme."""

STDIN = "-"

HELP = "litmus tests: files, directories, names of corpus tests or themes (`cowpath list`), or - for stdin"
"""The help text of commands that take tests."""

ONE = "a litmus test: a file, the name of a corpus test (`cowpath list`), or - for stdin"
"""The same of a command that takes one."""

SUFFIX = ".litmus"

MOST_ENTRIES = 20_000
"""Files and directories below one that somebody names."""


def files(names: Iterable[str]) -> list[str]:
    """Every test that these names stand for, each once.  Raises CowpathError where a name stands for none."""
    return list(dict.fromkeys(file for name in names for file in named(name)))


def named(name: str) -> list[str]:
    """The tests that a name stands for: a file, what is in a directory, a corpus test or a theme.

    A file or directory that exists comes before a corpus test of the same name.  Raises CowpathError for a
    name of nothing, and for a directory without tests.

    >>> [Path(file).name for file in named("CVE-2020-29374")]
    ['CVE-2020-29374.litmus']
    >>> len(named("founding")) > 20
    True
    >>> named("CVE-2020-29347")
    Traceback (most recent call last):
    cowpath.errors.CowpathError: CVE-2020-29347: no file, and no corpus test; did you mean 'CVE-2020-29374'?
    """
    path = Path(name)
    if name == STDIN:
        return [name]
    if os.path.isdir(name):
        return inside(path)
    if os.path.exists(name):
        return [name]
    if (CORPUS / name).is_dir() and not path.is_absolute():
        return inside(CORPUS / name)
    wanted = name.removesuffix(SUFFIX)
    found = [file for file in corpus() if wanted in (file.stem, f"{file.parent.name}/{file.stem}")]
    if not found:
        raise CowpathError(f"{name}: no file, and no corpus test; {guess(wanted)}")
    return [str(file) for file in found]


def guess(wanted: str) -> str:
    """A suggestion for a name that stands for nothing."""
    import difflib  # takes milliseconds to load

    known = [*(file.stem for file in corpus()), *themes()]
    close = difflib.get_close_matches(Path(wanted).name, known, n=1)
    return f"did you mean {close[0]!r}?" if close else "`cowpath list` names them"


def inside(directory: Path) -> list[str]:
    """The tests in a directory and below it, sorted; links to directories are not followed.

    Raises CowpathError where there is none, and where there is so much that no tests can be meant.
    """
    found: list[str] = []
    entries = 0
    for above, below, files in os.walk(directory):
        entries += len(below) + len(files)
        if entries > MOST_ENTRIES:
            raise CowpathError(f"{directory}: more than {MOST_ENTRIES:,} files; name a directory of tests")
        found += [os.path.join(above, file) for file in files if file.endswith(SUFFIX)]
    if not found:
        raise CowpathError(f"{directory}: no *{SUFFIX} file in this directory")
    return sorted(found)


@functools.cache
def corpus() -> tuple[Path, ...]:
    """Every test of the corpus, theme by theme."""
    return tuple(sorted(CORPUS.rglob(f"*{SUFFIX}")))


def themes() -> list[str]:
    """The themes of the corpus.

    >>> "founding" in themes()
    True
    """
    return sorted({file.parent.name for file in corpus()})


def source(name: str) -> Source:
    """The text of one test.  Raises CowpathError for what cannot be read, and for a name of several."""
    found = named(name)
    if len(found) > 1:
        raise CowpathError(f"{name} stands for {len(found)} tests: name one of them")
    return Source("<stdin>", sys.stdin.read()) if found[0] == STDIN else read_source(found[0])


def program(name: str, large: bool = False) -> Program:
    """The program of a test; with `large`, with its pages in large folios.

    Raises CowpathError, for a test that is wrong with line and column.
    """
    text = source(name)
    tree = parse_source(text)
    return resolve(in_large_folios(tree) if large else tree, text)


def about(file: Path) -> str:
    """The comment of a test, as one line."""
    comments = read_source(file).comments
    return " ".join(comments[0].text.removeprefix("(*").removesuffix("*)").split()) if comments else ""
