# SPDX-License-Identifier: MIT
"""The mechanism as something to explore: a kernel, a test, and the threads and daemons that act in it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import cast

from cowpath.errors import CowpathError
from cowpath.explore.record.cells import Layout, Record
from cowpath.explore.record.recorder import IDLE, Actor, Code, Model
from cowpath.explore.record.step import Blocked, Content
from cowpath.history import swap_bits
from cowpath.history.asked import Asked
from cowpath.history.changes import ANON_EXCLUSIVE, SCAN_ASKS_PRESENT, SYNC_WRITE_UNLOCKS
from cowpath.history.version import Version
from cowpath.litmus.ast import ZERO
from cowpath.litmus.events import may_stay
from cowpath.litmus.features import features
from cowpath.litmus.initial import BACKGROUND
from cowpath.litmus.program import DISCARDED, LARGE_PAGES, SEGV, UNASSIGNED, Program, Thread
from cowpath.litmus.statements import Swapoff

from . import invariants
from .client import run_client
from .include.pgtable import PteValue, mk_pte, pte_mkwrite, ptep_get, set_pte
from .mm.ksm import ksm_scan_thread
from .mm.migrate import kcompactd
from .mm.page_io import submit_bio
from .mm.rmap import folio_add_return_large_mapcount
from .mm.swap import lru_add, lru_lazyfree
from .mm.swap_state import swap_vma_readahead
from .mm.vmscan import kswapd
from .mm.zswap import shrink_worker, zswap_enabled_param_set
from .state import SWAP_KINDS, Folio, Kernel, Mm, Pte, Task
from .task import run_thread


def build(
    version: Version | Asked,
    program: Program,
    more_folios: int = 0,
    more_slots: int = 0,
    count_copies: bool = False,
    watched: bool = False,
    overlap: int = 0,
) -> tuple[Kernel, Model]:
    """Make the model of a test on a kernel, and return the kernel with it.

    The numbers of folios and slots bound it; they suffice for most tests, and a run that needs more raises
    Exhausted.  A `watched` kernel reports what user space sees of it, and waits instead (see `Kernel`).
    """
    asked = Asked.of(version)
    check_modelled(asked, program)
    ptes = len(program.parents) * len(program.pages)
    k = Kernel(asked, program, ptes + 2 + more_folios, ptes + more_slots, count_copies, watched, overlap)
    model = Model(
        layout=k.layout,
        actors=tuple(actors(k)),
        initial=k.layout.initial(partial(boot, k)),
        observe=partial(observe, k),
        invariants=invariants.applying_to(k),
        interchangeable=interchangeable(k),
    )
    return k, model


def interchangeable(k: Kernel) -> tuple[tuple[Record, ...], ...]:
    """Return the groups of records that can be exchanged for one another: folios, and slots of a device.

    A free folio or slot may be any.  Slots are no group if swapoff or zswap visits them in order, where a
    large folio takes several that lie side by side, nor if a rule looks at their number: PAGEMAP_SCAN does
    until 2c7ad9a590d1 (v6.9).
    """
    statements = [statement for thread in k.program.threads for statement in thread.statements]
    swapoff = any(isinstance(statement, Swapoff) for statement in statements)
    numbered = "wp_async" in k.layout.features and not k.has(SCAN_ASKS_PRESENT)
    if swapoff or numbered or k.zswap_entries or k.large_folios:
        return (k.folios,)
    by_device = (tuple(slot for slot in k.slots if slot.device is device) for device in k.devices)
    return (k.folios, *by_device)


DAEMONS: Mapping[str, Callable[[Kernel, tuple[int, ...]], Code]] = {
    "kswapd": lambda k, pages: kswapd(k, pages[0]),
    "ksmd": lambda k, pages: ksm_scan_thread(k, len(k.tasks), pages),
    "migrated": lambda k, pages: kcompactd(k, len(k.tasks), pages[0]),
    "readahead": lambda k, pages: swap_vma_readahead(k, len(k.tasks), pages[0]),
}
"""The code of each background actor; a daemon has a CPU of its own, beside those of the threads."""

SHRINKER = "zswap shrinker"
"""A background actor that comes with zswap: no test names it."""

MODELLED: dict[str, Collection[str]] = {
    "swap device": SWAP_KINDS,
    "option": ("debug_vm", "exclusive_loads", "failures", "tlb", "weak_barriers"),
    "background actor": DAEMONS,
}
"""The words of the initial block that are modelled; for statements see task.py."""


NOT_ON_LARGE_FOLIOS = (
    "failures",
    "ksm",
    "migration",
    "move",
    "numa",
    "tlb",
    "wp_async",
    "zswap",
)
"""Features whose rules for large folios are not modelled yet."""


def check_large_folios(program: Program) -> None:
    """Refuse a test that needs what is not modelled for large folios.  Raises CowpathError."""
    if not program.blocks:
        return
    for feature in sorted(features(program) & set(NOT_ON_LARGE_FOLIOS)):
        raise CowpathError(f"large folios together with {feature} are not modelled yet")


def check_modelled(asked: Asked, program: Program) -> None:
    """Refuse a test with devices, options or daemons that are not modelled.  Raises CowpathError."""
    check_large_folios(program)
    if "uffd_wp" in features(program) and not asked.ask(swap_bits.has_uffd_wp):
        kernel = f"{asked.release} {asked.architecture}"
        raise CowpathError(f"{kernel} has no UFFDIO_WRITEPROTECT (x86_64 has, arm64 since v6.10, riscv)")
    used = {
        "swap device": program.swap,
        "option": tuple(sorted(program.options)),
        "background actor": tuple(background.kind for background in program.background),
    }
    for kind, names in used.items():
        for name in names:
            if name not in MODELLED[kind]:
                known = ", ".join(MODELLED[kind])
                raise CowpathError(f"the {kind} {name!r} is not modelled yet; known: {known}")


def actors(k: Kernel) -> list[Actor]:
    """Return the actors: every thread, then the daemons, devices and batches, which may act at any moment.

    Writeback to a synchronous device is finished before anybody can meet it before 3222d8c2a7f8 (v6.3).
    """
    found = [
        client(k, thread, task) if k.watched else script(k, thread, task)
        for thread, task in zip(k.program.threads, k.tasks, strict=True)
    ]
    for background in k.program.background:
        name = f"{background.kind}({', '.join(k.program.pages[page].name for page in background.pages)})"
        found.append(Actor(name, partial(daemon, k, background.kind, background.pages), background=True))
    if k.zswap_entries:
        found.append(Actor(SHRINKER, partial(daemon, k, SHRINKER, ()), background=True))
    for folio in (*k.folios, *k.large_folios):
        if any(not k.synchronous(device) or k.has(SYNC_WRITE_UNLOCKS) for device in k.devices):
            device = partial(submit_bio, k, folio)
            found.append(Actor(f"swap I/O of {folio}", device, background=True, of=folio))
        if folio.is_large:
            continue  # it drains the batch that it enters
        batch = partial(batch_is_full, k, folio)
        found.append(Actor(f"LRU batch of {folio}", batch, background=True, of=folio))
    return found


def script(k: Kernel, thread: Thread, task: Task) -> Actor:
    """Return the actor of a thread that runs its statements in order, and ends."""
    start = partial(run_thread, k, task)
    return Actor(thread.name, start, optional=thread.forked_by is not None, resume=run_thread)


def client(k: Kernel, thread: Thread, task: Task) -> Actor:
    """Return the actor of a thread that reports what it does."""
    return Actor(thread.name, partial(run_client, k, task), background=may_stay(thread, 0))


def daemon(k: Kernel, kind: str, pages: tuple[int, ...]) -> Code:
    """Return the code of a background actor; in a watched kernel it never ends."""
    return again(k, kind, pages) if k.watched and kind != "kswapd" else daemon_once(k, kind, pages)


def again(k: Kernel, kind: str, pages: tuple[int, ...]) -> Code:
    """Repeat the code of a background actor for ever."""
    while True:
        yield from daemon_once(k, kind, pages)


def daemon_once(k: Kernel, kind: str, pages: tuple[int, ...]) -> Code:
    """Return the code of a background actor as the kernel has it."""
    return shrink_worker(k) if kind == SHRINKER else DAEMONS[kind](k, pages)


def batch_is_full(k: Kernel, folio: Folio) -> Code:
    """Drain a folio out of its batch, at any moment and on whatever CPU it is."""
    while True:
        yield IDLE
        if folio.batch:
            lru_add(k, folio)
        elif folio.lazyfree_batch:
            lru_lazyfree(k, folio)
        else:
            raise Blocked("a batch with the folio in it")


def boot(k: Kernel) -> None:
    """Set the initial state: process 0 has its populated pages, exclusive, dirty and on the LRU lists."""
    for device in k.devices:
        device.write_ok = True
    for slot in k.slots:
        slot.data.fill(k.content(DISCARDED))
    for register in k.registers:
        register.value.fill(k.content(UNASSIGNED))
    for thread, task in zip(k.program.threads, k.tasks, strict=True):
        task.done = k.watched and may_stay(thread, 0)
    k.zero_page.uptodate = True
    zswap_enabled_param_set(k, True)
    k.mms[0].alive = True
    for page in k.program.pages:
        populate(k, k.mms[0], page.index, page.content)


def populate(k: Kernel, mm: Mm, page: int, content: tuple[str, ...] | None) -> None:
    """Map one page, and give it its content if it has any; it is exclusive since 6c287605fd56 (v5.19)."""
    pte = k.pte(mm, page)
    pte.vma.mapped = pte.vma.read = pte.vma.write = True
    pte.vma.soft_dirty = k.soft_dirty
    pte.vma.mergeable = any(
        BACKGROUND[actor.kind].merges and page in actor.pages for actor in k.program.background
    )
    pte.vma.untouched = content is None and k.forks_untouched
    if content is None:
        return
    folio, subpage = folio_of(k, page)
    mapped = folio.page(subpage)
    content = content or k.program.pages[k.program.named(page)].content or ()  # a silent page has some, too
    for place in range(mapped.data.length):
        mapped.data[place] = k.content(content[place] if place < len(content) else ZERO)
    folio.refcount = folio.refcount + 1
    folio_add_return_large_mapcount(k, folio, mapped, mm)
    folio.uptodate = folio.lru = True
    mapped.anon_exclusive = k.has(ANON_EXCLUSIVE)
    folio.index = page + 1 - subpage
    set_pte(pte, pte_mkwrite(k, mk_pte(folio, subpage)))


def folio_of(k: Kernel, page: int) -> tuple[Folio, int]:
    """Return the folio that a page is populated with, and the number of the page in it."""
    for block, folio in zip(k.program.blocks, k.large_folios, strict=False):
        if block.first <= page < block.first + LARGE_PAGES:
            return folio, page - block.first
    return k.folios[page], 0


def observe(k: Kernel) -> tuple[object, ...]:
    """Return what can be seen at the end: registers, then memory as each living process would read it."""
    seen: list[object] = [register.value[0] for register in k.registers]
    for mm in k.mms:
        alive = mm.alive
        for page in k.program.pages:
            for place in range(page.places):
                seen.append(peek(k, k.pte(mm, page.index), place) if alive else "")
    if k.count_copies:
        seen.append(k.statistics[0].copies)
    return tuple(seen)


def peek(k: Kernel, pte: Pte, place: int) -> Content | str:
    """Return what a load would find in a page, the swap cache or a slot; "" where nothing is mapped."""
    if not pte.vma.mapped:
        return ""
    kind = pte.kind
    if kind == "none" or (ptep_get(pte).marker and not pte.poisoned):
        return k.content(ZERO)
    if pte.poisoned:
        return k.content(SEGV)
    folio, slot = pte.folio or pte.migrating, pte.slot
    subpage = pte.subpage
    if slot is not None:
        folio = slot.folio
        if folio is None or not folio.uptodate:
            return slot.content[place]
        subpage = folio.subpage_of(slot)
    assert folio is not None
    return folio.page(subpage).data[place]


# -- page-table entries as bits --------------------------------------------------------------------


def raw_text(version: Version, value: PteValue) -> str:
    """Return the bits of an entry in hexadecimal, in full width, or its kind if its bits are not modelled."""
    from cowpath.arch.swp_pte import hex_text

    layout = swap_bits.swap_layout(version)
    bits = value.bits(layout)
    return value.kind if bits is None else hex_text(layout, bits)


def raw_ptes(layout: Layout, state: bytes, version: Version) -> dict[str, str]:
    """Return the bits, in hexadecimal, of each entry of a state that is empty or a swap pte, by its name.

    The others are left out: they hold a page frame number, which the model has no use for.  Raises
    LayoutError for an architecture whose swap ptes are not known.
    """
    layout.step.begin(state)
    values = {repr(pte): ptep_get(cast(Pte, pte)) for pte in layout.by_name("Pte")}
    return {
        name: raw_text(version, value) for name, value in values.items() if value.kind in ("none", "swap")
    }
