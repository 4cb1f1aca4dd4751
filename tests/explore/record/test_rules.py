# SPDX-License-Identifier: MIT
"""What model code may look like, and which locals are live where it yields."""

import itertools
import textwrap
from pathlib import Path

import pytest

from cowpath import linux, promise
from cowpath.explore.record import rules
from cowpath.explore.record.step import ModelError

_numbers = itertools.count()


def load(directory: Path, body: str, header: str = "def f(k, a, b, c):") -> rules.FunctionRules:
    """The rules of one function with this body."""
    path = directory / f"model{next(_numbers)}.py"
    path.write_text(f"{header}\n{textwrap.indent(textwrap.dedent(body).strip(), '    ')}\n")
    return next(iter(rules.load(str(path)).values()))


def live(directory: Path, body: str) -> list[str]:
    """What is live at each yield, in order, as words; `k` and the functions left out."""
    found = load(directory, body).points
    return [" ".join(sorted(point.live - {"k", "f", "g", "E"})) for point in found]


# -- refused ---------------------------------------------------------------------------------------

HIDDEN = "yield inside an expression, a for, a with or a try"


@pytest.mark.parametrize(
    ("body", "line", "reason"),
    [
        ("for x in a:\n    yield", 3, HIDDEN),
        ("for x in (yield):\n    pass", 2, HIDDEN),
        ("with a:\n    yield", 3, HIDDEN),
        ("try:\n    yield\nfinally:\n    pass", 3, HIDDEN),
        ("try:\n    pass\nexcept E:\n    yield from a", 5, HIDDEN),
        ("match a:\n    case 1:\n        yield", 4, HIDDEN),
        ("a = 1 + (yield)", 2, HIDDEN),
        ("a = f((yield))", 2, HIDDEN),
        ("a, b = yield from c", 2, HIDDEN),
        ("a = b = yield", 2, HIDDEN),
        ("a += yield", 2, HIDDEN),
        ("a: int = yield", 2, HIDDEN),
        ("a.x = yield", 2, HIDDEN),
        ("a[0] = yield from b", 2, HIDDEN),
        ("return (yield)", 2, HIDDEN),
        ("if (yield):\n    pass", 2, HIDDEN),
        ("while (yield):\n    pass", 2, HIDDEN),
        ("assert (yield)", 2, HIDDEN),
        ("raise (yield)", 2, HIDDEN),
        ("a = [(yield) for x in b]", 2, HIDDEN),
        ("(yield)\na = (yield) or 1", 3, HIDDEN),
        ("yield (yield)", 2, HIDDEN),
        ("yield from (yield)", 2, HIDDEN),
        ("while a:\n    yield\nelse:\n    pass", 2, "a generator of the model cannot use while ... else"),
        ("def g():\n    pass\nyield", 2, "a generator of the model cannot use functiondef"),
        ("def g():\n    yield", 2, "a generator of the model cannot use functiondef"),
        ("class G:\n    pass\nyield", 2, "a generator of the model cannot use classdef"),
        ("a = lambda: b\nyield", 2, "a generator of the model cannot use lambda"),
        ("for x in a:\n    del x\nyield", 3, "a generator of the model cannot use delete"),
        ("del a\nyield", 2, "a generator of the model cannot use delete"),
        ("global g\nyield", 2, "a generator of the model cannot use global"),
        ("nonlocal g\nyield", 2, "a generator of the model cannot use nonlocal"),
        ("import os\nyield", 2, "a generator of the model cannot use import"),
        ("yield; yield", 2, "two yields share a line"),
        ("yield; a = yield", 2, "two yields share a line"),
        ("a = yield from f(\n    b); yield", 3, "two yields share a line"),
    ],
)
def test_refused(tmp_path: Path, body: str, line: int, reason: str) -> None:
    with pytest.raises(ModelError) as refused:
        load(tmp_path, body)
    assert str(refused.value).removeprefix(str(tmp_path)).split(":", 1)[1] == f"{line}: in f: {reason}"


def test_a_decorated_generator_is_refused(tmp_path: Path) -> None:
    """Its first line is not the one that the code object reports, and nobody knows what it became."""
    with pytest.raises(ModelError, match="in f: a generator of the model cannot have a decorator"):
        load(tmp_path, "yield", header="@property\ndef f(k):")


@pytest.mark.parametrize(
    "body",
    [
        "yield",
        "yield k",
        "a = yield",
        "a = yield from b",
        "return (yield from b)",
        "for x in a:\n    print(x)\nyield",
        "with a:\n    pass\nyield",
        "a = [x for x in b]\nyield",
        "while True:\n    yield",
        "yield from f(\n    a,\n    b,\n)\nyield",
    ],
)
def test_allowed(tmp_path: Path, body: str) -> None:
    assert load(tmp_path, body).points


def test_functions_without_yield_may_do_anything(tmp_path: Path) -> None:
    path = tmp_path / "helpers.py"
    path.write_text("def f():\n    for x in range(3):\n        del x\n    return lambda: 1\n")
    assert rules.load(str(path)) == {}


def test_the_whole_model_keeps_the_rules() -> None:
    """A search looks only at the functions that it meets; here each of them is."""
    files = [file for package in (linux, promise) for file in Path(package.__path__[0]).rglob("*.py")]
    names = {function.name for file in files for function in rules.load(str(file)).values()}
    assert {"do_swap_page", "try_to_unmap", "swapoff", "ksm_scan_thread", "fork", "discard_lazily"} <= names


def test_a_generator_is_looked_at_alone(tmp_path: Path) -> None:
    path = tmp_path / "model.py"
    path.write_text("def kept(k):\n    yield\n\n\ndef broken(k):\n    for x in k:\n        yield\n")
    assert rules.at(str(path), 1).name == "kept"
    with pytest.raises(ModelError, match="7: in broken: yield inside"):
        rules.at(str(path), 5)
    with pytest.raises(ModelError, match="7: in broken: yield inside"):
        rules.load(str(path))


def test_a_generator_is_found_where_its_code_says(tmp_path: Path) -> None:
    """Decorated or inside a class or a function; and what no `def` made is refused."""
    path = tmp_path / "model.py"
    path.write_text("class C:\n    def f(self):\n        yield\n\n\n@g\n@g\ndef h(k):\n    yield\n")
    assert rules.at(str(path), 2).name == "f"
    with pytest.raises(ModelError, match="in h: a generator of the model cannot have a decorator"):
        rules.at(str(path), 6)
    with pytest.raises(ModelError, match=r"model\.py:3: a generator of the model must be made by def"):
        rules.at(str(path), 3)


def test_a_string_at_the_margin_is_a_part_of_its_function(tmp_path: Path) -> None:
    path = tmp_path / "model.py"
    path.write_text('def f(a, b):\n    c = """\ntext\n"""\n    yield\n    return a + c\n')
    assert rules.at(str(path), 1).live_at(5) == {"a", "c"}


# -- liveness --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        # straight lines
        ("yield\nreturn a", ["a"]),
        ("a = 1\nyield\na = 2\nyield\nreturn a", ["", "a"]),
        ("yield\na = a + 1\nreturn a", ["a"]),
        ("yield\na += 1", ["a"]),
        ("yield\na.x = 1", ["a"]),
        ("yield\na[b] = c", ["a b c"]),
        ("yield\na, (b, *c) = k.f()\nreturn a, b, c", [""]),
        ("yield\na: k = 1\nreturn a", [""]),
        ("yield\na: k\nreturn a", ["a"]),
        ("yield\nassert a, b", ["a b"]),
        ("yield\nraise E(a)\nreturn b", ["a"]),
        ("yield\nf(a)\nyield\nf(b)", ["a b", "b"]),
        # what yields give and take
        ("a = yield\nreturn a", [""]),
        ("yield\na = yield from g(a)\nreturn a", ["a", ""]),
        ("yield\nyield from g(a, b)\nreturn b", ["a b", "b"]),
        ("yield\nreturn (yield from g(a))", ["a", ""]),
        ("yield a\nreturn b", ["b"]),
        # branches
        ("yield\nif c:\n    return a", ["a c"]),
        ("yield\nif k:\n    a = 1\nreturn a", ["a"]),
        ("yield\nif k:\n    a = 1\nelse:\n    a = 2\nreturn a", [""]),
        ("if k:\n    yield\n    return a\nreturn b", ["a"]),
        ("if k:\n    a = 1\n    yield\nelse:\n    b = 1\n    yield\nreturn a", ["a", "a"]),
        ("yield\nif k:\n    return a\nelif b:\n    pass\nelse:\n    return c", ["a b c"]),
        # loops
        ("while a:\n    yield\n    b = 1", ["a"]),
        ("while k:\n    yield\n    f(a)\n    a = 1", ["a"]),
        ("while k:\n    a = 1\n    yield\n    f(a)", ["a"]),
        ("while k:\n    a = 1\n    yield\nreturn b", ["b"]),
        ("while True:\n    yield\nreturn a", [""]),
        ("while True:\n    yield\n    if k:\n        break\nreturn a", ["a"]),
        ("while 1:\n    yield\n    a = b\n    b = c", ["b c"]),
        ("while k:\n    yield\n    if k:\n        continue\n    f(a)\n    a = 1", ["a"]),
        ("while True:\n    yield\n    if k:\n        return a\n    a = 1", ["a"]),
        ("while k:\n while k:\n  yield\n  if k:\n   break\n  b = 1\n f(b)\n b = 2",
         ["b"]),
        ("while k:\n    yield\n    while k:\n        f(a)\n        break\n    a = 1", ["a"]),
        ("while k:\n    f(a)\n    a = b\n    yield\n    b = c\n    yield\n    c = 0", ["a c", "a b"]),
        # what for, with, try and match read is live; what they store stays so; they may leave a loop
        ("yield\nfor x in a:\n    b = x\nreturn b", ["a b x"]),
        ("yield\ntry:\n    a = g()\nexcept E:\n    pass\nreturn a", ["a"]),
        ("while True:\n yield\n try:\n  break\n finally:\n  pass\n a = 1\nreturn a", ["a"]),
        ("while True:\n    yield\n    with k:\n        break\n    a = 1\nreturn a", ["a"]),
        ("while k:\n f(a)\n yield\n match k:\n  case 1:\n   continue\n a = 1", ["a"]),
        ("while True:\n yield\n for x in k:\n  pass\n else:\n  break\n a = 1\nreturn a",
         ["a"]),
    ],
)  # fmt: skip
def test_liveness(tmp_path: Path, body: str, expected: list[str]) -> None:
    assert live(tmp_path, body) == expected


def test_a_line_without_a_yield_is_no_place_to_stand(tmp_path: Path) -> None:
    found = load(tmp_path, "a = 1\nyield\nreturn a")
    assert found.live_at(3) == {"a"}
    with pytest.raises(ModelError, match="f stands at line 2, where it has no yield"):
        found.live_at(2)


def test_a_long_call_may_stand_on_any_of_its_lines(tmp_path: Path) -> None:
    found = load(tmp_path, "yield from g(\n    a,\n    b,\n)\nreturn a")
    assert [found.live_at(line) for line in (2, 3, 4, 5)] == [{"a"}] * 4
