# SPDX-License-Identifier: MIT
"""The text of one litmus file: how it is read safely, and how errors point into it."""

import re
from dataclasses import dataclass
from functools import cached_property
from os import PathLike

from cowpath.litmus.ast import NOWHERE, Position
from cowpath.litmus.comments import Comment, blank_comments, find_comments
from cowpath.litmus.errors import LitmusError, excerpt

MAX_BYTES = 1_000_000
"""Files with more bytes are refused: they are no litmus tests."""

_TOKEN = re.compile(r"""'[^'\n]*'|"[^"\n]*"|\w+|\s|/\\|\\/|==|.""")
_STATEMENT_END = re.compile(r"[;{]")


@dataclass(frozen=True)
class Source:
    """A text with the file name that messages show."""

    filename: str
    text: str

    @cached_property
    def comments(self) -> list[Comment]:
        """All comments, in order."""
        return find_comments(self.text)

    @cached_property
    def code(self) -> str:
        """The text with its comments blanked: same length, same lines."""
        return blank_comments(self.text, self.comments)

    @cached_property
    def lines(self) -> list[str]:
        """The lines as written."""
        return self.text.split("\n")

    def position(self, offset: int) -> Position:
        r"""Return the line and column of an offset.

        >>> Source("f", "ab\ncd").position(4)
        Position(line=2, column=2)
        """
        line = self.text.count("\n", 0, offset) + 1
        return Position(line, offset - self.text.rfind("\n", 0, offset))

    def offset(self, position: Position) -> int:
        r"""Return the offset of a line and column.

        >>> Source("f", "ab\ncd").offset(Position(2, 2))
        4
        """
        return sum(len(line) + 1 for line in self.lines[: position.line - 1]) + position.column - 1

    def token(self, offset: int) -> str:
        """Return the token that begins at an offset; empty at the end of the text.

        >>> Source("f", "r0 = 'a'").token(5)
        "'a'"
        """
        match = _TOKEN.match(self.code, offset)
        return match[0] if match else ""

    def find(self, position: Position, word: str) -> Position:
        """Return the position of the first `word` in the statement at `position`, else `position` itself.

        >>> Source("f", "madvise(x, MADV_FREE);").find(Position(1, 1), "x")
        Position(line=1, column=9)
        """
        if position == NOWHERE or not word:
            return position
        start = self.offset(position)
        end = _STATEMENT_END.search(self.code, start)
        pattern = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")
        match = pattern.search(self.code, start, end.start() if end else len(self.code))
        return self.position(match.start()) if match else position

    def error(self, message: str, position: Position, hint: str = "", word: str = "") -> LitmusError:
        """Return an error that points at the first `word` in the statement at `position`, ready to raise.

        >>> print(Source("f", "put_pag(g);").error("unknown", Position(1, 1)))
        f:1:1: unknown
            put_pag(g);
            ^~~~~~~
        """
        position = self.find(position, word)
        if not 0 < position.line <= len(self.lines):
            return LitmusError(self.filename, message, NOWHERE, hint)
        token = self.token(self.offset(position))
        line = self.lines[position.line - 1]
        length = 1 if token.isspace() else max(1, len(token))
        return LitmusError(self.filename, message, position, hint, excerpt(line, position.column, length))


def read_source(path: str | PathLike[str]) -> Source:
    """Read a file.  Raises LitmusError where that is not possible, or the content is not text.

    >>> read_source("no/such.litmus")
    Traceback (most recent call last):
    cowpath.litmus.errors.LitmusError: no/such.litmus: no such file
    """
    filename = str(path)
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise LitmusError(filename, "no such file") from None
    except IsADirectoryError:
        raise LitmusError(filename, "this is a directory, not a litmus test") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise LitmusError(filename, f"cannot be read: {reason}") from None
    if len(data) > MAX_BYTES:
        raise LitmusError(filename, f"larger than {MAX_BYTES // 1000} kB: this is not a litmus test")
    return Source(filename, decode(data, filename))


def decode(data: bytes, filename: str) -> str:
    """Return the bytes of a file as text.  Raises LitmusError where they are none.

    >>> decode(b"C t", "t.litmus")
    'C t'
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise LitmusError(filename, f"not a text file: line {line} is not UTF-8") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise LitmusError(filename, f"not a text file: line {line} has a NUL byte")
    return text
