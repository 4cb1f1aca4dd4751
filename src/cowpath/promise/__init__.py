# SPDX-License-Identifier: MIT
"""What private memory promises to user space.  The promise itself is `rules.py`; read it first."""

from cowpath.promise.model import build

__all__ = ["build"]
