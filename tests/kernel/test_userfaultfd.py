# SPDX-License-Identifier: MIT
"""UFFDIO_MOVE, step by step."""

import pytest

from cowpath.kernel.madvise import madvise_pageout
from cowpath.kernel.swap_state import delete_from_swap_cache
from cowpath.kernel.tlb import translate
from cowpath.kernel.userfaultfd import userfaultfd_move
from tests.kernel.bench import Bench

MOVING = 'C bench { char x[1]; char y[1] = "a"; } P0(char *x, char *y) { userfaultfd_move(x, y); }'


def move(bench: Bench) -> tuple[str | None, str | None]:
    bench.finish(userfaultfd_move(bench.k, bench.pte(page=0), bench.pte(page=1)))
    return bench.shown(page=0), bench.shown(page=1)


@pytest.mark.parametrize(
    ("release", "folio", "moved"),
    [
        ("6.8", {}, True),
        ("6.7", {}, False),
        ("6.8", {"anon_exclusive": False}, False),
        ("6.8", {"pincount": 1}, False),
        ("6.8", {"refcount": 2}, True),  # FOLL_GET moves along
    ],
)
def test_what_may_move(release: str, folio: dict[str, object], moved: bool) -> None:
    bench = Bench(release, MOVING)
    page = bench.pte(page=1).folio
    assert page is not None
    bench.set(page, **folio)
    there, rest = (f"{page} rw dirty", "none") if moved else ("none", f"{page} rw dirty")
    assert move(bench) == (there, rest)
    assert page.index == (1 if moved else 2)


@pytest.mark.parametrize(("marked", "shown"), [(True, ("swap slot0 exclusive", "none")), (False, None)])
def test_only_a_marked_swap_pte_moves(marked: bool, shown: tuple[str, str] | None) -> None:
    bench = Bench("6.8", MOVING)
    bench.finish(madvise_pageout(bench.k, 0, bench.pte(page=1)))
    bench.set(bench.pte(page=1), exclusive=marked)
    assert move(bench) == (shown or ("none", "swap slot0"))


@pytest.mark.parametrize(("release", "index"), [("6.13", 2), ("6.14", 1)])
def test_the_folio_in_the_swap_cache_follows(release: str, index: int) -> None:
    """c50f8e6053b0, v6.14."""
    bench = Bench(release, MOVING)
    page = bench.pte(page=1).folio
    assert page is not None
    bench.finish(madvise_pageout(bench.k, 0, bench.pte(page=1)))
    move(bench)
    assert page.index == index


@pytest.mark.parametrize(("release", "moved"), [("6.15", True), ("6.16", False)])
def test_a_folio_that_left_the_swap_cache_is_noticed(release: str, moved: bool) -> None:
    """0ea148a79919, v6.16."""
    bench = Bench(release, MOVING)
    page = bench.pte(page=1).folio
    assert page is not None
    bench.finish(madvise_pageout(bench.k, 0, bench.pte(page=1)))
    bench.set(page, writeback=False)
    moving = bench.steps(userfaultfd_move(bench.k, bench.pte(page=0), bench.pte(page=1)))
    next(moving)
    bench.call(delete_from_swap_cache, bench.k, page)
    for _ in moving:
        pass
    assert (bench.shown(page=1) == "none") is moved


@pytest.mark.parametrize(("release", "shown"), [("6.14", "folio1 rw dirty"), ("6.15", "folio1 rw")])
def test_a_clean_page_stays_clean(release: str, shown: str) -> None:
    """75cb1cca2c88, v6.15."""
    bench = Bench(release, MOVING)
    bench.set(bench.pte(page=1), dirty=False)
    assert move(bench) == (shown, "none")


@pytest.mark.parametrize(("release", "seen"), [("6.17", False), ("6.18", True)])
def test_when_the_old_address_is_flushed(release: str, seen: bool) -> None:
    bench = Bench(release, MOVING.replace("}", "option = tlb; }", 1))
    page = bench.call(translate, bench.k, 0, bench.pte(page=1), True)
    moving = bench.steps(userfaultfd_move(bench.k, bench.pte(page=0), bench.pte(page=1)))
    led = [bench.k.tlbs[1].folio is page and bench.pte(page=0).folio is page for _ in moving]
    assert any(led) is seen
    assert bench.k.tlbs[1].folio is None
