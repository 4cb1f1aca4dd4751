# SPDX-License-Identifier: MIT
"""`cowpath check`: what it prints in each form, and its exit status."""

import io
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from cowpath.history.asked import Asked
from cowpath.history.version import NEWEST, OLDEST
from cowpath.judge import judge
from cowpath.judge.result import Result
from cowpath.linux.model import MODELLED
from cowpath.litmus.program import Program
from cowpath.survey import sweep
from tests.commands.conftest import FOUNDING, KEPT, Run

TIME = re.compile(r"\d+\.\d+ s")


# -- text ------------------------------------------------------------------------------------------


def test_one_result_in_full(run: Run, kept: Path) -> None:
    status, out, err = run("check", kept)
    assert status == 0
    assert err == ""
    lines = TIME.sub("N s", out).splitlines()
    assert lines[:4] == [
        f"kept  {NEWEST} x86_64",
        "    kept: every outcome is one that private memory promises",
        "      0:r0=a; 0:x[0]=b;",
        "    exists (0:r0='a'): holds",
    ]
    assert re.fullmatch(r"    \d+ states, \d+ transitions, \d+ steps recorded, N s", lines[4])
    assert len(lines) == 5


def test_a_broken_promise_is_starred_and_named(run: Run, lost: Path) -> None:
    status, out, err = run("check", lost, "--kernel", "5.18")
    assert (status, err) == (1, "")
    assert "    broken: lost write\n" in out
    assert re.search(r"^    \* 0:r0=b; 0:r1=a; 0:x\[0\]=a; 0:x\[1\]=c;  lost write$", out, re.M)
    assert "    exists (0:r1='a'): holds\n" in out


def test_a_broken_invariant_is_broken_even_if_every_outcome_is_promised(run: Run) -> None:
    status, out, _ = run("check", FOUNDING / "stable-writes.litmus", "--kernel", "6.1", "--with", "as-posted")
    assert status == 1
    assert "    broken: I8 stable writes\n" in out
    assert "    * I8 stable writes: P0.x can write folio0 while the device reads it, " in out


def test_a_walk_says_what_was_seen(run: Run, lost: Path) -> None:
    walk = ("--walk", "100000", "--max-states")
    status, out, _ = run("check", "readahead-aba", "--kernel", "5.18", *walk, "5000")
    assert status == 1
    assert "    not finished: it stopped walking after 5,000 states\n" in out
    assert re.search(
        r"    seen: at least \d outcomes, with lost write; what was not seen may happen, too", out
    )
    assert "exists" not in out
    assert run("check", "readahead-aba", "--kernel", "5.18", *walk, "10").status == 3
    assert "broken: lost write\n" in run("check", lost, "--kernel", "5.18", *walk, "5000").out
    assert run("check", lost, *walk, "5000", "--engine", "native").status == 2


@pytest.mark.parametrize(
    ("condition", "answer", "expected"),
    [
        ("exists (0:r0='a')", "holds", 0),
        ("exists (0:r0='b')", "does not hold", 0),  # it only asks
        ("~exists (0:r0='a')", "does not hold", 1),
        ("~exists (0:r0='b')", "holds", 0),
        ("forall (0:r0='a')", "holds", 0),
        ("forall (0:r0='b')", "does not hold", 1),
    ],
)
def test_a_condition_is_answered(
    run: Run, tmp_path: Path, condition: str, answer: str, expected: int
) -> None:
    path = tmp_path / "t.litmus"
    path.write_text(KEPT.replace("exists (0:r0='a')", condition))
    status, out, _ = run("check", path)
    assert f"    {condition}: {answer}\n" in out
    assert status == expected


def test_kernels_that_are_alike_share_a_search_and_keep_their_names(
    run: Run, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched: list[str] = []

    def counted(program: Program, asked: Asked, *more: Any) -> Result:
        searched.append(str(asked.version))
        return judge.judge(program, asked, *more)

    monkeypatch.setattr(sweep, "judge", counted)
    kernels = ["6.4", "5.18", "6.3", "5.7", "6.2"]
    _, out, _ = run("check", kept, *(part for one in kernels for part in ("--kernel", one)))
    assert out.split() == [*kernels, "kept", *["kept"] * len(kernels)]
    assert searched == ["6.4 x86_64", "5.18 x86_64", "5.7 x86_64"]
    _, out, _ = run("check", kept, "--kernel", "6.3", "--kernel", "6.2", "--format", "json")
    assert [one["kernel"] for one in json.loads(out)["tests"]] == ["6.3", "6.2"]


def test_what_is_found_can_be_written_as_what_is_expected(run: Run, lost: Path) -> None:
    kernels = ["--kernel", "5.18", "--kernel", "6.1"]
    _, out, _ = run("check", lost, *kernels, "--format", "expected")
    assert list(tomllib.loads(out).values()) == [{"5.18": "lost write; holds", "6.1": "kept; does not hold"}]
    (lost.parent / "expected.toml").write_text(out)
    assert run("check", lost, *kernels, "--expected")[0] == 0
    (lost.parent / "other").mkdir()
    wrong = lost.rename(lost.parent / "other" / lost.name)
    (wrong.parent / "expected.toml").write_text(out.replace("lost write", "leak"))
    assert run("check", wrong, *kernels, "--expected")[0] == 1


def test_several_kernels_make_a_table(run: Run, kept: Path, lost: Path) -> None:
    status, out, _ = run("check", kept, lost, "--kernel", "5.18", "--kernel", "5.19")
    assert status == 1
    assert out.splitlines() == [
        "      5.18        5.19",
        "kept  kept        kept",
        "lost  lost write  kept",
    ]


def test_a_stable_update_is_named_in_every_report(run: Run, kept: Path) -> None:
    assert run("check", kept, "--kernel", "6.1.176").out.startswith("kept  6.1.176 x86_64\n")
    document = json.loads(run("check", kept, "--kernel", "6.1.176", "--format", "json").out)
    assert document["tests"][0]["kernel"] == "6.1.176"
    assert "6.1.176" in run("check", kept, "--kernel", "6.1.176", "--format", "junit").out


def test_a_backport_makes_a_difference(run: Run) -> None:
    race = FOUNDING.parent / "fixes" / "13ddaf26be32.litmus"
    assert [run("check", race, "--kernel", update).status for update in ("6.1.79", "6.1.80")] == [1, 0]


def test_a_range_of_kernels(run: Run, kept: Path) -> None:
    head = run("check", kept, "--kernel", "5.18..6.1", "--kernel", "6.0").out.splitlines()[0]
    assert head.split() == ["5.18", "5.19", "6.0", "6.1"]


def test_of_an_update_that_was_not_read_stderr_says_so(run: Run, kept: Path) -> None:
    found = run("check", kept, "--kernel", "6.6.40")
    assert (found.status, found.err.count("6.6.40 may have fixes that are missing here")) == (0, 1)


def test_columns_are_headed_by_what_tells_kernels_apart(run: Run, lost: Path) -> None:
    out = run("check", lost, "--kernel", "6.1", "--arch", "x86_64", "--arch", "arm", "--without", "H5").out
    assert out.splitlines()[0].split("  ")[-2:] == ["6.1 x86_64 -H5", "6.1 arm -H5"]


def test_files_that_hold_tests_of_one_name_keep_a_row_each(run: Run, tmp_path: Path, lost: Path) -> None:
    other = tmp_path / "other.litmus"
    other.write_text(KEPT.replace("C kept", "C lost"))
    status, out, _ = run("check", lost, other, "--kernel", "5.18")
    rows = out.splitlines()[1:]
    assert len(rows) == 2
    assert [row.rpartition("  ")[2] for row in rows] == ["lost write", "kept"]
    assert str(other) in rows[1]
    assert status == 1


# -- other forms -----------------------------------------------------------------------------------


def test_json_has_the_documented_shape(run: Run, lost: Path) -> None:
    status, out, err = run(
        "check", lost, "--kernel", "5.18", "--without", "wp-drains-lru", "--format", "json"
    )
    assert (status, err) == (1, "")
    document = json.loads(out)
    assert set(document) == {"tests"}
    (test,) = document["tests"]
    assert isinstance(test.pop("seconds"), float)
    assert all(isinstance(test.pop(name), int) for name in ("states", "transitions", "recordings"))
    assert (test.pop("engine"), test.pop("reason")) == ("reference search", "")
    assert test == {
        "name": "lost",
        "file": str(lost),
        "kernel": "5.18",
        "arch": "x86_64",
        "with": [],
        "without": ["wp-drains-lru"],
        "verdict": "broken",
        "breakage": ["lost write"],
        "outcomes": [
            {
                "registers": {"0:r0": "b", "0:r1": "a"},
                "memory": {"0:x[0]": "a", "0:x[1]": "c"},
                "breakage": "lost write",
                "promised": False,
            }
        ],
        "invariants": [],
        "condition": True,
    }


def test_json_of_a_file_that_cannot_be_read(run: Run, kept: Path, tmp_path: Path) -> None:
    missing = tmp_path / "missing.litmus"
    status, out, err = run("check", missing, kept, "--format", "json")
    assert status == 2
    good, bad = json.loads(out)["tests"]
    assert (good["name"], good["verdict"], good["breakage"]) == ("kept", "kept", [])
    assert (bad["file"], bad["verdict"]) == (str(missing), "error")
    assert bad["message"] + "\n" == err


def test_json_of_a_hang(run: Run) -> None:
    hang = FOUNDING / "swapoff-finishes.litmus"
    (test,) = json.loads(run("check", hang, "--kernel", "6.1", "--without", "H2", "--format", "json").out)[
        "tests"
    ]
    (outcome,) = test["outcomes"]
    assert outcome["hang"].startswith("endless loop: P0 in run_thread > swapoff")
    assert (outcome["breakage"], outcome["promised"]) == ("hang", False)


def test_herd(run: Run, lost: Path) -> None:
    out = run("check", lost, "--kernel", "5.18", "--format", "herd").out
    lines = re.sub(r"Time lost .*", "Time lost N", out).splitlines()
    assert lines[:9] == [
        "Test lost Allowed",
        "States 1",
        "0:r0=b; 0:r1=a; 0:x.0=a; 0:x.1=c; crash=0; hang=0;",
        "Ok",
        "Witnesses",
        "Positive: 1 Negative: 0",
        "Condition exists (0:r1=a)",
        "Observation lost Always 1 0",
        "Time lost N",
    ]
    assert re.fullmatch(r"Hash=[0-9a-f]{32}", lines[9])


def test_herd_names_kernels_where_there_are_several(run: Run, lost: Path) -> None:
    out = run("check", lost, "--kernel", "5.18", "--kernel", "6.1", "--format", "herd").out
    assert re.findall(r"^Test (.*)$", out, re.M) == ["lost+5.18-x86_64 Allowed", "lost+6.1-x86_64 Allowed"]
    assert re.findall(r"^Observation (\S+ \S+)", out, re.M) == [
        "lost+5.18-x86_64 Always",
        "lost+6.1-x86_64 Never",
    ]
    assert len(set(re.findall(r"^Hash=(.*)$", out, re.M))) == 1


# -- exit status -----------------------------------------------------------------------------------


def test_a_bound_that_is_hit_is_not_a_result(run: Run, lost: Path) -> None:
    status, out, _ = run("check", lost, "--kernel", "5.18", "--max-states", "10")
    assert status == 3
    assert "    not finished: it stopped after 10 states\n" in out
    assert "holds" not in out
    assert "    kept" not in out
    status, out, _ = run("check", lost, "--max-states", "10", "--format", "json")
    (test,) = json.loads(out)["tests"]
    assert (status, test["verdict"], test["condition"]) == (3, "unfinished", None)
    status, out, _ = run("check", lost, "--max-states", "10", "--format", "herd")
    assert (status, "Undef" in out) == (3, True)
    status, out, _ = run("check", lost, "--kernel", "5.18", "--kernel", "6.1", "--max-states", "10")
    assert (status, out.splitlines()[1]) == (3, "lost  not finished  not finished")


def test_bad_input_outweighs_broken(run: Run, lost: Path, tmp_path: Path) -> None:
    assert run("check", lost, tmp_path / "no", "--kernel", "5.18").status == 2


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5", "\N{SUPERSCRIPT TWO}"])
def test_a_bound_is_a_positive_number(run: Run, kept: Path, number: str) -> None:
    status, _, err = run("check", kept, f"--max-states={number}")
    assert status == 2
    assert f"{number!r} is not a number from 1 to" in err


def test_verify_changes_nothing_but_the_time(run: Run, lost: Path) -> None:
    plain, verified = (run("check", lost, "--kernel", "5.18", *more) for more in ([], ["--verify"]))
    cut = re.compile(r"    \d+ states.*\n")
    assert cut.sub("", verified.out) == cut.sub("", plain.out)
    assert verified.status == plain.status == 1


# -- reductions ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        ["--no-reduce"],
        ["--reduce", "partial-order"],
        ["--no-reduce", "--reduce", "dead-locals", "--reduce", "partial-order"],
    ],
)
def test_reductions_change_nothing_but_the_states(run: Run, options: list[str]) -> None:
    test = FOUNDING / "pin-write-kswapd.litmus"
    plain, other = (run("check", test, "--kernel", "5.18", *more) for more in ([], options))
    cut = re.compile(r"    [\d,]+ states.*\n(    reference search, partial order.*\n)?")
    assert cut.sub("", other.out) == cut.sub("", plain.out)
    assert other.status == plain.status == 1


def states(run: Run, *options: str) -> int:
    """How many states a check of one test visits."""
    out = run("check", FOUNDING / "pin-write-kswapd.litmus", *options).out
    found = re.search(r"([\d,]+) states", out)
    assert found is not None
    return int(found[1].replace(",", ""))


def test_reductions_are_switched_one_by_one(run: Run) -> None:
    usual = states(run)
    assert states(run, "--no-reduce") > usual
    assert states(run, "--no-reduce", "--reduce", "dead-locals") == usual
    assert states(run, "--reduce", "partial-order") < usual


def test_a_reduction_has_a_name_and_an_engine(run: Run, kept: Path) -> None:
    status, _, err = run("check", kept, "--reduce", "symmetry")
    assert status == 2
    assert "partial-order" in err
    status, _, err = run("check", kept, "--engine", "native", "--reduce", "partial-order")
    assert status == 2
    assert err == "cowpath check: --reduce partial-order: only the reference search has it\n"


def test_an_export_lacks_no_state(run: Run, kept: Path) -> None:
    status, out, err = run("export", kept, "--to", "promela", "--reduce", "partial-order")
    assert (status, out) == (2, "")
    assert "others count every state" in err


# -- expectations ----------------------------------------------------------------------------------


def test_expected_verdicts_decide_where_asked(run: Run, lost: Path) -> None:
    expected = lost.parent / "expected.toml"
    expected.write_text('[lost]\n"5.18" = "lost write"\n')
    assert run("check", lost, "--kernel", "5.18", "--expected").status == 0


def test_where_nothing_is_expected_a_verdict_stands_for_itself(run: Run, lost: Path, kept: Path) -> None:
    """A misspelt kernel, or no expected.toml at all, must not turn a broken promise into success."""
    status, _, err = run("check", lost, "--kernel", "5.18", "--expected")
    assert status == 1
    assert err == f"{lost}, 5.18 x86_64: nothing is expected, found 'lost write; holds'\n"
    (lost.parent / "expected.toml").write_text('[lost]\n"5.18" = "lost write"\n')
    assert run("check", lost, "--kernel", "5.18", "--arch", "arm", "--expected").status == 1
    status, _, err = run("check", kept, "--expected")
    assert (status, err) == (0, f"{kept}, {NEWEST} x86_64: nothing is expected, found 'kept; holds'\n")


def test_a_verdict_that_differs(run: Run, lost: Path) -> None:
    (lost.parent / "expected.toml").write_text('[lost]\n"5.18" = "kept"\n')
    status, _, err = run("check", lost, "--kernel", "5.18", "--expected")
    assert status == 1
    assert err == f"{lost}, 5.18 x86_64: expected 'kept', found 'lost write; holds'\n"


@pytest.mark.parametrize(
    ("expected", "status"),
    [("lost write", 0), ("lost write; holds", 0), ("lost write; does not hold", 1), ("leak; holds", 1)],
)
def test_an_expectation_may_leave_out_the_condition(run: Run, lost: Path, expected: str, status: int) -> None:
    path = lost.parent / "expected.toml"
    path.write_text(f'[lost]\n"5.18" = "{expected}"\n')
    assert run("check", lost, "--kernel", "5.18", "--expected").status == status


def test_not_finished_is_not_as_expected(run: Run, lost: Path) -> None:
    (lost.parent / "expected.toml").write_text('[lost]\n"5.18" = "lost write"\n')
    assert run("check", lost, "--kernel", "5.18", "--expected", "--max-states", "5").status == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[lost\n", "Expected ']' at the end of a table declaration"),
        ('lost = "kept"\n', "'lost' must be a table of verdicts by kernel"),
        ('[lost]\n"5.18" = 3\n', "'lost' must be a table of verdicts by kernel"),
        ("[lost]\n5.18 = 'kept'\n", "'lost' must be a table of verdicts by kernel"),
    ],
)
def test_expectations_that_cannot_be_read(run: Run, lost: Path, text: str, message: str) -> None:
    path = lost.parent / "expected.toml"
    path.write_text(text)
    status, _, err = run("check", lost, "--expected", "--kernel", "5.18")
    assert status == 2
    assert err.startswith(f"cowpath check: {path}: ")
    assert message in err


# -- names of tests --------------------------------------------------------------------------------


def test_a_directory_a_theme_and_a_corpus_test_have_names(run: Run, kept: Path, lost: Path) -> None:
    status, out, _ = run("check", kept.parent, "--kernel", "5.18")
    assert (status, [line.split()[0] for line in out.splitlines()[1:]]) == (1, ["kept", "lost"])
    assert run("check", "CVE-2020-29374", "--kernel", "5.7").status == 1
    assert run("check", "cve/CVE-2020-29374.litmus", "--kernel", "6.1").status == 0
    assert len(run("check", "cve", "--kernel", "6.1").out.splitlines()) == 3


def test_the_corpus_is_there_from_anywhere(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("check", "CVE-2020-29374").status == 0
    assert run("mutate", "fresh-page", "--only", "09854ba9").out.startswith("mutation")


def test_a_test_from_stdin(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments in (("check", "-"), ("trace", "-")):
        monkeypatch.setattr("sys.stdin", io.StringIO(KEPT))
        status, out, err = run(*arguments)
        assert (status, err) == (0, "")
        assert "kept" in out
    monkeypatch.setattr("sys.stdin", io.StringIO("C nonsense"))
    assert run("check", "-").err.startswith("<stdin>:1:")


def test_a_name_of_nothing_has_a_suggestion(run: Run) -> None:
    status, out, err = run("check", "fonding")
    assert (status, out) == (2, "")
    assert err == "fonding: no file, and no corpus test; did you mean 'founding'?\n"


# -- bad input -------------------------------------------------------------------------------------


def test_a_bad_file_spoils_only_itself(run: Run, kept: Path, lost: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.litmus"
    bad.write_text(KEPT.replace("r0 = x[0]", "r0 = y[0]"))
    status, out, err = run("check", kept, bad, lost, "--kernel", "5.18")
    assert status == 2
    assert [line.split()[0] for line in out.splitlines()[1:]] == ["kept", "lost"]
    assert err.startswith(f"{bad}:3:")


def test_files_that_are_no_tests(run: Run, kept: Path, tmp_path: Path) -> None:
    binary, huge, empty = tmp_path / "binary", tmp_path / "huge", tmp_path / "empty"
    binary.write_bytes(b"\x7fELF\x00\xff\xfe")
    huge.write_bytes(b"x" * 10_000_000)
    empty.write_bytes(b"")
    (tmp_path / "directory").mkdir()
    for path in (binary, huge, empty, tmp_path / "directory", tmp_path / "missing"):
        status, out, err = run("check", path)
        assert (status, out) == (2, "")
        assert err.startswith((f"{path}: ", f"{path}:1:"))
        assert run("trace", path).status == 2
    assert run("check", binary, kept).out.startswith(f"kept  {NEWEST} x86_64\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--kernel", "sid"], "'sid' is not a kernel release: write"),
        (["--kernel", "99.0"], f"kernel 99.0 is not modelled: {OLDEST} to {NEWEST} are"),
        (["--kernel", "4.4"], f"kernel 4.4 is not modelled: {OLDEST} to {NEWEST} are"),
        (["--arch", "amr64"], "no architecture is called 'amr64'; did you mean arm64 "),
        (["--arch", "vax"], "no architecture is called 'vax'"),
        (["--without", "H9"], "unknown change 'H9': did you mean 'H6'?"),
        (["--with", "as-postd"], "unknown change 'as-postd': did you mean 'as-posted'?"),
        (
            ["--with", "no-pte-same-in-ksn"],
            "unknown change 'no-pte-same-in-ksn': did you mean 'no-pte-same-in-ksm'?",
        ),
        (["--with", ""], "unknown change '': `cowpath changes` lists what is modelled"),
        (["--without", "1493a1913e35"], "unknown change '1493a1913e35': did you mean '1493a1913e34'?"),
    ],
)
def test_unknown_kernels(run: Run, kept: Path, options: list[str], message: str) -> None:
    for command in ("check", "trace"):
        status, out, err = run(command, kept, *options)
        assert (status, out) == (2, "")
        assert err.startswith(f"cowpath {command}: {message}")


def test_what_is_not_modelled_is_refused_not_ignored(
    run: Run, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MODELLED, "option", ("debug_vm",))
    path = tmp_path / "later.litmus"
    path.write_text(KEPT.replace('"a"; }', '"a"; option = tlb; }'))
    status, out, err = run("check", path, kept)
    assert status == 2
    assert out.startswith(f"kept  {NEWEST} x86_64\n")
    assert err.startswith(f"{path}: the option 'tlb' is not modelled yet; known: debug_vm")


@pytest.mark.parametrize("call", ["get_user_page(x)", "pin_user_page(x)"])
def test_a_test_that_outgrows_the_model_is_not_finished(
    run: Run, kept: Path, tmp_path: Path, call: str
) -> None:
    """More references than a folio can count: no wrap, no traceback, and other files are still checked."""
    path = tmp_path / "many.litmus"
    takes = "".join(f"    g{number} = {call};\n" for number in range(20))
    path.write_text(f'C many\n{{ char x[1] = "a"; }}\nP0(char *x)\n{{\n{takes}}}\n')
    status, out, err = run("check", path, kept)
    assert status == 3
    assert err.startswith(f"{path}, {NEWEST} x86_64: not finished: folio0.")
    assert [line.split("  ")[-1] for line in out.splitlines()[1:]] == ["not finished", "kept"]


def test_a_test_that_needs_too_many_pages_is_an_error_of_its_own(
    run: Run, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cowpath.judge.judge.LARGEST_MODEL", 1)
    path = kept.parent / "pages.litmus"
    again = "    x[0] = 'a'; g{0} = get_user_page(x); madvise(x, MADV_DONTNEED);\n"
    body = "".join(again.format(number) for number in range(5))
    path.write_text(f"C pages\n{{ char x[1]; }}\nP0(char *x)\n{{\n{body}}}\n")
    status, _, err = run("check", path)
    assert status == 2
    assert err.startswith(f"{path}: this test needs more than the model has: ")
