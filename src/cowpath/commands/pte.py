# SPDX-License-Identifier: MIT
"""Swap ptes of every architecture and kernel: take one apart, make one, draw them, ask a live process."""

import argparse
import os
import sys
from collections.abc import Iterable

from cowpath.arch import ARCHITECTURES, NEWEST_READ, Architecture, architecture
from cowpath.arch.explain import explain
from cowpath.arch.swp_pte import EntryError, make
from cowpath.arch.swp_type import FEATURES, default_features, special_types
from cowpath.history.release import Release
from cowpath.report.pte import all_layouts, explanation_json, explanation_lines, layout_lines

FLAGS = ("exclusive", "soft_dirty", "uffd_wp")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions and their options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    decode = actions.add_parser("decode", help="take a raw pte apart", description="Take a raw pte apart.")
    decode.add_argument("value", help="the pte, in hexadecimal, as crash dumps and debuggers show it")
    encode = actions.add_parser("encode", help="make a swap pte", description="Make a swap pte.")
    encode.add_argument("type", help="swap device number, or a special type such as migration-write")
    encode.add_argument("offset", help="page on the swap device, or the pfn of a special type")
    for flag in FLAGS:
        encode.add_argument(f"--{flag.replace('_', '-')}", action="store_true", help=f"set the {flag} bit")
    layout = actions.add_parser("layout", help="draw the bits", description="Draw the bits of swap ptes.")
    layout.add_argument("arch_name", nargs="?", metavar="ARCH", help="the architecture (default: list them)")
    layout.add_argument("--kernel", help="only the layout of this release (default: all)")
    pagemap = actions.add_parser(
        "pagemap", help="ask a live process", description="What /proc/PID/pagemap knows of one address."
    )
    pagemap.add_argument("pid", help="process id, or self")
    pagemap.add_argument("address", help="virtual address, in hexadecimal (0x...)")
    for action in (decode, encode, pagemap):
        _add_kernel(action)
    for action in (decode, pagemap):
        action.add_argument("--format", choices=("text", "json"), default="text", help="default: text")


def _add_kernel(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--arch", help="architecture (default: this machine's); `cowpath pte layout` lists them"
    )
    parser.add_argument(
        "--kernel", help=f"release, such as 6.1 (default: {NEWEST_READ}; pagemap: the running one)"
    )
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        metavar="FEATURE",
        choices=list(FEATURES),
        help=f"the kernel is built without it: {', '.join(FEATURES)} (changes the numbers of special types)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked.  Errors of the user are CowpathErrors."""
    actions = {"decode": _decode, "encode": _encode, "layout": _layout, "pagemap": _pagemap}
    return actions[arguments.action](arguments)


def number(text: str, what: str, *, base: int = 10) -> int:
    """A number as the user wrote it: 0x..., or digits of `base`.  Raises EntryError with a hint.

    >>> number("0x20c", "an offset"), number("20c", "a pte", base=16)
    (524, 524)
    """
    digits = text.lower().replace("_", "")
    try:
        value = int(digits, 16 if digits.startswith("0x") else base)
    except ValueError:
        hexadecimal = digits and all(digit in "0123456789abcdef" for digit in digits)
        hint = f"; did you mean 0x{digits}?" if hexadecimal else f", neither 0x... nor digits of base {base}"
        raise EntryError(f"{text!r} is not {what}{hint}") from None
    if value < 0:
        raise EntryError(f"{text!r} is not {what}: it is negative")
    return value


def _arch(name: str | None) -> Architecture:
    return architecture(os.uname().machine if name is None else name)


def _kernel(text: str | None) -> Release:
    return NEWEST_READ if text is None else Release.parse(text)


def _features(arguments: argparse.Namespace, arch: Architecture, release: Release) -> frozenset[str]:
    return default_features(arch, release) - frozenset(arguments.without)


def _print(lines: Iterable[str]) -> int:
    for line in lines:
        print(line)
    return 0


def _print_json(document: object) -> int:
    import json

    json.dump(document, sys.stdout, indent=2)
    print()
    return 0


def _decode(arguments: argparse.Namespace) -> int:
    arch, release = _arch(arguments.arch), _kernel(arguments.kernel)
    value = number(arguments.value, "a pte", base=16)  # crash dumps leave 0x out
    found = explain(arch, release, value, _features(arguments, arch, release))
    if arguments.format == "json":
        return _print_json(explanation_json(found))
    return _print(explanation_lines(found))


def _encode(arguments: argparse.Namespace) -> int:
    arch, release = _arch(arguments.arch), _kernel(arguments.kernel)
    layout = arch.layout(release)
    features = _features(arguments, arch, release)
    flags = {flag: getattr(arguments, flag) for flag in FLAGS}
    for flag, wanted in flags.items():
        if wanted and flag not in layout.flags:
            later = (
                f"; {arch.exclusive_since} brings one" if flag == "exclusive" and arch.exclusive_since else ""
            )
            raise EntryError(
                f"a swap pte of {arch.name} has no {flag.replace('_', '-')} bit at {release}{later}"
            )
    swp_type = _type_number(arguments.type, release, features)
    value = make(layout, swp_type, number(arguments.offset, "an offset"), **flags)
    return _print(explanation_lines(explain(arch, release, value, features)))


def _type_number(text: str, release: Release, features: frozenset[str]) -> int:
    """A swap type by number, or by the name of a special one, with or without SWP_."""
    if text[:1].isdigit():
        return number(text, "a swap type")
    names = {
        kind.name.removeprefix("SWP_").lower(): value
        for value, kind in special_types(release, features).items()
    }
    wanted = text.lower().replace("-", "_").removeprefix("swp_")
    if wanted not in names:
        known = ", ".join(name.replace("_", "-") for name in names)
        raise EntryError(f"kernel {release} has no swap type {text!r}: give a number or one of {known}")
    return names[wanted]


def _layout(arguments: argparse.Namespace) -> int:
    if arguments.arch_name is None:
        width = max(map(len, ARCHITECTURES))
        marker = "the exclusive marker came with"
        return _print(
            f"{arch.name:{width}}  {arch.title}; {marker} {arch.exclusive_since}"
            for arch in ARCHITECTURES.values()
        )
    arch = architecture(arguments.arch_name)
    layouts = all_layouts(arch)
    if arguments.kernel is not None:
        wanted = arch.layout(Release.parse(arguments.kernel))
        layouts = [pair for pair in layouts if pair[0] is wanted]
    return _print(layout_lines(arch, layouts))


def _pagemap(arguments: argparse.Namespace) -> int:
    from cowpath.arch.pagemap import read_pagemap
    from cowpath.report.pagemap import pagemap_json, pagemap_lines

    arch = _arch(arguments.arch)
    running = arguments.kernel is None
    release = Release.reported(os.uname().release) if running else Release.parse(arguments.kernel)
    pid = os.getpid() if arguments.pid == "self" else number(arguments.pid, "a process id")
    address = number(arguments.address, "an address")
    entry = read_pagemap(pid, address)
    features = _features(arguments, arch, release)
    if arguments.format == "json":
        return _print_json(pagemap_json(entry, pid, address, arch, release, features))
    return _print(pagemap_lines(entry, pid, address, arch, release, features))
