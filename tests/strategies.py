# SPDX-License-Identifier: MIT
"""Random litmus tests: any tree that can be written (`trees`), and tests that make sense (`valid_trees`)."""

from dataclasses import dataclass, field
from typing import Any, TypeVar

from hypothesis import strategies as st

from cowpath.litmus import ast
from cowpath.litmus.form import Form, Kind, Operand
from cowpath.litmus.initial import BACKGROUND, OPTIONS, SWAP_DEVICES
from cowpath.litmus.program import SEGV, Program
from cowpath.litmus.resolve import resolve
from cowpath.litmus.statements import (
    CALLS,
    KINDS,
    Exit,
    Fork,
    GetUserPage,
    Load,
    PutPage,
    Store,
    Wait,
)
from cowpath.litmus.values import CHARACTERS, RESERVED

T = TypeVar("T")

RESERVED_WORDS = {"char", "ref_t", "of", "any", "mthp", "exists", "forall"}

names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,5}", fullmatch=True).filter(lambda n: n not in RESERVED_WORDS)
numbers = st.integers(0, 999)
values = st.sampled_from((ast.ZERO, *CHARACTERS))
observed = st.sampled_from((ast.ZERO, SEGV, *RESERVED, *CHARACTERS))
comments = st.lists(st.from_regex(r"[A-Za-z.,;{}']{1,9}( [a-z\"/]{1,5}){0,3}", fullmatch=True), max_size=3)

_OPERANDS = {
    Kind.PAGE: names,
    Kind.RANGE: names,
    Kind.REFERENCE: names,
    Kind.THREAD: names,
    Kind.PLACE: numbers,
    Kind.VALUE: st.one_of(values, st.builds(ast.Register, names)),
}


def _any_operand(operand: Operand) -> st.SearchStrategy[object]:
    if operand.kind is Kind.WORD:
        return st.sampled_from(operand.words())
    return st.sampled_from(operand.allowed) if operand.kind is Kind.FLAGS else _OPERANDS[operand.kind]


def _any_call(form: Form) -> st.SearchStrategy[ast.Statement]:
    fields = {operand.field: _any_operand(operand) for operand in form.operands}
    if form.result:
        fields[form.result] = names
    return st.builds(
        KINDS[form.name], **fields, **{name: st.just(value) for name, value in form.implied.items()}
    )


statements = st.one_of(
    st.builds(Load, names, names, numbers),
    st.builds(Store, names, numbers, _OPERANDS[Kind.VALUE]),
    *(_any_call(form) for form in CALLS.values()),
)

atoms = st.one_of(
    st.builds(ast.RegisterIs, numbers, names, observed),
    st.builds(ast.MemoryIs, numbers, names, numbers, observed),
    st.builds(ast.CountIs, st.just("copies"), numbers),
    st.builds(ast.CountIs, st.sampled_from(("crash", "hang")), st.integers(0, 1)),
)


def expressions(leaves: st.SearchStrategy[ast.Expression] = atoms) -> st.SearchStrategy[ast.Expression]:
    """Conditions over the given observations, a few levels deep."""

    def extend(inner: st.SearchStrategy[ast.Expression]) -> st.SearchStrategy[ast.Expression]:
        several = st.lists(inner, min_size=2, max_size=3).map(tuple)
        return st.one_of(st.builds(ast.Not, inner), st.builds(ast.And, several), st.builds(ast.Or, several))

    return st.recursive(leaves, extend, max_leaves=6)


def conditions(leaves: st.SearchStrategy[ast.Expression] = atoms) -> st.SearchStrategy[ast.Condition]:
    """Any quantifier over any expression."""
    return st.builds(ast.Condition, st.sampled_from(("exists", "~exists", "forall")), expressions(leaves))


@st.composite
def page_declarations(
    draw: st.DrawFn, name: st.SearchStrategy[str] = names, places: int | None = None
) -> ast.PageDeclaration:
    """A page of so many places, or of any number, never touched or with content."""
    size = draw(st.integers(1, 4)) if places is None else places
    content = st.lists(values, min_size=size, max_size=size).map(tuple)
    return ast.PageDeclaration(draw(name), size, draw(st.none() | content))


def _tuples(items: st.SearchStrategy[T], most: int, least: int = 0) -> st.SearchStrategy[tuple[T, ...]]:
    return st.lists(items, min_size=least, max_size=most).map(tuple)


def trees(size: int = 4) -> st.SearchStrategy[ast.Litmus]:
    """Any tree that can be written down; most of them make no sense.  `size` bounds every list."""
    threads = st.builds(
        ast.ThreadDeclaration, names, _tuples(names, size), st.none() | names, _tuples(statements, size)
    )
    return st.builds(
        ast.Litmus,
        st.from_regex(r"[A-Za-z0-9_.+\-]{1,12}", fullmatch=True),
        comments.map("\n".join),
        _tuples(page_declarations(), size),
        _tuples(st.builds(ast.Setting, names, _tuples(names, size, 1)), size),
        _tuples(st.builds(ast.Background, names, _tuples(names, size)), size),
        _tuples(threads, size, 1),
        st.none() | conditions(),
    )


# -- tests that make sense -------------------------------------------------------------------------


@dataclass
class _Writing:
    """A test while it is being written."""

    pages: tuple[ast.PageDeclaration, ...]
    swap: tuple[str, ...]
    calls: tuple[str, ...]
    taken: list[GetUserPage] = field(default_factory=list)
    held: list[GetUserPage] = field(default_factory=list)  # taken by this thread, not yet given back
    registers: list[str] = field(default_factory=list)  # of this thread


@st.composite
def valid_trees(
    draw: st.DrawFn, pages: int = 2, threads: int = 2, statements: int = 5, calls: tuple[str, ...] = ()
) -> ast.Litmus:
    """A test that resolves, with at most so many pages, threads, and statements per thread.

    `calls` restricts the statements to these calls, beside loads and stores; empty: all of them.
    """
    places = draw(st.none() | st.integers(1, 4))  # as many in each page, or to each its own
    declared = tuple(
        draw(page_declarations(st.just(name), places)) for name in "xyzuvwst"[: draw(st.integers(1, pages))]
    )
    swap = draw(st.sampled_from((None, ("none",), *((kind,) for kind in SWAP_DEVICES))))
    left_out = draw(st.sampled_from((("pagemap_scan",), ("userfaultfd_wp", "userfaultfd_read"))))
    allowed = tuple(name for name in calls or CALLS if name not in left_out)  # a page has one userfaultfd
    writing = _Writing(declared, () if swap == ("none",) else swap or ("ssd",), allowed)
    count = draw(st.integers(1, threads))
    bodies = [_body(draw, writing, statements) for _ in range(count)]
    headers = [_header(draw, bodies, number) for number in range(count)]
    names = tuple(page.name for page in declared)
    declarations = tuple(
        ast.ThreadDeclaration(f"P{number}", names, headers[number], tuple(bodies[number]))
        for number in range(count)
    )
    settings: tuple[ast.Setting, ...] = () if swap is None else (ast.Setting("swap", swap),)
    options = draw(st.sets(st.sampled_from(tuple(OPTIONS))))
    if options:
        settings += (ast.Setting("option", tuple(sorted(options))),)
    actors = tuple(draw(st.sets(st.sampled_from(_background(declared)), max_size=1)))
    condition = draw(st.none() | conditions(_observations(declarations, declared)))
    return ast.Litmus("random", "", declared, settings, actors, declarations, condition)


def programs(pages: int = 2, threads: int = 2, statements: int = 5) -> st.SearchStrategy[Program]:
    """Checked programs of bounded size."""
    return valid_trees(pages, threads, statements).map(resolve)


def _body(draw: st.DrawFn, writing: _Writing, most: int) -> list[ast.Statement]:
    writing.held, writing.registers = [], []
    body = []
    for _ in range(draw(st.integers(0, most))):
        body.append(_statement(draw, writing))
    if "exit" in writing.calls and draw(st.integers(0, 5)) == 0:
        body.append(Exit())
    return body


def _statement(draw: st.DrawFn, writing: _Writing) -> ast.Statement:
    kinds = ["load", "store", *(name for name in writing.calls if _possible(name, writing))]
    kind = draw(st.sampled_from(kinds))
    page = draw(st.sampled_from(writing.pages))
    place = draw(st.integers(0, page.places - 1))
    if kind == "load":
        return Load(_register(draw, writing), page.name, place)
    if kind == "store":
        return Store(page.name, place, _stored(draw, writing))
    return _valid_call(draw, writing, CALLS[kind])


def _possible(name: str, writing: _Writing) -> bool:
    if name in ("fork", "wait", "exit"):
        return False  # they are placed where the threads are known
    if KINDS[name] is PutPage:
        return any(take.pin == CALLS[name].implied["pin"] for take in writing.held)
    if name in ("device_read", "device_write"):
        return bool(writing.held)
    if name in ("ksm_merge", "userfaultfd_move"):
        return len(writing.pages) > 1 and _alike(writing.pages)
    form = CALLS[name]
    lent = set(writing.swap)
    return (bool(lent) or not form.needs_swap) and (not form.devices or not lent.isdisjoint(form.devices))


def _valid_call(draw: st.DrawFn, writing: _Writing, form: Form) -> ast.Statement:
    fields: dict[str, Any] = dict(form.implied)
    others = list(draw(st.permutations([page.name for page in writing.pages])))
    take = _held(draw, writing, form)
    for operand in form.operands:
        if operand.kind in (Kind.PAGE, Kind.RANGE):
            fields[operand.field] = others.pop()
        elif operand.kind is Kind.REFERENCE and take:
            fields[operand.field] = take.reference
        elif operand.kind is Kind.PLACE and take:
            places = next(page.places for page in writing.pages if page.name == take.page)
            fields[operand.field] = draw(st.integers(0, places - 1))
        elif operand.kind is Kind.VALUE:
            fields[operand.field] = _stored(draw, writing)
        else:
            fields[operand.field] = draw(_any_operand(operand))
    if form.result == "register":
        fields["register"] = _register(draw, writing)
    elif form.result == "reference":
        fields["reference"] = f"g{len(writing.taken)}"
    statement = KINDS[form.name](**fields)
    if isinstance(statement, GetUserPage):
        writing.taken.append(statement)
        writing.held.append(statement)
    if isinstance(statement, PutPage) and take:
        writing.held.remove(take)
    return statement


def _held(draw: st.DrawFn, writing: _Writing, form: Form) -> GetUserPage | None:
    """The reference that the call works on; None for a call that has no such operand."""
    if not any(operand.kind is Kind.REFERENCE for operand in form.operands):
        return None
    return draw(st.sampled_from([t for t in writing.held if t.pin == form.implied.get("pin", t.pin)]))


def _register(draw: st.DrawFn, writing: _Writing) -> str:
    name = f"r{draw(st.integers(0, len(writing.registers)))}"
    if name not in writing.registers:
        writing.registers.append(name)
    return name


def _stored(draw: st.DrawFn, writing: _Writing) -> ast.Value:
    registers = st.sampled_from(writing.registers).map(ast.Register) if writing.registers else st.nothing()
    return draw(st.sampled_from((ast.ZERO, "a", "b", "c")) | registers)


def _header(draw: st.DrawFn, bodies: list[list[ast.Statement]], number: int) -> str | None:
    """Fork the thread from an earlier one, or let it join one; returns what stands after `of`."""
    if number == 0:
        return None
    forker = draw(st.none() | st.integers(0, number - 1))
    if forker is None:
        return draw(st.none() | st.integers(0, number - 1).map(lambda thread: f"P{thread}"))
    end = len(bodies[forker]) - (Exit() in bodies[forker])
    at = draw(st.integers(0, end))
    bodies[forker].insert(at, Fork(f"P{number}"))
    if draw(st.booleans()):
        bodies[forker].insert(draw(st.integers(at + 1, end + 1)), Wait(f"P{number}"))
    return None


def _alike(pages: tuple[ast.PageDeclaration, ...]) -> bool:
    """Whether one page can take the place of another."""
    return len({page.places for page in pages}) == 1


def _background(pages: tuple[ast.PageDeclaration, ...]) -> list[ast.Background]:
    return [
        ast.Background(row.name, tuple(page.name for page in pages[: row.pages]))
        for row in BACKGROUND.values()
        if row.pages <= len(pages) and (row.pages < 2 or _alike(pages[: row.pages]))
    ]


def _observations(
    threads: tuple[ast.ThreadDeclaration, ...], pages: tuple[ast.PageDeclaration, ...]
) -> st.SearchStrategy[ast.Expression]:
    """Atoms about what the test has."""
    possible: list[st.SearchStrategy[ast.Expression]] = [st.just(ast.CountIs("crash", 1))]
    for number, thread in enumerate(threads):
        for page in pages:
            place = st.integers(0, page.places - 1)
            possible.append(st.builds(ast.MemoryIs, st.just(number), st.just(page.name), place, observed))
        for statement in thread.body:
            if statement.assigns:
                answers = statement.form.answers
                seen = st.sampled_from(answers) if answers else observed
                register = st.just(statement.assigns)
                possible.append(st.builds(ast.RegisterIs, st.just(number), register, seen))
    return st.one_of(possible)
