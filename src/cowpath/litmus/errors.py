# SPDX-License-Identifier: MIT
"""Errors in a litmus file: the place, the complaint, the line itself, and what was probably meant."""

import unicodedata
from collections.abc import Iterable

from cowpath.errors import CowpathError
from cowpath.litmus.ast import NOWHERE, Position

EXCERPT_WIDTH = 90
"""Longer lines are shown only around the token in question."""


class LitmusError(CowpathError):
    """Raised for a litmus file that cannot be used.

    `position` is NOWHERE where the whole file is at fault; `excerpt` is the line with a marker below.

    >>> print(LitmusError("swap.litmus", "the file is empty"))
    swap.litmus: the file is empty
    """

    def __init__(
        self, filename: str, message: str, position: Position = NOWHERE, hint: str = "", excerpt: str = ""
    ) -> None:
        super().__init__(filename, message, position, hint, excerpt)
        self.filename = filename
        self.message = message
        self.position = position
        self.hint = hint
        self.excerpt = excerpt

    def __str__(self) -> str:
        """Return `file:line:column: message`, then the excerpt and the hint where there are any."""
        place = visible(self.filename)
        if self.position != NOWHERE:
            place += f":{self.position.line}:{self.position.column}"
        first = f"{place}: {visible(self.message)}"
        return "\n".join(part for part in (first, self.excerpt, self.hint) if part)


def excerpt(line: str, column: int, length: int) -> str:
    """Return the line with a marker under `length` characters from `column` (which counts from 1).

    >>> print(excerpt("  madvice(x);", 3, 7))
        madvice(x);
        ^~~~~~~
    """
    start = column - 1
    before, token, after = line[:start].lstrip(), line[start : start + length], line[start + length :]
    before, token, after = visible(before), visible(token), visible(after.rstrip())
    if _width(before + token + after) > EXCERPT_WIDTH:
        before = _cut(before[::-1], EXCERPT_WIDTH // 4)[::-1]
        token = _cut(token, EXCERPT_WIDTH // 2)
        after = _cut(after, EXCERPT_WIDTH // 4)
    marker = " " * _width(before) + "^" + "~" * (_width(token) - 1)
    return f"    {before}{token}{after}\n    {marker}"


def visible(text: str) -> str:
    """Return the text with control characters replaced, so that a marker below points at the right column.

    >>> visible("a\\tb\\x1b[31m")
    'a b\ufffd[31m'
    """
    return "".join(_visible_character(character) for character in text)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a hint with the nearest known word; with all of them if none is near and they are few; or "".

    >>> did_you_mean("madvice", ["madvise", "munmap"])
    "did you mean 'madvise'?"
    >>> did_you_mean("q", ["x", "y"])
    "known: 'x', 'y'"
    """
    import difflib

    choices = list(known)
    by_lower = {choice.lower(): choice for choice in reversed(choices)}
    near = difflib.get_close_matches(word[:40].lower(), by_lower, n=1)
    if near:
        return f"did you mean '{by_lower[near[0]]}'?"
    return f"known: {', '.join(map(repr, choices))}" if 0 < len(choices) <= 8 else ""


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 3] + "..."


def _visible_character(character: str) -> str:
    if character == "\t":
        return " "
    return character if character.isprintable() or unicodedata.combining(character) else "\ufffd"


def _width(text: str) -> int:
    """Return the columns of a text on a terminal: East Asian wide characters take two, some marks none."""
    return sum(
        0 if unicodedata.combining(character) else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in text
    )
