# SPDX-License-Identifier: MIT
"""Finding the engine's library, and the C functions as Python calls them.

A wheel brings the library along.  Elsewhere it is compiled by the user's C compiler, once, into the cache
directory; that takes a second or two.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
from ctypes import POINTER, c_double, c_int, c_int8, c_int32, c_int64, c_uint16, c_uint32, c_uint64, c_void_p
from pathlib import Path

from cowpath import userdirs
from cowpath.errors import CowpathError
from cowpath.explore.native.compiler import CompilerError, compile_library, compiler, library_name


class Unavailable(CowpathError):  # noqa: N818 - a condition: the reference search serves as well
    """The library can be neither found nor made; the text says why."""


DIGEST_BYTES = hashlib.sha256().digest_size


class Event(ctypes.Structure):
    """Something for Python to do, see engine.h."""

    _fields_ = (("kind", c_uint32), ("which", c_uint32), ("state", c_uint64), ("where", c_uint64))


FIELDS, INTS, NUMBERS = POINTER(c_uint16), POINTER(c_int32), POINTER(c_uint64)
NUMBERS_OUT = POINTER(NUMBERS)

FUNCTIONS = {
    "engine_new": (
        c_void_p,
        (
            c_uint32,
            c_uint32,
            c_uint32,
            POINTER(c_uint32),
            FIELDS,
            FIELDS,
            c_uint32,
            c_uint64,
            c_uint32,
        ),
    ),
    "engine_free": (None, (c_void_p,)),
    "engine_small": (c_int, (c_void_p, c_uint32, c_uint32)),
    "engine_names": (c_int, (c_void_p, c_uint32, c_uint32, INTS, c_uint64)),
    "engine_frame": (c_int64, (c_void_p, c_uint32, c_uint32, c_uint32)),
    "engine_frame_names": (None, (c_void_p, c_uint32, c_int32, POINTER(c_int8))),
    "engine_exchange": (None, (c_void_p, c_uint32, c_uint32, c_int32)),
    "engine_leaf": (c_uint32, (c_void_p, c_uint32, c_uint32, c_uint32, FIELDS, c_uint32)),
    "engine_insert": (c_int, (c_void_p, c_uint32, c_uint32, INTS, c_uint32)),
    "engine_broken": (None, (c_void_p, c_uint32)),
    "engine_crash": (None, (c_void_p, c_uint32)),
    "engine_next": (c_int, (c_void_p, c_uint32, c_uint32, c_uint32)),
    "engine_refused": (c_int, (c_void_p, c_uint32, c_uint32, c_uint32)),
    "engine_run": (c_int, (c_void_p, c_uint64, c_double)),
    "engine_events": (c_uint32, (c_void_p, POINTER(POINTER(Event)))),
    "engine_count": (c_uint64, (c_void_p,)),
    "engine_expanded": (c_uint64, (c_void_p,)),
    "engine_transitions": (c_uint64, (c_void_p,)),
    "engine_bytes": (c_uint64, (c_void_p,)),
    "engine_parts": (c_uint32, (c_void_p,)),
    "engine_part_count": (c_uint32, (c_void_p, c_uint32)),
    "engine_state": (None, (c_void_p, c_uint64, FIELDS)),
    "engine_find": (c_int64, (c_void_p, FIELDS)),
    "engine_canonical": (c_int, (c_void_p, FIELDS, NUMBERS)),
    "engine_levels": (c_uint32, (c_void_p, NUMBERS_OUT)),
    "engine_stuck": (c_int64, (c_void_p, NUMBERS_OUT)),
    "engine_judge_rest": (c_uint64, (c_void_p, c_uint64, POINTER(POINTER(Event)), POINTER(c_uint32))),
    "engine_release": (None, (c_void_p,)),
    "engine_successors": (c_int64, (c_void_p, c_uint64, NUMBERS_OUT)),
    "engine_parents": (
        c_int64,
        (c_void_p, c_uint64, c_uint64, NUMBERS, c_uint32, NUMBERS),
    ),
}
"""The result and argument types of each function."""


def places() -> tuple[Path, Path]:
    """Return where the library may be: in the package, in the user's cache."""
    name = library_name()
    return Path(__file__).parent / name, Path(userdirs.cache()) / "native" / name


def available() -> bool:
    """True if there is a library, or a compiler to make it.

    >>> available() in (False, True)
    True
    """
    return ready() or found_compiler()


def found_compiler() -> bool:
    """True if there is a compiler, where nobody but root and this user can have put it."""
    from cowpath import children  # nothing else of a small check needs it

    return compiler(children.find) is not None


def ready() -> bool:
    """True if the library need not be made first."""
    return any(place.exists() for place in places())


@functools.cache
def library() -> ctypes.CDLL:
    """The library, made if need be.  Raises Unavailable."""
    bundled, cached = places()
    try:
        if bundled.exists():
            return opened(bundled)
        userdirs.need_private(str(cached.parent))
        if not whole(cached):
            make(cached)
        return opened(cached)
    except (CompilerError, OSError, userdirs.ForeignDirectoryError) as error:
        raise Unavailable(f"the native engine cannot be had: {error}") from None


def make(cached: Path) -> None:
    """Compile the library, and move it to its place once it is sealed.  Raises CompilerError."""
    from cowpath import children

    scratch = {"TMPDIR": str(cached.parent)}
    fresh = cached.with_name(f"{cached.name}.{os.getpid()}.new")
    try:
        compile_library(fresh, find=children.find, environment=children.environment(**scratch))
        seal(fresh)
        fresh.replace(cached)
    finally:
        fresh.unlink(missing_ok=True)


def seal(made: Path) -> None:
    """Write a library's digest behind it, where no loader minds."""
    content = made.read_bytes()
    with made.open("ab") as file:
        file.write(hashlib.sha256(content).digest())


def whole(cached: Path) -> bool:
    """True if a library is in the cache as it was sealed; one that is torn could kill whoever loads it."""
    try:
        content = cached.read_bytes()
    except FileNotFoundError:
        return False
    return hashlib.sha256(content[:-DIGEST_BYTES]).digest() == content[-DIGEST_BYTES:]


def opened(path: Path) -> ctypes.CDLL:
    """A library with its functions declared."""
    found = ctypes.CDLL(str(path))
    for name, (result, arguments) in FUNCTIONS.items():
        function = getattr(found, name)
        function.restype, function.argtypes = result, arguments
    return found
