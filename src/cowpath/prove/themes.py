# SPDX-License-Identifier: MIT
"""Themes: named alphabets that combine into programs.  Everything is about page x, some of it about y, too.

Whoever writes may write either of two values, 'a' and 'b'; docs/every-program.md says why these are enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from cowpath.errors import CowpathError
from cowpath.litmus import ast
from cowpath.litmus.errors import did_you_mean
from cowpath.litmus.parse import parse
from cowpath.litmus.program import Program
from cowpath.litmus.resolve import resolve
from cowpath.litmus.statements import DeviceRead, DeviceWrite, GetUserPage, PutPage


@dataclass(frozen=True, slots=True)
class Theme:
    """Some statements about x (and y), some lines of the initial block, or both."""

    name: str
    meaning: str
    statements: str = ""
    initial: str = ""


def _reference(name: str, take: str, put: str, writes: bool = True) -> str:
    """Take, use and give back a reference."""
    write = f" device_write({name}, 0, 'a'); device_write({name}, 0, 'b');" if writes else ""
    return f"{name} = {take};{write} r0 = device_read({name}, 0); {put}({name});"


THEMES: Mapping[str, Theme] = {
    theme.name: theme
    for theme in (
        Theme("places", "stores to another place of x", "x[1] = 'a';"),
        Theme("swap", "reclaim by MADV_PAGEOUT", "madvise(x, MADV_PAGEOUT);"),
        Theme("kswapd", "reclaim at any moment", initial="kswapd(x);"),
        Theme("readahead", "swap-in by a neighbour", initial="readahead(x);"),
        Theme("swapoff", "swapoff, again and again", "swapoff();"),
        Theme("zram", "swap on a synchronous device", initial="swap = zram;"),
        Theme("brd", "swap on a RAM disk", initial="swap = brd;"),
        Theme("two-devices", "swap on two devices", initial="swap = ssd, zram;"),
        Theme("stable-writes", "swap on a device that needs stable pages", initial="swap = ssd_stable;"),
        Theme("zswap", "a compressed cache before the device; zeros", "x[0] = 0;", "swap = zswap;"),
        Theme("gup", "a FOLL_GET reference that writes, as direct I/O has it",
              _reference("g", "get_user_page(x, FOLL_WRITE)", "put_page")),
        Theme("gup-read", "a FOLL_GET reference that reads, as vmsplice has it",
              _reference("h", "get_user_page(x)", "put_page", writes=False)),
        Theme("gup-force", "FOLL_FORCE, as ptrace has it",
              _reference("o", "get_user_page(x, FOLL_WRITE | FOLL_FORCE)", "put_page")),
        Theme("gup-fast", "a pin that is taken without the mmap lock",
              _reference("f", "pin_user_page_fast(x, FOLL_WRITE)", "unpin_user_pages_dirty_lock")),
        Theme("pin", "a FOLL_PIN that writes, and dirties the page in the end",
              _reference("p", "pin_user_page(x, FOLL_WRITE)", "unpin_user_pages_dirty_lock")),
        Theme("io-uring", "a FOLL_LONGTERM pin that writes and dirties nothing",
              _reference("u", "pin_user_page(x, FOLL_WRITE | FOLL_LONGTERM)", "unpin_user_page")),
        Theme("pin-read", "a FOLL_PIN that reads",
              _reference("q", "pin_user_page(x)", "unpin_user_page", writes=False)),
        Theme("longterm", "a FOLL_LONGTERM pin that reads",
              _reference("l", "pin_user_page(x, FOLL_LONGTERM)", "unpin_user_page", writes=False)),
        Theme("dontneed", "MADV_DONTNEED", "madvise(x, MADV_DONTNEED);"),
        Theme("lazyfree", "MADV_FREE", "madvise(x, MADV_FREE);"),
        Theme("munmap", "munmap", "munmap(x);"),
        Theme("protect", "mprotect: read-only and back",
              "mprotect(x, PROT_READ); mprotect(x, PROT_READ | PROT_WRITE);"),
        Theme("protect-none", "mprotect: no access and back",
              "mprotect(x, PROT_NONE); mprotect(x, PROT_READ | PROT_WRITE);"),
        Theme("ksm", "KSM merges x and y", "ksm_merge(x, y); r0 = y[0]; y[0] = 'a'; y[0] = 'b';"),
        Theme("migrate", "move_pages", "migrate(x);"),
        Theme("compaction", "migration at any moment", initial="migrated(x);"),
        Theme("numa", "NUMA hinting", "numa_hint(x);"),
        Theme("soft-dirty", "clear_refs and pagemap", "clear_refs(); r0 = soft_dirty(x);"),
        Theme("uffd-wp", "userfaultfd write protection", "userfaultfd_wp(x); userfaultfd_wp(x, 0);"),
        Theme("move", "UFFDIO_MOVE both ways",
              "userfaultfd_move(x, y); userfaultfd_move(y, x); r0 = y[0]; y[0] = 'a'; y[0] = 'b';"),
        Theme("tlb", "TLBs that are flushed late", initial="option = tlb;"),
        Theme("failures", "no free swap slot, a page that zswap refuses", initial="option = failures;"),
    )
}  # fmt: skip
"""Every theme by its name."""

ALWAYS = "r0 = x[0]; x[0] = 'a'; x[0] = 'b';"


@dataclass(frozen=True, slots=True)
class Combination:
    """The themes of what the parent, its children and further threads of the parent may do."""

    parent: tuple[str, ...]
    children: tuple[tuple[str, ...], ...] = ()
    threads: tuple[tuple[str, ...], ...] = ()

    @property
    def name(self) -> str:
        """As it is written on the command line and in tables: `swap+gup / gup-read`, `swap // swapoff`.

        >>> Combination(("swap", "gup"), (("gup-read",), ())).name
        'swap+gup / gup-read / -'
        """
        words = ["+".join(self.parent) or "-"]
        words += [f"/ {'+'.join(child) or '-'}" for child in self.children]
        words += [f"// {'+'.join(thread) or '-'}" for thread in self.threads]
        return " ".join(words)

    def contains(self, other: Combination) -> bool:
        """True where whoever may do what the other one says may do it here, too.

        >>> Combination(("swap", "gup", "pin")).contains(Combination(("swap", "pin")))
        True
        """
        mine = (self.parent, *self.children, *self.threads)
        theirs = (other.parent, *other.children, *other.threads)
        alike = len(self.children) == len(other.children) and len(self.threads) == len(other.threads)
        return alike and all(set(small) <= set(large) for small, large in zip(theirs, mine, strict=True))

    @property
    def is_possible(self) -> bool:
        """False where two themes want different swap devices or options."""
        named = {name for names in (self.parent, *self.children, *self.threads) for name in names}
        wanted = [THEMES[name].initial.split("=")[0] for name in named if "=" in THEMES[name].initial]
        return len(wanted) == len(set(wanted))

    def program(self) -> Program:
        """The program: every thread may do anything out of its themes, any number of times."""
        used = [THEMES[name] for names in (self.parent, *self.children, *self.threads) for name in names]
        pages = ("x", "y") if any("y" in _pages(theme) for theme in used) else ("x",)
        declared = [declaration(page, used) for page in pages]
        initial = [*declared, *dict.fromkeys(theme.initial for theme in used)]
        bodies = [ALWAYS + _statements(self.parent)]
        for number in range(len(self.children)):
            bodies[0] += f" fork(P{number + 1});"
        bodies += [ALWAYS + _statements(child) + " exit();" for child in self.children]
        bodies += [(ALWAYS if wants_stores(thread) else "") + _statements(thread) for thread in self.threads]
        parameters = ", ".join(f"char *{page}" for page in pages)
        threads = [f"P{number}({parameters}) {{ any {{ {body} }} }}" for number, body in enumerate(bodies)]
        text = f"C every {{ {' '.join(initial)} }}\n" + "\n".join(threads)
        return resolve(own_references(parse(text)))


def declaration(page: str, used: Sequence[Theme]) -> str:
    """A page of the initial block; nothing can be moved to y unless it was never touched."""
    places = 2 if THEMES["places"] in used else 1
    untouched = page == "y" and THEMES["move"] in used and THEMES["ksm"] not in used
    return f"char {page}[{places}]" + (";" if untouched else f' = "{"a" * places}";')


def wants_stores(thread: Sequence[str]) -> bool:
    """A second thread loads and stores, too, unless it is there to serve the userfaultfd."""
    return "uffd-wp" not in thread


def _pages(theme: Theme) -> set[str]:
    """The pages that a theme is about."""
    return {page for page in "xy" if f"{page}[" in theme.statements or f"{page})" in theme.statements}


def _statements(names: Iterable[str]) -> str:
    return "".join(f" {THEMES[name].statements}" for name in names)


def own_references(litmus: ast.Litmus) -> ast.Litmus:
    """Give each thread references of its own, and let nobody do a thing in two ways."""
    threads = []
    for number, thread in enumerate(litmus.threads):
        entry = thread.body[0]
        assert isinstance(entry, ast.Any)
        chosen = tuple(dict.fromkeys(_owned(statement, number) for statement in entry.choices))
        threads.append(replace(thread, body=(replace(entry, choices=chosen),)))
    return replace(litmus, threads=tuple(threads))


def _owned(statement: ast.Statement, thread: int) -> ast.Statement:
    if thread and isinstance(statement, GetUserPage | DeviceRead | DeviceWrite | PutPage):
        return replace(statement, reference=f"{statement.reference}{thread}")
    return statement


def themes(text: str) -> tuple[str, ...]:
    """The themes named in a list like "swap,gup".  Raises CowpathError where there is no such theme.

    >>> themes("swap,gup")
    ('swap', 'gup')
    """
    names = tuple(name for name in text.split(",") if name not in ("", "-"))
    for name in names:
        if name not in THEMES:
            hint = did_you_mean(name, THEMES) or f"known: {', '.join(THEMES)}"
            raise CowpathError(f"there is no theme {name!r}: {hint}")
    return names
