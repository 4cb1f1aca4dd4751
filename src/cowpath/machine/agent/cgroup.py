# SPDX-License-Identifier: MIT
"""A control group with the test alone in it, from which the kernel can be told to reclaim memory.

MADV_PAGEOUT leaves a large folio alone that several processes map.  Reclaim of a group does not.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from . import calls
from .large import has_small_sizes
from .setting import CannotRunError, write

NAME = "cowpath"
TRIES = 3
"""A page that was touched since it was last looked at is spared the first time."""

AMOUNT = "2M"
"""More than any test has, so that all is looked at."""


@contextlib.contextmanager
def group(directory: str) -> Iterator[str]:
    """Mount a cgroup v2 hierarchy below `directory`, and make a group; return its path.

    Raises CannotRunError where the kernel cannot, has no memory.reclaim (v5.19), or has no folios as small as
    a test's: a THP that stands for one is split in order to be reclaimed, and all of it goes then.
    """
    if not has_small_sizes():
        raise CannotRunError("a THP, which stands for a large folio here, is reclaimed in parts")
    root = os.path.join(directory, "cgroup")
    os.mkdir(root)
    with contextlib.ExitStack() as stack:
        try:
            calls.mount("none", root, "cgroup2")
            stack.callback(calls.unmount, root)
            write(f"{root}/cgroup.subtree_control", "+memory")
            path = os.path.join(root, NAME)
            os.mkdir(path)
        except OSError as error:
            raise CannotRunError(f"no control group to reclaim from: {error.strerror}") from None
        stack.callback(os.rmdir, path)
        if not os.path.exists(f"{path}/memory.reclaim"):
            raise CannotRunError("this kernel has no memory.reclaim (v5.19) to reclaim large folios with")
        yield path


def enter(path: str) -> None:
    """Put this process, and all that it forks, into a group."""
    write(f"{path}/cgroup.procs", "0")


def reclaim(path: str) -> None:
    """Reclaim what can be reclaimed of a group; that it is less than asked for is no error."""
    for _ in range(TRIES):
        with contextlib.suppress(OSError):
            write(f"{path}/memory.reclaim", AMOUNT)
