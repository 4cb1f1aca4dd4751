# SPDX-License-Identifier: MIT
"""`make man`: a manual page for each command, made from its parser."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from argparse_manpage.manpage import Manpage  # type: ignore[import-untyped]

from cowpath import __version__, cli
from website.links import ROOT

MANUAL = "cowpath"


def main(argv: Sequence[str] | None = None) -> int:
    """Write every page, cowpath.1 and cowpath-COMMAND.1."""
    parser = argparse.ArgumentParser(prog="python -m website.man", description="Make the manual pages.")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "man")
    out: Path = parser.parse_args(argv).out
    out.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (out / name).write_text(text, "utf-8")
    return 0


def pages() -> dict[str, str]:
    """Return every manual page, by the name of its file."""
    found = {"cowpath.1": page(cli.build_parser(), "cowpath", "explores every path of Linux copy-on-write")}
    for command in cli.COMMANDS:
        name = f"cowpath-{command}"
        found[f"{name}.1"] = page(cli.command_parser(command), name, cli.summary(command).rstrip("."))
    return found


def page(parser: argparse.ArgumentParser, name: str, what: str) -> str:
    """Return the manual page of a parser."""
    data = {"project_name": "cowpath", "version": __version__, "manual_title": MANUAL, "description": what}
    text = str(Manpage(parser, _data=data))
    head, _, rest = text.partition("\n.SH SYNOPSIS")
    title = head.partition("\n")[0].replace(parser.prog.upper(), name.upper(), 1)
    return f"{title}\n.SH NAME\n{name} \\- {what}\n.SH SYNOPSIS{rest}"


if __name__ == "__main__":
    sys.exit(main())
