# SPDX-License-Identifier: MIT
"""The bits behind the founding patch's hunks H1 and H2."""

import pytest

from cowpath.kernel.changes import version
from cowpath.kernel.pgtable import PTE_NONE, PteValue, pte_same_as_swp, pte_swp_mkexclusive, swp_entry_to_pte
from cowpath.kernel.raw import raw_text
from tests.kernel.bench import Bench


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
