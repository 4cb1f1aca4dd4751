# SPDX-License-Identifier: MIT
"""The bits behind the founding patch's hunks H1 and H2."""

import pytest

from cowpath.arch import swp_pte
from cowpath.history.swap_bits import swap_layout
from cowpath.history.version import version
from cowpath.linux.include.pgtable import (
    PTE_NONE,
    PteValue,
    pte_swp_mkexclusive,
    swp_entry_to_pte,
)
from cowpath.linux.mm.swapfile import pte_same_as_swp
from cowpath.linux.model import raw_text
from cowpath.report.words import raw_values
from tests.linux.bench import Bench


@pytest.mark.parametrize(
    ("release", "arch", "without", "marked"),
    [
        ("5.18", "x86_64", (), False),
        ("5.19", "x86_64", (), True),
        ("5.19", "x86_64", ("H1",), False),
        ("5.19", "x86_64", ("3e20889cfbee",), False),
        ("5.19", "riscv", (), False),
        ("6.3", "riscv", (), True),
        ("6.1", "s390", (), True),
    ],
)
def test_marking_needs_a_bit(release: str, arch: str, without: tuple[str, ...], marked: bool) -> None:
    bench = Bench(release, arch=arch, without=without)
    assert pte_swp_mkexclusive(bench.k, swp_entry_to_pte(bench.slot())).exclusive is marked


@pytest.mark.parametrize(("without", "same"), [((), True), (("H2",), False)])
def test_a_marked_pte_and_its_entry(without: tuple[str, ...], same: bool) -> None:
    bench = Bench("6.1", without=without)
    entry = swp_entry_to_pte(bench.slot())
    bench.set(
        bench.pte(), kind="swap", folio=None, slot=bench.slot(), write=False, dirty=False, exclusive=True
    )
    assert pte_same_as_swp(bench.k, bench.pte(), entry) is same
    bench.set(bench.pte(), exclusive=False)
    assert pte_same_as_swp(bench.k, bench.pte(), entry)


def test_bits_for_traces() -> None:
    kernel, bench = version("6.1"), Bench()
    marked = PteValue("swap", slot=bench.slot(), exclusive=True)
    assert raw_text(kernel, PTE_NONE) == "0x0000000000000000"
    assert raw_text(kernel, marked) == "0x07fffffffffffc08"
    assert raw_text(version("6.1", "arm"), marked) != raw_text(kernel, marked)
    assert raw_text(kernel, PteValue("present", folio=bench.folio())) == "present"


def test_the_second_device_has_a_type_and_offsets_of_its_own() -> None:
    text = 'C two { char x[1] = "a"; swap = ssd, zram; } P0(char *x) { r0 = x[0]; }'
    bench = Bench("6.1", text)
    slots = bench.k.layout.all(type(bench.slot()))
    half = len(slots) // 2
    assert [slot.device.number for slot in slots] == [0] * half + [1] * half
    assert [slot.offset for slot in slots] == [*range(1, half + 1), *range(1, half + 1)]
    one, other = (PteValue("swap", slot=slots[at]).bits(swap_layout(version("6.1"))) for at in (0, half))
    assert one is not None
    assert other is not None
    layout = swap_layout(version("6.1"))
    assert [swp_pte.pte_to_swp_entry(layout, pte) for pte in (one, other)] == [
        swp_pte.SwpEntry(0, 1), swp_pte.SwpEntry(1, 1),
    ]  # fmt: skip


def test_what_holds_a_page_frame_number_has_no_raw_value() -> None:
    text = 'C moves { char x[1] = "a"; } P0(char *x) { migrate(x); }'
    bench = Bench("6.1", text)

    def raw() -> dict[str, str]:
        return raw_values(bench.k.layout, bench.state, version("6.1"))

    assert raw() == {}
    bench.set(bench.pte(), kind="migration", folio=None, migrating=bench.folio(), access="write")
    assert raw() == {}
    bench.set(bench.pte(), kind="none", migrating=None)
    assert raw() == {"P0.x": "0x0000000000000000"}
