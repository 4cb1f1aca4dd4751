# SPDX-License-Identifier: MIT
"""A litmus test as a C program: a POSIX thread on a processor of its own for each thread of the test.

Python would do: but its own memory takes faults at the same places, and after fork all of it does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cowpath import children
from cowpath.litmus import ast, statements
from cowpath.litmus.print import statement_text
from cowpath.litmus.program import Program
from cowpath.machine.errors import MachineError

SLOTS, FILLED = 66, 64
"""Of a small swap device so many pages are taken: what is freed is what is used next."""

HALF_WAY = 0x80
"""Marks the middle of a statement that is two calls."""

PROT = {"PROT_NONE": "0", "PROT_READ": "PROT_READ", "PROT_WRITE": "PROT_WRITE"}

HEAD = r"""#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MADV_COLD
#define MADV_COLD 20
#define MADV_PAGEOUT 21
#endif
#define PAGE 4096UL
#define AT(page) ((volatile char *)(0x10000000UL + (page) * 16 * PAGE))
#define MARK(thread, next) syscall(SYS_sched_get_priority_max, 0x5eed0000UL | (thread) << 8 | (next))

static const char *swap_device;

static void pin(int processor)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(processor, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		perror("sched_setaffinity");
}

/* A page that begins with `start` and goes on so that nothing is like it. */
static void fill(volatile char *page, unsigned start)
{
	unsigned seed = start + 7;

	for (unsigned i = 0; i < PAGE; i++)
		page[i] = 1 + rand_r(&seed) % 255;
}

/* Touch the stack before anybody looks at faults. */
static __attribute__((noinline)) void warm_up(void)
{
	volatile char space[32768];

	for (unsigned i = 0; i < sizeof(space); i += 512)
		space[i] = 1;
}

static void take_slots(int count)
{
	char *area = mmap(NULL, count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	madvise(area, count * PAGE, MADV_NOHUGEPAGE);
	for (int i = 0; i < count; i++)
		fill(area + i * PAGE, i);
	for (int i = 0; i < 20; i++)
		madvise(area, count * PAGE, MADV_PAGEOUT);
}

/* This processor's LRU-add batch, by MADV_COLD of another page. */
static void drain(void)
{
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	page[0] = 1;
	madvise(page, PAGE, MADV_COLD);
	munmap(page, PAGE);
}
"""


class CannotReplayError(MachineError):
    """Raised for what cannot be driven step by step; the text says what, and why."""


def source(program: Program, small: bool) -> str:
    """Return a test as C.  `small`: most of its swap device is filled first.  Raises CannotReplayError.

    >>> from cowpath.litmus.resolve import program_from_text
    >>> test = program_from_text("C t { char x[1]; } P0(char *x) { r0 = x[0]; }")
    >>> "MARK(0, 0);" in source(test, small=False)
    True
    """
    if len(program.parents) > 1:
        raise CannotReplayError("tests with fork() are not replayed yet: all threads must be of one process")
    parts = [HEAD]
    registers = [f"static volatile int P{thread}_{name} = -1;" for thread, name in program.registers]
    parts.append("\n".join(registers))
    parts += [_thread(program, number) for number in range(len(program.threads))]
    return "\n".join([*parts, _main(program, small)])


def build(program: Program, small: bool, directory: Path) -> Path:
    """Compile a test, statically; return the program.  Raises MachineError."""
    file, made = directory / "test.c", directory / "test"
    file.write_text(source(program, small))
    command = ["cc", "-O1", "-static", "-pthread", "-o", str(made), str(file)]
    try:
        done = children.run(command)
    except FileNotFoundError:
        raise MachineError(
            "replay compiles tests: cc is not installed (Debian: apt-get install gcc)"
        ) from None
    if done.returncode:
        raise MachineError(f"the test does not compile: {done.stderr.splitlines()[:1]}")
    return made


def _thread(program: Program, number: int) -> str:
    lines = [f"static void *run_P{number}(void *unused)", "{"]
    lines += ["\t(void)unused;", f"\tpin({number + 1});", "\twarm_up();"]
    for position, statement in enumerate(program.threads[number].body):
        lines += [f"\tMARK({number}, {position});", f"\t{_statement(program, number, statement)}"]
        if isinstance(statement, statements.Swapoff):
            lines += [f"\tMARK({number}, {HALF_WAY | position});", "\tswapon(swap_device, 0);"]
    return "\n".join([*lines, f"\tMARK({number}, 0xff);", "\treturn NULL;", "}", ""])


def _main(program: Program, small: bool) -> str:
    lines = ["int main(int argc, char **argv)", "{", f"\tpthread_t threads[{len(program.threads)}];", ""]
    lines += ['\tswap_device = argc > 1 ? argv[1] : "";', "\tpin(0);", "\twarm_up();"]
    if small:
        lines.append(f"\ttake_slots({FILLED});")
    for page in program.pages:
        flags = "MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED"
        lines.append(f"\tmmap((void *)AT({page.index}), PAGE, PROT_READ | PROT_WRITE, {flags}, -1, 0);")
        lines.append(f"\tmadvise((void *)AT({page.index}), PAGE, MADV_NOHUGEPAGE);")
        if page.content is not None:
            lines.append(f"\tfill(AT({page.index}), {1000 + page.index});")
            lines += [
                f"\t{_place(program, page.index, place)} = {_byte(value)};"
                for place, value in enumerate(page.content)
            ]
    lines.append("\tdrain();")
    lines += [f"\tpthread_create(&threads[{n}], NULL, run_P{n}, NULL);" for n in range(len(program.threads))]
    lines += [f"\tpthread_join(threads[{n}], NULL);" for n in range(len(program.threads))]
    lines += [f'\tprintf("{thread}:{name}=%d\\n", P{thread}_{name});' for thread, name in program.registers]
    for page in program.pages:
        if page.name in _taken_away(program):
            continue
        for place in range(page.places):
            at = _place(program, page.index, place)
            lines.append(f'\tprintf("0:{page.name}[{place}]=%d\\n", (unsigned char){at});')
    return "\n".join([*lines, "\treturn 0;", "}", ""])


def _taken_away(program: Program) -> set[str]:
    """Return the pages that may not be there, or not readable, at the end."""
    everything = (statement for thread in program.threads for statement in thread.body)
    return {s.page for s in everything if isinstance(s, statements.Munmap | statements.Mprotect)}


def _place(program: Program, page: int, place: int) -> str:
    return f"AT({page})[{place * (4096 // program.pages[page].places)}]"


def _byte(value: object) -> str:
    if not isinstance(value, str):
        raise CannotReplayError("a value from a register is not replayed yet")
    return "0" if value == ast.ZERO else f"{ord(value)}"


def _statement(program: Program, thread: int, statement: ast.Statement) -> str:
    writer = WRITERS.get(type(statement))
    if writer is None:
        raise CannotReplayError(f"{statement_text(statement)} is not replayed yet")
    return writer(program, thread, statement)


def _address(program: Program, name: str) -> str:
    return f"(void *)AT({program.page_index[name]}), PAGE"


WRITERS: Mapping[type[ast.Statement], Callable[[Program, int, Any], str]] = {
    statements.Load: lambda p, t, s: (
        f"P{t}_{s.register} = (unsigned char){_place(p, p.page_index[s.page], s.place)};"
    ),
    statements.Store: lambda p, t, s: f"{_place(p, p.page_index[s.page], s.place)} = {_byte(s.value)};",
    statements.Madvise: lambda p, t, s: f"madvise({_address(p, s.page)}, {s.advice});",
    statements.Munmap: lambda p, t, s: f"munmap({_address(p, s.page)});",
    statements.Mprotect: lambda p, t, s: (
        f"mprotect({_address(p, s.page)}, {' | '.join(PROT[word] for word in s.protection)});"
    ),
    statements.Swapoff: lambda p, t, s: "swapoff(swap_device);",
}
"""Each statement in C."""
