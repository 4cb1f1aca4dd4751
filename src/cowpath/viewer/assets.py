# SPDX-License-Identifier: MIT
"""The viewer's own files: the shell, one style sheet, and modules that import each other by bare names.

An import map gives the names their places: a path on the server, a data: URL in a page that stands alone.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from functools import cache
from importlib import resources

PREFIX = "cowpath/"
"""How modules call each other: `import { el } from "cowpath/dom"`."""

MODULES = (
    "dom",
    "source",
    "model",
    "program",
    "picture",
    "arrows",
    "banner",
    "beside",
    "panel",
    "timeline",
    "tests",
    "keys",
    "main",
)

SERVED = (*MODULES, "library")
"""The same with those that only a server's pages need."""

TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}


@cache
def read(name: str) -> str:
    """The text of one file."""
    return resources.files("cowpath.viewer").joinpath("static", name).read_text(encoding="utf-8")


@cache
def static() -> dict[str, str]:
    """Every file that the server hands out, by name; nothing else can be asked for."""
    return {name: read(name) for name in ("style.css", *(f"{module}.js" for module in SERVED))}


def served_page(module: str = "main", shell: str = "index.html") -> tuple[str, str]:
    """A page as the server sends it, and the hash by which its policy lets the import map pass."""
    table = import_map({name: f"/static/{name}.js" for name in SERVED})
    style = '<link rel="stylesheet" href="/static/style.css">'
    page = fill(style, table, "", f'<script type="module" src="/static/{module}.js"></script>', shell)
    digest = base64.b64encode(hashlib.sha256(table.encode()).digest()).decode()
    return page, f"sha256-{digest}"


def lone_page(data: object, title: str) -> str:
    """The shell with everything inside: styles, modules and the data it shows."""
    urls = {module: data_url(read(f"{module}.js")) for module in MODULES}
    embedded = f'<script type="application/octet-stream" id="data">{packed(data)}</script>'
    style = f"<style>{read('style.css')}</style>"
    start = f'<script type="module">import "{PREFIX}main";</script>'
    return fill(style, import_map(urls), embedded, start).replace("<title>cowpath</title>", title, 1)


def fill(style: str, table: str, data: str, start: str, shell: str = "index.html") -> str:
    """The shell with its four holes filled."""
    head = f'{style}\n<script type="importmap">{table}</script>'
    return read(shell).replace("<!-- head -->", head, 1).replace("<!-- body -->", data + start, 1)


def import_map(places: dict[str, str]) -> str:
    """The import map: the place of each module."""
    return json.dumps({"imports": {PREFIX + module: place for module, place in places.items()}})


def data_url(text: str) -> str:
    """A module as a URL of its own."""
    return f"data:text/javascript;base64,{base64.b64encode(text.encode()).decode()}"


def packed(data: object) -> str:
    """Data as letters that mean nothing to HTML: JSON, deflated, in base64.

    >>> packed({})[:3]
    'eNq'
    """
    text = json.dumps(data, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()
