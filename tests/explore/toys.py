# SPDX-License-Identifier: MIT
"""Small models with known answers.  Their generators stand at module level, as those of the kernel do."""

from collections.abc import Callable, Sequence
from functools import partial

from cowpath.explore.record.cells import Choice, Contents, Count, Flag, Layout, Pointer, Record
from cowpath.explore.record.recorder import IDLE, Actor, Code, Constant, Model
from cowpath.explore.record.step import Blocked, Crash


class Lock(Record):
    held = Flag("taken")


class Counter(Record):
    value = Count(7, "how much")


class Box(Record):
    items = Contents("places", "what is inside")


class Worker(Record):
    mood = Choice(("calm", "busy"), "how it feels", quiet=True)
    lock = Pointer[Lock]("Lock", "what it holds")


class Toy(Constant):
    """Three counters, two locks, two boxes of two places, a worker."""

    def __init__(self, values: Sequence[str] = ("0", "a", "b")) -> None:
        counts = {Lock: 2, Counter: 3, Box: 2, Worker: 1}
        self.layout = Layout(counts, values, {"places": 2}, {("Worker", 0): "Ann"})
        self.locks, self.counters = self.layout.all(Lock), self.layout.all(Counter)
        self.boxes, self.worker = self.layout.all(Box), self.layout.all(Worker)[0]

    def model(
        self,
        *actors: Actor | Callable[..., Code],
        observe: Callable[[], tuple[object, ...]] | None = None,
        fill: Callable[[], None] = lambda: None,
        invariants: Sequence[tuple[str, Callable[[], str | None]]] = (),
    ) -> Model:
        """These actors; a bare generator function is called with the toy.  Observes counter 0."""
        named = tuple(
            actor if isinstance(actor, Actor) else Actor("ABCD"[index], partial(actor, self))
            for index, actor in enumerate(actors)
        )
        return Model(
            self.layout,
            named,
            self.layout.initial(fill),
            observe or (lambda: (self.counters[0].value,)),
            tuple(invariants),
        )


def take(lock: Lock) -> None:
    if lock.held:
        raise Blocked(str(lock))
    lock.held = True


# -- threads ---------------------------------------------------------------------------------------


def adds(toy: Toy) -> Code:
    """Read, then write one more: two of these may lose one."""
    value = toy.counters[0].value
    yield
    toy.counters[0].value = value + 1


def adds_locked(toy: Toy) -> Code:
    take(toy.locks[0])
    value = toy.counters[0].value
    yield
    toy.counters[0].value = value + 1
    toy.locks[0].held = False


def dines(toy: Toy, first: int, second: int) -> Code:
    """A philosopher: one fork, the other fork, both down."""
    take(toy.locks[first])
    yield
    take(toy.locks[second])
    yield
    toy.locks[first].held = toy.locks[second].held = False


def spins(toy: Toy) -> Code:
    while not toy.locks[0].held:
        yield


def opens(toy: Toy) -> Code:
    toy.locks[0].held = True
    yield


def chooses(toy: Toy) -> Code:
    toy.counters[0].value = toy.layout.step.choose(3)
    yield
    toy.counters[0].value = toy.counters[0].value * 2 % 8 + toy.layout.step.choose(2)


def swaps(toy: Toy) -> Code:
    """Exchange two contents in one step."""
    left, right = toy.boxes[0].items, toy.boxes[1].items
    kept = left[0]
    left[0] = right[0]
    right[0] = kept
    return
    yield


def compares(toy: Toy) -> Code:
    """Branch on content, the allowed way."""
    step = toy.layout.step
    if step.look(toy.boxes[0].items[0]) == step.look(toy.boxes[1].items[0]):
        toy.counters[0].value = 1
    return
    yield


def waits_for_door(toy: Toy) -> Code:
    if not toy.locks[0].held:
        raise Blocked("the door")
    toy.counters[0].value = 1
    yield


def sets_behind_the_door(toy: Toy) -> Code:
    if toy.locks[0].held:
        raise Blocked("the door")
    toy.counters[0].value = 1
    yield


def crashes(toy: Toy) -> Code:
    yield
    if toy.locks[0].held:
        raise Crash("BUG: the door is open")
    toy.counters[0].value = 1


def background(toy: Toy) -> Code:
    """As often as it likes, up to three."""
    while True:
        yield IDLE
        if toy.counters[0].value == 3:
            raise Blocked("less than three")
        toy.counters[0].value = toy.counters[0].value + 1


# -- threads that break a rule ---------------------------------------------------------------------


def holds_content(toy: Toy) -> Code:
    kept = toy.boxes[0].items[0]
    yield
    toy.boxes[1].items[0] = kept


def holds_content_in_tuple(toy: Toy) -> Code:
    kept = (1, toy.boxes[0].items[0])
    yield
    toy.boxes[1].items[0] = kept[1]


def holds_list(toy: Toy) -> Code:
    seen = [1]
    yield
    toy.counters[0].value = len(seen)


def holds_dead_list(toy: Toy) -> Code:
    seen = [1]
    toy.counters[0].value = len(seen)
    yield
    toy.counters[0].value = 2


def holds_dead_number(toy: Toy) -> Code:
    """What was chosen means nothing any more."""
    chosen = toy.layout.step.choose(2)
    toy.counters[0].value = 3 if chosen in (0, 1) else 0
    yield


def holds_generator(toy: Toy) -> Code:
    inner = adds(toy)
    yield
    yield from inner


def walks_an_iterator(toy: Toy) -> Code:
    yield from [None, None]
    toy.counters[0].value = 1


def hides_an_iterator(toy: Toy) -> Code:
    for counter in toy.counters:
        yield
        counter.value = 1


def walks_an_expression(toy: Toy) -> Code:
    yield from (None for _ in toy.counters)


def compares_content(toy: Toy) -> Code:
    if toy.boxes[0].items[0] == toy.boxes[1].items[0]:
        toy.counters[0].value = 1
    return
    yield


def counts_too_far(toy: Toy) -> Code:
    toy.counters[1].value = 8
    return
    yield


def is_not_idle_first(toy: Toy) -> Code:
    yield
    toy.counters[0].value = 1


def reads_before_idle(toy: Toy) -> Code:
    toy.counters[1].value = toy.counters[0].value
    yield IDLE


def same_place(toy: Toy) -> Code:
    """Two branches meet at one place: one frame, whatever was read on the way."""
    number = toy.layout.step.choose(2)
    number = 3
    yield
    toy.counters[0].value = number


RUNS = [0]
"""How often `forgetful` ran: hidden state that no model may have."""


def forgetful(toy: Toy) -> Code:
    """Not a function of what it reads: every second run behaves differently."""
    RUNS[0] += 1
    toy.counters[0].value = 1 + RUNS[0] % 2
    return
    yield


def reads_elsewhere(toy: Toy) -> Code:
    """Its first read depends on something that is not a cell."""
    RUNS[0] += 1
    if toy.counters[1 + RUNS[0] % 2].value < 7:
        toy.counters[0].value = 1
    return
    yield
