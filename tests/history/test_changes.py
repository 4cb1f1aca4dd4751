# SPDX-License-Identifier: MIT
"""Kernels as sets of changes."""

import itertools
import re

import pytest

from cowpath.arch import ARCHITECTURES, arch_has_exclusive
from cowpath.errors import CowpathError
from cowpath.history import changes
from cowpath.history.changes import CHANGES
from cowpath.history.release import Release
from cowpath.history.version import find, version


def test_names_and_commits_are_unambiguous() -> None:
    names = [change.name for change in CHANGES]
    assert len(names) == len(set(names))
    assert all(change.rule and change.before and change.file for change in CHANGES)


def test_every_commit_is_an_id_or_says_what_is_unsettled() -> None:
    for change in CHANGES:
        if change.release is not None:
            assert bool(re.fullmatch("[0-9a-f]{12}", change.commit)) is not bool(change.unsettled), (
                change.name
            )
        assert (change.until is None) is (not change.undone_by)


def test_a_hunk_can_be_dropped_whole_in_part_or_with_the_patch() -> None:
    whole = {change.name for change in find(changes.FOUNDING)}
    assert whole == {"H1", "H2", "H3", "H4a", "H4b", "H4c", "H4d", "H5", "H6"}
    assert {change.name for change in find("h4")} == {"H4a", "H4b", "H4c", "H4d"}
    kernel = version("6.1", dropped=["H4"])
    assert not any(kernel.has(change) for change in find("H4"))
    assert kernel.has(changes.UNMAP_SETS_MARKER)


@pytest.mark.parametrize(
    ("release", "architecture", "bit"),
    [
        ("5.18", "x86_64", False),
        ("5.19", "x86_64", True),
        ("5.19", "arm64", True),
        ("5.19", "s390", True),
        ("5.19", "powerpc", True),
        ("5.19", "arm", False),
        ("6.1", "um", False),
        ("6.1", "i386", False),
    ],
)
def test_which_architectures_have_the_bit(release: str, architecture: str, bit: bool) -> None:
    assert version(release, architecture).has_swp_exclusive_bit is bit


def test_the_marker_agrees_with_the_layouts_of_every_architecture() -> None:
    for name, release in itertools.product(ARCHITECTURES, ("5.7", "5.18", "5.19", "6.1", "6.3", "7.3")):
        if name.startswith("loongarch32"):  # it came after the marker
            continue
        assert version(release, name).has_swp_exclusive_bit == arch_has_exclusive(
            name, Release.parse(release)
        )


def test_an_architecture_goes_by_other_names() -> None:
    assert version("6.1", "aarch64") == version("6.1", "arm64")
    assert version("6.1", "amd64").architecture == "x86_64"


def test_a_release_in_between_has_what_the_one_before_has() -> None:
    assert version("5.16").changes == version("5.15").changes


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: version("4.9"), "is not modelled"),
        (lambda: version("banana"), "is not a kernel release"),
        (lambda: version("6.1", "arm65"), "no architecture is called 'arm65'; did you mean"),
        (lambda: version("6.1", dropped=["H9"]), "unknown change 'H9': did you mean"),
        (lambda: version("6.1", added=["1493a1913e35ff"]), "unknown change"),
        (lambda: version("5.18", dropped=["H3"]), "5.18 x86_64: it came with v5.19"),
        (lambda: version("6.1", added=["H4"]), "6.1 x86_64: it is there since v5.19"),
        (lambda: version("6.1.176", added=["13ddaf26be32"]), "since v6.8, and this update has it early"),
        (lambda: version("6.12.117", dropped=["batch-clears-lru"]), "a stable update took it back"),
        (lambda: version("6.1", added=["swp-exclusive-s390"]), "it is for s390 only"),
        (lambda: version("7.1", dropped=["bypass-takes-slot"]), "v7.0 took it back"),
        (lambda: version("6.1", dropped=["as-posted"]), "a variant that no release has"),
        (lambda: version("6.1", added=["as-posted"], dropped=["as-posted"]), "undo each other"),
    ],
)
def test_bad_names_teach(make: object, message: str) -> None:
    with pytest.raises(CowpathError, match=message):
        make()  # type: ignore[operator]


def test_a_stable_update_is_a_kernel_of_its_own() -> None:
    update = version("6.1.176")
    assert str(update) == "6.1.176 x86_64"
    assert {change.name for change in update.changes - version("6.1").changes} == {
        "pinned-after-unmap", "zswap-rechecks-entry", "bypass-takes-slot", "free-swap-holds-device",
        "zswap-cleans-up",
    }  # fmt: skip
    assert all(update.claims(change) for change in update.changes)
    lost = version("6.12").changes - version("6.12.117").changes
    assert {change.name for change in lost} == {"batch-clears-lru"}


def test_variants_belong_to_no_release() -> None:
    for name in ("as-posted", "unmap-always-marks", "swapoff-always-exclusive"):
        (variant,) = find(name)
        assert not any(version(release).has(variant) for release in ("5.7", "5.19", "6.1"))
        assert version("6.1", added=[name]).has(variant)
