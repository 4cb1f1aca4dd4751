# SPDX-License-Identifier: MIT
"""From lark's tree to a `Litmus`.  Checks which values, operands and results each statement takes."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

from lark import Token, Transformer, v_args
from lark.tree import Meta

from cowpath.litmus import ast
from cowpath.litmus.ast import Position
from cowpath.litmus.comments import content
from cowpath.litmus.errors import LitmusError, did_you_mean
from cowpath.litmus.form import Form, Kind, Operand
from cowpath.litmus.habits import CALLS as HABITS
from cowpath.litmus.habits import KEYWORDS
from cowpath.litmus.program import SEGV
from cowpath.litmus.source import Source
from cowpath.litmus.statements import CALLS, KINDS, Load, Store
from cowpath.litmus.values import CHARACTERS, RESERVED, split_string

MAX_NUMBER = 999


@dataclass(frozen=True, slots=True)
class _Place:
    """`x[1]`"""

    page: str
    place: int
    position: Position


@dataclass(frozen=True, slots=True)
class _Flags:
    """`FOLL_WRITE | FOLL_FORCE`"""

    names: tuple[Token, ...]
    position: Position


@dataclass(frozen=True, slots=True)
class _Call:
    """`name(arguments)`"""

    name: Token
    arguments: tuple["_Argument", ...]


@dataclass(frozen=True, slots=True)
class _Range:
    """`x..y`"""

    first: Token
    last: Token
    position: Position


_Argument = _Place | _Range | _Flags | Token


def _at(token: Token) -> Position:
    return Position(cast(int, token.line), cast(int, token.column))


def _start(meta: Meta) -> Position:
    return Position(meta.line, meta.column)


def _position(argument: _Argument | _Call) -> Position:
    if isinstance(argument, _Call):
        return _at(argument.name)
    return _at(argument) if isinstance(argument, Token) else argument.position


@v_args(inline=True, meta=True)
class Builder(Transformer[Token, ast.Litmus]):
    """A method for each rule of grammar.lark; raises LitmusError (inside lark's VisitError)."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self.source = source

    def error(self, message: str, position: Position, hint: str = "") -> LitmusError:
        """Return an error that points at a position of the text, ready to raise."""
        return self.source.error(message, position, hint)

    # -- the file and its initial block ------------------------------------------------------------

    def test(self, _meta: Meta, _header: Token, name: Token, initial: Any, *rest: Any) -> ast.Litmus:
        """Build the whole file; the last child is the condition or None."""
        start, items = initial
        return ast.Litmus(
            str(name),
            self._comment(cast(int, name.end_pos), start),
            tuple(self._pages(items)),
            tuple(item for item in items if isinstance(item, ast.Setting)),
            tuple(item for item in items if isinstance(item, ast.Background)),
            rest[:-1],
            rest[-1],
        )

    def _pages(self, items: Iterable[Any]) -> Iterator[ast.PageDeclaration]:
        """Yield the pages in order, those of a block with its number."""
        blocks = 0
        for item in items:
            if isinstance(item, ast.PageDeclaration):
                yield item
            elif isinstance(item, tuple):
                yield from (replace(page, block=blocks) for page in item)
                blocks += 1

    def block(
        self, _meta: Meta, _mthp: Token, *pages: ast.PageDeclaration
    ) -> tuple[ast.PageDeclaration, ...]:
        """`mthp { char x[1]; char y[1]; }`"""
        return pages

    def initial(self, meta: Meta, *items: Any) -> tuple[int, tuple[Any, ...]]:
        """Return the offset where the initial block starts, and its lines."""
        return meta.start_pos, items

    def page(
        self, _meta: Meta, name: Token, places: Token | None, literal: Token | None
    ) -> ast.PageDeclaration:
        """`char x[2] = "ab"`"""
        if places is None:
            hint = f'write char {name}[1]; or char {name}[2] = "ab";'
            raise self.error(f"how many places has '{name}'?", _at(name), hint)
        if len(places) > len(str(MAX_NUMBER)):
            hint = f"its size is always that of a page: char {name}[1];"
            raise self.error(f"a page has few places, not {places}", _at(places), hint)
        count = self._number(places)
        return ast.PageDeclaration(str(name), count, self._content(count, literal), position=_at(name))

    def setting(self, meta: Meta, name: Token, *values: Token) -> ast.Setting:
        """`swap = ssd`"""
        return ast.Setting(str(name), tuple(map(str, values)), position=_start(meta))

    def background(self, meta: Meta, kind: Token, *pages: Token | None) -> ast.Background:
        """`kswapd(x)`"""
        return ast.Background(str(kind), tuple(str(page) for page in pages if page), position=_start(meta))

    def _comment(self, start: int, end: int) -> str:
        """Return the text of the first `(* *)` comment between the name and the initial block, or ""."""
        for comment in self.source.comments:
            if start <= comment.offset < end and comment.text.startswith("(*"):
                return content(comment)
        return ""

    def _content(self, places: int, literal: Token | None) -> tuple[str, ...] | None:
        if literal is None:
            return None
        if literal.type == "NUMBER":
            characters = [self._value(literal)]
        elif literal.type == "CHARACTER":
            raise self.error("a page is filled from a string", _at(literal), f'write "{literal[1:-1]}"')
        else:
            characters = self._string(literal)
        if len(characters) > places:
            raise self.error(f"{len(characters)} characters for {_places(places)}", _at(literal))
        return tuple(characters + [ast.ZERO] * (places - len(characters)))

    # -- threads and statements --------------------------------------------------------------------

    def thread(
        self,
        meta: Meta,
        name: Token,
        parameters: tuple[str, ...],
        of: Token | None,
        body: tuple[ast.Statement, ...],
    ) -> ast.ThreadDeclaration:
        """`P1(char *x) of P0 { ... }`"""
        return ast.ThreadDeclaration(
            str(name), parameters, None if of is None else str(of), body, position=_start(meta)
        )

    def parameters(self, _meta: Meta, *names: Token | None) -> tuple[str, ...]:
        """`char *x, char *y`"""
        return tuple(str(name) for name in names if name)

    def any(self, meta: Meta, _any: Token, *statements: ast.Statement | _Call) -> ast.Any:
        """`any { s; s; }`"""
        return ast.Any(self.body(meta, *statements), position=_start(meta))

    def body(self, _meta: Meta, *statements: ast.Statement | _Call) -> tuple[ast.Statement, ...]:
        """Build the statements.  Only here is it known of a call that nothing takes its result."""
        return tuple(
            self._call_statement(statement) if isinstance(statement, _Call) else statement
            for statement in statements
        )

    def place(self, _meta: Meta, page: Token, place: Token) -> _Place:
        """`x[1]`"""
        return _Place(str(page), self._number(place), _at(page))

    def range(self, meta: Meta, first: Token, _dots: Token, last: Token) -> _Range:
        """`x..y`"""
        return _Range(first, last, _start(meta))

    def flags(self, _meta: Meta, *names: Token) -> _Flags:
        """`FOLL_WRITE | FOLL_FORCE`"""
        return _Flags(names, _at(names[0]))

    def call(self, _meta: Meta, name: Token, *arguments: _Argument | None) -> _Call:
        """`name(arguments)`"""
        return _Call(name, tuple(argument for argument in arguments if argument is not None))

    def assignment(
        self, meta: Meta, declared: Token | None, target: _Place | Token, value: _Place | Token | _Call
    ) -> ast.Statement:
        """Build `target = value`, a load, a store or a call, with or without a type before it."""
        position = _start(meta)
        if isinstance(target, _Place):
            if declared is not None:
                raise self.error(
                    "a page is declared in the initial block, not here", _at(declared), "leave the type out"
                )
            return Store(target.page, target.place, self._stored(value), position=position)
        if isinstance(value, _Place):
            self._check_type(declared, "char", f"'{target}' is a register")
            return Load(str(target), value.page, value.place, position=position)
        if isinstance(value, _Call):
            return self._call_with_result(declared, target, value, position)
        raise self._not_loadable(target, value)

    def _not_loadable(self, target: Token, value: Token) -> LitmusError:
        if value.type == "NAME":
            return self.error(f"'{value}' has no place", _at(value), f"write {value}[0] to load from a page")
        hint = f"write {target}[0] = {value}; to store to a page; a register takes its value from a load"
        return self.error(f"'{target}' has no place", _at(target), hint)

    def _stored(self, value: _Place | Token | _Call) -> ast.Value:
        """Return the value that a store or a device write is to store."""
        if isinstance(value, Token):
            if value.type == "NAME":
                return ast.Register(str(value), position=_at(value))
            return self._value(value)
        text = f"{value.page}[{value.place}]" if isinstance(value, _Place) else f"{value.name}(...)"
        hint = f"write r0 = {text}; and then store r0"
        raise self.error("one statement does not load and store", _position(value), hint)

    def _call_statement(self, call: _Call) -> ast.Statement:
        form = self._form(call)
        if form.result:
            message = f"{call.name}() gives a {form.result}, which needs a name"
            raise self.error(message, _at(call.name), _usage(form))
        return self._node(form, call, {}, _at(call.name))

    def _call_with_result(
        self, declared: Token | None, target: Token, call: _Call, position: Position
    ) -> ast.Statement:
        form = self._form(call)
        if not form.result:
            raise self.error(f"{call.name}() gives nothing to assign", _at(call.name), _usage(form))
        wanted = "char" if form.result == "register" else "ref_t"
        self._check_type(declared, wanted, f"{call.name}() gives a {wanted}")
        return self._node(form, call, {form.result: str(target)}, position)

    def _form(self, call: _Call) -> Form:
        form = CALLS.get(call.name)
        if form is None:
            raise self._unknown(call.name)
        return form

    def _unknown(self, name: Token) -> LitmusError:
        """Return the error for a call that is no statement."""
        if name in KEYWORDS:
            return self.error(f"'{name}' is no statement", _at(name), KEYWORDS[name])
        hint = HABITS.get(name) or did_you_mean(name, CALLS)
        if re.fullmatch(r"P\d+", name):
            hint = f"a thread starts with its process, or with fork({name})"
        return self.error(f"unknown statement '{name}'", _at(name), hint)

    def _check_type(self, declared: Token | None, wanted: str, reason: str) -> None:
        if declared is not None and declared != wanted:
            raise self.error(f"{reason}, not a {declared}", _at(declared), f"write {wanted}, or no type")

    def _node(self, form: Form, call: _Call, fields: dict[str, Any], position: Position) -> ast.Statement:
        operands = form.operands
        optional = bool(operands) and () in operands[-1].allowed
        if not len(operands) - optional <= len(call.arguments) <= len(operands):
            takes = f"{form.name}() takes {_count(len(operands) - optional, len(operands))}"
            raise self.error(f"{takes}, not {len(call.arguments)}", _at(call.name), _usage(form))
        for operand, argument in zip(operands, call.arguments, strict=False):
            if operand.kind is Kind.RANGE and isinstance(argument, _Range):
                fields |= {operand.field: str(argument.first), "last": str(argument.last)}
            else:
                fields[operand.field] = self._operand(form, operand, argument)
        if optional:
            fields.setdefault(operands[-1].field, ())
        return KINDS[form.name](**fields, **form.implied, position=position)

    def _operand(self, form: Form, operand: Operand, argument: _Argument) -> object:
        if operand.kind is Kind.VALUE and not isinstance(argument, _Flags | _Range):
            return self._stored(argument)
        if operand.kind is Kind.PLACE and isinstance(argument, Token) and argument.type == "NUMBER":
            return self._number(argument)
        if operand.kind in (Kind.WORD, Kind.FLAGS) and not isinstance(argument, _Place | _Range):
            return self._words(form, operand, argument)
        if isinstance(argument, Token) and argument.type == "NAME" and operand.kind not in _NOT_NAMES:
            return str(argument)
        if isinstance(argument, _Place) and operand.kind in (Kind.PAGE, Kind.RANGE):
            hint = f"{form.name}() takes the whole page: {argument.page}"
        else:
            hint = _usage(form)
        expected = Kind.PAGE if operand.kind is Kind.RANGE else operand.kind
        raise self.error(f"expected {expected.value}", _position(argument), hint)

    def _words(self, form: Form, operand: Operand, argument: _Flags | Token) -> object:
        """Return the words of an operand in the order of its row, if each is known and they go together."""
        names = argument.names if isinstance(argument, _Flags) else (argument,)
        for name in names:
            if name not in operand.words():
                message = f"{form.name}() does not take '{name}'"
                raise self.error(message, _at(name), _flag_hint(form, name, operand.words()))
        chosen = tuple(word for word in operand.words() if word in names)
        if chosen not in operand.allowed:
            known = ", ".join(" | ".join(group) for group in operand.allowed if group)
            raise self.error(
                f"{form.name}() does not take these together"
                if len(names) > 1
                else f"{form.name}() does not take '{names[0]}' alone",
                _position(argument),
                f"known: {known}",
            )
        return chosen if operand.kind is Kind.FLAGS else chosen[0]

    # -- values ------------------------------------------------------------------------------------

    def _number(self, token: Token) -> int:
        if len(token) > len(str(MAX_NUMBER)):
            raise self.error("this number is too large", _at(token))
        return int(token)

    def _string(self, token: Token) -> list[str]:
        characters = split_string(token[1:-1])
        if characters is None:
            raise self.error("a character of this string cannot be a value", _at(token), _VALUES)
        return characters

    def _value(self, token: Token) -> str:
        """Return the value that a literal stands for."""
        if token.type == "STRING":
            hint = f"write '{token[1]}'" if len(token) > 2 else _VALUES
            raise self.error("a string where one character belongs", _at(token), hint)
        if token.type == "NUMBER":
            if self._number(token) != 0:
                hint = f"write '{token}'" if len(token) == 1 else "write 'a'"
                hint += "; only 0, zero memory, has no quotes"
                raise self.error("a value is a character", _at(token), hint)
            return ast.ZERO
        inner = token[1:-1]
        if inner != ast.ZERO and inner not in CHARACTERS:
            raise self.error("this cannot be a value", _at(token), _VALUES)
        return inner

    # -- the condition -----------------------------------------------------------------------------

    def condition(self, _meta: Meta, quantifier: Token, expression: ast.Expression) -> ast.Condition:
        """`exists (...)`"""
        word = cast(Literal["exists", "~exists", "forall"], "".join(quantifier.split()))
        return ast.Condition(word, expression, position=_at(quantifier))

    def register_is(self, meta: Meta, thread: Token, register: Token, value: Token) -> ast.RegisterIs:
        """`0:r1='a'`"""
        return ast.RegisterIs(
            self._number(thread), str(register), self._observed(value), position=_start(meta)
        )

    def memory_is(self, meta: Meta, thread: Token, place: _Place, value: Token) -> ast.MemoryIs:
        """`0:x[0]='a'`"""
        return ast.MemoryIs(
            self._number(thread), place.page, place.place, self._observed(value), position=_start(meta)
        )

    def count_is(self, meta: Meta, name: Token, value: Token | None) -> ast.CountIs:
        """`copies=1`, `crash`"""
        if name not in ("copies", "crash", "hang"):
            hint = did_you_mean(name, ["copies", "crash", "hang"])
            raise self.error(f"unknown observation '{name}'", _at(name), hint)
        if value is None:
            if name == "copies":
                raise self.error("copies is a number", _at(name), "write copies=1")
            return ast.CountIs(str(name), 1, position=_start(meta))
        number = self._number(value)
        if name != "copies" and number > 1:
            raise self.error(f"{name} is 0 or 1", _at(value))
        return ast.CountIs(str(name), number, position=_start(meta))

    def _observed(self, token: Token) -> str:
        """Return a value of a condition, which may also be one that only the kernel makes."""
        if token.type == "NAME":
            if token != SEGV:
                raise self.error("a value is a character", _at(token), f"write '{token[0]}', or {SEGV}")
            return SEGV
        if token.type == "CHARACTER" and token[1:-1] in RESERVED:
            return token[1:-1]
        return self._value(token)

    def conjunction(self, _meta: Meta, *operands: ast.Expression) -> ast.And:
        r"""`a /\\ b`"""
        return ast.And(operands)

    def disjunction(self, _meta: Meta, *operands: ast.Expression) -> ast.Or:
        r"""`a \\/ b`"""
        return ast.Or(operands)

    def negation(self, _meta: Meta, operand: ast.Expression) -> ast.Not:
        """`~a`"""
        return ast.Not(operand)


_NOT_NAMES = (Kind.PLACE, Kind.VALUE, Kind.WORD, Kind.FLAGS)
_VALUES = "a value is one visible ASCII character except ? - ' \" and backslash, or '\\0'"


def _usage(form: Form) -> str:
    return f"write {form.usage()};"


def _places(count: int) -> str:
    return "1 place" if count == 1 else f"{count} places"


def _count(least: int, most: int) -> str:
    if most == 0:
        return "no operands"
    text = str(most) if least == most else f"{least} or {most}"
    return f"{text} operand{'s' if most > 1 else ''}"


def _flag_hint(form: Form, name: str, words: list[str]) -> str:
    if name == "0":
        return f"without flags it is {form.name}(x)"
    if name == "FOLL_LONGTERM":
        return "FOLL_LONGTERM needs a pin: pin_user_page(x, FOLL_LONGTERM)"
    if name in ("FOLL_GET", "FOLL_PIN"):
        return "get_user_page() means FOLL_GET and pin_user_page() means FOLL_PIN"
    return did_you_mean(name, words)
