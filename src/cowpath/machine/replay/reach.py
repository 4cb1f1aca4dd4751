# SPDX-License-Identifier: MIT
"""The places of the model that can be reached in a kernel, by its code as it stands in memory after boot."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from cowpath.machine.errors import MachineError
from cowpath.machine.guest import GuestDiedError
from cowpath.machine.programs import PLACE
from cowpath.machine.replay.code import Code, NoSuchPlaceError
from cowpath.machine.replay.places import PLACES, find
from cowpath.machine.replay.rounds import WRITE_SYMBOLS, ReplayGuest, attach, symbols

SECONDS = 240


def reachable(guest: ReplayGuest) -> Mapping[str, str]:
    """Return, for every place, where it is in a guest's kernel ("do_swap_page+0x1a").

    Where it is nowhere the text begins with "-" and says why.  Raises MachineError where the guest does not
    live long enough.
    """
    known = symbols(guest)
    guest.files = {f"{PLACE}/symbols": WRITE_SYMBOLS}
    job = {"command": [f"/{PLACE}/symbols"], "swap": "", "seconds": SECONDS}
    try:
        for _ in guest.boot([job, job]):  # it is up; the second job is what it stands still in
            with contextlib.closing(attach(guest)) as gdb:
                code = Code(known, gdb.read)
                return {name: _where(code, name) for name in PLACES}
    except GuestDiedError as error:
        raise MachineError(f"{guest.name}: {error}") from None
    raise MachineError(f"{guest.name} said nothing")


def _where(code: Code, name: str) -> str:
    try:
        return ", ".join(code.symbols.at(address) for address in sorted(find(code, name)))
    except NoSuchPlaceError as error:
        return f"- {error}"
