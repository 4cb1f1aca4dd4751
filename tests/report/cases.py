# SPDX-License-Identifier: MIT
"""Cases of every status, with what a hostile test could put into them."""

from dataclasses import replace

from cowpath.report.case import Case, CaseOutcome, FileSpot

EVIL = 'x # SKIP <script>alert("1")</script> ]]> &\x1b[31m\x00'

PASS = Case("kept", "litmus/a.litmus", "6.1 x86_64", "pass", "kept", seconds=0.25)
FAIL = Case(
    "lost", "litmus/b.litmus", "5.18 x86_64", "fail", "lost write",
    kinds=("lost write",), why=("0:r1 is 'a'; the promise allows only 'D'",),
    outcomes=(CaseOutcome("0:r1=D;"), CaseOutcome("0:r1=a;", "lost write")),
    path=(FileSpot(7, 5, "P0: x[0] = 'a'"), FileSpot(0, 0, "kswapd(x)"), FileSpot(8, 5, "P0: r1 = x[0]")),
    spot=FileSpot(8, 5, ""),
)  # fmt: skip
XFAIL = Case(
    "lost", "litmus/b.litmus", "5.10 x86_64", "xfail", "leak", kinds=("leak",), expected_by="expected.toml"
)
SKIP = Case("ksm", "litmus/c.litmus", "uml 6.1", "skip", "no KSM on this machine")
ERROR = Case("big", "litmus/d.litmus", "6.1 x86_64", "error", "not finished")
RUN = Case(
    "lost", "litmus/b.litmus", "uml:6.1", "fail", "lost write 3/5", kinds=("not in the model", "lost write"),
    outcomes=(
        CaseOutcome("0:r1=D;", count=2, allowed=True),
        CaseOutcome("0:r1=a;", "lost write", 2, allowed=True),
        CaseOutcome("0:r1=b;", "lost write", 1, allowed=False),
    ),
    spot=FileSpot(8, 5, ""), output=f"Test lost on uml:6.1\n{EVIL}",
)  # fmt: skip
PREDICTED = replace(RUN, status="xfail", outcomes=RUN.outcomes[:2], expected_by="the model of 6.1 um")
TIMEOUT = Case("slow", "litmus/e.litmus", "qemu:6.1", "timeout", "timed out 3")
HOSTILE = Case(
    EVIL, f"{EVIL}/../b c.litmus", EVIL, "fail", EVIL, kinds=("I8 " + EVIL,), why=(EVIL,),
    outcomes=(CaseOutcome(EVIL, EVIL), CaseOutcome(EVIL, EVIL, 1)), path=(FileSpot(1, 1, EVIL),),
    expected_by=EVIL, output=EVIL,
)  # fmt: skip
ALL = [PASS, FAIL, XFAIL, RUN, PREDICTED, SKIP, TIMEOUT, ERROR, HOSTILE]
