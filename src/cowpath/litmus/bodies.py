# SPDX-License-Identifier: MIT
"""Check that statements and the condition name what exists, and in an order that can work."""

from collections.abc import Mapping, Sequence

from cowpath.litmus import ast
from cowpath.litmus.errors import did_you_mean
from cowpath.litmus.form import Kind
from cowpath.litmus.program import UNASSIGNED
from cowpath.litmus.source import Source
from cowpath.litmus.statements import (
    DeviceRead,
    DeviceWrite,
    Exit,
    GetUserPage,
    Load,
    PagemapScan,
    PutPage,
    Store,
    UserfaultfdRead,
    UserfaultfdWp,
    Wait,
)

References = Mapping[str, GetUserPage]
"""Each reference by its name, with the one statement that takes it."""


def collect_references(litmus: ast.Litmus, source: Source) -> dict[str, GetUserPage]:
    """Return the references of a test in file order.  Raises LitmusError where one name is taken twice.

    >>> take = GetUserPage("g", "x", (), pin=False, fast=False)
    >>> thread = ast.ThreadDeclaration("P0", ("x",), None, (take,))
    >>> list(collect_references(ast.Litmus("t", "", (), (), (), (thread,), None), Source("t", "")))
    ['g']
    """
    references: dict[str, GetUserPage] = {}
    for _, statement in litmus.statements():
        if isinstance(statement, GetUserPage):
            name = statement.reference
            if name in references:
                hint = "references are known to all threads: give each its own name"
                raise source.error(f"reference '{name}' is taken twice", statement.position, hint, name)
            references[name] = statement
    return references


def check_bodies(litmus: ast.Litmus, source: Source, references: References, swap: Sequence[str]) -> None:
    """Check every statement of every thread.  Raises LitmusError at the first that cannot work.

    >>> from cowpath.litmus.statements import Swapoff
    >>> thread = ast.ThreadDeclaration("P0", (), None, (Swapoff(),))
    >>> check_bodies(ast.Litmus("t", "", (), (), (), (thread,), None), Source("t", ""), {}, ())
    Traceback (most recent call last):
    cowpath.litmus.errors.LitmusError: t: swapoff() needs a swap device
    the initial block says swap = none
    """
    puts: dict[str, ast.ThreadDeclaration] = {}
    for thread in litmus.threads:
        body = _Body(litmus, source, references, puts, thread)
        for entry in thread.body:
            body.check_any(entry) if isinstance(entry, ast.Any) else body.check(entry)
        for statement in ast.one_by_one(thread.body):
            check_devices(statement, source, swap)
            check_company(statement, litmus, source)


def check_company(statement: ast.Statement, litmus: ast.Litmus, source: Source) -> None:
    """Check that no page would need two userfaultfds, of which a mapping has one.  Raises LitmusError."""
    if not isinstance(statement, PagemapScan):
        return
    for thread in litmus.threads:
        for other in ast.one_by_one(thread.body):
            if isinstance(other, UserfaultfdWp | UserfaultfdRead):
                hint = "a mapping has one userfaultfd: it lets writes wait, or notes them for pagemap_scan"
                name = other.form.name
                raise source.error(f"pagemap_scan() and {name}() in one test", statement.position, hint)


def check_devices(statement: ast.Statement, source: Source, swap: Sequence[str]) -> None:
    """Check that the test has a swap device that the statement can be about.  Raises LitmusError."""
    form = statement.form
    if form.needs_swap and not swap:
        hint = "the initial block says swap = none"
        raise source.error(f"{form.name}() needs a swap device", statement.position, hint)
    if form.devices and not set(form.devices) & set(swap):
        hint = f"the initial block says swap = {', '.join(swap)}"
        raise source.error(
            f"{form.name}() needs swap = {' or swap = '.join(form.devices)}", statement.position, hint
        )


class _Body:
    """Checks one thread, statement by statement; remembers what was assigned, taken and given back so far."""

    def __init__(
        self,
        litmus: ast.Litmus,
        source: Source,
        references: References,
        puts: dict[str, ast.ThreadDeclaration],
        thread: ast.ThreadDeclaration,
    ) -> None:
        self.litmus = litmus
        self.source = source
        self.references = references
        self.puts = puts  # shared by all threads
        self.thread = thread
        self.pages = {page.name: page for page in litmus.pages}
        self.registers: set[str] = set()
        self.taken: set[str] = set()
        self.exited = False
        self.repeated = False  # the statements of an `any` are being checked: they have no order

    def check_any(self, entry: ast.Any) -> None:
        """Check the statements of an `any`; each may come before or after each of the others."""
        if self.exited:
            raise self.source.error("nothing runs after exit()", entry.position)
        self.repeated = True
        self.taken |= {s.reference for s in entry.choices if isinstance(s, GetUserPage)}
        for statement in entry.choices:
            self.check(statement)
            self.exited = False
        self.repeated = False

    def check(self, statement: ast.Statement) -> None:
        """Check one statement operand by operand, then remember what it assigns, takes or ends."""
        if self.exited:
            raise self.source.error("nothing runs after exit()", statement.position)
        for operand in statement.form.operands:
            value = getattr(statement, operand.field)
            if operand.kind is Kind.PAGE:
                self._page(statement, value)
            elif operand.kind is Kind.RANGE:
                self._range(statement, value, getattr(statement, "last", ""))
            elif operand.kind is Kind.REFERENCE:
                self._reference(statement, value)
            elif operand.kind is Kind.THREAD:
                self._thread(statement, value)
            elif operand.kind is Kind.PLACE:
                self._place(statement, value)
            elif operand.kind is Kind.VALUE and isinstance(value, ast.Register):
                self._register(value)
        self._two_pages(statement)
        self._effects(statement)

    def _page(self, statement: ast.Statement, name: str) -> None:
        check_page(self.source, self.pages, statement.position, name)
        if name not in self.thread.parameters:
            parameters = ", ".join(f"char *{page}" for page in (*self.thread.parameters, name))
            hint = f"write {self.thread.name}({parameters})"
            message = f"'{name}' is not a parameter of {self.thread.name}"
            raise self.source.error(message, statement.position, hint, name)

    def _range(self, statement: ast.Statement, first: str, last: str) -> None:
        """Check the pages of a range: they stand in one block, and in this order."""
        self._page(statement, first)
        if not last:
            return
        self._page(statement, last)
        names = list(self.pages)
        if self.pages[first].block is None or self.pages[first].block != self.pages[last].block:
            hint = "a range has the pages of one mthp { ... }; name other pages one by one"
            message = f"'{first}' and '{last}' do not lie in one large folio"
            raise self.source.error(message, statement.position, hint, first)
        if names.index(first) >= names.index(last):
            message = f"'{last}' does not come after '{first}'"
            raise self.source.error(message, statement.position, f"write {last}..{first}", first)

    def _place(self, statement: ast.Statement, place: int) -> None:
        if isinstance(statement, DeviceRead | DeviceWrite):
            page = self.pages.get(self.references[statement.reference].page)
        else:
            assert isinstance(statement, Load | Store)
            page = self.pages[statement.page]
        if page is not None:  # else the statement that takes the reference is in error itself
            check_place(self.source, page, statement.position, place)

    def _register(self, register: ast.Register) -> None:
        name = register.name
        if self.repeated:
            hint = "store a character; what prove is to tell apart are the characters of the test"
            raise self.source.error(
                "a register is forgotten when its statement in any ends", register.position, hint
            )
        if name in self.registers:
            return
        if name in self.pages:
            raise self.source.error(f"'{name}' has no place", register.position, f"write {name}[0]")
        hint = did_you_mean(name, sorted(self.registers)) or f"write '{name}' with quotes for a character"
        raise self.source.error(f"register '{name}' is used before it is assigned", register.position, hint)

    def _thread(self, statement: ast.Statement, name: str) -> None:
        known = [thread.name for thread in self.litmus.threads]
        if name not in known:
            hint = did_you_mean(name, known)
            raise self.source.error(f"unknown thread '{name}'", statement.position, hint, name)
        if isinstance(statement, Wait) and name == self.thread.name:
            raise self.source.error(f"{name} waits for itself", statement.position, word=name)

    def _two_pages(self, statement: ast.Statement) -> None:
        pages = [getattr(statement, o.field) for o in statement.form.operands if o.kind is Kind.PAGE]
        if len(pages) == 2 and pages[0] == pages[1]:
            message = f"{statement.form.name}() needs two different pages"
            raise self.source.error(message, statement.position, word=pages[0])
        if len(pages) == 2:
            check_alike(
                self.source, statement.form.name, [self.pages[name] for name in pages], statement.position
            )

    # -- references --------------------------------------------------------------------------------

    def _reference(self, statement: ast.Statement, name: str) -> None:
        if name not in self.references:
            hint = did_you_mean(name, self.references) or f"write {name} = get_user_page(x);"
            raise self.source.error(f"reference '{name}' is never taken", statement.position, hint, name)
        if self.puts.get(name) is self.thread and not self.repeated:
            message = f"reference '{name}' is used after it was given back"
            raise self.source.error(message, statement.position, word=name)
        if name not in self.taken and self._taken_here(name):
            message = f"reference '{name}' is used before it is taken"
            raise self.source.error(message, statement.position, word=name)
        if isinstance(statement, PutPage):
            self._put(statement, name)

    def _put(self, statement: PutPage, name: str) -> None:
        take = self.references[name].form.name
        if statement.pin != self.references[name].pin:
            right = "put_page" if statement.pin else "unpin_user_page"
            message = f"'{name}' was taken with {take}()"
            raise self.source.error(message, statement.position, f"give it back with {right}({name})", name)
        if name in self.puts and not self.repeated:
            message = f"reference '{name}' is given back twice: also in {self.puts[name].name}"
            raise self.source.error(message, statement.position, word=name)
        if not self.repeated:
            self.puts[name] = self.thread

    def _taken_here(self, name: str) -> bool:
        return any(statement is self.references[name] for statement in ast.one_by_one(self.thread.body))

    # -- what a statement changes ------------------------------------------------------------------

    def _effects(self, statement: ast.Statement) -> None:
        if register := statement.assigns:
            self._new_name(statement, register, "register")
            self.registers.add(register)
        elif isinstance(statement, GetUserPage):
            self._new_name(statement, statement.reference, "reference")
            self.taken.add(statement.reference)
        self.exited = isinstance(statement, Exit)

    def _new_name(self, statement: ast.Statement, name: str, what: str) -> None:
        others = {"page": self.pages, "reference": self.references}
        for other, names in others.items():
            if other != what and name in names:
                message = f"'{name}' is a {other}: a {what} needs another name"
                raise self.source.error(message, statement.position, word=name)


def check_page(
    source: Source, pages: Mapping[str, ast.PageDeclaration], position: ast.Position, name: str
) -> None:
    """Check that a page of this name is declared.  Raises LitmusError with the nearest name.

    >>> check_page(Source("t", ""), {}, ast.NOWHERE, "x")
    Traceback (most recent call last):
    cowpath.litmus.errors.LitmusError: t: unknown page 'x'
    declare it in the initial block: char x[1];
    """
    if name not in pages:
        hint = did_you_mean(name, pages) or f"declare it in the initial block: char {name}[1];"
        raise source.error(f"unknown page '{name}'", position, hint, name)


def check_alike(
    source: Source, name: str, pages: Sequence[ast.PageDeclaration], position: ast.Position
) -> None:
    """Check that two pages have the same places: the kernel takes one for the other.  Raises LitmusError.

    >>> pages = [ast.PageDeclaration("x", 2, None), ast.PageDeclaration("y", 1, None)]
    >>> check_alike(Source("t", ""), "ksm_merge", pages, ast.NOWHERE)
    Traceback (most recent call last):
    cowpath.litmus.errors.LitmusError: t: ksm_merge needs two pages with the same places: x has 2, y has 1
    a place is a part of its page: write char y[2]
    """
    one, other = pages
    if one.places != other.places:
        few = min(pages, key=lambda page: page.places)
        message = (
            f"{name} needs two pages with the same places: "
            f"{one.name} has {one.places}, {other.name} has {other.places}"
        )
        hint = f"a place is a part of its page: write char {few.name}[{max(one.places, other.places)}]"
        raise source.error(message, position, hint, other.name)


def check_place(source: Source, page: ast.PageDeclaration, position: ast.Position, place: int) -> None:
    """Check that the page has this place.  Raises LitmusError with the places that it has.

    >>> check_place(Source("t", ""), ast.PageDeclaration("x", 2, None), ast.NOWHERE, 2)
    Traceback (most recent call last):
    cowpath.litmus.errors.LitmusError: t: page 'x' has no place 2
    its places are x[0] to x[1]
    """
    if place >= page.places:
        places = f"{page.name}[0] to {page.name}[{page.places - 1}]" if page.places > 1 else f"{page.name}[0]"
        hint = f"its places are {places}" if page.places > 1 else f"its only place is {places}"
        raise source.error(f"page '{page.name}' has no place {place}", position, hint, str(place))


def check_condition(litmus: ast.Litmus, source: Source, registers: tuple[tuple[int, str], ...]) -> None:
    """Check that the condition names threads, registers, pages and places that exist.  Raises LitmusError.

    >>> condition = ast.Condition("exists", ast.RegisterIs(3, "r0", "a"))
    >>> check_condition(ast.Litmus("t", "", (), (), (), (), condition), Source("t", ""), ())
    Traceback (most recent call last):
    cowpath.litmus.errors.LitmusError: t: there is no thread P3
    """
    if litmus.condition is None:
        return
    pages = {page.name: page for page in litmus.pages}
    for atom in ast.atoms(litmus.condition.expression):
        if isinstance(atom, ast.CountIs):
            continue
        if atom.thread >= len(litmus.threads):
            raise source.error(f"there is no thread P{atom.thread}", atom.position)
        if isinstance(atom, ast.MemoryIs):
            check_page(source, pages, atom.position, atom.page)
            check_place(source, pages[atom.page], atom.position, atom.place)
        elif (atom.thread, atom.register) not in registers:
            known = [name for thread, name in registers if thread == atom.thread]
            hint = did_you_mean(atom.register, known)
            if atom.register in pages:
                hint = f"'{atom.register}' is a page: write {atom.thread}:{atom.register}[0]"
            message = f"P{atom.thread} has no register '{atom.register}'"
            raise source.error(message, atom.position, hint, atom.register)
        else:
            check_answer(litmus, source, atom)


def check_answer(litmus: ast.Litmus, source: Source, atom: ast.RegisterIs) -> None:
    """Check a condition about a register that only holds answers, which are few.  Raises LitmusError.

    >>> from cowpath.litmus.statements import SoftDirty
    >>> thread = ast.ThreadDeclaration("P0", ("x",), None, (SoftDirty("r0", "x"),))
    >>> asks = ast.RegisterIs(0, "r0", ast.ZERO)
    >>> check_answer(ast.Litmus("t", "", (), (), (), (thread,), None), Source("t", ""), asks)
    Traceback (most recent call last):
    cowpath.litmus.errors.LitmusError: t: soft_dirty() gives '0' or '1'
    write 0:r0='0'; without quotes 0 is zero memory
    """
    assigning = [
        statement
        for statement in ast.one_by_one(litmus.threads[atom.thread].body)
        if statement.assigns == atom.register
    ]
    answers = [answer for statement in assigning for answer in statement.form.answers]
    if not all(statement.form.answers for statement in assigning):
        return
    if atom.value not in (*answers, UNASSIGNED):
        gives = " or ".join(f"'{answer}'" for answer in dict.fromkeys(answers))
        hint = f"write {atom.thread}:{atom.register}='{answers[0]}'; without quotes 0 is zero memory"
        raise source.error(f"{assigning[0].form.name}() gives {gives}", atom.position, hint)
