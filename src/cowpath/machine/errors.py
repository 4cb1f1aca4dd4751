# SPDX-License-Identifier: MIT
"""What can go wrong between cowpath and a real kernel."""

from cowpath.errors import CowpathError


class MachineError(CowpathError):
    """A machine that cannot be had, started or understood."""


class UnknownMachineError(MachineError):
    """A name given to --on that stands for no machine."""
