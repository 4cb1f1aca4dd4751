# SPDX-License-Identifier: MIT
"""The pytest plugin, in a project of its own."""

import pytest

from cowpath.history.asked import Asked
from cowpath.judge import judge
from cowpath.judge.result import Result
from cowpath.litmus.program import Program

pytest_plugins = ["pytester"]

LOST = """C {name}
{{ char x[2] = "ab"; }}
P0(char *x)
{{ g = get_user_page(x, FOLL_WRITE); madvise(x, MADV_PAGEOUT); r0 = x[1]; x[1] = 'c';
  device_write(g, 0, 'D'); put_page(g); r1 = x[0]; }}
{condition}
"""


def write(pytester: pytest.Pytester, name: str, condition: str = "") -> None:
    pytester.path.joinpath(f"{name}.litmus").write_text(LOST.format(name=name, condition=condition))


def test_expected_verdicts_pass_and_wrong_ones_say_how_it_came_about(pytester: pytest.Pytester) -> None:
    write(pytester, "lost")
    pytester.path.joinpath("expected.toml").write_text('[lost]\n"5.18" = "lost write"\n"5.10" = "kept"\n')
    outcome = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    outcome.assert_outcomes(passed=1, failed=1)
    outcome.stdout.fnmatch_lines(["*expected: kept*", "*found: *lost write*", "*Promise broken on 5.10*"])


def test_without_an_expectation_the_promise_must_be_kept(pytester: pytest.Pytester) -> None:
    write(pytester, "lost")
    pytester.makeini("[pytest]\ncowpath_kernels =\n    5.18\n    6.1\n")
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=1, failed=1)
    pytester.runpytest_inprocess("-p", "no:cacheprovider", "-k", "6.1").assert_outcomes(passed=1)


def test_kernels_that_are_alike_share_a_search(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched: list[str] = []
    search = judge.judge

    def counted(program: Program, asked: Asked) -> Result:
        searched.append(str(asked.version))
        return search(program, asked)

    monkeypatch.setattr(judge, "judge", counted)
    write(pytester, "lost")
    pytester.makeini("[pytest]\ncowpath_kernels =\n    6.1\n    5.18\n    6.2\n")
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=2, failed=1)
    assert searched == ["6.1 x86_64", "5.18 x86_64"]


def test_what_a_test_demands_must_hold(pytester: pytest.Pytester) -> None:
    write(pytester, "asks", "~exists (0:r1='D')")
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(failed=1)


def test_a_broken_file_is_an_error_of_collection_with_its_line(pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("bad.litmus").write_text("C bad\n{ char x[1]; }\nP0(char *x) { madvice(x); }\n")
    outcome = pytester.runpytest_inprocess("-p", "no:cacheprovider")
    outcome.assert_outcomes(errors=1)
    outcome.stdout.fnmatch_lines(["*bad.litmus:3:*madvice*"])
