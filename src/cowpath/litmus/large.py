# SPDX-License-Identifier: MIT
"""A test about folios of one page, told of large folios: what a program may rely on is the same.

Each page that has content becomes the first of a large folio, with silent pages after it, as if it stood in
an `mthp { ... }` of its own.
"""

from __future__ import annotations

from dataclasses import replace

from cowpath.litmus import ast


def in_large_folios(litmus: ast.Litmus) -> ast.Litmus:
    """Return the test with each page that has content in a large folio of its own.

    Pages that were never touched stay as they are, and so do those that stand in an `mthp { ... }` already.

    >>> pages = (ast.PageDeclaration("x", 1, ("a",)), ast.PageDeclaration("y", 1, None))
    >>> twin = in_large_folios(ast.Litmus("t", "", pages, (), (), (), None))
    >>> twin.name, [page.block for page in twin.pages]
    ('t-large', [0, None])
    """
    free = 1 + max((page.block for page in litmus.pages if page.block is not None), default=-1)
    pages = []
    for page in litmus.pages:
        if page.block is None and page.content is not None:
            page = replace(page, block=free)
            free += 1
        pages.append(page)
    return replace(litmus, name=f"{litmus.name}-large", pages=tuple(pages))
