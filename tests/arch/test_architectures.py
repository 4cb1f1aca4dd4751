# SPDX-License-Identifier: MIT
"""The list of architectures: names, releases, and since when each has the exclusive marker."""

import pytest

from cowpath.arch import ARCHITECTURES, OLDEST, LayoutError, arch_has_exclusive, architecture
from cowpath.arch.swp_pte import EntryError, raw_swap_pte
from cowpath.arch.swp_type import FEATURES, default_features, max_swapfiles, special_types
from cowpath.history.release import Release, ReleaseError

FOUNDING = {"x86_64", "arm64", "s390", "powerpc", "powerpc-4k"}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_marker_came_in_5_19_or_in_6_3(name: str) -> None:
    arch = ARCHITECTURES[name]
    expected = (
        Release(5, 19) if name in FOUNDING else Release(6, 19) if name == "loongarch32" else Release(6, 3)
    )
    assert arch.exclusive_since == expected
    assert arch.exclusive_commit or name == "loongarch32"
    assert not arch_has_exclusive(name, Release(5, 18))
    assert arch_has_exclusive(name, expected)
    assert arch_has_exclusive(name, Release(7, 3))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_layouts_are_in_order(name: str) -> None:
    releases = [layout.since for layout in ARCHITECTURES[name].layouts]
    assert releases == sorted(set(releases))
    assert len({(layout.pte_bits, layout.long_bits) for layout in ARCHITECTURES[name].layouts}) == 1


def test_aliases_are_unique() -> None:
    names = [*ARCHITECTURES, *(alias for arch in ARCHITECTURES.values() for alias in arch.aliases)]
    assert len(names) == len(set(names))
    assert architecture("AArch64") is ARCHITECTURES["arm64"]


@pytest.mark.parametrize(
    ("name", "release", "complaint"),
    [
        ("arm46", "6.1", "did you mean arm64"),
        ("ia64", "6.12", "Linux 6.7 removed ia64"),
        ("loongarch", "5.10", "Linux 5.19 brought it"),
        ("x86_64", "4.9", "older layouts are not recorded"),
    ],
)
def test_unknown_layouts_are_explained(name: str, release: str, complaint: str) -> None:
    with pytest.raises(LayoutError, match=complaint):
        architecture(name).layout(Release.parse(release))


@pytest.mark.parametrize(
    ("arch", "release", "devices"),
    [
        ("x86_64", "5.10", 27),
        ("x86_64", "5.14", 25),
        ("x86_64", "5.19", 22),
        ("x86_64", "6.1", 22),
        ("x86_64", "6.2", 23),
        ("x86_64", "6.12", 23),
        ("x86_64", "6.15", 24),
        ("x86_64", "7.3", 24),
        ("arm", "5.10", 30),
        ("arm", "6.1", 28),
        ("arm", "6.12", 28),
    ],
)
def test_max_swapfiles(arch: str, release: str, devices: int) -> None:
    version = Release.parse(release)
    assert max_swapfiles(version, default_features(architecture(arch), version)) == devices


def test_special_types_in_order() -> None:
    names = [
        kind.name.removeprefix("SWP_") for kind in special_types(Release(6, 1), frozenset(FEATURES)).values()
    ]
    assert names == [
        "HWPOISON",
        "MIGRATION_READ",
        "MIGRATION_READ_EXCLUSIVE",
        "MIGRATION_WRITE",
        "DEVICE_WRITE",
        "DEVICE_READ",
        "DEVICE_EXCLUSIVE_WRITE",
        "DEVICE_EXCLUSIVE_READ",
        "PTE_MARKER",
        "SWAPIN_ERROR",
    ]
    assert special_types(OLDEST, frozenset()) == {}


@pytest.mark.parametrize(
    ("arch", "release", "text"),
    [
        ("x86_64", "5.18", "0x07ffffffffffe000"),
        ("x86_64", "5.19", "0x07ffffffffffe008"),
        ("arm64", "5.18", "0x0000000000000f00"),
        ("arm64", "5.19", "0x0000000000000f04"),
        ("arm64", "6.10", "0x000000000000f004"),
        ("s390", "5.19", "0x000000000000fe00"),
        ("powerpc", "5.19", "0x40000000000f0020"),
        ("arm", "6.3", "0x00000f80"),
    ],
)
def test_raw_swap_pte(arch: str, release: str, text: str) -> None:
    """Computed by hand from the headers' comments: type 0, offset 15, exclusive."""
    raw = raw_swap_pte(arch, Release.parse(release), 0, 15, exclusive=True)
    assert (raw.text, raw.value) == (text, int(text, 16))


def test_raw_swap_pte_refuses_what_does_not_fit() -> None:
    with pytest.raises(EntryError, match="type 32"):
        raw_swap_pte("arm64", Release(6, 1), 32, 1)
    with pytest.raises(EntryError, match="24 bits"):
        raw_swap_pte("arm", Release(6, 3), 0, 1 << 24)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("61", "did you mean 6.1"),
        ("7.x", "a minor number is missing"),
        ("6", "a minor number is missing"),
        ("5.20", "ended with 5.19"),
        ("6.99", "ended with 6.19"),
        ("1.2", "ended with 1.0"),
        ("latest", "as in 5.10"),
        ("6.1x", "as in 5.10"),
        ("", "as in 5.10"),
        ("\u0666.\u0661", "as in 5.10"),
    ],
)
def test_bad_releases_teach(text: str, complaint: str) -> None:
    with pytest.raises(ReleaseError, match=complaint):
        Release.parse(text)


@pytest.mark.parametrize("text", ["6.1", "v6.1", " 6.1 "])
def test_good_releases(text: str) -> None:
    assert Release.parse(text) == Release(6, 1)
