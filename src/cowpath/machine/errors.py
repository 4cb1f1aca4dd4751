# SPDX-License-Identifier: MIT
"""Errors between cowpath and a real kernel."""

from cowpath.errors import CowpathError


class MachineError(CowpathError):
    """Raised for a machine that cannot be had, started or understood."""


class UnknownMachineError(MachineError):
    """Raised for a name given to --on that stands for no machine."""


class StoppedError(MachineError):
    """Raised in run() once stop() was called."""
