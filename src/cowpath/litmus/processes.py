# SPDX-License-Identifier: MIT
"""Find out to which process each thread belongs, and who forks it."""

from cowpath.litmus import ast
from cowpath.litmus.errors import did_you_mean
from cowpath.litmus.source import Source
from cowpath.litmus.statements import Fork

Processes = tuple[list[int], tuple[int | None, ...], list[int | None]]


def assign_processes(litmus: ast.Litmus, source: Source) -> Processes:
    """Return for each thread its process, for each process its parent, for each thread the one that forks it.

    A thread named in fork() is the first thread of a new process.  Any other belongs to P0's process, or to
    that of the thread that its header names.  Raises LitmusError where this makes no sense.

    >>> thread = ast.ThreadDeclaration
    >>> p0, p1 = thread("P0", (), None, (Fork("P1"),)), thread("P1", (), None, ())
    >>> assign_processes(ast.Litmus("t", "", (), (), (), (p0, p1), None), Source("t", ""))
    ([0, 1], (None, 0), [None, 0])
    """
    index = {thread.name: number for number, thread in enumerate(litmus.threads)}
    forks = _forks(litmus, source, index)
    leads = [_lead(litmus, source, index, forks, number) for number in range(len(litmus.threads))]
    for number in range(len(litmus.threads)):
        _check_started(litmus, source, leads, forks, number)
    processes: dict[int, int] = {0: 0}  # the thread that leads a process -> the process
    for number in forks:
        processes[number] = len(processes)
    first = [_first_thread(leads, number) for number in range(len(leads))]
    parents = [processes[first[forks[lead]]] if lead else None for lead in processes]
    starters = [forks.get(lead) for lead in first]
    return [processes[lead] for lead in first], tuple(parents), starters


def _forks(litmus: ast.Litmus, source: Source, index: dict[str, int]) -> dict[int, int]:
    """Return who forks each forked thread, in the order of the forked ones.  Raises LitmusError."""
    forks: dict[int, int] = {}
    for thread, statement in litmus.statements():
        if not isinstance(statement, Fork):
            continue
        name = statement.thread
        if name not in index:
            hint = did_you_mean(name, index)
            raise source.error(f"unknown thread '{name}'", statement.position, hint, name)
        if index[name] == 0:
            raise source.error("P0 runs from the start: nobody forks it", statement.position, word=name)
        if index[name] in forks:
            raise source.error(f"{name} is forked twice", statement.position, word=name)
        forks[index[name]] = index[thread.name]
    return dict(sorted(forks.items()))


def _lead(
    litmus: ast.Litmus, source: Source, index: dict[str, int], forks: dict[int, int], number: int
) -> int | None:
    """Return the thread whose process thread `number` joins; None where it has a process of its own."""
    thread = litmus.threads[number]
    if thread.of is None:
        return None if number == 0 or number in forks else 0
    if thread.of not in index:
        hint = did_you_mean(thread.of, index)
        raise source.error(f"unknown thread '{thread.of}'", thread.position, hint, thread.of)
    if number == 0:
        raise source.error("P0 has the first process: others join it", thread.position, word="of")
    if number in forks:
        message = f"{thread.name} is forked, so it has a process of its own"
        raise source.error(message, thread.position, f"leave out 'of {thread.of}'", "of")
    return index[thread.of]


def _check_started(
    litmus: ast.Litmus, source: Source, leads: list[int | None], forks: dict[int, int], number: int
) -> None:
    """Check that thread `number` ever starts: going from thread to forking thread must lead to P0."""
    thread = litmus.threads[number]
    seen: list[int] = []
    current = number
    while current != 0:
        if current in seen:
            raise source.error(f"{thread.name} never starts: {_circle(seen, current)}", thread.position)
        seen.append(current)
        lead = leads[current]
        current = forks[current] if lead is None else lead


def _circle(seen: list[int], current: int) -> str:
    names = [f"P{number}" for number in [*seen[seen.index(current) :], current]]
    return " needs ".join(names)


def _first_thread(leads: list[int | None], number: int) -> int:
    while (lead := leads[number]) is not None:
        number = lead
    return number
