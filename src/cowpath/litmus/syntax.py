# SPDX-License-Identifier: MIT
"""Syntax errors in the words of the language, with what was expected and what was probably meant."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from cowpath.litmus.ast import Position
from cowpath.litmus.errors import LitmusError
from cowpath.litmus.habits import KEYWORDS, TYPES
from cowpath.litmus.source import Source

_GROUPS = (
    ({"EXISTS", "FORALL", "NOT_EXISTS", "NAME", "$END"}, "a thread, a condition or the end of the file"),
    ({"CHAR", "REF_T", "NAME", "ANY", "RBRACE"}, "a statement or '}'"),
    ({"CHAR", "REF_T", "NAME", "RBRACE"}, "a statement or '}'"),
    ({"CHAR", "NAME", "MTHP", "RBRACE"}, "a page, a setting, a background actor or '}'"),
    ({"CHARACTER", "STRING", "NUMBER", "NAME", "RPAR"}, "an operand or ')'"),
    ({"CHARACTER", "STRING", "NUMBER", "NAME"}, "a value such as 'a'"),
    ({"CHARACTER", "STRING", "NUMBER"}, "the content as a string"),
    ({"NUMBER", "NAME", "LPAR", "NOT"}, "a condition such as 0:r1='a'"),
    ({"AND", "OR"}, r"'/\' or '\/'"),
)
"""Sets of terminals that have one name together; where several sets fit, the first one counts."""

_WORDS = {
    "HEADER": "'C' and the name of the test",
    "TEST_NAME": "the name of the test",
    "CHAR": "'char'",
    "REF_T": "'ref_t'",
    "OF": "'of'",
    "ANY": "'any'",
    "MTHP": "'mthp'",
    "NAME": "a name",
    "NUMBER": "a number",
    "LBRACE": "'{'",
    "RBRACE": "'}'",
    "LPAR": "'('",
    "RPAR": "')'",
    "LSQB": "'['",
    "RSQB": "']'",
    "EQUAL": "'='",
    "SEMICOLON": "';'",
    "COMMA": "','",
    "STAR": "'*'",
    "BAR": "'|'",
    "DOTS": "'..'",
    "COLON": "':'",
    "AND": r"'/\'",
    "OR": r"'\/'",
    "NOT": "'~'",
    "$END": "the end of the file",
}
"""The name of each terminal of grammar.lark that can be expected somewhere."""


@dataclass(frozen=True, slots=True)
class _Place:
    """The place where the text stops making sense, as hints look at it."""

    token: str
    before: str
    beginning: str
    """The first word of the statement, or of the line in the initial block."""
    accepts: frozenset[str]
    initial: bool
    """True if it is in the initial block."""


_NO_ARITHMETIC = "there is no arithmetic: a place is a plain number, a value is a character"
_NO_BLOCKS = "a thread is a plain list of statements, or any { ... }"
_INITIAL_PAGE = 'the content of a page stands where it is declared: char x[1] = "a";'

_Hint = tuple[Callable[[_Place], bool], str]

_HINTS: tuple[_Hint, ...] = (
    (lambda p: "=" in (p.token, p.before) and p.token in ("=", "=="), "everything here is a single '='"),
    (lambda p: p.beginning in TYPES and p.initial, 'one variable is one page, with places: char x[1] = "a";'),
    (lambda p: p.beginning in TYPES, "the types are char, for a register, and ref_t; both may be left out"),
    (lambda p: p.token in ("+", "-", "+=", "-="), _NO_ARITHMETIC),
    (lambda p: p.token == "(" and p.before == "sizeof", "a statement takes the page, not address and length"),
    (lambda p: p.token == "{" and "SEMICOLON" not in p.accepts and "RBRACE" in p.accepts, _NO_BLOCKS),
    (lambda p: p.token[:2].lower() == "0x", "a value is a character such as 'a'"),
    (lambda p: p.token == "*" and p.before == "char" and p.initial, "a page is declared char x[1];"),
    (lambda p: p.token == "*" and p.before == p.beginning == "char", "there are no pointers: r0 = x[0]"),
    (lambda p: p.token == "," and p.initial and p.beginning == "char", "declare each page by itself"),
    (lambda p: p.initial and p.accepts == {"LPAR", "EQUAL"} and p.token == "[", _INITIAL_PAGE),
    (lambda p: p.initial and p.accepts == {"NAME"} and p.token.isdigit(), _INITIAL_PAGE),
    (lambda p: p.before == "[" and p.initial, "a page has 1 to 8 places, whatever its size: char x[1];"),
    (
        lambda p: p.token in ("exists", "forall", "~") and "RBRACE" in p.accepts,
        "is a '}' missing before the condition?",
    ),
    (lambda p: p.token == "char" and p.before == "(", "is a '}' missing before this thread?"),
    (
        lambda p: {"CHAR", "RPAR"} <= p.accepts and p.token.isdigit(),
        "a condition begins with exists or forall",
    ),
    (lambda p: {"CHAR", "RPAR"} <= p.accepts, "parameters are written as in C: P0(char *x)"),
    (lambda p: p.token == "*", "a place of a page is written x[0]"),
    (lambda p: p.before == "[", "a place is a plain number, from 0"),
    (lambda p: p.token in ("/\\", "\\/") and "$END" in p.accepts, "put the whole condition in parentheses"),
    (lambda p: p.token == "{" and "STRING" in p.accepts, 'the content of a page is a string: "ab"'),
    (
        lambda p: p.accepts == {"NAME"} and p.token[:1] in "'\"",
        'a page is declared as in C: char x[1] = "a";',
    ),
    (
        lambda p: p.accepts == {"NUMBER"} and p.token[:1] in "'\"",
        "a register has its thread before it: 0:r0='a'",
    ),
    (
        lambda p: "LBRACE" in p.accepts and "OF" not in p.accepts,
        "after the name comes the initial block, even if it is empty: { }",
    ),
)
"""Tests for common mistakes, each with its hint; the first that applies is shown."""


def explain_token(source: Source, offset: int, accepts: frozenset[str]) -> LitmusError:
    """Return the error for the token at `offset`, where the terminals `accepts` were expected.

    >>> print(explain_token(Source("t", "C t { char x[1] }"), 16, frozenset({"EQUAL", "SEMICOLON"})))
    t:1:16: expected ';' or '=' after ']'
        C t { char x[1] }
                       ^
    """
    if keyword := _keyword(source, offset):
        return source.error(
            f"'{source.token(keyword)}' is no statement",
            source.position(keyword),
            KEYWORDS[source.token(keyword)],
        )
    expected = _expected(accepts)
    previous_end = len(source.code[:offset].rstrip())
    if _missing_semicolon(source, offset, previous_end, accepts):
        last = _previous(source, previous_end)
        position = source.position(previous_end)
        return source.error(f"expected {expected} after '{last}'", position, _hint(source, offset, accepts))
    token = source.token(offset)
    if not token:
        return _unexpected_end(source, previous_end, expected)
    message = f"expected {expected}, not {_quoted(token)}"
    return source.error(message, source.position(offset), _hint(source, offset, accepts))


def explain_character(source: Source, offset: int) -> LitmusError:
    """Return the error for a character at `offset` that begins no token of the language.

    >>> print(explain_character(Source("t", "C t @"), 4))
    t:1:5: '@' means nothing here
        C t @
            ^
    """
    character = source.code[offset]
    position = source.position(offset)
    if character in "'\"":
        kind = "character" if character == "'" else "string"
        return source.error(f"this {kind} is never closed", position)
    if character.isdigit():
        return source.error("a name does not begin with a digit", position)
    return source.error(f"{_quoted(character)} means nothing here", position, _character_hint(source, offset))


def _keyword(source: Source, offset: int) -> int:
    """Return the offset of a keyword of C that begins the statement at `offset`; 0 where none does."""
    if _beginning(source.code, offset) not in KEYWORDS or _in_initial_block(source.code, offset):
        return 0
    start = max(source.code.rfind(mark, 0, offset) for mark in ";{}") + 1
    return start + len(source.code[start:]) - len(source.code[start:].lstrip())


def _expected(accepts: frozenset[str]) -> str:
    """Return a set of terminals as a phrase."""
    left = set(accepts)
    phrases = []
    for group, phrase in _GROUPS:
        if group <= left:
            left -= group
            phrases.append(phrase)
    phrases += sorted(_WORDS[terminal] for terminal in left if terminal in _WORDS)
    if len(phrases) > 1:
        return ", ".join(phrases[:-1]) + " or " + phrases[-1]
    return "".join(phrases) or "something else"


def _missing_semicolon(source: Source, offset: int, previous_end: int, accepts: frozenset[str]) -> bool:
    """Tell whether a ';' is missing before `offset`: the error then points at the end of the statement."""
    follows = source.token(offset)
    on_next_line = "\n" in source.code[previous_end:offset]
    return "SEMICOLON" in accepts and (on_next_line or follows in ("", "}"))


def _previous(source: Source, end: int) -> str:
    """Return the token before `end`."""
    word = re.search(r"\w+$|\S$", source.code[max(0, end - 60) : end])
    return word[0] if word else ""


def _unexpected_end(source: Source, end: int, expected: str) -> LitmusError:
    position = source.position(max(0, end - 1)) if end else Position(1, 1)
    return source.error(f"the file ends where {expected} is expected", position)


def _quoted(token: str) -> str:
    """Return a token between quotes; one that has quotes as it is."""
    short = token if len(token) <= 30 else token[:27] + "..."
    return short if token[0] in "'\"" else f"'{short}'" if short.isprintable() else f"U+{ord(token[0]):04X}"


def _hint(source: Source, offset: int, accepts: frozenset[str]) -> str:
    """Return a hint at what was probably meant; empty where there is none."""
    code = source.code
    place = _Place(
        token=source.token(offset),
        before=_previous(source, len(code[:offset].rstrip())),
        beginning=_beginning(code, offset),
        accepts=accepts,
        initial=_in_initial_block(code, offset),
    )
    return next((hint for applies, hint in _HINTS if applies(place)), "")


def _beginning(code: str, offset: int) -> str:
    """Return the first word of the statement in which `offset` stands, or of the text from there on."""
    start = max(code.rfind(mark, 0, offset) for mark in ";{}") + 1
    word = re.compile(r"\s*(\w*)").match(code, start)
    return word[1] if word else ""


def _in_initial_block(code: str, offset: int) -> bool:
    """Tell whether `offset` stands in the first pair of braces."""
    opening, depth = code.find("{"), 0
    if not 0 <= opening < offset:
        return False
    for character in code[opening:offset]:
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return False
    return True


def _character_hint(source: Source, offset: int) -> str:
    text = source.code
    two = text[offset : offset + 2]
    if two in ("&&", "||"):
        return r"conditions use /\ and \/"
    if text[offset] == "&":
        return "a page is named without '&': madvise(x, MADV_PAGEOUT)"
    if text[offset] == "!":
        return "conditions use ~ for not"
    if text[offset] == "#":
        if re.match(r"#\s*(include|define|if)", text[offset:]):
            return "there is no preprocessor: a file is one test"
        return "a comment is (* ... *), // ... or /* ... */"
    if text[offset] in "+-":
        return _NO_ARITHMETIC
    return ""
