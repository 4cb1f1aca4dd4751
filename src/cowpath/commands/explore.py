# SPDX-License-Identifier: MIT
"""Walk through a litmus test in a browser: every step, every pointer, the shortest path to each outcome."""

from __future__ import annotations

import argparse
import sys
import threading

from cowpath.commands import options
from cowpath.corpus.files import ONE
from cowpath.corpus.files import source as source_of
from cowpath.errors import CowpathError
from cowpath.history.eras import all_versions
from cowpath.history.version import Version
from cowpath.litmus.parse import parse_source
from cowpath.litmus.resolve import resolve
from cowpath.viewer.library import Library
from cowpath.viewer.server import ViewerServer
from cowpath.viewer.session import Session

LARGEST = 2_000_000
"""States of a search that a reader waits for: about a minute, and a gigabyte."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `cowpath explore`."""
    parser.add_argument(
        "file", metavar="FILE", nargs="?", help=f"{ONE}; without it, the corpus with a search and an editor"
    )
    options.add_kernel_options(parser)
    parser.add_argument("--port", type=port, default=0, help="a port of 127.0.0.1 (default: a free one)")
    parser.add_argument("--open", action="store_true", help="open the page in the default browser")
    parser.add_argument(
        "--max-states",
        type=options.positive,
        default=LARGEST,
        metavar="N",
        help=f"beyond N states show what was seen so far, as not finished (default {LARGEST:,})",
    )


def port(text: str) -> int:
    """A port number.

    >>> port("8080")
    8080
    """
    number = options.positive(text)
    if number > 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port: they end at 65535")
    return number


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted."""
    shown = shelf(arguments) if arguments.file is None else one_test(arguments)
    try:
        server = ViewerServer(shown, arguments.port)
    except OSError as error:
        raise CowpathError(f"port {arguments.port} cannot be used: {error.strerror}") from error
    with server:
        print(f"{server.url}", flush=True)
        print("Ctrl-C ends it", file=sys.stderr)
        if isinstance(shown, Session):
            threading.Thread(target=warm_up, args=(server,), daemon=True).start()
        if arguments.open:
            import webbrowser

            webbrowser.open(server.url)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return 0
    return 0


def one_test(arguments: argparse.Namespace) -> Session:
    """The test that was named."""
    source = source_of(arguments.file)
    program = resolve(parse_source(source), source)
    if program.is_open:
        raise CowpathError(f"{arguments.file} stands for many programs (any): ask `cowpath prove`")
    return Session(source, program, offered(arguments), arguments.max_states)


def shelf(arguments: argparse.Namespace) -> Library:
    """The corpus by theme, as the library page shows it."""
    return Library(offered(arguments), arguments.max_states)


def warm_up(server: ViewerServer) -> None:
    """Judge the kernel that the page shows first while the browser is still starting."""
    server.answer("/api/test", {"kernel": next(iter(server.session.versions))})


def offered(arguments: argparse.Namespace) -> list[Version]:
    """The kernels that were named first, then every release that changes a rule, newest first."""
    named = options.versions(arguments) if any((arguments.kernel, arguments.arch)) else []
    others = options.changeable([kernel.release for kernel in reversed(all_versions())], arguments)
    return list({str(one): one for one in (*named, *others)}.values())
