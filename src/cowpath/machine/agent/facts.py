# SPDX-License-Identifier: MIT
"""What a result has to say about the machine that it comes from."""

from __future__ import annotations

import contextlib
import gzip
import os
from typing import Any

from . import calls, numa

INTERESTING = (
    "SWAP", "KSM", "ZSWAP", "ZRAM", "NUMA", "MIGRATION", "COMPACTION", "TRANSPARENT_HUGEPAGE", "IO_URING",
    "USERFAULTFD", "MEMCG", "SMP", "PREEMPT", "PREEMPT_DYNAMIC", "DEBUG_VM",
)  # fmt: skip
"""The options that a result mentions."""


def options_of(text: str) -> dict[str, str]:
    """The interesting options in a kernel's configuration; empty where it is not known.

    >>> options_of("CONFIG_SWAP=y\\n# CONFIG_KSM is not set\\n")["SWAP"]
    'y'
    """
    values = dict(line.split("=", 1) for line in text.splitlines() if line.startswith("CONFIG_"))
    return {name: values.get("CONFIG_" + name, "n") for name in INTERESTING} if values else {}


def collect(job: dict[str, Any]) -> dict[str, Any]:
    """Release, architecture, page size, swap devices.

    >>> sorted(collect({"program": {"swap": []}}))
    ['config', 'machine', 'nodes', 'page_size', 'processors', 'release', 'swap', 'version']
    """
    system = os.uname()
    paths = job.get("swap_paths", [])
    devices = [f"{kind} on {_kind_of(path)}" for kind, path in _pairs(job["program"]["swap"], paths)]
    return {
        "release": system.release,
        "version": system.version,
        "machine": system.machine,
        "page_size": calls.PAGE,
        "processors": os.cpu_count(),
        "nodes": len(numa.nodes()),
        "swap": devices,
        "config": options_of(_config(system.release)),
    }


def _kind_of(path: str) -> str:
    return path if path.startswith("/dev/") else "a file"


def _pairs(kinds: list[str], paths: list[str]) -> list[tuple[str, str]]:
    return [(kinds[index], paths[index]) for index in range(min(len(kinds), len(paths)))]


def _config(release: str) -> str:
    """How the running kernel was built, if it says so."""
    with contextlib.suppress(OSError), gzip.open("/proc/config.gz", "rt") as packed:
        return packed.read()
    with contextlib.suppress(OSError), open(f"/boot/config-{release}") as plain:
        return plain.read()
    return ""
