# SPDX-License-Identifier: MIT
"""Trace refinement on models whose answers are known by hand."""

from dataclasses import replace
from functools import partial

from cowpath.explore.found import Exploration
from cowpath.explore.monitor import START, Event, Monitor, Number, Specification
from cowpath.explore.record.cells import Count, Layout, Record
from cowpath.explore.record.recorder import IDLE, Actor, Code, Constant, Model
from cowpath.explore.search import explore


class Counter(Record):
    value = Count(7, "how much")


class Machine(Constant):
    """A counter, and the monitor's cells."""

    def __init__(self) -> None:
        self.layout = Layout({Counter: 1, Number: 1}, ("0",))
        (self.counter,), (self.number,) = self.layout.all(Counter), self.layout.all(Number)

    def model(self, start: "partial[Code]") -> Model:
        """One actor for ever."""
        actor = Actor("A", start, background=True)
        return Model(self.layout, (actor,), self.layout.initial(lambda: None), lambda: ())


def counts(m: Machine, limit: int) -> Code:
    """Tell 0, 1, ... limit - 1, and so again."""
    while True:
        yield IDLE
        m.layout.step.tell(m.counter.value)
        m.counter.value = (m.counter.value + 1) % limit


def counts_in_two_steps(m: Machine, limit: int) -> Code:
    """The same; one step tells, another counts."""
    while True:
        yield IDLE
        m.layout.step.tell(m.counter.value)
        yield
        m.counter.value = (m.counter.value + 1) % limit


def tells_anything(m: Machine, limit: int) -> Code:
    """Any number below the limit, each time."""
    while True:
        yield IDLE
        m.layout.step.tell(m.layout.step.choose(limit))


def refusal(allowed: set[Event], event: Event) -> str:
    return f"{event}, not {sorted(map(str, allowed))}"


def held_against(mechanism: "partial[Code]", specification: "partial[Code]", mine: Machine) -> Exploration:
    theirs = specification.args[0]
    spec = Specification(theirs.model(specification))
    model = mine.model(mechanism)
    return explore(replace(model, monitor=Monitor(spec, mine.number, refusal)))


def test_who_tells_the_same_in_other_steps_refines() -> None:
    one, other = Machine(), Machine()
    for mechanism, specification in ((counts, counts_in_two_steps), (counts_in_two_steps, counts)):
        found = held_against(partial(mechanism, one, 3), partial(specification, other, 3), one)
        assert found.finished
        assert not any(outcome.crash for outcome in found.outcomes)


def test_who_does_less_refines_who_may_do_more() -> None:
    one, other = Machine(), Machine()
    found = held_against(partial(counts, one, 3), partial(tells_anything, other, 3), one)
    assert not any(outcome.crash for outcome in found.outcomes)


def test_what_is_not_allowed_ends_the_run_and_is_worded() -> None:
    one, other = Machine(), Machine()
    found = held_against(partial(counts, one, 3), partial(counts, other, 2), one)
    assert {outcome.crash for outcome in found.outcomes} == {"", "2, not ['0']"}
    assert found.outcomes[max(found.outcomes, key=lambda outcome: outcome.crash)] == 3  # 0, 1, then 2


def test_a_number_stands_for_the_same_set_whatever_way_led_to_it() -> None:
    machine = Machine()
    spec = Specification(machine.model(partial(counts, machine, 2)))
    once = spec.next(START, 0)
    assert once is not None
    assert spec.next(once, 1) == START
    assert spec.next(once, 0) is None
    assert spec.allowed(once) == {1}
