# SPDX-License-Identifier: MIT
"""The explorer's server: loopback only, reads only, answers nobody but the page that it served itself."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

from cowpath.errors import CowpathError
from cowpath.litmus.errors import LitmusError
from cowpath.viewer import assets
from cowpath.viewer.library import Library
from cowpath.viewer.session import Document, Session

LOOPBACK = "127.0.0.1"

Answer = Callable[[Session, dict[str, str]], Document]

LIBRARY: dict[str, Callable[[Library, dict[str, str]], Document]] = {
    "/api/library": lambda library, asked: library.contents(),
    "/api/source": lambda library, asked: library.source(asked["of"]),
    "/api/open": lambda library, asked: library.open(asked["text"]),
}
"""The questions about a library of tests."""

API: dict[str, Answer] = {
    "/api/overview": lambda session, asked: session.overview(),
    "/api/progress": lambda session, asked: session.progress(asked["kernel"]),
    "/api/verdict": lambda session, asked: session.verdict(asked["kernel"]),
    "/api/test": lambda session, asked: session.test(asked["kernel"]),
    "/api/sketch": lambda session, asked: session.sketch(asked["kernel"]),
    "/api/walk": lambda session, asked: session.follow_sketch(asked["kernel"], asked.get("path", "")),
    "/api/jump": lambda session, asked: session.jump(asked["kernel"], asked["goal"]),
    "/api/follow": lambda session, asked: session.follow(
        asked["kernel"], asked.get("path", ""), asked.get("other", "")
    ),
}
"""The questions about one test, with the parameters that each answer reads."""

AT_ONCE = ("/api/overview", "/api/progress")
"""The questions that are answered while a kernel is still explored."""

SKETCHES = ("/api/sketch", "/api/walk")
"""What is answered then, too, one request after the other."""


class ViewerServer(ThreadingHTTPServer):
    """A session, or a library of tests, on a port of the loopback interface."""

    daemon_threads = True

    def __init__(self, shown: Session | Library, port: int = 0) -> None:
        super().__init__((LOOPBACK, port), Handler)
        self.shown = shown
        self.locks: dict[str, threading.Lock] = {}  # of each test and kernel: a recorder runs one step
        if isinstance(shown, Session):
            self.locks = {kernel: threading.Lock() for kernel in shown.versions}
        self.opening = threading.Lock()
        self.sketching = threading.Lock()
        self.hosts = {f"{name}:{self.server_port}" for name in (LOOPBACK, "localhost")}
        self.page, digest = assets.served_page()
        self.library_page = assets.served_page("library", "library.html")[0]
        self.policy = (
            f"default-src 'none'; script-src 'self' '{digest}'; style-src 'self'; connect-src 'self'; "
            "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://{LOOPBACK}:{self.server_port}/"

    @property
    def session(self) -> Session:
        """The one session, where there is one."""
        assert isinstance(self.shown, Session)
        return self.shown

    def page_at(self, path: str) -> str | None:
        """The page at a path: of the library and of its tests, or of the one test; None for any other."""
        if isinstance(self.shown, Library):
            return {"/": self.library_page, "/walk": self.page}.get(path)
        return self.page if path == "/" else None

    @property
    def questions(self) -> set[str]:
        """The questions that can be asked of this server."""
        return {*API, *LIBRARY} if isinstance(self.shown, Library) else {*API}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up in the middle of an answer is no news; anything else is."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def locks_for(self, path: str, asked: dict[str, str], session: Session) -> list[threading.Lock]:
        """Return the locks that an answer has to hold, in one order for all."""
        if path in SKETCHES:
            return [self.sketching]
        named = {asked.get("kernel"), asked.get("other")} if path not in AT_ONCE else set()
        kernels = sorted(str(kernel) for kernel in named & set(session.versions))
        of = f"{asked['of']} " if isinstance(self.shown, Library) else ""
        with self.opening:
            return [self.locks.setdefault(of + kernel, threading.Lock()) for kernel in kernels]

    def opened(self, asked: dict[str, str]) -> Session:
        """The session that is asked about.  Raises CowpathError where there is none."""
        if isinstance(self.shown, Session):
            return self.shown
        with self.opening:
            return self.shown.session(asked["of"])

    def answer(self, path: str, asked: dict[str, str]) -> tuple[HTTPStatus, Document]:
        """Answers a request to the API; what a user can mend is an answer, not an accident.

        It waits for its own kernels only, so that the page answers while others are still explored.
        """
        try:
            if path in LIBRARY and isinstance(self.shown, Library):
                with self.opening:
                    return HTTPStatus.OK, LIBRARY[path](self.shown, asked)
            session = self.opened(asked)
            with ExitStack() as held:
                for lock in self.locks_for(path, asked, session):
                    held.enter_context(lock)
                return HTTPStatus.OK, API[path](session, asked)
        except LitmusError as error:
            place = {"line": error.position.line, "column": error.position.column}
            return HTTPStatus.OK, {"error": str(error)} | place  # no bad request: this is what was asked
        except KeyError as missing:
            return HTTPStatus.BAD_REQUEST, {"error": f"the request lacks {missing.args[0]!r}"}
        except CowpathError as error:
            return HTTPStatus.BAD_REQUEST, {"error": str(error)}


class Handler(BaseHTTPRequestHandler):
    """GET, and only for our own page: a foreign site can neither read an answer nor cause work."""

    server: ViewerServer
    server_version = "cowpath"
    sys_version = ""
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self) -> None:
        """Send the page, one of its files, or an answer."""
        url = parts_of(self.path)
        if url is None:
            self.send(HTTPStatus.BAD_REQUEST, "text/plain", "this is no address\n")
        elif not self.from_ourselves():
            self.send(HTTPStatus.FORBIDDEN, "text/plain", "cowpath answers only its own page\n")
        elif (page := self.server.page_at(url.path)) is not None:
            self.send(HTTPStatus.OK, "text/html; charset=utf-8", page)
        elif url.path in self.server.questions:
            asked = {name: values[-1] for name, values in parse_qs(url.query).items()}
            status, document = self.server.answer(url.path, asked)
            self.send(status, "application/json", json.dumps(document, separators=(",", ":")))
        else:
            self.send_file(url.path.removeprefix("/static/"))

    def from_ourselves(self) -> bool:
        """True if a request comes from our page or from somebody who typed the address.

        The Host check stops DNS rebinding: a foreign name that resolves to the loopback address is still a
        foreign name.  Origin and Sec-Fetch-Site stop other sites, whatever they embed us as.
        """
        if self.headers.get("Host", "") not in self.server.hosts:
            return False
        origin = self.headers.get("Origin")
        if origin is not None:
            site = parts_of(origin)
            if site is None or site.netloc not in self.server.hosts:
                return False
        return self.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin")

    def send_file(self, name: str) -> None:
        """Send one of the viewer's files; a name is looked up, never opened."""
        files = assets.static()
        if name in files:
            self.send(HTTPStatus.OK, assets.TYPES[name[name.rindex(".") :]], files[name])
        else:
            self.send(HTTPStatus.NOT_FOUND, "text/plain", "there is no such file\n")

    def send(self, status: HTTPStatus, kind: str, text: str) -> None:
        """Send an answer, with the headers that keep a browser from making more of it."""
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", self.server.policy)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing: results go to the page."""


def parts_of(address: str) -> SplitResult | None:
    """The parts of an address; None where it is none, as `http://[`."""
    try:
        return urlsplit(address)
    except ValueError:
        return None
