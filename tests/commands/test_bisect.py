# SPDX-License-Identifier: MIT
"""`cowpath bisect`: spans, reasons, first and last."""

import json

from tests.commands.conftest import Run


def test_a_history_in_full(run: Run) -> None:
    status, out, err = run("bisect", "04fc7816089c")
    assert (status, err) == (0, "")
    assert out.splitlines() == [
        "04fc7816089c on x86_64",
        "  5.7 to 6.3  lost write",
        "  6.4 to 6.7  hang        04fc7816089c (zswap-rechecks-entry)",
        "  6.8 to 7.3  kept        e3b63e966cac (zswap-cleans-up)",
        "updates of 6.1",
        "  6.1 to 6.1.29      lost write",
        "  6.1.30 to 6.1.79   hang        04fc7816089c (zswap-rechecks-entry)",
        "  6.1.80 to 6.1.192  kept        e3b63e966cac (zswap-cleans-up)",
        "first broken: 5.7, it always was",
        "last broken:  6.7, until 6.8: e3b63e966cac (zswap-cleans-up)",
    ]


def test_what_was_taken_back_is_named_by_the_commit_that_did_it(run: Run) -> None:
    assert "  stale data  a308c71bf1e6 (no forced-cow-break)\n" in run("bisect", "pin-read-after-fork").out


def test_what_is_never_broken(run: Run) -> None:
    assert run("bisect", "fresh-page").out == "fresh-page on x86_64\n  5.7 to 7.3  kept\nnever broken\n"


def test_an_outcome(run: Run) -> None:
    out = run("bisect", "get-read-leak", "--outcome", "leak").out
    assert out.splitlines()[0] == "get-read-leak on x86_64, is 'leak' seen?"
    assert out.splitlines()[-1] == "last seen:  5.7, until 5.8: 17839856fd58 (forced-cow-break)"


def test_several_as_json(run: Run) -> None:
    found = json.loads(run("bisect", "cve", "--format", "json").out)
    assert [one["name"] for one in found["tests"]] == ["CVE-2020-29374", "CVE-2024-26960"]
    first, last = found["tests"][0]["mainline"]
    assert (first["answer"], last["came"]) == ("leak", ["forced-cow-break"])
    assert found["updates_read"]["6.1"] >= 192


def test_a_search_that_is_cut_short(run: Run) -> None:
    status, out, _ = run("bisect", "fresh-page", "--max-states", "5")
    assert status == 3
    assert "5.7 to 7.3  not finished" in out


def test_an_outcome_that_cannot_be_read(run: Run) -> None:
    status, out, err = run("bisect", "fresh-page", "--outcome", "9:r0='a'")
    assert (status, out) == (2, "")
    assert err.startswith("cowpath bisect: --outcome: ")
