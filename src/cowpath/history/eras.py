# SPDX-License-Identifier: MIT
"""Kernels as the columns of a table: releases that follow each other and agree become one era."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from cowpath.history.changes import CHANGES
from cowpath.history.release import Release
from cowpath.history.version import DEFAULT_ARCHITECTURE, NEWEST, OLDEST, Version
from cowpath.history.version import version as version_named

Signature = Callable[[Version], Sequence[str]]
"""Two kernels share a column where this gives the same for both."""


@dataclass(frozen=True, slots=True)
class Column:
    """Kernels that follow each other and agree; the first of them, `version`, stands for all."""

    title: str
    versions: tuple[Version, ...]

    @property
    def version(self) -> Version:
        """The kernel that stands for the column."""
        return self.versions[0]


def all_versions(architectures: Sequence[str] = (DEFAULT_ARCHITECTURE,)) -> list[Version]:
    """Return the kernels of every release that changes a rule, on each architecture.

    >>> [version.release for version in all_versions()][0] == OLDEST
    True
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
    """Return one column for each kernel."""
    return name_apart([Column(str(version.release), (version,)) for version in versions])


def eras(versions: Sequence[Version], signature: Signature) -> tuple[Column, ...]:
    """Join releases that follow each other and agree, on each architecture by itself, into columns.

    An era of a later architecture is left out where the first one agrees with it in every release.

    >>> same = eras(all_versions(["x86_64", "arm"]), lambda version: [])
    >>> [column.title for column in same] == [f"{OLDEST}-{NEWEST}"]
    True
    """
    architectures = list(dict.fromkeys(version.architecture for version in versions))
    first = {v.release: signature(v) for v in versions if v.architecture == architectures[0]}
    columns: list[Column] = []
    for architecture in architectures:
        mine = sorted((v for v in versions if v.architecture == architecture), key=lambda v: v.release)
        for column in runs(mine, signature):
            same = all(first.get(v.release) == signature(v) for v in column.versions)
            if architecture == architectures[0] or not same:
                columns.append(column)
    return name_apart(columns)


def runs(versions: Sequence[Version], signature: Signature) -> list[Column]:
    """Join kernels of one architecture, oldest first, into eras; each lasts until the next one begins."""
    groups: list[list[Version]] = []
    for version in versions:
        if groups and signature(groups[-1][-1]) == signature(version):
            groups[-1].append(version)
        else:
            groups.append([version])
    ends = [group[0].release.previous() for group in groups[1:]] + [versions[-1].release]
    return [
        Column(span(group[0].release, end), tuple(group)) for group, end in zip(groups, ends, strict=True)
    ]


def span(first: Release, last: Release) -> str:
    """Return the name of an era, from its first and last release.

    >>> span(Release(5, 9), Release(5, 17)), span(Release(5, 18), Release(5, 18))
    ('5.9-5.17', '5.18')
    """
    return str(first) if first == last else f"{first}-{last}"


def name_apart(columns: Sequence[Column]) -> tuple[Column, ...]:
    """Add architecture and changes made by hand to the titles of columns that differ in them."""
    named = []
    for column in columns:
        words = [column.title, *str(column.version).split(" ")[2:]]
        if column.version.architecture != columns[0].version.architecture:
            words.insert(1, column.version.architecture)
        named.append(Column(" ".join(words), column.versions))
    return tuple(named)
