# SPDX-License-Identifier: MIT
"""`cowpath kernels` and `cowpath changes`."""

import pytest

from cowpath.history.changes import CHANGES
from cowpath.history.version import NEWEST, OLDEST
from tests.commands.conftest import Run


def test_the_overview_lists_releases_and_architectures(run: Run) -> None:
    status, out, _ = run("kernels")
    assert status == 0
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines() if line}
    assert rows["5.7"] == ["5"]  # older than any kernel that is modelled
    assert set(rows["5.18"]) >= {"wp-reuse-from-swap-cache,", "wp-drains-lru,"}
    assert {"H1,", "H4c,"} <= set(rows["5.19"])
    assert all(len(line) == len(line.rstrip()) for line in out.splitlines())
    assert ", powerpc, " in out


def test_one_kernel_lists_what_it_has(run: Run) -> None:
    table, stable = run("kernels", "5.10").out.split("\n\n")
    assert [line.split()[:3] for line in table.splitlines()] == [
        ["release", "commit", "name"],
        ["2.6", "4969c1192d15", "swapin-rechecks-entry"],
        ["2.6", "31dbd01f3143", "ksm-counts-references"],
        ["4.13", "99baac21e458", "gatherers-flush-all"],
        ["4.13", "b3a81d0841a9", "ksm-minds-pending-flushes"],
        ["4.13", "3ea277194daa", "flush-batched-pending"],
        ["5.9", "09854ba94c6a", "wp-reuse-by-refcount"],
        ["5.9", "70e806e4e645", "fork-copies-pinned"],
    ]
    assert stable.startswith("Stable updates of 5.10 brought more: 5.10.4 fork-sequence, 5.10.9 ")


def test_a_release_says_what_it_ended(run: Run) -> None:
    rows = {line.split()[0]: line for line in run("kernels").out.splitlines() if line}
    assert rows["5.9"].endswith(", no forced-cow-break")
    assert rows["6.7"].endswith(", no migration-drains-lru")


def test_the_older_kernel_may_have_what_the_newer_has_not(run: Run) -> None:
    gained, lost = run("kernels", "6.1", "6.8").out.split("only 6.1 x86_64:\n")
    releases = [line.split()[0] for line in gained.splitlines()[2:]]
    assert releases == sorted(releases)
    assert releases[0] == "6.2"
    assert lost.splitlines()[1].split()[2] == "migration-drains-lru"
    assert "6.1.80 bypass-takes-slot" in " ".join(lost.split())


def test_two_kernels_are_compared(run: Run) -> None:
    out = run("kernels", "5.18", "6.1").out
    assert out.startswith("only 6.1 x86_64:\n")
    assert {"H1", "H6", "unshare", "mprotect-keeps-writable"} <= set(out.split())
    assert "wp-drains-lru" not in out
    assert run("kernels", "6.1", "5.18").out == out


def test_a_stable_update_says_which_update_brought_what(run: Run) -> None:
    rows = [line.split()[::2] for line in run("kernels", "6.1", "6.1.80").out.splitlines()[2:]]
    assert [row[:2] for row in rows if row][:3] == [
        ["6.1.28", "pinned-after-unmap"],
        ["6.1.30", "zswap-rechecks-entry"],
        ["6.1.80", "zswap-cleans-up"],
    ]
    assert "Updates after 6.1.80 brought more: 6.1.84 free-swap-holds-device" in run("kernels", "6.1.80").out
    assert "Lost on the way: 6.12.50 no batch-clears-lru." in run("kernels", "6.12.117").out


def test_what_was_not_read_of_an_update_is_said(run: Run) -> None:
    assert "The updates of 6.6 were not read one by one" in run("kernels", "6.6.40").out
    assert "read up to" not in run("kernels", "6.1.176").out


def test_two_kernels_with_the_same_rules(run: Run) -> None:
    assert run("kernels", "5.15", "5.16").out == "5.15 x86_64 and 5.16 x86_64 have the same rules\n"


def test_an_architecture_without_the_bit(run: Run) -> None:
    assert "swp-exclusive-x86" in run("kernels", "6.1").out
    assert "swp-exclusive" not in run("kernels", "6.1", "--arch", "arm").out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["5.7", "5.8", "5.9"], "name one kernel to see what it has, or two to compare them"),
        (["99.0"], f"kernel 99.0 is not modelled: {OLDEST} to {NEWEST} are"),
        (["new"], "'new' is not a kernel release: write its numbers, as in 5.10, 6.1 or 6.1.176"),
        (["--arch", "amr64"], "no architecture is called 'amr64'; did you mean arm64 "),
        (["6.1", "--arch", "amr64"], "no architecture is called 'amr64'; did you mean arm64 "),
    ],
)
def test_kernels_that_are_not_modelled(run: Run, arguments: list[str], message: str) -> None:
    status, out, err = run("kernels", *arguments)
    assert (status, out) == (2, "")
    assert err.startswith(f"cowpath kernels: {message}")


# -- changes ---------------------------------------------------------------------------------------


def test_every_change_is_listed_once(run: Run) -> None:
    out = run("changes").out
    assert [part.split()[0] for part in out.split("\n\n")] == [change.name for change in CHANGES]


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        (["H3"], ["H3"]),
        (["h4"], ["H4a", "H4b", "H4c", "H4d"]),
        (["09854ba9"], ["wp-reuse-by-refcount"]),
        (["1493a1913e34"], ["H1", "H2", "H3", "H4a", "H4b", "H4c", "H4d", "H5", "H6"]),
        (["H5", "as-posted"], ["H5", "as-posted"]),
    ],
)
def test_changes_by_name_group_and_commit(run: Run, asked: list[str], names: list[str]) -> None:
    status, out, _ = run("changes", *asked)
    assert status == 0
    assert [part.split()[0] for part in out.split("\n\n")] == names


def test_a_change_says_how_it_ended_and_where_else_it_is(run: Run) -> None:
    out = run("changes", "bypass-takes-slot").out
    assert "until:  v7.0 (f1879e8a0c60)" in out
    assert "stable: 6.1.80 bypass-takes-slot" in out


def test_what_is_not_known_of_a_change_is_said(run: Run) -> None:
    head, *lines = run("changes", "swapin-without-drain").out.splitlines()
    assert head == "swapin-without-drain  -  v7.3  mm/memory.c"
    assert lines[0] == "    subject: mm: entirely remove lru_add_drain in do_swap_page"
    assert lines[-2].startswith("    no test can tell: ")
    assert lines[-1].startswith("    unsettled: the mainline id; ")


def test_what_no_test_can_tell_says_why(run: Run) -> None:
    assert "    no test can tell: it spares a fault" in run("changes", "read-maps-writable").out
    assert "no test can tell" not in run("changes", "H3").out


def test_an_unknown_change(run: Run) -> None:
    assert run("changes", "swapin-by-refcount") == (
        2,
        "",
        "cowpath changes: unknown change 'swapin-by-refcount': did you mean 'swapin-reuse-by-refcount'?\n",
    )


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("mm/gup.c", {change.name for change in CHANGES if change.file == "mm/gup.c"}),
        ("swap_state.c", {change.name for change in CHANGES if change.file == "mm/swap_state.c"}),
        ("swp-exclusive-", {change.name for change in CHANGES if change.name.startswith("swp-exclusive-")}),
    ],
)
def test_changes_by_file_and_by_the_beginning_of_a_name(run: Run, asked: str, names: set[str]) -> None:
    assert {line.split()[0] for line in run("changes", asked).out.splitlines() if line[:1] > " "} == names


def test_changes_by_function(run: Run) -> None:
    assert "\nback-out-frees-swap  " in run("changes", "do_swap_page").out
    assert run("changes", "do_swap_pgae").status == 2
