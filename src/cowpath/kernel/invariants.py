# SPDX-License-Identifier: MIT
"""What must hold in every state: I1 to I13."""

from __future__ import annotations

from collections.abc import Callable

from cowpath.kernel.state import Kernel


def applying_to(k: Kernel) -> tuple[tuple[str, Callable[[], str | None]], ...]:
    return ()
