# SPDX-License-Identifier: MIT
"""A litmus test as a C program: a POSIX thread on a processor of its own for each thread of the test.

Python would do: but its own memory takes faults at the same places, and after fork all of it does.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cowpath import children
from cowpath.litmus import statements
from cowpath.litmus.program import Program
from cowpath.machine.errors import MachineError
from cowpath.machine.replay.helpers import CannotReplayError, Helper, has_zswap
from cowpath.machine.replay.writers import byte, is_pin, observed_names, place, value_number, write

FILLED = 64
"""So many pages of a small swap device are taken before the test begins."""

COMPRESSIBLE = 2000
"""So many bytes of a page are random and the others zero, where a page is to be compressed."""

HALF_WAY = 0x80
"""Marks the middle of a statement that is two calls."""

MOST_THREADS, MOST_VALUES, MOST_REFERENCES = 32, 256, 16
"""What runtime.h has room for."""

FIRST_PAGE = 0x10000000
"""AT(0) of runtime.h."""

RUNTIME = Path(__file__).with_name("runtime.h")


def source(program: Program, helpers: Sequence[Helper], small: bool) -> str:
    """Return a test as C, which takes the swap device and, where nobody drives it, how many rounds to run.

    `small`: most of its swap device is filled first.  Raises CannotReplayError.

    >>> from cowpath.litmus.resolve import program_from_text
    >>> test = program_from_text("C t { char x[1]; } P0(char *x) { r0 = x[0]; }")
    >>> "MARK(0, 0);" in source(test, [], small=False)
    True
    """
    _check(program, helpers)
    parts = ['#include "runtime.h"', ""]
    parts += [f"static void process_{number}(void);" for number in range(1, len(program.parents))]
    parts += [_thread(program, number) for number in range(len(program.threads))]
    parts += [_helper(len(program.threads) + n, helper) for n, helper in enumerate(helpers)]
    parts += [_look(program, number) for number in range(len(program.parents))]
    total = len(program.threads) + len(helpers)
    parts += [_process(program, number, total) for number in range(1, len(program.parents))]
    return "\n".join([*parts, _main(program, helpers, small)])


def slots(program: Program) -> int:
    """Return the pages of a small swap device: one is free for each page of each process.

    So a slot that is freed is the one that is used next, as the model's shortest paths like it.
    """
    return FILLED + len(program.pages) * len(program.parents)


def page_addresses(page: int) -> range:
    """Return the addresses of a page of the test, the same in each process.

    >>> hex(page_addresses(1).start)
    '0x10010000'
    """
    start = FIRST_PAGE + page * 16 * 4096
    return range(start, start + 4096)


def build(program: Program, helpers: Sequence[Helper], small: bool, directory: Path) -> Path:
    """Compile a test, statically; return the program.  Raises MachineError."""
    file, made = directory / "test.c", directory / "test"
    file.write_text(source(program, helpers, small))
    command = ["cc", "-O1", "-static", "-pthread", f"-I{RUNTIME.parent}", "-o", str(made), str(file)]
    try:
        done = children.run(command)
    except FileNotFoundError:
        raise MachineError(
            "replay compiles tests: cc is not installed (Debian: apt-get install gcc)"
        ) from None
    if done.returncode:
        wrong = [line for line in done.stderr.splitlines() if "error" in line]
        raise MachineError(f"the test does not compile: {wrong[:1]}")
    return made


def _check(program: Program, helpers: Sequence[Helper]) -> None:
    if len(program.swap) > 1:
        raise CannotReplayError("tests with more than one swap device are not replayed yet")
    if program.blocks:
        raise CannotReplayError("mthp: large folios are not replayed yet")
    sizes = (
        (len(program.threads) + len(helpers), MOST_THREADS, "threads"),
        (len(observed_names(program)), MOST_VALUES, "values to look at"),
        (len(program.references), MOST_REFERENCES, "references"),
    )
    for size, most, what in sizes:
        if size > most:
            raise CannotReplayError(f"this test has {size} {what}, and replay has room for {most}")


def _thread(program: Program, number: int) -> str:
    lines = [f"static void *run_P{number}(void *unused)", "{"]
    lines += ["\t(void)unused;", f"\tpin({number + 1});", "\twarm_up();"]
    for position, statement in enumerate(program.threads[number].body):
        lines += [f"\tMARK({number}, {position});", f"\t{write(program, number, statement)}"]
        if isinstance(statement, statements.Swapoff):
            lines += [f"\tMARK({number}, {HALF_WAY | position});", "\tswapon(swap_device, 0);"]
    return "\n".join([*lines, *_end(number)])


def _helper(number: int, helper: Helper) -> str:
    lines = [f"/* {helper.name} */", f"static void *run_P{number}(void *unused)", "{"]
    lines += ["\t(void)unused;", f"\tpin({number + 1});", "\twarm_up();"]
    for position in range(helper.times):
        lines += [f"\tMARK({number}, {position});", f"\t{helper.role.code}"]
    return "\n".join([*lines, *_end(number)])


def _end(number: int) -> list[str]:
    return [f"\tthread_is_done({number});", f"\tMARK({number}, 0xff);", "\treturn NULL;", "}", ""]


def _look(program: Program, process: int) -> str:
    """The last thing that a process does: it reads its memory."""
    lines = [f"static void look_{process}(void)", "{"]
    leader = next(thread.index for thread in program.threads if thread.process == process)
    for page in program.pages:
        if page.name in _taken_away(program, process):
            continue
        for number in range(page.places):
            value = value_number(program, f"{leader}:{page.name}[{number}]")
            lines.append(f"\tshared->value[{value}] = (unsigned char){place(program, page.index, number)};")
    return "\n".join([*lines, "}", ""])


def _process(program: Program, process: int, total: int) -> str:
    """A child: its first thread is the one that fork() leaves it, the others are made."""
    first, *others = [thread.index for thread in program.threads if thread.process == process]
    lines = [f"static void process_{process}(void)", "{"]
    if others:
        lines.append(f"\tpthread_t threads[{len(others)}];")
    lines += ["", "\twarm_up();"]
    lines += [f"\tpthread_create(&threads[{n}], NULL, run_P{o}, NULL);" for n, o in enumerate(others)]
    lines.append(f"\trun_P{first}(NULL);")
    lines += [f"\tpthread_join(threads[{n}], NULL);" for n in range(len(others))]
    lines += [f"\tawait(&shared->count, {total});", f"\tlook_{process}();", "\t_exit(0);"]
    return "\n".join([*lines, "}", ""])


def _main(program: Program, helpers: Sequence[Helper], small: bool) -> str:
    total = len(program.threads) + len(helpers)
    own = [thread.index for thread in program.threads if thread.process == 0]
    own += range(len(program.threads), total)
    length = COMPRESSIBLE if has_zswap(program) else 4096
    lines = ["int main(int argc, char **argv)", "{", f"\tpthread_t threads[{len(own)}];"]
    lines += ["\tint rounds = argc > 2 ? atoi(argv[2]) : 1;", "", "\tbegin(argc, argv);", "\tpin(0);"]
    if has_zswap(program):
        lines.append("\tenter_cgroup();")
    if small or has_zswap(program):
        lines.append(f"\ttake_slots({FILLED}, {length});")
    lines += ["\tfor (int round = 0; round < rounds; round++) {", "\t\tbegin_round();"]
    lines += [f"\t\t{line}" for line in _set_up(program, length)]
    lines += [f"\t\tpthread_create(&threads[{n}], NULL, run_P{o}, NULL);" for n, o in enumerate(own)]
    lines += [f"\t\tpthread_join(threads[{n}], NULL);" for n in range(len(own))]
    lines += [f"\t\tawait(&shared->count, {total});", "\t\tlook_0();"]
    lines += ["\t\twhile (wait(NULL) > 0)", "\t\t\t;", *_print(program), "\t}", "\treturn 0;", "}", ""]
    return "\n".join(lines)


def _set_up(program: Program, length: int) -> list[str]:
    lines = []
    for page in program.pages:
        lines.append(f"map_page({page.index});")
        if page.content is not None:
            lines.append(f"fill(AT({page.index}), {1000 + page.index}, {length});")
            lines += [
                f"{place(program, page.index, number)} = {byte(value)};"
                for number, value in enumerate(page.content)
            ]
    pins = sum(1 << n for n, name in enumerate(program.references) if is_pin(program, name))
    if program.references:
        lines.append(f"open_references({len(program.references)}, {pins:#x});")
    moves = [s for t in program.threads for s in t.body if isinstance(s, statements.UserfaultfdMove)]
    lines += [f"take_moves_to({program.page_index[name]});" for name in {s.destination for s in moves}]
    return [*lines, "drain();"]


def _print(program: Program) -> list[str]:
    """Registers always, memory where somebody could look."""
    lines = []
    for number, name in enumerate(observed_names(program)):
        guard = "" if number < len(program.registers) else f"if (shared->value[{number}] >= 0) "
        lines.append(f'\t\t{guard}printf("{name}=%d ", shared->value[{number}]);')
    return [*lines, '\t\tprintf("\\n");']


def _taken_away(program: Program, process: int) -> set[str]:
    """Return the pages that may not be there, or not readable, when a process ends."""
    threads = [thread for thread in program.threads if thread.process == process]
    everything = (statement for thread in threads for statement in thread.body)
    return {s.page for s in everything if isinstance(s, statements.Munmap | statements.Mprotect)}
