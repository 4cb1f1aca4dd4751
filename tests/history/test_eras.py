# SPDX-License-Identifier: MIT
"""Columns of a table: who shares one."""

from cowpath.history.eras import all_versions, each_alone, eras
from cowpath.history.release import Release
from cowpath.history.version import Version, version

KERNELS = [version(name) for name in ("5.7", "5.10", "5.18", "5.19", "6.1")]
ARM = [version(name, "arm") for name in ("5.18", "5.19", "6.1")]


def marker(kernel: Version) -> list[str]:
    return [str(kernel.claims_swp_exclusive())]


def test_an_era_lasts_until_the_next_one_begins() -> None:
    assert [column.title for column in eras(KERNELS, marker)] == ["5.7-5.18", "5.19-6.1"]


def test_kernels_that_agree_are_not_joined_over_one_that_does_not() -> None:
    columns = eras(KERNELS, lambda kernel: [str(kernel.release == Release(5, 18))])
    assert [column.title for column in columns] == ["5.7-5.17", "5.18", "5.19-6.1"]


def test_an_architecture_has_a_column_only_where_it_differs() -> None:
    columns = eras([*KERNELS, *ARM], marker)
    assert [column.title for column in columns] == ["5.7-5.18", "5.19-6.1", "5.18-6.1 arm"]
    assert len(eras([*KERNELS, *ARM], lambda kernel: [])) == 1


def test_changes_by_hand_are_named() -> None:
    columns = each_alone([version("6.1"), version("6.1", dropped=["H4"])])
    assert [column.title for column in columns] == ["6.1", "6.1 without H4"]


def test_every_release_of_a_change_is_among_all_versions() -> None:
    releases = [kernel.release for kernel in all_versions()]
    assert releases == sorted(set(releases))
    assert {Release(5, 9), Release(5, 18), Release(5, 19)} <= set(releases)
