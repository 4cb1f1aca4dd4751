# SPDX-License-Identifier: MIT
"""Who gets an answer, and what is never answered."""

import json
import socket
import struct
from http.client import HTTPConnection, HTTPResponse
from urllib.parse import urlencode

import pytest

from cowpath.viewer import assets
from cowpath.viewer.server import ViewerServer
from tests.viewer.conftest import Serve

SECRETS = ("pyproject", "root:", "def ", "import ")


def ask(
    server: ViewerServer, path: str, method: str = "GET", host: str | None = None, **headers: str
) -> tuple[HTTPResponse, str]:
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named["Host"] = host if host is not None else f"127.0.0.1:{server.server_port}"
    connection.request(method, path, headers=named)
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response, body


def test_our_own_page_gets_everything(serve: Serve) -> None:
    server = serve()
    assert ask(server, "/")[0].status == 200
    for name in assets.static():
        assert ask(server, f"/static/{name}")[0].status == 200
    response, body = ask(server, "/api/overview", Origin=server.url.rstrip("/"), Sec_Fetch_Site="same-origin")
    assert response.status == 200
    assert json.loads(body)["name"] == "get-write-read-refault"
    assert ask(server, "/api/overview", host=f"localhost:{server.server_port}")[0].status == 200


def test_a_foreign_name_for_our_address_gets_nothing(serve: Serve) -> None:
    server = serve()
    port = server.server_port
    for host in ("", "evil.example", f"evil.example:{port}", "127.0.0.1", f"127.0.0.1.evil.example:{port}"):
        response, body = ask(server, "/api/overview", host=host)
        assert response.status == 403, host
        assert "refault" not in body


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_another_site_gets_nothing(serve: Serve, headers: dict[str, str]) -> None:
    response, body = ask(serve(), "/api/overview", **headers)
    assert response.status == 403
    assert "refault" not in body
    assert response.getheader("Access-Control-Allow-Origin") is None


@pytest.mark.parametrize(
    "path",
    [
        "/static/../server.py", "/static/..%2fserver.py", "/static/%2e%2e/server.py", "/static//etc/passwd",
        "/../../../../etc/passwd", "/static/index.html/../../server.py", "/static/", "/static/main.js%00.css",
        "/pyproject.toml", "//etc/passwd", "/static/C:\\x", "/api", "/api/", "/api/__class__", "*",
    ],
)  # fmt: skip
def test_a_path_that_leaves_the_folder_finds_nothing(serve: Serve, path: str) -> None:
    response, body = ask(serve(), path)
    assert response.status == 404
    assert not any(secret in body for secret in SECRETS)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"])
def test_only_reading_is_possible(serve: Serve, method: str) -> None:
    assert ask(serve(), "/api/overview", method)[0].status == 501


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({}, "the request lacks 'kernel'"),
        ({"kernel": "4.4 x86_64"}, "kernel '4.4 x86_64' is not offered here"),
        ({"kernel": "5.18 x86_64", "path": "0-<script>"}, "'<script>' is not a move"),
        ({"kernel": "5.18 x86_64", "path": "0x9999"}, "a path has at most 2000 moves"),
    ],
)
def test_a_wrong_question_gets_a_sentence(serve: Serve, asked: dict[str, str], told: str) -> None:
    response, body = ask(serve(), f"/api/follow?{urlencode(asked)}")
    assert response.status == 400
    assert response.getheader("Content-Type") == "application/json"
    assert json.loads(body)["error"] == told


def test_every_answer_forbids_what_the_page_does_not_need(serve: Serve) -> None:
    server = serve()
    for path in ("/", "/static/main.js", "/api/overview", "/nothing"):
        response, _ = ask(server, path)
        policy = response.getheader("Content-Security-Policy") or ""
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert response.getheader("X-Content-Type-Options") == "nosniff"


def test_who_hangs_up_leaves_no_traceback(serve: Serve, capfd: pytest.CaptureFixture[str]) -> None:
    server = serve()
    with socket.create_connection(("127.0.0.1", server.server_port)) as client:
        client.sendall(b"GET / HT")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # reset, not end
    assert ask(server, "/api/overview")[0].status == 200
    assert capfd.readouterr().err == ""


def test_it_listens_on_loopback_alone(serve: Serve) -> None:
    assert serve().server_address[0] == "127.0.0.1"


def test_the_viewer_is_small_and_needs_nobody_else() -> None:
    files = {**assets.static(), "index.html": assets.read("index.html")}
    assert sum(len(text.encode()) for text in files.values()) < 150_000
    for name, text in files.items():
        assert "SPDX-License-Identifier: MIT" in text[:120], name
        assert "innerHTML" not in text, name
        assert not any(scheme in text.replace("http://www.w3.org", "") for scheme in ("http:", "https:")), (
            name
        )


def test_a_kernel_that_is_being_explored_holds_up_no_other(serve: Serve) -> None:
    server = serve()
    with server.locks["6.1 x86_64"]:
        assert ask(server, "/api/verdict?kernel=5.18+x86_64")[0].status == 200
        assert ask(server, "/api/overview")[0].status == 200
        assert json.loads(ask(server, "/api/progress?kernel=6.1+x86_64")[1]) == {"states": 0, "more": ""}


def test_what_is_no_address_is_a_bad_request(serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    server = serve()
    assert ask(server, "http://[")[0].status == 400
    assert ask(server, "/", Origin="http://[")[0].status == 403
    assert "Traceback" not in capsys.readouterr().err
