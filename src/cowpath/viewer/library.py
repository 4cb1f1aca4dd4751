# SPDX-License-Identifier: MIT
"""The corpus to choose from, and programs that a visitor writes: `cowpath explore` without a file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from cowpath.corpus.files import about, corpus
from cowpath.errors import CowpathError
from cowpath.history.version import Version
from cowpath.litmus.initial import BACKGROUND, OPTIONS, SWAP_DEVICES
from cowpath.litmus.parse import parse_source
from cowpath.litmus.resolve import resolve
from cowpath.litmus.source import Source, read_source
from cowpath.litmus.statements import CALLS
from cowpath.viewer.session import Document, Session

MOST_SESSIONS = 50
"""Tests that are kept open; the one that was opened first is forgotten when there are more."""

WRITTEN = "edited"
"""The name of a test that has none: it was written in the page."""


class Library:
    """The tests of the corpus and those that were written in the page, each opened as a session."""

    def __init__(self, versions: Sequence[Version], max_states: int | None = None) -> None:
        self.versions, self.max_states = versions, max_states
        self.files = {file.stem: file for file in corpus()}
        self.sessions: dict[str, Session] = {}

    def contents(self) -> Document:
        """Every test by theme, the kernels on offer, and what can be written."""
        themes: dict[str, list[Document]] = {}
        for name, file in self.files.items():
            themes.setdefault(file.parent.name, []).append({"name": name, "about": about(file)})
        return {
            "themes": [{"name": theme, "tests": tests} for theme, tests in themes.items()],
            "kernels": [str(version) for version in self.versions],
            "statements": words(),
        }

    def source(self, of: str) -> Document:
        """The text of a test: of the corpus, or one that was written before.  Raises CowpathError."""
        if of in self.sessions:
            return {"text": self.sessions[of].source.text}
        return {"text": read_source(self.file(of)).text}

    def file(self, name: str) -> Path:
        """The file of a test of the corpus.  Raises CowpathError where there is none."""
        if name not in self.files:
            raise CowpathError(f"there is no test {name[:60]!r} here; open it again")
        return self.files[name]

    def open(self, text: str) -> Document:
        """Open a test that was written in the page, or changed there.  Raises LitmusError."""
        for name, file in self.files.items():
            if text == read_source(file).text:
                return {"of": name}
        of = hashlib.sha256(text.encode()).hexdigest()[:16]
        if of not in self.sessions:
            self.keep(of, Source(WRITTEN, text))
        return {"of": of}

    def session(self, of: str) -> Session:
        """The session of a test.  Raises CowpathError where there is no such test."""
        if of not in self.sessions:
            self.keep(of, read_source(self.file(of)))
        return self.sessions[of]

    def keep(self, of: str, source: Source) -> None:
        """Open a source as a session.  Raises LitmusError, and CowpathError for what cannot be walked."""
        program = resolve(parse_source(source), source)
        if program.is_open:
            raise CowpathError("this program stands for many (any { ... }): ask `cowpath prove`")
        while len(self.sessions) >= MOST_SESSIONS:
            del self.sessions[next(iter(self.sessions))]
        self.sessions[of] = Session(source, program, self.versions, self.max_states)


def words() -> list[Document]:
    """Everything that can be written, with its meaning: statements, then lines of the initial block."""
    found = [{"usage": f"{form.usage()};", "meaning": form.meaning} for form in CALLS.values()]
    found += [{"usage": f"swap = {kind.name};", "meaning": kind.meaning} for kind in SWAP_DEVICES.values()]
    found += [{"usage": f"option = {one.name};", "meaning": one.meaning} for one in OPTIONS.values()]
    for actor in BACKGROUND.values():
        pages = ", ".join("xy"[: actor.pages])
        found.append({"usage": f"{actor.name}({pages});", "meaning": f"{actor.meaning}, at any moment"})
    return found
