# SPDX-License-Identifier: MIT
"""Facts about the machine that a result comes from."""

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
    """Return the interesting options in a kernel's configuration; empty where it is not known.

    >>> options_of("CONFIG_SWAP=y\\n# CONFIG_KSM is not set\\n")["SWAP"]
    'y'
    """
    values = dict(line.split("=", 1) for line in text.splitlines() if line.startswith("CONFIG_"))
    return {name: values.get("CONFIG_" + name, "n") for name in INTERESTING} if values else {}


def collect(job: dict[str, Any]) -> dict[str, Any]:
    """Return release, architecture, page size and swap devices.

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
    """Return the configuration of the running kernel, empty where it does not say."""
    with contextlib.suppress(OSError), gzip.open("/proc/config.gz", "rt") as packed:
        return packed.read()
    with contextlib.suppress(OSError), open(f"/boot/config-{release}") as plain:
        return plain.read()
    return ""
