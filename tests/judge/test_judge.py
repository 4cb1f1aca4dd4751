# SPDX-License-Identifier: MIT
"""The judgement: what breakage is called, conditions, bounds, and models that grow."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from cowpath.explore.engine import Method
from cowpath.explore.record.recorder import Model
from cowpath.explore.record.step import Exhausted
from cowpath.history.version import version
from cowpath.judge import judge as judge_module
from cowpath.judge.condition import satisfies
from cowpath.judge.judge import TooLargeError, judge
from cowpath.judge.naming import name_all, name_breakage
from cowpath.judge.result import Outcome, Result, Violation
from cowpath.litmus.program import Program
from cowpath.litmus.resolve import load_program, program_from_text

FOUNDING = Path(__file__).parents[2] / "litmus" / "founding"


def founding(name: str, release: str, added: Sequence[str] = (), dropped: Sequence[str] = ()) -> Result:
    kernel = version(release, added=added, dropped=dropped)
    return judge(load_program(FOUNDING / f"{name}.litmus"), kernel)


def program(threads: str, condition: str = "", pages: str = 'char x[1] = "a";') -> Program:
    return program_from_text(f"C t {{ {pages} }} {threads} {condition}")


# -- names -----------------------------------------------------------------------------------------


def test_a_write_that_had_to_wait_for_ever_is_missed() -> None:
    waits = program("P0(char *x) { userfaultfd_wp(x); madvise(x, MADV_PAGEOUT); swapoff(); x[0] = 'b'; }")
    assert judge(waits, version("7.3")).breakage == ()
    kernel = version("7.3", dropped=["swapoff-keeps-tracking"])
    assert judge(waits, kernel).breakage == ("missed write",)


@pytest.mark.parametrize(
    ("test", "release", "breakage"),
    [
        ("get-write-read-refault", "5.18", ("lost write",)),
        ("get-write-read-refault", "6.1", ()),
        ("get-read-leak", "5.7", ("leak",)),
        ("get-read-leak", "6.1", ()),
        ("pin-read-after-fork", "5.18", ("stale data",)),
    ],
)
def test_what_breaks_is_called_by_its_kind(test: str, release: str, breakage: tuple[str, ...]) -> None:
    result = founding(test, release)
    assert result.breakage == breakage
    assert result.verdict == ("broken" if breakage else "kept")


def test_a_hang_is_a_breakage() -> None:
    result = founding("swapoff-finishes", "6.1", dropped=["H2"])
    assert result.breakage[0] == "hang"
    assert [outcome.hang.split(":")[0] for outcome in result.outcomes] == ["endless loop"]


def test_a_hang_of_the_test_itself_is_none() -> None:
    result = judge(program("P0(char *x) { wait(P1); } P1(char *x) { wait(P0); }"), version("6.1"))
    assert (result.verdict, result.breakage) == ("kept", ())
    assert result.outcomes[0].hang.startswith("deadlock: P0 in ")


def test_a_broken_invariant_is_a_breakage() -> None:
    result = founding("stable-writes", "6.1", added=["as-posted"])
    assert result.verdict == "broken"
    assert [violation.name for violation in result.violations] == ["I8"]
    assert result.breakage == ("I8 stable writes",)


RACE = program("P0(char *x) { r0 = x[0]; fork(P1); x[0] = 'p'; } P1(char *x) { x[0] = 'c'; }")
"""Observed: 0:r0, 0:x[0], 1:x[0]."""

DEVICE = program("P0(char *x) { g = get_user_page(x); x[0] = 'p'; r0 = device_read(g, 0); r1 = x[0]; }")


@pytest.mark.parametrize(
    ("test", "seen", "allowed", "name"),
    [
        (RACE, ("a", "a", "c"), [("a", "p", "c")], "lost write"),
        (RACE, ("c", "p", "c"), [("a", "p", "c")], "leak"),
        (RACE, ("a", "c", "c"), [("a", "p", "c")], "leak"),
        (RACE, ("a", "p", "p"), [("a", "p", "c")], "leak"),
        (RACE, ("p", "p", "c"), [("a", "p", "c")], "lost write"),  # its own value, too early
        (RACE, ("c", "a", "c"), [("a", "p", "c")], "leak"),  # the worse of two
        (RACE, ("c", "p", "c"), [("a", "p", "c"), ("c", "a", "a")], "lost write"),  # seen elsewhere: no leak
        (DEVICE, ("a", "p", "p"), [("p", "p", "p")], "stale data"),
        (DEVICE, ("p", "a", "p"), [("p", "p", "p")], "lost write"),
    ],
)
def test_an_outcome_is_named_by_the_nearest_that_is_promised(
    test: Program, seen: tuple[str, ...], allowed: list[tuple[str, ...]], name: str
) -> None:
    assert name_breakage(test, seen, allowed) == name


def test_worst_first() -> None:
    outcomes = [Outcome({}, {}, breakage=kind) for kind in ("stale data", "", "leak", "crash", "leak")]
    violations = [Violation(name, "x", "", 0) for name in ("I8", "I2")]
    assert name_all(outcomes, violations) == ("crash", "leak", "stale data", "I2 x", "I8 x")


# -- outcomes --------------------------------------------------------------------------------------


def test_what_is_not_there_is_left_out() -> None:
    result = judge(
        program("P0(char *x) { fork(P1); munmap(x); } P1(char *x) { munmap(x); r0 = x[0]; r1 = x[0]; }"),
        version("6.1"),
    )
    assert [(dict(o.registers), dict(o.memory)) for o in result.outcomes] == [({"1:r0": "SEGV"}, {})]


def test_threads_of_one_process_share_their_memory() -> None:
    result = judge(
        program("P0(char *x) { fork(P1); } P1(char *x) { } P2(char *x) of P1 { x[0] = 'b'; }"), version("6.1")
    )
    assert [dict(o.memory) for o in result.outcomes] == [{"0:x[0]": "a", "1:x[0]": "b"}]


def test_an_outcome_reads_as_herd_prints_it() -> None:
    assert Outcome({"0:r0": "a"}, {"0:x[0]": "b"}, copies=1).text() == "0:r0=a; 0:x[0]=b; copies=1;"
    assert Outcome({}, {}, crash="BUG").text() == "crash: BUG;"
    assert Outcome({}, {}, hang="deadlock").text() == "hang: deadlock;"


# -- conditions ------------------------------------------------------------------------------------

TWO = "P0(char *x) { r0 = x[0]; } P1(char *x) { x[0] = 'b'; }"


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("exists (0:r0='a')", True),
        ("exists (0:r0='c')", False),
        ("~exists (0:r0='c')", True),
        ("~exists (0:r0='b')", False),
        ("forall (0:x[0]='b')", True),
        ("forall (1:x[0]='b')", True),  # the same process
        ("forall (0:r0='a')", False),
        ("forall (0:r0='a' \\/ 0:r0='b')", True),
        ("exists (0:r0='a' /\\ 0:r0='b')", False),
        ("exists (~0:r0='a' /\\ 0:x[0]='b')", True),
        ("forall (crash=0 /\\ hang=0)", True),
        ("exists (crash \\/ hang)", False),
        ("", None),
    ],
)
def test_conditions(condition: str, holds: bool | None) -> None:
    assert judge(program(TWO, condition), version("6.1")).condition is holds


def test_copies_are_counted_where_somebody_asks() -> None:
    threads = "P0(char *x) { fork(P1); x[0] = 'b'; wait(P1); } P1(char *x) { }"
    asked = judge(program(threads, "forall (copies=1)"), version("6.1"))
    assert asked.condition is True
    assert {outcome.copies for outcome in asked.outcomes} == {1}
    assert judge(program(threads, "exists (copies=0)"), version("6.1")).condition is False
    silent = judge(program(threads), version("6.1"))
    assert {outcome.copies for outcome in silent.outcomes} == {None}


def test_a_crash_satisfies_crash_and_nothing_about_values() -> None:
    test = program(TWO, "exists (crash)")
    assert test.condition is not None
    crashed, calm = Outcome({}, {}, crash="BUG"), Outcome({"0:r0": "a"}, {"0:x[0]": "b"})
    assert satisfies(crashed, test.condition.expression, test)
    assert not satisfies(calm, test.condition.expression, test)
    value = program(TWO, "exists (0:r0='a')").condition
    assert value is not None
    assert not satisfies(crashed, value.expression, test)


# -- bounds ----------------------------------------------------------------------------------------


def test_a_bound_claims_nothing() -> None:
    test = load_program(FOUNDING / "get-write-read-refault.litmus")
    full = judge(test, version("5.18"))
    states = len(full.exploration.states)
    short = judge(test, version("5.18"), Method(max_states=states - 1))
    assert (short.verdict, short.condition) == ("unfinished", None)
    assert not short.exploration.finished
    assert judge(test, version("5.18"), Method(max_states=states)).verdict == "broken"


def test_a_model_grows_with_its_test() -> None:
    """Each reference keeps a page that the process gave up: more pages than the model starts with."""
    again = "x[0] = 'a'; g{0} = get_user_page(x); madvise(x, MADV_DONTNEED);"
    test = program(f"P0(char *x) {{ {' '.join(again.format(n) for n in range(5))} }}", pages="char x[1];")
    result = judge(test, version("6.1"))
    assert result.verdict == "kept"
    assert len(result.exploration.model.layout.by_name("Folio")) > 3 + 1


def test_growth_ends_somewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def explore(model: Model, *_: object) -> None:
        asked.append(len(model.layout.by_name("Folio")))
        raise Exhausted("Folio")

    monkeypatch.setattr(judge_module, "explore", explore)
    with pytest.raises(TooLargeError, match=r"this test needs more than the model has: .* kind Folio"):
        judge(program(TWO), version("6.1"))
    assert asked == list(range(asked[0], asked[0] + judge_module.LARGEST_MODEL + 1, 2))


def test_a_recorded_result_is_verified_where_asked() -> None:
    test = load_program(FOUNDING / "stable-writes.litmus")
    assert judge(test, version("6.1"), Method(verify_every=1)).verdict == "kept"


@pytest.mark.parametrize(("value", "holds"), [("'-'", True), ("'a'", False)])
def test_a_condition_can_ask_for_a_register_that_was_never_assigned(value: str, holds: bool) -> None:
    body = "munmap(x); x[0] = 'b'; r0 = x[0];"
    text = f"C t {{ char x[1]; }} P0(char *x) {{ {body} }} exists (0:r0={value})"
    assert judge(program_from_text(text), version("6.1")).condition is holds
