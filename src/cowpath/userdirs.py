# SPDX-License-Identifier: MIT
"""Where cowpath keeps files of its own in a user's home directory (XDG Base Directory Specification)."""

import os


def cache() -> str:
    """What can be had again at any time: `$XDG_CACHE_HOME/cowpath`, or the same under ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(base, "cowpath")
