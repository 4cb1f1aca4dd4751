# SPDX-License-Identifier: MIT
"""The architectures whose headers no Debian package lets us compile: against values taken from them.

Not compiled by test_headers.py: alpha, arc, csky, hexagon, ia64, loongarch, m68k, microblaze, mips,
nios2, openrisc, parisc, powerpc 32-bit and nohash, riscv32, sh, sparc, um, xtensa.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cowpath.arch import ARCHITECTURES, arch_has_exclusive, architecture
from cowpath.arch.swp_pte import make, pte_to_swp_entry
from cowpath.history.release import Release
from tests.arch.debian import TARGETS

# _PAGE_SWP_EXCLUSIVE as the headers define it from 6.3 on
EXCLUSIVE = {
    "alpha": 0x8000000000,
    "arc": 1 << 5,
    "csky": 1 << 7,
    "csky-abiv1": 1 << 9,
    "hexagon": 1 << 6,
    "i386": 1 << 7,  # Debian builds no i386 kernels after 6.1
    "i386-pae": 1 << 7,
    "ia64": 1 << 7,
    "loongarch": 1 << 23,
    "loongarch32": 1 << 13,
    "m68k": 0x800,
    "m68k-coldfire": 0x80,
    "m68k-sun3": 0x40,
    "microblaze": 0x80,
    "mips64": 1 << 23,
    "mips32": 1 << 1,
    "mips32-r3k": 1 << 7,
    "mips32-xpa": 1 << 25,
    "mips32-phys64": 1 << 7,
    "nios2": 1 << 31,
    "openrisc": 0x800,
    "parisc": 0x100,
    "parisc64": 0x100,
    "powerpc-book3s32": 0x4,
    "powerpc-nohash32": 0x4,
    "powerpc-nohash64": 0x80,
    "riscv32": 1 << 6,
    "sh": 0x40,
    "sh-x2tlb": 0x40,
    "sparc": 0x40,
    "sparc64": 0x100000,
    "um": 0x400,
    "um32": 0x400,
    "xtensa": 1 << 1,
}


def recorded() -> Iterator[tuple[str, str, int, int, int]]:
    """The lines of header_values.txt, one release each."""
    for line in Path(__file__).with_name("header_values.txt").read_text().splitlines():
        if not line.startswith("#"):
            arch, releases, swp_type, offset, value = line.split()
            for release in releases.split(","):
                yield arch, release, int(swp_type), int(offset, 16), int(value, 16)


@pytest.mark.parametrize(("arch", "release", "swp_type", "offset", "value"), list(recorded()))
def test_values_of_headers(arch: str, release: str, swp_type: int, offset: int, value: int) -> None:
    layout = architecture(arch).layout(Release.parse(release))
    assert make(layout, swp_type, offset) == value
    assert pte_to_swp_entry(layout, value) == (swp_type, offset)


@pytest.mark.parametrize(("arch", "mask"), EXCLUSIVE.items())
def test_exclusive_bit_of_headers(arch: str, mask: int) -> None:
    layout = ARCHITECTURES[arch].exclusive_layout
    assert layout is not None
    assert 1 << (layout.exclusive or 0) == mask


def test_no_architecture_is_left_out() -> None:
    checked = {arch for arch, *_ in recorded()} | {target.arch for target in TARGETS}
    assert checked == set(ARCHITECTURES)
    with_marker = {
        target.arch for target in TARGETS if arch_has_exclusive(target.arch, Release.parse(target.series))
    }
    assert set(EXCLUSIVE) | with_marker == set(ARCHITECTURES)
