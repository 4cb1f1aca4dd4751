# SPDX-License-Identifier: MIT
"""The directories of cowpath's own files in a user's home directory (XDG Base Directory Specification).

What lies there is executed: parsers, compiled code, kernels.  So it counts only where nobody but root and
this user can have written it.
"""

import os
import stat

from cowpath.errors import CowpathError

WRITABLE_BY_GROUP, WRITABLE_BY_ALL = 0o020, 0o002


class ForeignDirectoryError(CowpathError):
    """A directory of ours that others can change under us."""


def cache() -> str:
    """Return the directory of what can be made again: `$XDG_CACHE_HOME/cowpath`, or under ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "cowpath")


def ours(status: os.stat_result) -> bool:
    """True if only root and this user, or a group that is theirs, can write a file or to a directory.

    >>> ours(os.stat("/")), ours(os.stat("/tmp"))
    (True, False)
    """
    mode, groups = status.st_mode, (0, os.getegid())
    shared = mode & WRITABLE_BY_ALL or (mode & WRITABLE_BY_GROUP and status.st_gid not in groups)
    return status.st_uid in (0, os.geteuid()) and not shared


def need_private(directory: str, otherwise: str = "let XDG_CACHE_HOME name another directory") -> str:
    """The directory itself; raises ForeignDirectoryError where it, or one above it, is for others to change.

    Above it, a sticky directory such as /tmp is good enough.  What is not there yet will be ours.
    `otherwise` says what else the user can do.

    >>> need_private("/var/tmp/not-there-yet/cowpath")
    '/var/tmp/not-there-yet/cowpath'
    """
    for path in (os.path.abspath(directory), os.path.realpath(directory)):
        _need_private(path, directory, otherwise)
        while (path := os.path.dirname(path)) != os.path.dirname(path):
            _need_private(path, directory, otherwise, stat.S_ISVTX)
    return directory


def _need_private(path: str, directory: str, otherwise: str, excuse: int = 0) -> None:
    try:
        status = os.stat(path)
    except OSError:
        return
    if ours(status) or (status.st_mode & excuse and status.st_uid in (0, os.geteuid())):
        return
    raise ForeignDirectoryError(
        f"{path} can be changed by others than user {os.geteuid()}, and cowpath executes what lies in "
        f"{directory}: mend its owner and mode, or {otherwise}"
    )
