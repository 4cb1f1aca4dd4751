# SPDX-License-Identifier: MIT
"""The promise of private memory to user space.  The promise itself is `rules.py`; read it first."""

from cowpath.promise.model import build

__all__ = ["build"]
