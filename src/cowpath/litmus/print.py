# SPDX-License-Identifier: MIT
"""From a tree back to text in one canonical form, such that `parse(to_text(litmus)) == litmus`."""

from collections.abc import Callable, Iterator
from itertools import groupby

from cowpath.litmus import ast
from cowpath.litmus.form import Kind, Operand
from cowpath.litmus.statements import Load, Store
from cowpath.litmus.values import string_text, value_text

_TYPES = {"register": "char ", "reference": "ref_t ", "": ""}


def to_text(litmus: ast.Litmus) -> str:
    """Return the canonical text of a test.

    >>> page = ast.PageDeclaration("x", 1, ("a",))
    >>> from cowpath.litmus.statements import Load
    >>> thread = ast.ThreadDeclaration("P0", ("x",), None, (Load("r0", "x", 0),))
    >>> print(to_text(ast.Litmus("t", "", (page,), (), (), (thread,), None)), end="")
    C t
    <BLANKLINE>
    {
        char x[1] = "a";
    }
    <BLANKLINE>
    P0(char *x)
    {
        char r0 = x[0];
    }
    """
    parts = [f"C {litmus.name}\n{_comment(litmus.comment)}", _block("", _initial(litmus))]
    parts += [_thread(thread) for thread in litmus.threads]
    if litmus.condition:
        parts.append(f"{litmus.condition.quantifier} ({condition_text(litmus.condition.expression)})\n")
    return "\n".join(parts)


def statement_text(statement: ast.Statement) -> str:
    """Return a statement without type and semicolon, as traces show it.

    >>> from cowpath.litmus.statements import GetUserPage, Store
    >>> statement_text(Store("x", 1, "c"))
    "x[1] = 'c'"
    >>> statement_text(GetUserPage("g", "x", ("FOLL_WRITE",), pin=False, fast=False))
    'g = get_user_page(x, FOLL_WRITE)'
    """
    if isinstance(statement, ast.Any):
        return f"any {{ {' '.join(f'{statement_text(choice)};' for choice in statement.choices)} }}"
    if isinstance(statement, Store):
        return f"{statement.page}[{statement.place}] = {_value(statement.value)}"
    if isinstance(statement, Load):
        return f"{statement.register} = {statement.page}[{statement.place}]"
    form = statement.form
    operands = (_operand(operand, statement) for operand in form.operands)
    call = f"{form.name}({', '.join(text for text in operands if text)})"
    return f"{getattr(statement, form.result)} = {call}" if form.result else call


def atom_text(atom: ast.Atom) -> str:
    """Return the text of one observation in a condition."""
    if isinstance(atom, ast.RegisterIs):
        return f"{atom.thread}:{atom.register}={value_text(atom.value)}"
    if isinstance(atom, ast.MemoryIs):
        return f"{atom.thread}:{atom.page}[{atom.place}]={value_text(atom.value)}"
    return atom.name if atom.name != "copies" and atom.value == 1 else f"{atom.name}={atom.value}"


def condition_text(expression: ast.Expression, atom: Callable[[ast.Atom], str] = atom_text) -> str:
    r"""Return a condition without its quantifier; `atom` writes the observations in it.

    >>> condition_text(ast.And((ast.RegisterIs(0, "r0", "a"), ast.Not(ast.CountIs("crash", 1)))))
    "0:r0='a' /\\ ~crash"
    """

    def inner(operand: ast.Expression) -> str:
        text = condition_text(operand, atom)
        return f"({text})" if isinstance(operand, ast.And | ast.Or) else text

    if isinstance(expression, ast.And | ast.Or):
        sign = r" /\ " if isinstance(expression, ast.And) else r" \/ "
        return sign.join(map(inner, expression.operands))
    if isinstance(expression, ast.Not):
        return f"~{inner(expression.operand)}"
    return atom(expression)


def _comment(comment: str) -> str:
    """Return the comment with the margin that comments.content() takes away again."""
    if not comment:
        return ""
    indented = "\n".join(f"   {line}" if line else "" for line in comment.split("\n"))
    return f"(*{indented[2:]} *)\n"


def _initial(litmus: ast.Litmus) -> Iterator[str]:
    for block, pages in groupby(litmus.pages, lambda page: page.block):
        lines = list(map(_page, pages))
        yield from lines if block is None else ("mthp {", *(f"    {line}" for line in lines), "}")
    for setting in litmus.settings:
        yield f"{setting.name} = {', '.join(setting.values)};"
    for actor in litmus.background:
        yield f"{actor.kind}({', '.join(actor.pages)});"


def _page(page: ast.PageDeclaration) -> str:
    content = "" if page.content is None else f" = {string_text(page.content)}"
    return f"char {page.name}[{page.places}]{content};"


def _thread(thread: ast.ThreadDeclaration) -> str:
    parameters = ", ".join(f"char *{name}" for name in thread.parameters)
    of = f" of {thread.of}" if thread.of else ""
    lines = (line for statement in thread.body for line in _lines(statement))
    return _block(f"{thread.name}({parameters}){of}\n", lines)


def _lines(statement: ast.Statement) -> Iterator[str]:
    if isinstance(statement, ast.Any):
        yield "any {"
        yield from (f"    {_line(choice)}" for choice in statement.choices)
        yield "}"
    else:
        yield _line(statement)


def _line(statement: ast.Statement) -> str:
    return f"{_TYPES[statement.form.result]}{statement_text(statement)};"


def _block(header: str, lines: Iterator[str]) -> str:
    return header + "{\n" + "".join(f"    {line}\n" for line in lines) + "}\n"


def _operand(operand: Operand, statement: ast.Statement) -> str:
    """Return the text of an operand; empty for flags that are not there."""
    value = getattr(statement, operand.field)
    if operand.kind is Kind.RANGE:
        last: str = getattr(statement, "last")  # noqa: B009 - every statement with a range has it
        return f"{value}..{last}" if last else str(value)
    if operand.kind is Kind.VALUE:
        assert isinstance(value, str | ast.Register)
        return _value(value)
    return " | ".join(value) if isinstance(value, tuple) else str(value)


def _value(value: ast.Value) -> str:
    return value.name if isinstance(value, ast.Register) else value_text(value)
