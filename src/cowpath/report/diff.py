# SPDX-License-Identifier: MIT
"""`cowpath diff`: what tells two kernels apart, as text and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from cowpath.history.version import Version, names_of
from cowpath.prove.campaign import ProofAnswer
from cowpath.report.review import fold, tests
from cowpath.survey.review import Pair, differences

WIDTH = 100


def text(
    old: Version,
    new: Version,
    pairs: Sequence[Pair],
    found: Sequence[ProofAnswer],
    written: Mapping[str, str],
) -> str:
    """The comparison as text: changes, then corpus tests, then the shortest programs."""
    lines = [f"{old} and {new}", ""]
    for kernel, other in ((new, old), (old, new)):
        names = names_of(sorted(kernel.changes - other.changes, key=lambda one: one.name))
        if names:
            lines += fold(f"only {kernel}: {', '.join(names)}", WIDTH)
    lines += ["", f"From {old.release} to {new.release}, in the corpus:"]
    lines += list(corpus(pairs))
    if found:
        lines += ["", *programs(found, written)]
    return "\n".join(lines) + "\n"


def corpus(pairs: Sequence[Pair]) -> Iterator[str]:
    """The differences of corpus tests, worst first."""
    found = differences(pairs)
    if not found:
        yield "  nothing changes"
    for one in found:
        yield from fold(f"{one.kind}, in {tests(one)}", WIDTH, "  ")
    yield f"  {sum(pair.same for pair in pairs)} of {len(pairs)} answers are the same"


def programs(found: Sequence[ProofAnswer], written: Mapping[str, str]) -> Iterator[str]:
    """The shortest programs of each theme that tell the kernels apart, then what no program can tell."""
    telling = [one for one in found if one.verdict == "broken"]
    if telling:
        yield "Programs that tell them apart, the shortest first:"
    for one in telling:
        body = one.litmus.partition("\n")[2].strip()
        yield ""
        where = f", {written[one.key]}" if one.key in written else ""
        yield f"{one.name}: {one.against} shows what {one.kernel} cannot ({one.statements} statements{where})"
        yield from (f"    {line}".rstrip() for line in body.splitlines())
    told, asked = {one.name for one in telling}, {one.name for one in found}
    open_ones = sorted({one.name for one in found if one.verdict not in ("kept", "broken")} - told)
    same = sorted(asked - told - set(open_ones))
    if same:
        yield from [""] * bool(telling)
        yield from fold(f"No program of these can tell them apart: {', '.join(same)}.", WIDTH)
    if open_ones:
        yield from fold(f"Not decided within the bounds: {', '.join(open_ones)}.", WIDTH)


def document(old: Version, new: Version, pairs: Sequence[Pair], found: Sequence[ProofAnswer]) -> str:
    """The whole comparison as one JSON object."""
    whole = {
        "kernels": [str(old), str(new)],
        "only_new": sorted(change.name for change in new.changes - old.changes),
        "only_old": sorted(change.name for change in old.changes - new.changes),
        "differences": [
            {"kind": one.kind, "tests": [pair.test for pair in one.pairs]} for one in differences(pairs)
        ],
        "answers": len(pairs),
        "same": sum(pair.same for pair in pairs),
        "programs": [asdict(one) for one in found],
    }
    return json.dumps(whole, indent=2) + "\n"
