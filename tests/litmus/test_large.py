# SPDX-License-Identifier: MIT
"""A test told of large folios: the same program, other folios."""

from cowpath.litmus.large import in_large_folios
from cowpath.litmus.parse import parse_source
from cowpath.litmus.print import to_text
from cowpath.litmus.program import LARGE_PAGES
from cowpath.litmus.resolve import program_from_text, resolve
from cowpath.litmus.source import Source

TEXT = """C t
{
    char x[1] = "a";
    char y[1];
    mthp {
        char z[1] = "c";
        char w[1] = "d";
    }
}

P0(char *x, char *y)
{
    x[0] = 'b';
    r0 = y[0];
}
"""


def test_pages_with_content_become_large_and_no_others() -> None:
    twin = in_large_folios(parse_source(Source("t", TEXT)))
    assert twin.name == "t-large"
    assert [(page.name, page.block) for page in twin.pages] == [("x", 1), ("y", None), ("z", 0), ("w", 0)]
    program = resolve(twin)
    assert [page.name for page in program.pages if page.name] == ["x", "y", "z", "w"]
    assert len(program.pages) == 2 * LARGE_PAGES + 1
    assert [block.first for block in program.blocks] == [0, LARGE_PAGES + 1]


def test_a_twin_can_be_printed_and_read_again() -> None:
    twin = in_large_folios(parse_source(Source("t", TEXT)))
    assert program_from_text(to_text(twin)).blocks == resolve(twin).blocks


def test_a_test_of_large_folios_stays_as_it_is() -> None:
    tree = parse_source(Source("t", TEXT.replace('char x[1] = "a";', "char x[1];")))
    assert in_large_folios(tree).pages == tree.pages
