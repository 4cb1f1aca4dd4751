# SPDX-License-Identifier: MIT
"""MADV_FREE, and reclaim of what it left behind."""

from __future__ import annotations

import pytest

from cowpath.kernel.madvise import madvise_free
from cowpath.kernel.pgtable import ptep_get
from cowpath.kernel.rmap import lazyfree_entry
from cowpath.kernel.swap import folio_get, folio_isolate_lru, lru_add_drain
from cowpath.kernel.vmscan import shrink_folio_list
from tests.kernel.bench import Bench


def freed(release: str) -> Bench:
    """A page after MADV_FREE, its batch drained."""
    bench = Bench('char x[1] = "a"; swap = none;', release, body="madvise(x, MADV_FREE);")
    bench.run(lambda: madvise_free(bench.k, 0, bench.pte()))
    return bench


def test_the_flag_comes_when_the_batch_is_drained() -> None:
    bench = freed("6.1")
    folio = bench.folio()
    assert not bench.do(lambda: bench.pte().dirty)
    assert bench.do(lambda: (folio.lazyfree, folio.refcount)) == (False, 2)
    bench.do(lambda: lru_add_drain(bench.k, 0))
    assert bench.do(lambda: (folio.lazyfree, folio.refcount)) == (True, 1)


def test_a_clean_page_is_discarded() -> None:
    bench = freed("6.1")
    folio = bench.folio()
    bench.do(lambda: lru_add_drain(bench.k, 0))
    bench.do(lambda: folio_isolate_lru(bench.k, folio))
    assert bench.run(lambda: shrink_folio_list(bench.k, folio))
    assert bench.do(lambda: (bench.pte().kind, folio.refcount)) == ("none", 0)


@pytest.mark.parametrize(
    ("release", "discarded", "lazyfree"),
    [("5.17", True, True), ("5.18", False, False), ("6.14", False, False), ("6.15", False, True)],
)
def test_who_counts_references(release: str, discarded: bool, lazyfree: bool) -> None:
    bench = freed(release)
    folio = bench.folio()

    def unmap() -> bool:
        lru_add_drain(bench.k, 0)
        folio_isolate_lru(bench.k, folio)
        folio_get(bench.k, folio)  # a device
        return not lazyfree_entry(bench.k, folio, ptep_get(bench.pte())).present

    assert bench.do(unmap) == discarded
    assert bench.do(lambda: folio.lazyfree) == lazyfree
