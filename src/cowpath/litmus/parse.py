# SPDX-License-Identifier: MIT
"""From text to a `Litmus` tree.  lark is imported on first use, so that `cowpath pte` starts without it."""

from os import PathLike
from typing import TYPE_CHECKING, Any

from cowpath.litmus.ast import Litmus
from cowpath.litmus.errors import LitmusError
from cowpath.litmus.habits import comment_hint
from cowpath.litmus.source import Source, read_source

if TYPE_CHECKING:
    from lark import Token, Tree

MAX_CONDITION_DEPTH = 40
"""Conditions that nest deeper are refused, so that whoever walks one may recurse."""

MAX_CODE = 50_000
"""A text with more characters than this outside comments and blanks is refused before it costs seconds."""


def parse(text: str, filename: str = "<text>") -> Litmus:
    r"""Return the tree of a litmus test.  Raises LitmusError, which says where and why there is none.

    >>> parse("C t { char x[1]; } P0(char *x) { r0 = x[0]; } exists (0:r0='a')").threads[0].body
    (Load(register='r0', page='x', place=0),)
    """
    return parse_source(Source(filename, text))


def load(path: str | PathLike[str]) -> Litmus:
    """Return the tree of a litmus file.  Raises LitmusError, also where the file cannot be read.

    >>> load("no/such.litmus")
    Traceback (most recent call last):
    cowpath.litmus.errors.LitmusError: no/such.litmus: no such file
    """
    return parse_source(read_source(path))


def parse_source(source: Source) -> Litmus:
    """Parse as `parse` does, for a caller that has the source, to point into it later.

    >>> parse_source(Source("t.litmus", ""))
    Traceback (most recent call last):
    cowpath.litmus.errors.LitmusError: t.litmus: the file is empty
    """
    from lark.exceptions import VisitError

    from cowpath.litmus.build import Builder

    tree = _tree(source)
    _check_depth(source, tree)
    try:
        return Builder(source).transform(tree)
    except VisitError as error:
        if isinstance(error.orig_exc, LitmusError):
            raise error.orig_exc from None
        raise


def _tree(source: Source) -> "Tree[Token]":
    from lark.exceptions import UnexpectedCharacters, UnexpectedToken

    from cowpath.litmus.grammar import parser

    if not source.text.strip():
        raise LitmusError(source.filename, "the file is empty")
    for comment in source.comments:
        if not comment.closed:
            before = source.text[source.text.rfind("\n", 0, comment.offset) + 1 : comment.offset]
            hint = comment_hint(before, comment.text)
            raise source.error("this comment is never closed", source.position(comment.offset), hint)
    if sum(map(len, source.code.split())) > MAX_CODE:
        message = f"more than {MAX_CODE // 1000} kB outside comments: this is not a litmus test"
        raise LitmusError(source.filename, message)
    try:
        return parser().parse(source.code)
    except UnexpectedToken as error:
        from cowpath.litmus.syntax import explain_token

        offset = len(source.code) if error.token.type == "$END" else error.token.start_pos
        raise explain_token(source, offset or 0, frozenset(error.accepts or ())) from None
    except UnexpectedCharacters as error:
        from cowpath.litmus.syntax import explain_character

        raise explain_character(source, error.pos_in_stream or 0) from None


def _check_depth(source: Source, tree: "Tree[Token]") -> None:
    """Check how deep a condition nests, level by level and without recursion.  Raises LitmusError."""
    condition: Any = tree.children[-1]
    level = [condition] if condition else []
    for _ in range(MAX_CONDITION_DEPTH):
        level = [child for node in level for child in getattr(node, "children", ())]
    if level:
        position = source.position(condition.meta.start_pos)
        raise source.error(f"a condition nests at most {MAX_CONDITION_DEPTH} deep", position)
