# SPDX-License-Identifier: MIT
"""Small random models that have everything an engine must get right, and nothing else.

Pages are interchangeable; workers take, fill, copy and free them, choose, wait for a lock, may crash.  They
tell what they take and free, and a ledger may be held against that.
"""

from dataclasses import dataclass, replace
from functools import partial

from hypothesis import strategies as st

from cowpath.explore.monitor import Event, Monitor, Number, Specification
from cowpath.explore.record.cells import Choice, Contents, Count, Flag, Layout, Pointer, Record
from cowpath.explore.record.recorder import IDLE, Actor, Code, Constant, Model
from cowpath.explore.record.step import Blocked, Crash


class Lock(Record):
    """Held or not."""

    held = Flag("somebody holds it")


class Page(Record):
    """A page with content."""

    users = Count(3, "references")
    dirty = Flag("written to")
    data = Contents("places", "what is in it")


class Hand(Record):
    """What one worker holds, and what it has seen."""

    page = Pointer["Page"]("Page", "the page it works on")
    mood = Choice(("calm", "busy", "done"), "how it goes")
    seen = Contents("one", "what it read last")


Programs = tuple[tuple[str, ...], ...]
"""What each worker does, one word a statement."""


@dataclass(frozen=True, repr=False)
class World(Constant):
    """Everything a worker may touch."""

    layout: Layout

    def __repr__(self) -> str:
        return "world"

    @property
    def lock(self) -> Lock:
        """The one lock."""
        return self.layout.all(Lock)[0]

    @property
    def pages(self) -> tuple[Page, ...]:
        """Every page."""
        return self.layout.all(Page)

    @property
    def hands(self) -> tuple[Hand, ...]:
        """One per worker."""
        return self.layout.all(Hand)


def worker(world: World, number: int, program: tuple[str, ...]) -> Code:
    """Run a program, one statement after the other."""
    position = 0
    while position < len(program):
        hand = world.hands[number]
        statement = program[position]
        if statement == "take":
            take(world, hand)
        elif statement == "fill":
            fill(world, hand, number)
        elif statement == "copy":
            yield from copy(world, hand)
        elif statement == "free":
            free(world, hand)
        elif statement == "meet":
            meet(world, hand, number)
        elif statement == "guess":
            hand.mood = ("calm", "busy")[world.layout.step.choose(2)]
        yield
        position += 1
    world.hands[number].mood = "done"


def take(world: World, hand: Hand) -> None:
    """The first free page, unless the hand is full."""
    if hand.page is None:
        for page in world.pages:
            if page.users == 0:
                page.users = 1
                hand.page = page
                world.layout.step.tell("take")
                return
        raise Blocked("a free page")


def fill(world: World, hand: Hand, number: int) -> None:
    """Write to the page at hand."""
    page = hand.page
    if page is not None:
        page.data.fill(world.layout.content("abc"[number]))
        page.dirty = True


def copy(world: World, hand: Hand) -> Code:
    """Read the page at hand under the lock, twice."""
    if world.lock.held:
        raise Blocked("the lock")
    world.lock.held = True
    page = hand.page
    yield
    if page is not None:
        hand.seen[0] = page.data[0]
    yield
    if page is not None and page.dirty:  # held over two steps: a renamed frame leads to a renamed frame
        hand.seen[0] = page.data[1]
    world.lock.held = False


def free(world: World, hand: Hand) -> None:
    """Give up the page at hand; a free page is clean and empty."""
    page = hand.page
    if page is not None:
        world.layout.step.tell("free")
        hand.page = None
        page.users = page.users - 1
        if page.users == 0:
            page.dirty = False
            page.data.fill(page.layout.content("0"))


def meet(world: World, hand: Hand, number: int) -> None:
    """Share the page of the next worker; two busy ones crash."""
    other = world.hands[(number + 1) % len(world.hands)]
    if other is not hand and other.mood == "busy" and hand.mood == "busy":
        raise Crash("two busy workers met")
    page = other.page
    if page is not None and hand.page is None:
        page.users = page.users + 1
        hand.page = page
        world.layout.step.tell("meet")


def cleaner(world: World, page: Page) -> Code:
    """Something that goes on for each page in the background."""
    while True:
        yield IDLE
        if not page.dirty:
            raise Blocked("a dirty page")
        page.dirty = False


def build(programs: Programs, pages: int, limit: int | None = None) -> Model:
    """The model of some workers; with a limit, a ledger is held against it."""
    counts = {Lock: 1, Page: pages, Number: int(limit is not None), Hand: len(programs)}
    layout = Layout(counts, ("0", "a", "b", "c"), {"places": 2, "one": 1})
    world = World(layout)
    actors = [Actor(f"W{n}", partial(worker, world, n, program)) for n, program in enumerate(programs)]
    actors += [
        Actor(f"clean {page}", partial(cleaner, world, page), background=True, of=page)
        for page in world.pages
    ]
    model = Model(
        layout,
        tuple(actors),
        bytes(len(layout.cells)),
        partial(observe, world),
        tuple((f"alone {page}", partial(alone, page)) for page in world.pages),
        (world.pages,),
    )
    if limit is None:
        return model
    (number,) = layout.all(Number)
    monitor = Monitor(Specification(ledger(limit)), number, refusal, lambda event: event != "meet")
    return replace(model, monitor=monitor)


# -- what is held against them ---------------------------------------------------------------------


class Pages(Record):
    """A ledger of pages."""

    taken = Count(3, "taken and not given back")
    lost = Flag("one was lost, and nobody was told")


def ledger(limit: int) -> Model:
    """Never more than so many pages are out; one of them may be lost unseen."""
    layout = Layout({Pages: 1}, ("0",))
    keeper = Actor("keeper", partial(keep, World(layout), limit), background=True)
    return Model(layout, (keeper,), bytes(len(layout.cells)), lambda: ())


def keep(world: World, limit: int) -> Code:
    """Write down what may happen to a page."""
    while True:
        yield IDLE
        (pages,) = world.layout.all(Pages)
        happens = ("take", "free", "lose")[world.layout.step.choose(3)]
        if pages.taken == (limit if happens == "take" else 0) or (happens == "lose" and pages.lost):
            raise Blocked("another page")
        pages.taken = pages.taken + (1 if happens == "take" else -1)
        if happens == "lose":
            pages.lost = True
        else:
            world.layout.step.tell(happens)


def refusal(allowed: set[Event], event: Event) -> str:
    """Tell what the ledger does not have."""
    return f"{event} is not in the ledger"


def observe(world: World) -> tuple[object, ...]:
    """What every worker has seen, and its mood."""
    return tuple(part for hand in world.hands for part in (hand.seen[0], hand.mood))


def alone(page: Page) -> str | None:
    """Broken where a dirty page is shared."""
    return f"{page} is dirty and shared" if page.dirty and page.users > 1 else None


STATEMENTS = ("take", "fill", "copy", "free", "meet", "guess")


def models() -> st.SearchStrategy[tuple[Programs, int]]:
    """Arguments of `build`."""
    program = st.lists(st.sampled_from(STATEMENTS), min_size=1, max_size=5).map(tuple)
    return st.tuples(st.lists(program, min_size=1, max_size=3).map(tuple), st.integers(1, 3))
