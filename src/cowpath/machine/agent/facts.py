# SPDX-License-Identifier: MIT
"""What a result has to say about the machine that it comes from."""

from __future__ import annotations

import os
from typing import Any

from . import calls, numa


def collect(job: dict[str, Any]) -> dict[str, Any]:
    """Release, architecture, page size, swap devices.

    >>> sorted(collect({"program": {"swap": []}}))
    ['machine', 'nodes', 'page_size', 'processors', 'release', 'swap', 'version']
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
    }


def _kind_of(path: str) -> str:
    return path if path.startswith("/dev/") else "a file"


def _pairs(kinds: list[str], paths: list[str]) -> list[tuple[str, str]]:
    return [(kinds[index], paths[index]) for index in range(min(len(kinds), len(paths)))]
