# SPDX-License-Identifier: MIT
"""The same short text for the same task in every process: a name under which its answer can be kept.

Pickles and hashes will not do: the order of a set, and so its pickle, differs from process to process.
"""

from __future__ import annotations

import enum
import functools
import hashlib
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import fields, is_dataclass
from operator import attrgetter
from pathlib import Path
from types import BuiltinFunctionType, FunctionType

import cowpath
from cowpath.history.change import Change

SOURCES = ("*.py", "*.c", "*.h", "*.lark")
"""The files of cowpath that decide about answers."""


@functools.cache
def source() -> str:
    """The fingerprint of cowpath's own source: answers of another one are not answers of this one."""
    found = hashlib.sha256()
    root = Path(cowpath.__file__).parent
    for file in sorted(file for kind in SOURCES for file in root.rglob(kind)):
        found.update(f"{file.relative_to(root)}\0".encode() + file.read_bytes() + b"\0")
    return found.hexdigest()


def fingerprint(function: Callable[..., object], argument: object) -> str:
    """The name of a task of this cowpath, in 64 hexadecimal digits.

    >>> one, other = fingerprint(len, {"a", "b"}), fingerprint(len, {"b", "a"})
    >>> one == other, one == fingerprint(len, {"a"}), one == fingerprint(sorted, {"a", "b"})
    (True, False, False)
    """
    found = hashlib.sha256(source().encode())
    for token in (*tokens(function), *tokens(argument)):
        found.update(token.encode() + b"\0")
    return found.hexdigest()


def tokens(value: object) -> Iterator[str]:
    """A value as a series of texts that tells it from any other.  Raises TypeError for one that has none."""
    if value is None or isinstance(value, bool | int | float | str | bytes | Path | attrgetter):
        yield repr(value)
    elif isinstance(value, FunctionType | BuiltinFunctionType | type):
        yield f"{value.__module__}.{value.__qualname__}"
    elif isinstance(value, Change):
        yield value.name  # what it says is in the source
    elif isinstance(value, enum.Enum):
        yield str(value)
    elif isinstance(value, functools.partial):
        yield from tokens((value.func, value.args, value.keywords))
    elif isinstance(value, Mapping):
        yield from several("{}", sorted([*tokens(key), *tokens(each)] for key, each in value.items()))
    elif isinstance(value, Set):
        yield from several("{}", sorted(list(tokens(each)) for each in value))
    elif isinstance(value, list | tuple):
        yield from several("()", map(tokens, value))
    elif is_dataclass(value):
        yield type(value).__qualname__
        yield from several("()", (tokens(getattr(value, field.name)) for field in fields(value)))
    elif hasattr(value, "__dict__"):
        yield type(value).__qualname__
        yield from tokens(vars(value))
    else:
        raise TypeError(f"a task is made of values that can be kept, not of {type(value).__qualname__}")


def several(marks: str, parts: Iterator[Iterator[str]] | list[list[str]]) -> Iterator[str]:
    """Texts of several values between two marks."""
    yield marks[0]
    for part in parts:
        yield from part
        yield ","
    yield marks[1]
