# SPDX-License-Identifier: MIT
"""`make site`: the documentation site, from docs/, from the code and from the corpus.

Everything that the code can say is made from it: reference pages, and a page for each test of the corpus.
mkdocs-material makes HTML of it: our documents are Markdown already (furo would want Sphinx and MyST), search
works without a server, and nothing is fetched from elsewhere.  Its authors keep it until 2027, and their
successor, Zensical, reads the same pages and settings.  `--strict` refuses a link that leads nowhere.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from cowpath.survey.parallel import Processes, each
from website import catalogue, notebook, reference
from website.links import ROOT, Pages

CORPUS = PurePosixPath("src/cowpath/corpus/litmus")

HEADLINES = (
    "index",
    "tutorial",
    "how-to",
    "litmus",
    "see",
    "workbench",
    "real-kernels",
    "control",
    "reliability",
    "model",
)
"""Documents in the order in which somebody reads them; the others follow."""


def main(argv: Sequence[str] | None = None) -> int:
    """Write the pages, then let mkdocs make a site of them; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m website", description="Make the documentation site.")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "site")
    parser.add_argument(
        "--theme", action="append", default=[], help="only this theme of the corpus (again for more)"
    )
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args(argv)
    source = arguments.out.with_name(arguments.out.name + "-pages")
    shutil.rmtree(source, ignore_errors=True)
    known = documents()
    pages = Pages(source, known)
    themes = add_catalogue(pages, arguments.theme, arguments.jobs)
    for file in list(known):
        if (ROOT / file).is_file() and file.suffix == ".md" and CORPUS not in file.parents:
            pages.document(file)
    for name, text in reference.pages().items():
        pages.write(PurePosixPath(name), text)
    add_notebook(pages)
    config = source.with_suffix(".yml")
    config.write_text(json.dumps(settings(source, arguments.out, known, themes), indent=1), "utf-8")
    mkdocs = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--config-file", str(config)]
    quiet = os.environ | {"NO_MKDOCS_2_WARNING": "1"}  # mkdocs 2 is not what we use
    return subprocess.run(mkdocs, check=False, env=quiet).returncode


def documents() -> dict[PurePosixPath, PurePosixPath]:
    """Return the page of each document of the repository."""
    known = {PurePosixPath("README.md"): PurePosixPath("index.md")}
    for file in sorted((ROOT / "docs").rglob("*.md")):
        name = PurePosixPath(file.relative_to(ROOT / "docs").as_posix())
        known["docs" / name] = name
    for other in ("CHANGES.md", "CONTRIBUTING.md"):
        known[PurePosixPath(other)] = PurePosixPath(other.lower())
    known[CORPUS / "README.md"] = PurePosixPath("corpus/index.md")
    known[CORPUS] = PurePosixPath("corpus/index.md")
    return known


def add_catalogue(pages: Pages, wanted: list[str], jobs: int) -> dict[str, list[str]]:
    """Write a page for each test, and one for each theme; return the names of the tests by theme."""
    files = catalogue.tests(wanted)
    themes: dict[str, list[catalogue.Entry]] = {}
    for file in files:
        place = PurePosixPath("corpus") / file.parent.name
        inside = CORPUS / file.parent.name
        pages.known[inside / file.name] = place / f"{file.stem}.md"
        pages.known[inside / "README.md"] = pages.known[inside] = place / "index.md"
    for found in each(catalogue.entry, files, Processes(jobs)):
        themes.setdefault(found.theme, []).append(found)
        place = PurePosixPath("corpus") / found.theme
        pages.write(place / f"{found.name}.md", found.page)
        if found.picture:
            pages.write(place / f"{found.name}.svg", found.picture)
    pages.document(CORPUS / "README.md")
    for theme, entries in themes.items():
        readme, page = CORPUS / theme / "README.md", PurePosixPath("corpus") / theme / "index.md"
        text = pages.linked((ROOT / readme).read_text("utf-8"), readme, page)
        pages.write(page, text + catalogue.index(theme, entries))
    return {theme: [one.name for one in entries] for theme, entries in themes.items()}


def add_notebook(pages: Pages) -> None:
    """Put the notebook beside the tutorial, and a link to it at the tutorial's end."""
    pages.write(PurePosixPath("tutorial.ipynb"), notebook.notebook(notebook.TUTORIAL.read_text("utf-8")))
    tutorial = pages.out / "tutorial.md"
    tutorial.write_text(
        f"{tutorial.read_text('utf-8')}\n[This page as a notebook](tutorial.ipynb)\n", "utf-8"
    )


def settings(
    source: Path, out: Path, known: dict[PurePosixPath, PurePosixPath], themes: dict[str, list[str]]
) -> dict[str, object]:
    """Return the configuration of mkdocs; JSON is YAML."""
    docs = sorted(
        (page for page in known.values() if page.parent == PurePosixPath() and page.name[0] != "c"),
        key=lambda page: (HEADLINES.index(page.stem) if page.stem in HEADLINES else 99, page.stem),
    )
    corpus = [
        {theme: [f"corpus/{theme}/index.md", *(f"corpus/{theme}/{name}.md" for name in names)]}
        for theme, names in themes.items()
    ]
    return {
        "site_name": "cowpath",
        "site_description": "Explores every path of Linux copy-on-write",
        "docs_dir": str(source),
        "site_dir": str(out),
        "use_directory_urls": False,  # it can be read from a disk
        "theme": {
            "name": "material",
            "font": False,  # nothing is fetched from elsewhere
            "features": ["navigation.indexes", "navigation.tabs", "content.code.copy", "toc.follow"],
            "palette": [
                palette("light", "default", "weather-night"),
                palette("dark", "slate", "weather-sunny"),
            ],
        },
        "plugins": ["search"],
        "markdown_extensions": ["tables", "toc", "pymdownx.superfences", "pymdownx.highlight"],
        "validation": {"links": {"not_found": "warn", "anchors": "warn", "unrecognized_links": "warn"}},
        "nav": [
            {"Guide": [str(page) for page in docs]},
            {"Corpus": ["corpus/index.md", *corpus]},
            {"Reference": sorted(reference.pages())},
            {"Project": ["changes.md", "contributing.md"]},
        ],
        "not_in_nav": "/source/**\n/found/**\n",
    }


def palette(preferred: str, scheme: str, icon: str) -> dict[str, object]:
    """Return the colours for readers who prefer light or dark, with the button that leads to the other."""
    toggle = {"icon": f"material/{icon}", "name": "the other colours"}
    return {
        "media": f"(prefers-color-scheme: {preferred})",
        "scheme": scheme,
        "primary": "teal",
        "toggle": toggle,
    }


if __name__ == "__main__":
    sys.exit(main())
