# SPDX-License-Identifier: MIT
"""Comments: `(* *)`, which nest as in herd7, `//` and `/* */`.  They are blanked, so positions stay true."""

import re
from dataclasses import dataclass

_OPENING = re.compile(r"""'[^'\n]*'|"[^"\n]*"|\(\*|/\*|//""")
_BRACKET = re.compile(r"\(\*|\*\)")
_NOT_NEWLINE = re.compile(r"[^\n]")


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment with its marks, at an offset of the text.  Not `closed`: the file ends inside it."""

    offset: int
    text: str
    closed: bool = True


def find_comments(text: str) -> list[Comment]:
    """Return all comments in order.  What looks like a comment inside quotes is none.

    >>> [comment.text for comment in find_comments("x (* a (* b *) *) '//' // c")]
    ['(* a (* b *) *)', '// c']
    """
    comments = []
    offset = 0
    while opening := _OPENING.search(text, offset):
        offset = opening.end()
        if opening[0] in ("(*", "/*", "//"):
            end = _end(text, opening[0], offset)
            comments.append(Comment(opening.start(), text[opening.start() : end], end <= len(text)))
            offset = end
    return comments


def blank_comments(text: str, comments: list[Comment]) -> str:
    """Return the text with every character of a comment but newlines replaced by a space.

    >>> blank_comments("a // b", find_comments("a // b"))
    'a     '
    """
    parts = []
    offset = 0
    for comment in comments:
        parts += [text[offset : comment.offset], _NOT_NEWLINE.sub(" ", comment.text)]
        offset = comment.offset + len(comment.text)
    return "".join([*parts, text[offset:]])


def content(comment: Comment) -> str:
    r"""Return the text of a `(* *)` comment without its marks and without the margin of its lines.

    >>> content(Comment(0, "(* One.\n   Two.\n     Three. *)"))
    'One.\nTwo.\n  Three.'
    """
    first, *rest = comment.text[2:-2].strip().split("\n")
    margin = min((len(line) - len(line.lstrip()) for line in rest if line.strip()), default=0)
    return "\n".join([first.rstrip(), *(line[margin:].rstrip() for line in rest)])


def _end(text: str, opening: str, offset: int) -> int:
    """Return the offset where the comment ends; it is beyond the text if the comment never does."""
    if opening == "//":
        newline = text.find("\n", offset)
        return len(text) if newline < 0 else newline
    if opening == "/*":
        closing = text.find("*/", offset)
        return len(text) + 1 if closing < 0 else closing + 2
    depth = 1
    while depth:
        bracket = _BRACKET.search(text, offset)
        if bracket is None:
            return len(text) + 1
        depth += 1 if bracket[0] == "(*" else -1
        offset = bracket.end()
    return offset
