# SPDX-License-Identifier: MIT
"""mincore(2), state by state."""

import pytest

from cowpath.linux.mm.madvise import madvise_pageout
from cowpath.linux.mm.mincore import mincore
from cowpath.linux.mm.swap_state import swap_vma_readahead
from tests.linux.bench import Bench

TWO_PAGES = (
    'C bench { char x[1] = "a"; char y[1]; swap = zram; readahead(x); }'
    " P0(char *x, char *y) { r0 = mincore(x); r0 = mincore(y); }"
)
CPU = 1


def answer(bench: Bench, page: int = 0) -> str:
    """What mincore says of a page of P0."""
    register = bench.k.registers[0]
    bench.call(mincore, bench.k, bench.pte(page=page), register)
    return bench.k.layout.values[bench.k.layout.step.look(register.value[0])]


def swapped_out() -> Bench:
    """A page on a device that writes at once, and no folio in the swap cache."""
    bench = Bench("6.1", TWO_PAGES)
    bench.finish(madvise_pageout(bench.k, 0, (bench.pte(),)))
    slot = bench.pte().slot
    assert slot is not None
    assert slot.folio is None
    return bench


def test_a_mapped_page_is_in_memory_and_one_that_was_never_touched_is_not() -> None:
    bench = Bench("6.1", TWO_PAGES)
    assert (answer(bench), answer(bench, page=1)) == ("1", "0")


def test_a_page_in_swap_is_not_in_memory() -> None:
    assert answer(swapped_out()) == "0"


def test_a_page_in_the_swap_cache_is_in_memory_once_it_was_read() -> None:
    bench = swapped_out()
    steps = bench.steps(swap_vma_readahead(bench.k, CPU, 0))
    answers = {answer(bench)}
    folio = None
    for _ in steps:
        folio = bench.slot().folio
        if folio is not None and not folio.uptodate:
            answers.add(answer(bench))
    assert folio is not None
    assert folio.uptodate
    assert (answers, answer(bench)) == ({"0"}, "1")
    assert f"{folio} is in the swap cache of {bench.slot()}" in bench.notes


def test_a_page_that_is_being_migrated_is_in_memory() -> None:
    bench = Bench("6.1", TWO_PAGES)
    bench.set(bench.pte(), kind="migration")
    assert answer(bench) == "1"


def test_where_nothing_is_mapped_the_register_keeps_what_it_held() -> None:
    bench = Bench("6.1", TWO_PAGES)
    bench.set(bench.pte().vma, mapped=False)
    assert answer(bench) == "-"


@pytest.mark.parametrize("lock", ["mmap_writer", "ptl"])
def test_it_waits_for_the_locks(lock: str) -> None:
    bench = Bench("6.1", TWO_PAGES)
    bench.set(bench.k.mms[0], **{lock: True})
    assert bench.blocks(mincore, bench.k, bench.pte(), bench.k.registers[0])
