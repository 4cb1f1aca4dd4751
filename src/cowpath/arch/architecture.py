# SPDX-License-Identifier: MIT
"""An architecture: its name, where its header is, and its layouts, oldest first."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cowpath.arch.layout import PteLayout, since
from cowpath.errors import CowpathError
from cowpath.history.release import Release

OLDEST = Release(5, 7)
"""The oldest release whose layouts are recorded here."""

NEWEST_READ = Release(7, 3)
"""The newest release whose headers were read; later kernels are taken to be the same."""


class LayoutError(CowpathError):
    """No architecture of that name, or none of its layouts is known for that release."""


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """The swap ptes of an architecture through all releases.

    `memory_failure` says whether CONFIG_MEMORY_FAILURE can be had, `device_private` since which release
    CONFIG_DEVICE_PRIVATE can: both take swap types away.  `phys_bits` is MAX_PHYSMEM_BITS as most
    kernels are built, where it is known; `page_shift` goes with it.  `present_bits` names what a present pte
    says, where it is recorded: bits to name and meaning.
    """

    name: str
    title: str
    header: str
    layouts: tuple[PteLayout, ...]
    aliases: tuple[str, ...] = ()
    memory_failure: bool = False
    device_private: Release | None = None
    removed: Release | None = None
    phys_bits: int | None = None
    page_shift: int = 12
    present_bits: Mapping[str, str] = field(default_factory=dict)

    @property
    def pte_bits(self) -> int:
        """The number of bits of a pte: 32 or 64."""
        return self.layouts[0].pte_bits

    @property
    def exclusive_layout(self) -> PteLayout | None:
        """The first layout with a bit for PG_anon_exclusive."""
        return next((layout for layout in self.layouts if layout.exclusive is not None), None)

    @property
    def exclusive_since(self) -> Release | None:
        """The release that brought the exclusive marker; None if none did."""
        layout = self.exclusive_layout
        return layout.since if layout else None

    @property
    def exclusive_commit(self) -> str:
        """The commit that brought the exclusive marker; empty if none did."""
        layout = self.exclusive_layout
        return layout.commit if layout else ""

    def layout(self, release: Release) -> PteLayout:
        """The layout in force at `release`.  Raises LayoutError, saying which releases are known."""
        if self.removed and release >= self.removed:
            raise LayoutError(
                f"Linux {self.removed} removed {self.name}: there is no {self.name} kernel {release}"
            )
        found = since(self.layouts, release)
        if found is None:
            first = self.layouts[0].since
            reason = "older layouts are not recorded" if first == OLDEST else f"Linux {first} brought it"
            raise LayoutError(f"no swap pte layout of {self.name} is known for {release}: {reason}")
        return found
