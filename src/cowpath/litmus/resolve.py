# SPDX-License-Identifier: MIT
"""From a tree to a `Program`: here every name is looked up, once, and every limit is checked."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from os import PathLike

from cowpath.litmus import ast
from cowpath.litmus.bodies import check_alike, check_bodies, check_condition, check_page, collect_references
from cowpath.litmus.errors import did_you_mean
from cowpath.litmus.initial import BACKGROUND, DEFAULT_SWAP, NO_SWAP, OPTIONS, SWAP_DEVICES
from cowpath.litmus.parse import parse_source
from cowpath.litmus.processes import assign_processes
from cowpath.litmus.program import LARGE_PAGES, BackgroundActor, Block, Page, Program, Thread
from cowpath.litmus.source import Source, read_source
from cowpath.litmus.statements import DeviceWrite, Store
from cowpath.litmus.values import CHARACTERS

MAX_THREADS = 8
MAX_PAGES = 8
MAX_PLACES = 8
MAX_STATEMENTS = 64
MAX_DEVICES = 2


def load_program(path: str | PathLike[str]) -> Program:
    """Read, parse and check a litmus file.  Raises LitmusError, which says what is wrong with it.

    >>> load_program("no/such.litmus")
    Traceback (most recent call last):
    cowpath.litmus.errors.LitmusError: no/such.litmus: no such file
    """
    source = read_source(path)
    return resolve(parse_source(source), source)


def program_from_text(text: str, filename: str = "<text>") -> Program:
    """Parse and check a test.  Raises LitmusError, which says what is wrong with it.

    >>> program_from_text("C t { char x[2]; } P0(char *x) { r0 = x[0]; }").registers
    ((0, 'r0'),)
    """
    source = Source(filename, text)
    return resolve(parse_source(source), source)


def resolve(litmus: ast.Litmus, source: Source | None = None) -> Program:
    """Check a tree and number its names; errors point into `source`.

    >>> page = ast.PageDeclaration("x", 1, None)
    >>> from cowpath.litmus.statements import Load
    >>> thread = ast.ThreadDeclaration("P0", ("x",), None, (Load("r0", "y", 0),))
    >>> resolve(ast.Litmus("t", "", (page,), (), (), (thread,), None))
    Traceback (most recent call last):
    cowpath.litmus.errors.LitmusError: t: unknown page 'y'
    known: 'x'
    """
    source = source or Source(litmus.name, "")
    _check_pages(litmus, source)
    settings = _settings(litmus, source)
    swap, options = settings.get("swap", DEFAULT_SWAP), settings.get("option", ())
    _check_background(litmus, source)
    _check_headers(litmus, source)
    processes, parents, starters = assign_processes(litmus, source)
    references = collect_references(litmus, source)
    check_bodies(litmus, source, references, swap)
    registers = _registers(litmus)
    check_condition(litmus, source, registers)
    pages, blocks = lay_out(litmus)
    page_index = {page.name: page.index for page in pages if page.name}
    return Program(
        name=litmus.name,
        comment=litmus.comment,
        pages=pages,
        threads=tuple(
            Thread(i, thread.name, processes[i], thread.body, starters[i])
            for i, thread in enumerate(litmus.threads)
        ),
        parents=parents,
        references=tuple(references),
        registers=registers,
        values=_values(litmus),
        swap=swap,
        options=frozenset(options),
        background=tuple(
            BackgroundActor(actor.kind, tuple(page_index[name] for name in actor.pages))
            for actor in litmus.background
        ),
        condition=litmus.condition,
        blocks=blocks,
    )


def lay_out(litmus: ast.Litmus) -> tuple[tuple[Page, ...], tuple[Block, ...]]:
    """Number the pages, with the silent ones of each block, and return them and the blocks.

    >>> lay_out(ast.Litmus("t", "", (ast.PageDeclaration("x", 1, ("a",), block=0),), (), (), (), None))[1]
    (Block(first=0),)
    """
    pages: list[Page] = []
    blocks: list[Block] = []
    for number, group in groupby(litmus.pages, lambda page: page.block):
        declared = list(group)
        silent = LARGE_PAGES // len(declared) - 1 if number is not None else 0
        if number is not None:
            blocks.append(Block(len(pages)))
        for page in declared:
            pages.append(Page(len(pages), page.name, page.places, page.content))
            pages += [Page(len(pages) + more, "", 0, ()) for more in range(silent)]
    return tuple(pages), tuple(blocks)


# -- the initial block -----------------------------------------------------------------------------


def _check_pages(litmus: ast.Litmus, source: Source) -> None:
    seen: set[str] = set()
    for number, group in groupby(litmus.pages, lambda page: page.block):
        declared = list(group)
        if number is not None:
            _check_block(declared, source)
    for page in litmus.pages:
        if page.name in seen:
            raise source.error(f"page '{page.name}' is declared twice", page.position)
        seen.add(page.name)
        if not 1 <= page.places <= MAX_PLACES:
            message = f"a page has 1 to {MAX_PLACES} places, not {page.places}"
            hint = f"its size is always that of a page: char {page.name}[1];"
            raise source.error(message, page.position, hint, str(page.places))
        if len(seen) > MAX_PAGES:
            raise source.error(f"a test has at most {MAX_PAGES} pages", page.position)


def _check_block(pages: list[ast.PageDeclaration], source: Source) -> None:
    if LARGE_PAGES % len(pages):
        hint = "the pages between them, and after each, are not named"
        message = f"a large folio has {LARGE_PAGES} pages, of which 1, 2 or {LARGE_PAGES} are named"
        raise source.error(message, pages[0].position, hint)
    for page in pages:
        if page.content is None:
            hint = f'write char {page.name}[{page.places}] = "a";'
            raise source.error(
                f"'{page.name}' has no content: a large folio is there from the start", page.position, hint
            )


def _settings(litmus: ast.Litmus, source: Source) -> dict[str, tuple[str, ...]]:
    known = {"swap": (NO_SWAP, *SWAP_DEVICES), "option": tuple(OPTIONS)}
    settings: dict[str, tuple[str, ...]] = {}
    for setting in litmus.settings:
        if setting.name not in known:
            hint = did_you_mean(setting.name, known)
            if setting.name in {page.name for page in litmus.pages} or len(setting.name) == 1:
                hint = f'a page is declared as in C: char {setting.name}[1] = "a";'
            raise source.error(f"unknown setting '{setting.name}'", setting.position, hint)
        if setting.name in settings:
            raise source.error(f"'{setting.name}' is set twice", setting.position)
        for value in setting.values:
            if value not in known[setting.name]:
                hint = did_you_mean(value, known[setting.name])
                raise source.error(f"unknown {setting.name} '{value}'", setting.position, hint, value)
        settings[setting.name] = _setting_values(setting, source)
    return settings


def _setting_values(setting: ast.Setting, source: Source) -> tuple[str, ...]:
    if setting.name == "swap":
        if setting.values == (NO_SWAP,):
            return ()
        if NO_SWAP in setting.values:
            raise source.error("'none' and a swap device exclude each other", setting.position, word="none")
        if len(setting.values) > MAX_DEVICES:
            raise source.error(f"a test has at most {MAX_DEVICES} swap devices", setting.position)
    elif repeated := _first_repeated(setting.values):
        raise source.error(f"option '{repeated}' is named twice", setting.position, word=repeated)
    return setting.values


def _check_background(litmus: ast.Litmus, source: Source) -> None:
    pages = {page.name: page for page in litmus.pages}
    for actor in litmus.background:
        if actor.kind not in BACKGROUND:
            hint = did_you_mean(actor.kind, BACKGROUND)
            raise source.error(f"unknown background actor '{actor.kind}'", actor.position, hint)
        wanted = BACKGROUND[actor.kind].pages
        if len(actor.pages) != wanted:
            hint = f"write {actor.kind}({', '.join('xy'[:wanted])});"
            count = "1 page" if wanted == 1 else f"{wanted} pages"
            raise source.error(f"{actor.kind} works on {count}", actor.position, hint)
        for name in actor.pages:
            check_page(source, pages, actor.position, name)
        if repeated := _first_repeated(actor.pages):
            raise source.error(f"{actor.kind} needs two different pages", actor.position, word=repeated)
        if len(actor.pages) == 2:
            check_alike(source, actor.kind, [pages[name] for name in actor.pages], actor.position)


# -- threads ---------------------------------------------------------------------------------------


def _check_headers(litmus: ast.Litmus, source: Source) -> None:
    pages = {page.name: page for page in litmus.pages}
    for index, thread in enumerate(litmus.threads):
        if index == MAX_THREADS:
            raise source.error(f"a test has at most {MAX_THREADS} threads", thread.position)
        if thread.name != f"P{index}":
            hint = "threads are P0, P1, ... in this order"
            raise source.error(f"expected 'P{index}', not '{thread.name}'", thread.position, hint)
        for name in thread.parameters:
            check_page(source, pages, thread.position, name)
        if repeated := _first_repeated(thread.parameters):
            raise source.error(f"parameter '{repeated}' is named twice", thread.position, word=repeated)
        statements = ast.one_by_one(thread.body)
        if len(statements) > MAX_STATEMENTS:
            position = statements[MAX_STATEMENTS].position
            raise source.error(f"a thread has at most {MAX_STATEMENTS} statements", position)


def _registers(litmus: ast.Litmus) -> tuple[tuple[int, str], ...]:
    """Return every (thread, register) in the order of their first assignments."""
    names = (
        (index, statement.assigns)
        for index, thread in enumerate(litmus.threads)
        for statement in ast.one_by_one(thread.body)
        if statement.assigns
    )
    return tuple(dict.fromkeys(names))


def _values(litmus: ast.Litmus) -> tuple[str, ...]:
    """Return ZERO, then every character that the test stores or asks for, in order of appearance."""
    characters = (value for value in _mentioned_values(litmus) if value in CHARACTERS)
    return tuple(dict.fromkeys((ast.ZERO, *characters)))


def _mentioned_values(litmus: ast.Litmus) -> Iterator[str]:
    for page in litmus.pages:
        yield from page.content or ()
    for _, statement in litmus.statements():
        if isinstance(statement, Store | DeviceWrite) and isinstance(statement.value, str):
            yield statement.value
        yield from statement.form.answers
    if litmus.condition:
        for atom in ast.atoms(litmus.condition.expression):
            if isinstance(atom, ast.RegisterIs | ast.MemoryIs):
                yield atom.value


def _first_repeated(names: Iterable[str]) -> str:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return ""
