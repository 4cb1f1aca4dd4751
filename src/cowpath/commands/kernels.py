# SPDX-License-Identifier: MIT
"""The kernels that are modelled, what one has, and what tells two apart."""

from __future__ import annotations

import argparse
import sys
import textwrap

from cowpath.arch import ARCHITECTURES
from cowpath.commands.terminal import style_of
from cowpath.errors import CowpathError
from cowpath.history import selection
from cowpath.history.change import Change
from cowpath.history.changes import CHANGES
from cowpath.history.eras import all_versions
from cowpath.history.release import Release
from cowpath.history.stable import UPDATES, doubt, updates
from cowpath.history.version import DEFAULT_ARCHITECTURE, OLDEST, Version, version
from cowpath.machine import needs
from cowpath.report.style import align, align_prose


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `cowpath kernels`."""
    parser.add_argument("--real", action="store_true", help="the real kernels for `cowpath run`")
    parser.add_argument(
        "--config", choices=needs.EVERYWHERE, nargs="?", const=needs.X86,
        help="a fragment for merge_config.sh: what a kernel of your own needs for `run --on` (default x86)",
    )  # fmt: skip
    parser.add_argument(
        "release",
        nargs="*",
        help="none: list them; one (6.1, 6.1.176): what it has; two: how they differ",
    )
    parser.add_argument("--arch", default=DEFAULT_ARCHITECTURE, help=f"default {DEFAULT_ARCHITECTURE}")


def run(arguments: argparse.Namespace) -> int:
    """Print what was asked for."""
    if arguments.config:
        sys.stdout.write(needs.fragment(arguments.config))
        return 0
    if arguments.real:
        sys.stdout.write(real())
        return 0
    asked = [
        version(release, arguments.arch) for text in arguments.release for release in selection.releases(text)
    ]
    if len(asked) > 2:
        raise CowpathError("name one kernel to see what it has, or two to compare them")
    if not asked:
        sys.stdout.write(overview(arguments.arch))
    elif len(asked) == 1:
        sys.stdout.write(inventory(asked[0]))
    else:
        sys.stdout.write(difference(*asked))
    return 0


def overview(architecture: str) -> str:
    """Every release that changes a rule, with what it brought and what it ended."""
    rows = [["release", "changes", "brought"]]
    for release in (kernel.release for kernel in all_versions()):
        brought = [c.name for c in CHANGES if c.release == release and not c.architectures]
        brought += [f"no {c.name}" for c in CHANGES if c.until == release]
        rows.append([str(release), str(len(version(release, architecture).changes)), ", ".join(brought)])
    names = fill(f"Architectures: {', '.join(ARCHITECTURES)}.")
    return f"{align_prose(rows, style_of())}\nA release in between has what the one before it has.\n{names}"


def fill(text: str) -> str:
    """A paragraph, with no name broken in two."""
    return textwrap.fill(text, width=min(100, style_of().width or 100), break_on_hyphens=False) + "\n"


def inventory(kernel: Version) -> str:
    """The changes that a kernel has, and those that stable updates after it have besides."""
    changes = sorted_changes(kernel)
    if not changes:
        return f"{kernel} has none of the changes that are modelled\n"
    return listing(changes, kernel) + lost_note(kernel) + stable_note(kernel.release)


def lost_note(kernel: Version) -> str:
    """A paragraph about what a stable update has lost of its mainline release, if anything."""
    lost = [str(update) for update in UPDATES if update.gone and update.holds_in(kernel.release)]
    return "\n" + fill(f"Lost on the way: {', '.join(lost)}.") if lost else ""


def stable_note(release: Release) -> str:
    """A paragraph about the stable updates after a release, if they bring anything, and what is not known."""
    brought = [str(update) for update in updates(release)]
    which = f"Updates after {release} brought" if release.patch else f"Stable updates of {release} brought"
    note = fill(f"{which} more: {', '.join(brought)}.") if brought else ""
    if why := doubt(release):
        note += fill(f"{why[0].upper()}{why[1:]}.")
    return note and f"\n{note}"


def real() -> str:
    """The machines that `cowpath run --on` takes: those in the cache, and those that Debian has."""
    from cowpath.machine import images

    rows = [["machine", "Debian suite", "in the cache"]]
    for wanted in images.available():
        image = images.cached(wanted)
        state = f"{image.package} {image.version}, fetched {image.fetched}" if image else "-"
        rows.append([str(wanted), images.SUITES[wanted.release], state])
    note = "Also: host, and paths to a User-Mode Linux program, a bzImage or an arm64 Image.\n"
    return align(rows, style_of()) + "\n" + note + f"The cache is {images.cache()}.\n"


def sorted_changes(kernel: Version) -> list[Change]:
    """The changes of a kernel, in the order in which its releases brought them."""
    found = [change for change in CHANGES if kernel.has(change)]
    return sorted(found, key=lambda change: arrival(change, kernel))


def arrival(change: Change, kernel: Version) -> Release:
    """The release that brought a change to a kernel: an update of its own series, or mainline."""
    own = [
        update.release for update in UPDATES if update.change is change and update.holds_in(kernel.release)
    ]
    return (own or [change.release or OLDEST])[0]


def listing(changes: list[Change], kernel: Version) -> str:
    """Changes of a kernel with their commits and rules."""
    rows = [["release", "commit", "name", "rule"]]
    rows += [
        [str(arrival(change, kernel)), change.shown_commit, change.name, change.rule] for change in changes
    ]
    return align_prose(rows, style_of())


def difference(old: Version, new: Version) -> str:
    """The changes that only one of two kernels has, and the stable updates of both."""
    gained = [change for change in sorted_changes(new) if not old.has(change)]
    lost = [change for change in sorted_changes(old) if not new.has(change)]
    if not gained and not lost:
        return f"{old} and {new} have the same rules\n"
    text = ""
    for kernel, changes in ((new, gained), (old, lost)):
        if changes:
            text += f"only {kernel}:\n" + listing(changes, kernel)
    latest = {
        kernel.release.mainline: kernel.release for kernel in sorted((old, new), key=lambda k: k.release)
    }
    return text + "".join(stable_note(release) for release in latest.values())
