# SPDX-License-Identifier: MIT
"""The parser that lark makes of grammar.lark, kept for the next process.

Making it takes longer than all the rest of reading a test, so what lark can save of it stays in the user's
cache.  A file there that is missing, torn, of another version or of another user counts for nothing, and one
that cannot be written is done without: the parser is then made anew, which is slower and no different.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import sys
import tempfile
from functools import cache

import lark

from cowpath import userdirs

GRAMMAR = os.path.join(os.path.dirname(__file__), "grammar.lark")

OPTIONS = {"parser": "lalr", "start": "test", "propagate_positions": True}

DIGEST_BYTES = hashlib.sha256().digest_size


@cache
def parser() -> lark.Lark:
    """Return the parser of the language, from the cache if it is there.

    >>> print(parser().parse("C t { } P0() { }").data)
    test
    """
    with open(GRAMMAR, encoding="utf-8") as file:
        grammar = file.read()
    path = kept_path(grammar)
    saved = read(path)
    if saved is not None:
        return lark.Lark.load(io.BytesIO(saved))
    made = lark.Lark(grammar, **OPTIONS)
    buffer = io.BytesIO()
    made.save(buffer)
    write(path, buffer.getvalue())
    return made


def kept_path(grammar: str) -> str:
    """Return the cache file for this grammar, this lark and this Python."""
    key = f"{lark.__version__} {sys.implementation.cache_tag} {OPTIONS} {grammar}"
    return os.path.join(userdirs.cache(), f"grammar-{hashlib.sha256(key.encode()).hexdigest()[:16]}")


def read(path: str) -> bytes | None:
    """Return what `write` put there; None unless it is whole and our own, as it will be unpickled."""
    try:
        with open(path, "rb") as file:
            digest, saved = file.read(DIGEST_BYTES), file.read()
            own = userdirs.ours(os.fstat(file.fileno())) and userdirs.ours(os.stat(os.path.dirname(path)))
    except OSError:
        return None
    return saved if own and hashlib.sha256(saved).digest() == digest else None


def write(path: str, saved: bytes) -> None:
    """Write the file in one piece, whoever reads or writes it meanwhile; do nothing where that cannot be."""
    with contextlib.suppress(OSError):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        number, new = tempfile.mkstemp(dir=os.path.dirname(path))
        try:
            with open(number, "wb") as file:
                file.write(hashlib.sha256(saved).digest() + saved)
            os.replace(new, path)
        except BaseException:
            os.unlink(new)
            raise
