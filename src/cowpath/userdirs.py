# SPDX-License-Identifier: MIT
"""The directories of cowpath's own files in a user's home directory (XDG Base Directory Specification).

What lies there is executed: parsers, compiled code, kernels.  So it counts only where nobody but root and
this user can have written it.
"""

import contextlib
import os
import stat

from cowpath.errors import CowpathError

WRITABLE_BY_GROUP, WRITABLE_BY_ALL = 0o020, 0o002


class ForeignDirectoryError(CowpathError):
    """A directory of ours that others can change under us."""


def cache() -> str:
    """Return the directory of what can be made again: `$XDG_CACHE_HOME/cowpath`, or under ~/.cache."""
    return os.path.join(_base("XDG_CACHE_HOME", ".cache"), "cowpath")


def state() -> str:
    """Return the directory of what was found: `$XDG_STATE_HOME/cowpath`, or under ~/.local/state."""
    return os.path.join(_base("XDG_STATE_HOME", ".local/state"), "cowpath")


def _base(variable: str, below_home: str) -> str:
    """Return an absolute directory: a relative one would be another one each time, so it does not count."""
    named = os.environ.get(variable, "")
    return named if os.path.isabs(named) else os.path.join(home(), below_home)


def home() -> str:
    """Return $HOME, or what the system says; a user without a home gets a directory in /var/tmp.

    >>> os.path.isabs(home())
    True
    """
    named = os.environ.get("HOME", "")
    if not os.path.isabs(named):
        import pwd

        with contextlib.suppress(KeyError):
            named = pwd.getpwuid(os.getuid()).pw_dir
    return named if os.path.isabs(named) else f"/var/tmp/cowpath-of-{os.getuid()}"


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
