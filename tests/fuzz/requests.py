# SPDX-License-Identifier: MIT
"""Raw requests to the explorer's server: each gets an answer or a closed connection, without an accident."""

from __future__ import annotations

import contextlib
import functools
import socket
import sys
import threading
from pathlib import Path
from random import Random
from typing import Any

from cowpath.litmus.source import read_source
from cowpath.viewer.server import API, ViewerServer
from tests.founding import FOUNDING
from tests.viewer.conftest import session

EVIL = (
    "/",
    "//",
    "http://[",
    "http://[::1",
    "/static/../server.py",
    "/static/%2e%2e/x",
    "/%00",
    "/api/",
    "/api/overview?of=",
    "?kernel=5.18&kernel=",
    "&path=0-0-0-0",
    "&path=" + "9-" * 500,
    "&state=-1",
    "&state=" + "9" * 5000,
    "\x1b[2J",
    "%ff%fe",
    "&to=0:r0%3D'a'",
    "&of=/etc/passwd",
    "x" * 70_000,
    "*",
    "..",
)

HEADERS = (
    "Host: evil.example",
    "Host:",
    "Origin: http://[",
    "Origin: null",
    "Sec-Fetch-Site: cross-site",
    "Content-Length: -1",
    "Content-Length: 99999999999999999999",
    "Transfer-Encoding: chunked",
    "Connection: upgrade",
    "X: " + "y" * 70_000,
    ":",
    "\x00",
)


class Watched(ViewerServer):
    """A server that remembers what went wrong in it."""

    accidents: list[BaseException]

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, ConnectionError | TimeoutError):
            self.accidents.append(error)


@functools.cache
def server() -> Watched:
    """One server for all attempts."""
    made = Watched(session(read_source(str(FOUNDING)), "5.18"))
    made.accidents = []
    threading.Thread(target=made.serve_forever, daemon=True).start()
    return made


def attempt(chance: Random, directory: Path) -> None:
    """One request, right or wrong in some of its lines."""
    target = server()
    own = f"Host: 127.0.0.1:{target.server_port}"
    address = chance.choice([*API, *EVIL]) + "".join(chance.choices(EVIL, k=chance.choice([0, 0, 1, 2])))
    method = chance.choice(["GET"] * 6 + ["POST", "HEAD", "get", "", "\x00", "PRI"])
    lines = [f"{method} {address} {chance.choice(['HTTP/1.1'] * 5 + ['HTTP/9.9', '', 'x'])}", own]
    lines += chance.choices(HEADERS, k=chance.choice([0, 0, 1, 2]))
    request = "\r\n".join([*lines, "Connection: close", "", ""]).encode("utf-8", "surrogatepass")
    if chance.random() < 0.1:
        request = request[: chance.randrange(len(request))] + chance.randbytes(20)
    with contextlib.suppress(OSError):  # the server may hang up
        answer = answer_to(request, target.server_port)
        assert not answer or b" 500 " not in answer.split(b"\r\n")[0], answer[:200]
    assert not target.accidents, f"{target.accidents[0]!r} for {request[:2000]!r}"


def answer_to(request: bytes, port: int) -> bytes:
    """What the server says.  Raises OSError where it hangs up in the middle."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while part := connection.recv(1 << 16):
            answer += part
            assert len(answer) < 64 << 20
        return answer
