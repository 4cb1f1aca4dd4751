# SPDX-License-Identifier: MIT
"""Kernels as the columns of a table: releases that follow each other and agree become one era."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from cowpath.kernel.changes import CHANGES, DEFAULT_ARCHITECTURE, NEWEST, OLDEST, Version
from cowpath.kernel.changes import version as version_named
from cowpath.release import Release

Signature = Callable[[Version], Sequence[str]]
"""What must be equal for two kernels to share a column."""


@dataclass(frozen=True, slots=True)
class Column:
    """Kernels that follow each other and agree in every cell; `version` stands for all of them."""

    title: str
    version: Version


def all_versions(architectures: Sequence[str] = (DEFAULT_ARCHITECTURE,)) -> list[Version]:
    """Every release that changes a rule, on each architecture.

    >>> [str(version.release) for version in all_versions()][:2]
    ['5.7', '5.9']
    """
    releases = {OLDEST, NEWEST}
    for change in CHANGES:
        releases |= {release for release in (change.release, change.until) if release is not None}
    return [
        version_named(release, architecture)
        for architecture in architectures
        for release in sorted(releases)
        if OLDEST <= release <= NEWEST
    ]


def each_alone(versions: Iterable[Version]) -> tuple[Column, ...]:
    """One column per kernel."""
    return name_apart([Column(str(version.release), version) for version in versions])


def eras(versions: Sequence[Version], signature: Signature) -> tuple[Column, ...]:
    """Join releases that follow each other and agree, on each architecture by itself.

    An architecture's era is left out where an earlier architecture has the same one.

    >>> same = eras(all_versions(), lambda version: [])
    >>> [column.title for column in same] == [f"{OLDEST}-{NEWEST}"]
    True
    """
    columns: list[Column] = []
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for architecture in dict.fromkeys(version.architecture for version in versions):
        mine = [version for version in versions if version.architecture == architecture]
        for column in runs(sorted(mine, key=lambda version: version.release), signature):
            key = (column.title, tuple(signature(column.version)))
            if key not in seen:
                columns.append(column)
            seen.add(key)
    return name_apart(columns)


def runs(versions: Sequence[Version], signature: Signature) -> list[Column]:
    """One architecture's kernels, oldest first, as eras; each lasts until the next one begins."""
    firsts = [
        version
        for index, version in enumerate(versions)
        if index == 0 or signature(versions[index - 1]) != signature(version)
    ]
    ends = [before(version.release) for version in firsts[1:]] + [versions[-1].release]
    return [
        Column(str(first.release) if first.release == end else f"{first.release}-{end}", first)
        for first, end in zip(firsts, ends, strict=True)
    ]


LAST_MINOR = {4: 20, 5: 19, 6: 19}
"""The last release of a series, after which the major number grew."""


def before(release: Release) -> Release:
    """The release before this one.

    >>> str(before(Release(6, 0))), str(before(Release(5, 18)))
    ('5.19', '5.17')
    """
    if release.minor:
        return Release(release.major, release.minor - 1)
    return Release(release.major - 1, LAST_MINOR[release.major - 1])


def name_apart(columns: Sequence[Column]) -> tuple[Column, ...]:
    """Titles that also say the architecture and the changes made by hand, where that tells columns apart."""
    named = []
    for column in columns:
        words = [column.title, *str(column.version).split(" ")[2:]]
        if column.version.architecture != columns[0].version.architecture:
            words.insert(1, column.version.architecture)
        named.append(Column(" ".join(words), column.version))
    return tuple(named)
