# SPDX-License-Identifier: MIT
"""Random small models, each in two forms: one that cowpath explores and one that the test runs directly.

A program is a list of instructions per actor, each one atomic step.  Both forms know the instructions; only
cowpath's goes through cells, frames, recordings and trees.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import strategies as st

from cowpath.explore.record.cells import Contents, Count, Layout, Record
from cowpath.explore.record.recorder import IDLE, Actor, Code, Constant, Model
from cowpath.explore.record.step import Blocked, Crash

VALUES = ("0", "a", "b")
CELLS, SHEETS, LIMIT = 3, 2, 2
START, DONE = -1, -2


class Number(Record):
    value = Count(LIMIT, "a small number")


class Sheet(Record):
    text = Contents(None, "something opaque")


@dataclass(frozen=True)
class Instruction:
    """`kind` says what; cell, other and value are used as it needs them."""

    kind: str
    cell: int
    other: int
    value: int


@dataclass(frozen=True)
class Rule:
    """An invariant: not both (cell == value and other == wanted); the second is not always looked at.

    It is about numbers, or with `content` about what is on the sheets.
    """

    cell: int
    value: int
    other: int
    wanted: int
    content: bool


@dataclass(frozen=True)
class Program:
    """Instructions per actor, and invariants."""

    code: tuple[tuple[Instruction, ...], ...]
    rules: tuple[Rule, ...]


KINDS = ("set", "add", "copy", "wait", "branch", "choose", "crash", "move", "fill", "look", "idle")

instructions = st.builds(
    Instruction,
    st.sampled_from(KINDS),
    st.integers(0, CELLS - 1),
    st.integers(0, CELLS - 1),
    st.integers(0, LIMIT),
)
programs = st.builds(
    Program,
    st.lists(st.lists(instructions, min_size=1, max_size=4).map(tuple), min_size=1, max_size=3).map(tuple),
    st.lists(
        st.builds(
            Rule, *(st.integers(0, top) for top in (CELLS - 1, LIMIT, CELLS - 1, LIMIT)), st.booleans()
        ),
        max_size=3,
    ).map(tuple),
)


# -- as cowpath explores it ------------------------------------------------------------------------


class Machine(Constant):
    """The records, and the program that runs on them."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.layout = Layout({Number: CELLS, Sheet: SHEETS}, VALUES)
        self.numbers, self.sheets = self.layout.all(Number), self.layout.all(Sheet)

    def do(self, one: Instruction, at: int) -> int:
        """Where to go on."""
        here, there, step = self.numbers[one.cell], self.numbers[one.other], self.layout.step
        left, right = self.sheets[one.cell % SHEETS].text, self.sheets[one.other % SHEETS].text
        match one.kind:
            case "set":
                here.value = one.value
            case "add":
                here.value = (here.value + 1) % (LIMIT + 1)
            case "copy":
                here.value = there.value
            case "wait" if here.value != one.value:
                raise Blocked(str(here))
            case "branch" if here.value == one.value:
                return one.other
            case "choose":
                here.value = step.choose(one.value + 1)
            case "crash" if here.value == one.value:
                raise Crash(f"BUG {one.value}")
            case "move":
                left[0] = right[0]
            case "fill":
                left[0] = self.layout.content(VALUES[one.value])
            case "look" if step.look(left[0]) == step.look(right[0]):
                here.value = one.value
        return at + 1

    def observe(self) -> tuple[object, ...]:
        return (*(number.value for number in self.numbers), *(sheet.text[0] for sheet in self.sheets))

    def judge(self, rule: Rule) -> str | None:
        first, second = (self.value(number, rule.content) for number in (rule.cell, rule.other))
        return "both" if first() == rule.value and second() == rule.wanted else None

    def value(self, number: int, content: bool) -> Callable[[], int]:
        """How to look at a number or a sheet, when it is wanted."""
        if content:
            return lambda: self.layout.step.look(self.sheets[number % SHEETS].text[0])
        return lambda: self.numbers[number].value


def runs(machine: Machine, number: int) -> Code:
    """An actor.  Where it stands is a local, so each instruction is a frame."""
    at = 0
    while at < len(machine.program.code[number]):
        at = machine.do(machine.program.code[number][at], at)
        if at < len(machine.program.code[number]) and machine.program.code[number][at].kind == "idle":
            yield IDLE
        else:
            yield


def model(program: Program) -> Model:
    """The program as cowpath explores it."""
    machine = Machine(program)
    actors = tuple(
        Actor(f"A{number}", Starter(machine, number), optional=number == 2)
        for number in range(len(program.code))
    )
    rules = tuple((f"R{n}", Judge(machine, rule)) for n, rule in enumerate(program.rules))
    return Model(machine.layout, actors, bytes(CELLS + SHEETS), machine.observe, rules)


@dataclass(frozen=True)
class Starter:
    machine: Machine
    number: int

    def __call__(self) -> Code:
        return runs(self.machine, self.number)


@dataclass(frozen=True)
class Judge:
    machine: Machine
    rule: Rule

    def __call__(self) -> str | None:
        return self.machine.judge(self.rule)


# -- as the test runs it ---------------------------------------------------------------------------


@dataclass(frozen=True)
class State:
    """Everything there is."""

    numbers: tuple[int, ...]
    sheets: tuple[int, ...]
    places: tuple[int, ...]
    crash: str = ""

    def put(self, cell: int, value: int) -> "State":
        numbers = tuple(value if index == cell else old for index, old in enumerate(self.numbers))
        return State(numbers, self.sheets, self.places, self.crash)

    def write(self, sheet: int, value: int) -> "State":
        sheets = tuple(value if index == sheet else old for index, old in enumerate(self.sheets))
        return State(self.numbers, sheets, self.places, self.crash)

    def go(self, actor: int, place: int) -> "State":
        places = tuple(place if index == actor else old for index, old in enumerate(self.places))
        return State(self.numbers, self.sheets, places, self.crash)


def effects(one: Instruction, state: State) -> list[tuple[State, int | None]]:
    """The states after one instruction, each with where it jumps (None: on)."""
    left, right = one.cell % SHEETS, one.other % SHEETS
    value = state.numbers[one.cell]
    match one.kind:
        case "set":
            return [(state.put(one.cell, one.value), None)]
        case "add":
            return [(state.put(one.cell, (value + 1) % (LIMIT + 1)), None)]
        case "copy":
            return [(state.put(one.cell, state.numbers[one.other]), None)]
        case "wait":
            return [(state, None)] if value == one.value else []
        case "branch":
            return [(state, one.other if value == one.value else None)]
        case "choose":
            return [(state.put(one.cell, option), None) for option in range(one.value + 1)]
        case "crash" if value == one.value:
            return [(State(state.numbers, state.sheets, state.places, f"BUG {one.value}"), DONE)]
        case "move":
            return [(state.write(left, state.sheets[right]), None)]
        case "fill":
            return [(state.write(left, one.value), None)]
        case "look" if state.sheets[left] == state.sheets[right]:
            return [(state.put(one.cell, one.value), None)]
    return [(state, None)]


def steps(program: Program, state: State) -> list[tuple[int, State]]:
    """(actor, state after) for each step possible."""
    found: list[tuple[int, State]] = []
    for actor, code in enumerate(program.code):
        place = state.places[actor]
        if state.crash or place == DONE:
            continue
        at = 0 if place == START else place
        if at >= len(code):
            found.append((actor, state.go(actor, DONE)))
            continue
        for after, jump in effects(code[at], state):
            found.append((actor, after.go(actor, at + 1 if jump is None else jump)))
    return found


def may_end(program: Program, state: State) -> bool:
    """Whether every actor has finished, idles, or is optional and cannot begin."""
    return all(
        place == DONE
        or (place == START and actor == 2 and all(mover != actor for mover, _ in steps(program, state)))
        or (0 <= place < len(program.code[actor]) and program.code[actor][place].kind == "idle")
        for actor, place in enumerate(state.places)
    )


@dataclass
class Naive:
    """What a search with nothing but a dictionary finds."""

    program: Program
    depth: dict[State, int] = field(default_factory=dict)
    transitions: int = 0

    def __post_init__(self) -> None:
        start = State((0,) * CELLS, (0,) * SHEETS, (START,) * len(self.program.code))
        self.depth[start] = 0
        for state in (queue := [start]):
            for _, after in steps(self.program, state):
                self.transitions += 1
                if after not in self.depth:
                    self.depth[after] = self.depth[state] + 1
                    queue.append(after)

    def outcomes(self) -> dict[tuple[tuple[str, ...], str], int]:
        """What is observed at each end, and how far away the nearest such end is."""
        found: dict[tuple[tuple[str, ...], str], int] = {}
        for state, depth in self.depth.items():
            if state.crash:
                found.setdefault(((), state.crash), depth)
            elif may_end(self.program, state):
                seen = (*map(str, state.numbers), *(VALUES[code] for code in state.sheets))
                found.setdefault((seen, ""), depth)
        return found

    def violations(self) -> dict[str, int]:
        """Each broken rule, and how far away the nearest state that breaks it is."""
        return {
            f"R{number}": min(depths)
            for number, rule in enumerate(self.program.rules)
            if (depths := [depth for state, depth in self.depth.items() if self.breaks(rule, state)])
        }

    @staticmethod
    def breaks(rule: Rule, state: State) -> bool:
        if rule.content:
            sheets = state.sheets
            return sheets[rule.cell % SHEETS] == rule.value and sheets[rule.other % SHEETS] == rule.wanted
        return state.numbers[rule.cell] == rule.value and state.numbers[rule.other] == rule.wanted

    def stuck(self) -> tuple[bool, bool]:
        """Whether some run cannot end any more, and whether some run cannot even move."""
        after = {state: [target for _, target in steps(self.program, state)] for state in self.depth}
        ends = {state for state in self.depth if state.crash or may_end(self.program, state)}
        while grown := {s for s in self.depth if s not in ends and not ends.isdisjoint(after[s])}:
            ends |= grown
        return len(ends) < len(self.depth), any(not after[s] for s in self.depth if s not in ends)
