# SPDX-License-Identifier: MIT
"""`--format ktap`: KTAP version 1, as kselftest prints it: a test per litmus file, a subtest per kernel.

Outcomes that a machine has shown are subtests below that.  A promise broken as expected is `ok # XFAIL` as in
kselftest (readers that know SKIP alone take `not ok` for a failure), what cannot run is `ok # SKIP`, what
could not be judged is `not ok # ERROR` or `# TIMEOUT`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cowpath.report.case import Case, CaseOutcome, by_test, failed, one_line

VERSION = "KTAP version 1"

DIRECTIVES = {"skip": "SKIP", "xfail": "XFAIL", "timeout": "TIMEOUT", "error": "ERROR"}


def document(cases: Sequence[Case]) -> str:
    """The whole run.

    >>> print(document([Case("t", "t.litmus", "6.1 x86_64", "pass", "kept")]), end="")
    KTAP version 1
    1..1
      KTAP version 1
      # Subtest: t
      1..1
      ok 1 6.1 x86_64
    ok 1 t
    """
    groups = by_test(cases)
    lines = [VERSION, f"1..{len(groups)}"]
    for number, (test, group) in enumerate(groups, 1):
        lines += [f"  {line}" for line in subtests(test, group)]
        lines.append(result_line(number, test, not failed(group), directive_of_group(group)))
    return "\n".join(lines) + "\n"


def subtests(test: str, cases: Sequence[Case]) -> Iterator[str]:
    """A test as a group of subtests, one for each kernel."""
    yield VERSION
    yield f"# Subtest: {plain(test)}"
    yield f"1..{len(cases)}"
    for number, case in enumerate(cases, 1):
        counted = [seen for seen in case.outcomes if seen.count]
        if counted:
            yield from (f"  {line}" for line in outcomes(case.kernel, counted))
        yield from diagnostics(case)
        yield result_line(number, case.kernel, not case.bad, directive(case))


def outcomes(kernel: str, counted: Sequence[CaseOutcome]) -> Iterator[str]:
    """The outcomes of a machine, with counts, as subtests of its case; a predicted one is no failure."""
    yield VERSION
    yield f"# Subtest: {plain(kernel)}"
    yield f"1..{len(counted)}"
    for number, seen in enumerate(counted, 1):
        good = seen.allowed or (seen.allowed is None and not seen.breakage)
        remark = f"XFAIL {seen.breakage}" if seen.breakage and good else ""
        yield result_line(number, f"{seen.text} {seen.count}", good, remark)


def diagnostics(case: Case) -> Iterator[str]:
    """The lines that explain a result which is not a plain pass; KTAP puts them before the result."""
    if case.status == "pass":
        return
    if case.status != "skip":
        yield f"# {one_line(case.kernel)}: {one_line(case.words)}"
    for seen in case.outcomes:
        if seen.breakage and not seen.count:
            yield f"# {one_line(seen.breakage)}: {one_line(seen.text)}"
    for sentence in case.why:
        yield f"# {one_line(sentence)}"


def directive(case: Case) -> str:
    """SKIP, XFAIL, TIMEOUT or ERROR, with the reason."""
    word = DIRECTIVES.get(case.status)
    return f"{word} {case.words}" if word else ""


def directive_of_group(cases: Sequence[Case]) -> str:
    """A test is skipped where every subtest of it is."""
    return "SKIP on every kernel" if all(case.status == "skip" for case in cases) else ""


def result_line(number: int, name: str, good: bool, remark: str) -> str:
    """`ok 1 name # SKIP why`; a `#` in a name would begin a directive and becomes a plain sign.

    >>> result_line(2, "a # SKIP b", False, "")
    'not ok 2 a + SKIP b'
    """
    tail = f" # {plain(remark)}" if remark else ""
    return f"{'ok' if good else 'not ok'} {number} {plain(name)}{tail}"


def plain(text: str) -> str:
    """A name without the sign of a directive; a subtest is found by its name, so both places write it alike.

    >>> plain("a # SKIP b")
    'a + SKIP b'
    """
    return one_line(text).replace("#", "+")
