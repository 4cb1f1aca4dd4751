# SPDX-License-Identifier: MIT
"""Sentences about the programs of themes on a kernel with and without a change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cowpath.prove.campaign import ProofAnswer
from cowpath.survey.examine import Examined, kind


def broken_kinds(examined: Sequence[Examined]) -> dict[str, str]:
    """By the kind of difference: in which programs it is new, the shortest named first.

    >>> from cowpath.history.version import version
    >>> found = ProofAnswer("", "swap+gup", "5.18", "broken", "...", 554, 24, 0.1, "lost write", 4, "C")
    >>> broken_kinds([Examined(version("5.18"), (found,), ())])
    {'lost write: new': 'in programs of swap+gup (4 statements)'}
    """
    named: dict[str, list[str]] = {}
    for one in examined:
        for proof in one.broken:
            size = f" ({proof.statements} statements)" if proof.statements else ""
            named.setdefault(f"{kind(proof)}: new", []).append(f"{proof.name}{size}")
    return {key: f"in programs of {', '.join(dict.fromkeys(names))}" for key, names in named.items()}


def sentences(one: Examined, effort: str, several: bool) -> Iterator[str]:
    """Say what can tell the two kernels apart, what cannot, what is not decided, and what was not asked.

    `several`: the kernel is named, as there are others.
    """
    on = f"{one.kernel}: " if several else ""
    by_name: dict[str, list[ProofAnswer]] = {}
    for proof in one.apart:
        by_name.setdefault(proof.name, []).append(proof)
    telling = {name for name, both in by_name.items() if any(proof.verdict == "broken" for proof in both)}
    alike = [name for name, both in by_name.items() if all(proof.verdict == "kept" for proof in both)]
    for proof in one.apart:
        if proof.verdict == "broken":
            size = f"; the shortest program has {proof.statements} statements" if proof.statements else ""
            yield f"{on}{proof.name}: {proof.against} shows what {proof.kernel} cannot{size}."
    if alike:
        yield f"{on}No program over {', '.join(alike)} can tell the two apart."
    undecided = [name for name in by_name if name not in telling and name not in alike]
    if undecided:
        yield f"{on}Not decided within the bounds ({effort}): {', '.join(undecided)}."
    if one.far:
        yield f"{on}{len(one.far)} themes whose programs do not come near it in 2,000 states were not asked."


def shown_programs(examined: Sequence[Examined]) -> Iterator[str]:
    """The programs in full, each under its name: those that are broken, then those that tell apart."""
    for one in examined:
        for proof in (*one.broken, *one.apart):
            if proof.litmus:
                yield (
                    f"{proof.name} on {proof.kernel}:"
                    if not proof.against
                    else (f"{proof.name}, {proof.against} against {proof.kernel}:")
                )
                yield from proof.litmus.rstrip().splitlines()
                yield ""
