# SPDX-License-Identifier: MIT
"""What all compiled code shares: how it is compiled and kept, and the numbers it works with.

Arithmetic is on uint64 throughout: Numba would turn a mixture with int64 into floating point.
"""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np

F = TypeVar("F", bound=Callable[..., Any])

MIX, MIX2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)
HALF, LOW, BYTE, SHORT = np.uint64(32), np.uint64(0xFFFFFFFF), np.uint64(0xFF), np.uint64(0xFFFF)
S8, S16, S24, ONE, ZERO = np.uint64(8), np.uint64(16), np.uint64(24), np.uint64(1), np.uint64(0)

CHUNK = 256
"""Questions that are put to memory at once."""

_DE_BRUIJN = 0x03F79D71B4CB0A89
"""Its 64 windows of 6 bits are all different: multiplied by a power of two, the upper 6 bits tell which."""


@functools.cache
def cache_directory() -> str:
    """Where compiled code is kept: the user's cache, so that a read-only installation works too.

    NUMBA_CACHE_DIR has its way.  Otherwise it is a folder for each version of this package: Numba looks at
    the file of a function only, not at those of the functions that it calls.
    """
    if elsewhere := os.environ.get("NUMBA_CACHE_DIR"):
        return elsewhere
    digest = hashlib.blake2b(digest_size=8)
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.read_bytes())
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return str(Path(base) / "cowpath" / "numba" / digest.hexdigest())


def kept() -> bool:
    """Whether there is compiled code; if not, the first search waits some seconds for it.

    >>> kept() in (False, True)
    True
    """
    return any(Path(cache_directory()).rglob("*.nbc"))


def compiled(function: F) -> F:
    """Compile with Numba; typed, because Numba has no type information."""
    config: Any = numba.config
    before = config.CACHE_DIR
    config.CACHE_DIR = cache_directory()
    try:
        return cast("F", numba.njit(cache=True, nogil=True, boundscheck=False, error_model="numpy")(function))
    except RuntimeError:  # nowhere to write: compile in every process
        return cast("F", numba.njit(nogil=True, boundscheck=False, error_model="numpy")(function))
    finally:
        config.CACHE_DIR = before


_BIT_OF = np.zeros(64, np.uint64)
for _bit in range(64):
    _BIT_OF[((_DE_BRUIJN << _bit) & 0xFFFFFFFFFFFFFFFF) >> 58] = _bit
_WINDOWS, _TOP = np.uint64(_DE_BRUIJN), np.uint64(58)


@compiled
def lowest_bit(bits: Any) -> Any:
    """The number of the lowest bit that is set; there must be one."""
    return _BIT_OF[((bits & (~bits + ONE)) * _WINDOWS) >> _TOP]
