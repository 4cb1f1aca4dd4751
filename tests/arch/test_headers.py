# SPDX-License-Identifier: MIT
"""The codec against the kernel's own headers, bit for bit.

A C file is compiled against Debian's kernel headers, each architecture with its own compiler.  It calls
the macros and functions of include/linux/swapops.h and asm/pgtable.h for many entries and flags; the
compiler folds every result into a constant and writes it into the assembly, from where it is read.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cowpath.arch import architecture
from cowpath.arch.layout import PteLayout
from cowpath.arch.swp_pte import make
from cowpath.history.release import Release
from tests.arch.debian import TARGETS, MissingError, Target, compile_probe, prepare

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("headers")]

SHAPES = {
    "plain": (),
    "exclusive": ("exclusive",),
    "soft_dirty": ("soft_dirty",),
    "uffd_wp": ("uffd_wp",),
    "all": ("exclusive", "soft_dirty", "uffd_wp"),
}

PROBE = """\
#include <linux/mm.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#define EMIT(name, value) asm volatile("\\n.ascii \\"@@ " name " %0 \\"" : : "i" (value))
#if !HAVE_EXCLUSIVE
#define pte_swp_mkexclusive(pte) (pte)
#endif
{body}
"""

CALLS = {
    "plain": "{pte}",
    "exclusive": "pte_swp_mkexclusive({pte})",
    "soft_dirty": "pte_swp_mksoft_dirty({pte})",
    "uffd_wp": "pte_swp_mkuffd_wp({pte})",
    "all": "pte_swp_mkexclusive(pte_swp_mksoft_dirty(pte_swp_mkuffd_wp({pte})))",
}


def entries(layout: PteLayout) -> Iterator[tuple[int, int]]:
    """Types and offsets that use every bit of both fields, alone and together."""
    offsets = [1 << bit for bit in range(layout.offset_bits)] + [
        layout.max_offset - 1,
        layout.max_offset // 3,
    ]
    yield from ((swp_type, 0x155) for swp_type in range(layout.max_type + 1))
    yield from ((5, offset) for offset in offsets)
    yield from ((layout.max_type, offset) for offset in (1, layout.max_offset))


def body(layout: PteLayout) -> Iterator[str]:
    """C functions, one per entry, that emit each value under a name made of shape, type and offset."""
    for swp_type, offset in entries(layout):
        pte = f"swp_entry_to_pte(swp_entry({swp_type}UL, {offset}ULL))"
        yield f"void probe_{swp_type}_{offset}(void);\nvoid probe_{swp_type}_{offset}(void)\n{{"
        for shape, call in CALLS.items():
            flagged = call.format(pte=pte)
            yield f'\tEMIT("{shape} {swp_type} {offset}", pte_val({flagged}));'
        yield f'\tEMIT("type {swp_type} {offset}", swp_type(pte_to_swp_entry({flagged})));'
        yield f'\tEMIT("offset {swp_type} {offset}", swp_offset(pte_to_swp_entry({flagged})));'
        yield f'\tEMIT("swap {swp_type} {offset}", !pte_none({flagged}) && !pte_present({flagged}));'
        yield "}"


@pytest.fixture(scope="session")
def root() -> Path:
    """The unpacked headers.  Under CI their absence is a failure, elsewhere a reason to skip."""
    try:
        return prepare()
    except MissingError as missing:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"kernel headers are missing: {missing}")


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_the_codec_computes_what_the_headers_compute(target: Target, root: Path, tmp_path: Path) -> None:
    release = Release.parse(target.series)
    layout = architecture(target.arch).layout(release)
    source = tmp_path / "probe.c"
    (tmp_path / "probe_config.h").write_text(
        Path(__file__).with_name("probe_config.h").read_text()
        + f"#define HAVE_EXCLUSIVE {int(release >= Release(5, 19))}\n"
    )
    source.write_text(PROBE.format(body="\n".join(body(layout))))
    assembly = compile_probe(root, target, source)
    found = re.findall(r"@@ (\w+) (\d+) (\d+) [$#]?(-?\d+) ", assembly)
    assert len(found) == len(list(entries(layout))) * (len(SHAPES) + 3)
    for name, swp_type, offset, value in found:
        assert int(value) & ((1 << layout.pte_bits) - 1) == expected(
            layout, name, int(swp_type), int(offset)
        ), f"{name} of type {swp_type}, offset {int(offset):#x}"


def expected(layout: PteLayout, name: str, swp_type: int, offset: int) -> int:
    """What cowpath says for one value of the probe."""
    if name in SHAPES:
        return make(layout, swp_type, offset, **dict.fromkeys(SHAPES[name], True))
    return {"type": swp_type, "offset": offset, "swap": 1}[name]
