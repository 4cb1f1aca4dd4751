# SPDX-License-Identifier: MIT
"""Random generator functions: frames told apart by what is live must behave as if told apart by everything.

The oracle knows nothing of liveness, frames or trees: it runs every interleaving of real generators, from the
start each time, and collects how they end.
"""

import importlib.util
import itertools
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cowpath.explore.record.recorder import Code
from cowpath.explore.record.step import Step
from cowpath.explore.search import explore
from tests.explore.toys import Toy

NAMES = ("a", "b", "c")

_modules = itertools.count()

names = st.sampled_from(NAMES)
cells = st.sampled_from(("k.counters[0].value", "k.counters[1].value"))
terms = st.one_of(names, cells, st.integers(0, 2).map(str))
sums = st.builds("({} + {}) % 3".format, terms, terms)
tests = st.builds("{} < {}".format, terms, terms)

plain = st.one_of(
    st.builds("{} = {}\n".format, names, sums),
    st.builds("{} = {}\n".format, cells, sums),
    st.builds("{} += 1\n{} %= 3\n".format, names, names),
    st.builds("{}, {} = {}, {}\n".format, names, names, terms, terms),
)
stops = st.one_of(
    st.just("yield\n"),
    st.just("yield\n"),
    st.builds("{} = yield from inner(k, {})\n".format, names, names),
    st.builds("yield from inner(\n    k,\n    {},\n)\n".format, names),
)


def indent(parts: list[str]) -> str:
    return textwrap.indent("".join(parts), "    ")


def block(inside: st.SearchStrategy[str], most: int = 3) -> st.SearchStrategy[str]:
    return st.lists(inside, min_size=1, max_size=most).map(indent)


def branches(inside: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds("if {}:\n{}else:\n{}".format, tests, block(inside), block(inside))


def loops(inside: st.SearchStrategy[str], leaving: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """At most two rounds, so that each step ends; the counter is a local like any other."""
    body = st.builds("{}{}{}".format, block(inside, 2), leaving.map(lambda s: indent([s])), block(inside, 2))
    return st.builds("n{0} = 0\nwhile n{0} < 2:\n    n{0} += 1\n{1}".format, st.integers(0, 9).map(str), body)


leaving = st.sampled_from(
    ("pass\n", "if a < 1:\n    break\n", "if b < 1:\n    continue\n", "if c < 1:\n    return a\n")
)
hiding = st.sampled_from(("for c in (a, b):\n    pass\n", "try:\n    a = b\nfinally:\n    c = 1\n",
                          "match a:\n    case 0:\n        b = 1\n    case c:\n        pass\n"))  # fmt: skip
hidden_exits = st.sampled_from(
    (
        "try:\n    if a < 1:\n        break\nfinally:\n    pass\n",
        "match b:\n    case 0:\n        continue\n    case 1:\n        return c\n",
    )
)
simple = st.one_of(plain, stops, plain, stops, hiding)
inner_bodies = block(st.one_of(plain, st.just("yield\n"), hiding), 3)
statements = st.one_of(simple, branches(simple), loops(simple, st.one_of(leaving, hidden_exits)))
bodies = block(statements, 5)


SOURCE = """def inner(k, a):
    b, c = 1, 2
{inner}    yield
    return b


def outer(k):
    a, b, c = 0, 1, 2
{outer}    yield
    k.counters[2].value = (a + b + c) % 3
    yield
"""


def load(text: str, directory: Path) -> Callable[[Toy], Code]:
    """The outer function, from a file, since rules and frames need one."""
    path = directory / f"random{next(_modules)}.py"
    path.write_text(text)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    outer: Callable[[Toy], Code] = module.outer
    return outer


def meddles(toy: Toy) -> Code:
    """The other thread: what it writes, and when, decides which way the random one goes."""
    toy.counters[0].value = 2
    yield
    toy.counters[1].value = toy.counters[0].value
    toy.counters[0].value = 0


def run(toy: Toy, thread: Callable[[Toy], Code], schedule: tuple[int, ...]) -> tuple[list[int], set[int]]:
    """The cells after a schedule, and which threads have not finished."""
    state = bytes(len(toy.layout.cells))
    step: Step = toy.layout.step
    running = dict(enumerate([thread(toy), meddles(toy)]))
    for number in schedule:
        step.begin(state)
        if next(running[number], "end") == "end":
            del running[number]
        after = bytearray(state)
        for cell, code in step.writes.items():
            after[cell] = code
        state = bytes(after)
    return list(state), set(running)


def ends(toy: Toy, thread: Callable[[Toy], Code], limit: int) -> set[tuple[int, ...]] | None:
    """The counters at the end of every interleaving; None if there are too many."""
    found: set[tuple[int, ...]] = set()
    waiting: list[tuple[int, ...]] = [()]
    while waiting:
        limit -= 1
        if limit < 0:
            return None
        schedule = waiting.pop()
        state, running = run(toy, thread, schedule)
        if not running:
            found.add(tuple(state[2:5]))
        waiting += [(*schedule, number) for number in running]
    return found


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=bodies, inner=inner_bodies)
def test_every_interleaving_ends_as_the_search_says(
    tmp_path_factory: pytest.TempPathFactory, body: str, inner: str
) -> None:
    directory = tmp_path_factory.getbasetemp()
    thread = load(SOURCE.format(outer=body, inner=inner), directory)
    toy = Toy()
    expected = ends(toy, thread, 600)
    if expected is None:
        return

    def observe() -> tuple[object, ...]:
        return tuple(counter.value for counter in toy.counters)

    found = explore(toy.model(thread, meddles, observe=observe), verify_every=1)
    assert {tuple(map(int, outcome.observed)) for outcome in found.outcomes} == expected
