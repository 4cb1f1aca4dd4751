# SPDX-License-Identifier: MIT
"""Differences between architectures in flushing TLBs."""

from __future__ import annotations

from cowpath.history.changes import ARM64_BATCHES_FLUSHES
from cowpath.history.version import Version


def defers_unmap_flush(version: Version) -> bool:
    """True where reclaim unmaps many pages before it flushes (ARCH_WANT_BATCHED_UNMAP_TLB_FLUSH)."""
    return version.architecture == "x86_64" or version.has(ARM64_BATCHES_FLUSHES)
