# SPDX-License-Identifier: MIT
"""Builds the promise of a test as a model: its threads, and what may happen at any moment."""

from __future__ import annotations

from functools import partial

from cowpath.explore.record.recorder import Actor, Model
from cowpath.litmus.program import SEGV, UNASSIGNED, Program
from cowpath.promise.rules import discard_lazily
from cowpath.promise.state import Promise
from cowpath.promise.task import run_thread


def build(program: Program, strict: bool = False) -> Model:
    """Return the promise of a test as a model to explore; `strict` treats every reference as FOLL_PIN."""
    p = Promise(program, strict)
    return Model(p.layout, actors(p), p.layout.initial(partial(begin, p)), partial(observe, p))


def actors(p: Promise) -> tuple[Actor, ...]:
    """Return the actors: every thread, then MADV_FREE of each page, which may take effect at any moment."""
    threads = tuple(
        Actor(
            thread.name,
            partial(run_thread, p, task),
            optional=thread.forked_by is not None,
            resume=run_thread,
        )
        for thread, task in zip(p.program.threads, p.tasks, strict=True)
    )
    if "lazyfree" not in p.layout.features:
        return threads
    return threads + tuple(
        Actor(f"MADV_FREE of {memory}", partial(discard_lazily, p, memory), background=True)
        for memory in p.memories
    )


def begin(p: Promise) -> None:
    """Set up the first state: process 0 runs and has its pages, no register has a value."""
    p.processes[0].alive = True
    for register in p.registers:
        register.value.fill(p.content(UNASSIGNED))
    for page, memory in zip(p.program.pages, p.memory_of(p.processes[0]), strict=True):
        memory.mapped = memory.read = memory.write = True
        memory.written = p.tells("soft_dirty")
        memory.populated = p.tells("uffd_wp") and page.content is not None
        for place, value in enumerate(page.content or ()):
            memory.data[place] = p.content(value)
        if page.content is not None:
            memory.occupy()


def observe(p: Promise) -> tuple[object, ...]:
    """Return the outcome: every register, then every place of every process; "" where it has no memory."""
    seen: list[object] = [register.value[0] for register in p.registers]
    for process in p.processes:
        alive = process.alive
        for page, memory in zip(p.program.pages, p.memory_of(process), strict=True):
            visible = alive and memory.mapped
            content = [p.content(SEGV)] * page.places if memory.lost else memory.data
            seen += [content[place] if visible else "" for place in range(page.places)]
    return tuple(seen)
