# SPDX-License-Identifier: MIT
"""Links of the repository's documents, made to lead inside the site.

A document links to others, and to source files that are no documents.  Each file that is linked gets a page;
so no link of the site leads out of it but to the web.
"""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[1]

LINK = re.compile(r"(?<!!)\[([^\]]*(?:\n[^\]]*)?)\]\((?!https?:|mailto:|#)([^)#\s]+)(#[\w-]*)?\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)

LANGUAGES = {
    ".py": "python",
    ".litmus": "c",
    ".toml": "toml",
    ".js": "javascript",
    ".c": "c",
    ".lark": "text",
}


class Pages:
    """The pages of the site by the file that each shows, and those that links ask for besides."""

    def __init__(self, out: Path, known: dict[PurePosixPath, PurePosixPath]) -> None:
        self.out = out
        self.known = known  # file in the repository -> page of the site

    def write(self, page: PurePosixPath, text: str) -> None:
        """Write a page of the site."""
        target = self.out / page
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")

    def document(self, file: PurePosixPath) -> None:
        """Write the page of a document of the repository, its links followed."""
        self.write(self.known[file], self.linked((ROOT / file).read_text("utf-8"), file, self.known[file]))

    def linked(self, text: str, file: PurePosixPath, page: PurePosixPath) -> str:
        """Return the text of a document with links that lead to pages, as seen from its own page."""

        def link(match: re.Match[str]) -> str:
            words, target, anchor = match[1], match[2], match[3] or ""
            where = PurePosixPath(os.path.normpath(file.parent / target))
            if not (ROOT / where).resolve().exists():
                raise SystemExit(f"{file}: {target} does not exist")
            where = PurePosixPath((ROOT / where).resolve().relative_to(ROOT.resolve()).as_posix())
            return f"[{words}]({relative(self.page_of(where), page)}{anchor})"

        parts, start = [], 0
        for fence in FENCE.finditer(text):  # what stands in a fence is no link
            parts += [LINK.sub(link, text[start : fence.start()]), fence[0]]
            start = fence.end()
        return "".join([*parts, LINK.sub(link, text[start:])])

    def page_of(self, file: PurePosixPath) -> PurePosixPath:
        """Return the page of a file or directory; one that has none gets it now."""
        if file in self.known:
            return self.known[file]
        if (ROOT / file).is_dir():
            self.known[file] = PurePosixPath("source") / file / "index.md"
            self.directory(file)
        else:
            self.known[file] = PurePosixPath("source") / f"{file}.md"
            self.source(file)
        return self.known[file]

    def source(self, file: PurePosixPath) -> None:
        """Write the page of a source file."""
        if file.suffix == ".md":
            self.document(file)
            return
        text = (ROOT / file).read_text("utf-8")
        language = LANGUAGES.get(file.suffix, "text")
        self.write(self.known[file], f"# {file.name}\n\n`{file}`\n\n````{language}\n{text.rstrip()}\n````\n")

    def directory(self, file: PurePosixPath) -> None:
        """Write the page of a directory, a list of its files."""
        page = self.known[file]
        names = sorted(one.name for one in (ROOT / file).iterdir() if one.name[0] not in "._")
        lines = [f"- [{name}]({relative(self.page_of(file / name), page)})" for name in names]
        self.write(page, f"# {file}/\n\n" + "\n".join(lines) + "\n")


def relative(target: PurePosixPath, page: PurePosixPath) -> str:
    """Return the link from one page to another.

    >>> relative(PurePosixPath("corpus/cve/index.md"), PurePosixPath("reference/commands.md"))
    '../corpus/cve/index.md'
    """
    return os.path.relpath(target, page.parent)
