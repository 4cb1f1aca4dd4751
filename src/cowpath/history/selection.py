# SPDX-License-Identifier: MIT
"""Several releases under one name: `all`, or a range such as `5.10..6.1`."""

from __future__ import annotations

from collections.abc import Iterator

from cowpath.history.release import Release, ReleaseError
from cowpath.history.stable import UPDATES
from cowpath.history.version import NEWEST, OLDEST, modelled


def releases(text: str) -> list[Release]:
    """Return the releases that `text` names, oldest first.

    "all" is every mainline release that is modelled, "5.10..6.1" every one from the first to the second.  A
    range within one series ("6.1..6.1.176") has both its ends and each update between them that changes a
    rule.  Anything else is one release.  Raises ReleaseError, UnknownChangeError for what is not modelled.

    >>> [str(release) for release in releases("5.18..6.1")]
    ['5.18', '5.19', '6.0', '6.1']
    >>> [str(release) for release in releases("6.1..6.1.83")]
    ['6.1', '6.1.28', '6.1.30', '6.1.80', '6.1.83']
    """
    text = text.strip()
    if text == "all":
        return list(mainline(OLDEST, NEWEST))
    if ".." not in text:
        return [modelled(Release.parse(text))]
    start, _, end = text.partition("..")
    if not start or not end:
        raise ReleaseError(
            f"{text!r}: a range has two ends; did you mean {start or OLDEST}..{end or NEWEST}?"
        )
    first, last = modelled(Release.parse(start)), modelled(Release.parse(end))
    if first > last:
        raise ReleaseError(f"{text!r} ends before it begins; did you mean {last}..{first}?")
    if first.mainline == last.mainline:
        return within(first, last)
    if first.patch or last.patch:
        raise ReleaseError(
            f"{text!r}: a range goes from release to release ({first.mainline}..{last.mainline}) "
            f"or through the updates of one ({last.mainline}..{last.mainline}.9)"
        )
    return list(mainline(first, last))


def mainline(first: Release, last: Release) -> Iterator[Release]:
    """Yield mainline releases from the first to the last, both included."""
    if first < last:
        yield from mainline(first, last.previous())
    yield last


def within(first: Release, last: Release) -> list[Release]:
    """Return two releases of one series and each update between them at which a rule changes."""
    turns = [update.release for update in UPDATES]
    turns += [Release(one.series.major, one.series.minor, one.until) for one in UPDATES if one.until]
    return sorted({first, last} | {turn for turn in turns if first < turn < last})
