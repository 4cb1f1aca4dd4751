# SPDX-License-Identifier: MIT
"""The answers of an agent, checked before anybody believes them.

An agent runs on a kernel that somebody has just broken, and a guest may say anything.  So an answer is read
field by field: each is of its type, within its range, and of a size that fits the job; nothing else of the
answer is kept.  Text is made fit for a terminal.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from cowpath.machine.errors import MachineError
from cowpath.machine.job import Job
from cowpath.printable import printable

Result = dict[str, Any]
Sized = TypeVar("Sized", dict[str, Any], list[Any])

MOST_TEXT = 2000
"""Characters of a text; what is longer is cut."""

MOST_OUTPUT = 1 << 20
"""The same of what a program printed."""

MOST_ENTRIES = 100
"""Entries of a list or table other than the outcomes."""

LONGEST_ORDER = 10_000
MOST_NUMBER = 1 << 62

STATUSES = ("ran", "cannot", "failed")


class GarbledError(MachineError):
    """An answer that is no JSON: its line was torn, or mixed with another."""


class BadAnswerError(MachineError):
    """An answer that is JSON and still none that an agent would give to this job."""


def read(text: str, job: Job) -> Result:
    """The result of a job from its JSON.  Raises GarbledError or BadAnswerError.

    >>> job = {"program": {"registers": [], "parents": [-1], "pages": []}, "rounds": 1}
    >>> read('{"status": "cannot", "reason": "no \\\\u001b KSM", "more": 1}', job)["reason"]
    'no \\\\x1b KSM'
    """
    try:
        answer = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise GarbledError(f"{type(error).__name__}: {printable(text[:200])}") from None
    given = _table(answer, "the answer", MOST_ENTRIES)
    status = _text(given.get("status"), "status")
    if status not in STATUSES:
        raise BadAnswerError(f"status is {status!r}, not one of {', '.join(STATUSES)}")
    result: Result = {"status": status, "reason": _text(given.get("reason", ""), "reason")}
    result["facts"] = _facts(given.get("facts", {}))
    result["complaints"] = _texts(given.get("complaints", []), "complaints")
    return result | (_of_program(given, status) if "command" in job else _of_test(given, status, job))


def _of_program(given: Job, status: str) -> Result:
    """Return how a program ended and what it printed; see programs.py."""
    if status != "ran":
        return {}
    code = given.get("code")
    if code is not None and (type(code) is not int or not -64 <= code <= 255):
        raise BadAnswerError("code is no exit code")
    output = _text(given.get("output"), "output", MOST_OUTPUT)
    return {"code": code, "output": output}


def _of_test(given: Job, status: str, job: Job) -> Result:
    """Return what the rounds of a test came to; no more of them than were asked for."""
    rounds = job["rounds"]
    outcomes = _outcomes(given.get("outcomes", []), job) if status == "ran" else []
    unmet = _counts(given.get("unmet", {}), "unmet", rounds)
    failures = _counts(given.get("failures", {}), "failures", rounds)
    hangs = _number(given.get("hangs", 0), "hangs", rounds)
    said = hangs + sum([outcome["count"] for outcome in outcomes] + [*unmet.values(), *failures.values()])
    if said > rounds:
        raise BadAnswerError(f"{said} rounds, of {rounds} that were asked for")
    return {"outcomes": outcomes, "unmet": unmet, "failures": failures, "hangs": hangs}


def failed(reason: str) -> Result:
    """The result of a job that has none."""
    return {"status": "failed", "reason": reason, "facts": {}}


def _outcomes(value: object, job: Job) -> list[dict[str, Any]]:
    """Each outcome once, with as many values as the test has registers and places."""
    program = job["program"]
    places = sum(page["places"] for page in program["pages"])
    width = len(program["registers"]) + len(program["parents"]) * places
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for entry in _list(value, "outcomes", job["rounds"]):
        given = _table(entry, "an outcome", MOST_ENTRIES)
        observed = _texts(given.get("observed"), "observed", width)
        if len(observed) != width:
            raise BadAnswerError(f"an outcome of {len(observed)} values: the test has {width}")
        if tuple(observed) in found:
            raise BadAnswerError("the same outcome twice")
        steps = _list(given.get("order"), "order", LONGEST_ORDER)
        order = [_number(actor, "order", MOST_ENTRIES) for actor in steps]
        count = _number(given.get("count"), "count", job["rounds"])
        found[tuple(observed)] = {"observed": observed, "count": count, "order": order}
    return list(found.values())


def _facts(value: object) -> dict[str, Any]:
    given = _table(value, "facts", MOST_ENTRIES)
    return {name: look(given[name], name) for name, look in FACTS.items() if name in given}


def _table(value: object, what: str, most: int) -> dict[str, Any]:
    if not isinstance(value, dict):
        _bad(what, value, "a table")
    return _within(value, what, most)


def _list(value: object, what: str, most: int) -> list[Any]:
    if not isinstance(value, list):
        _bad(what, value, "a list")
    return _within(value, what, most)


def _within(value: Sized, what: str, most: int) -> Sized:
    if len(value) > most:
        raise BadAnswerError(f"{what} has more than {most} entries")
    return value


def _text(value: object, what: str, most: int = MOST_TEXT) -> str:
    if not isinstance(value, str):
        _bad(what, value, "a text")
    return printable(value[:most])


def _texts(value: object, what: str, most: int = MOST_ENTRIES) -> list[str]:
    return [_text(entry, what) for entry in _list(value, what, most)]


def _number(value: object, what: str, most: int = MOST_NUMBER) -> int:
    if type(value) is not int:
        _bad(what, value, "a number")
    if not 0 <= value <= most:
        raise BadAnswerError(f"{what} is out of its range 0..{most}")
    return value


def _counts(value: object, what: str, most: int) -> dict[str, int]:
    found: dict[str, int] = {}
    for reason, count in _table(value, what, MOST_ENTRIES).items():
        found[_text(reason, what)] = found.get(_text(reason, what), 0) + _number(count, what, most)
    return found


def _config(value: object, what: str) -> dict[str, str]:
    options = _table(value, what, MOST_ENTRIES)
    return {_text(name, what): _text(option, what) for name, option in options.items()}


def _bad(what: str, value: object, wanted: str) -> NoReturn:
    raise BadAnswerError(f"{what} is {type(value).__name__}, not {wanted}")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


FACTS: dict[str, Callable[[object, str], object]] = {
    "release": _text,
    "version": _text,
    "machine": _text,
    "page_size": _number,
    "processors": _number,
    "nodes": _number,
    "swap": _texts,
    "config": _config,
}
"""What a result may say of its machine, each with a function that looks at it."""
