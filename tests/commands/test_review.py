# SPDX-License-Identifier: MIT
"""`cowpath review`: a patch to the model, changes by name, a patch to Linux."""

import json
from pathlib import Path

import pytest

from tests.commands.conftest import Run
from tests.survey.test_patch import inverted
from tests.survey.test_review import DIFF

SMALL = ("--no-programs", "--tests", "stable-writes", "fresh-page")

BARE = ("--no-programs", "--tests")


@pytest.fixture
def posted(tmp_path: Path) -> Path:
    """The founding patch's inverted test, as a replacement of a function."""
    path = tmp_path / "posted.py"
    path.write_text(inverted())
    return path


def test_the_founding_patch_as_first_posted(run: Run, posted: Path) -> None:
    status, out, err = run("review", posted, "--kernel", "6.1", *SMALL)
    assert (status, err) == (1, "")
    assert out.splitlines()[0] == "posted.py on 6.1 x86_64"
    words = " ".join(out.split())
    assert "H4c inverted: pages change under writeback to a device with stable writes" in words
    assert "I8 stable writes: new, in 1 test: stable-writes" in out
    assert "first difference: step 9, P0 x[1] = 'c': do_swap_page (mm/memory.c)" in out
    assert "1 of 2 answers are as before." in out


def test_changes_by_name(run: Run) -> None:
    status, out, _ = run("review", "--kernel", "6.1", "--without", "H3", *BARE, "fork-of-swapped-page")
    assert status == 1
    assert out.startswith("without H3 on 6.1 x86_64\n\ncrash: new, in 1 test: fork-of-swapped-page\n")
    status, out, _ = run("review", "--kernel", "6.1", "--without", "H3", *BARE, "fresh-page")
    assert (status, out) == (
        0,
        "without H3 on 6.1 x86_64\n\nNothing changes.\n\n1 of 1 answers are as before.\n",
    )


def test_programs_of_themes(run: Run) -> None:
    themes = ("--theme", "swap,gup", "--theme", "swap,failures", "--time", "100")
    status, out, _ = run("review", "--kernel", "5.18", "--without", "H1", "--tests", "fresh-page", *themes)
    assert status == 2  # 5.18 has no such hunk
    status, out, _ = run(
        "review", "--kernel", "6.1", "--without", "H5", "--tests", "fresh-page", *themes[:2], *themes[4:]
    )
    words = " ".join(out.split())
    assert status == 1
    assert "lost write: new, in programs of swap+gup (4 statements)" in words
    assert "swap+gup: 6.1 x86_64 without H5 shows what 6.1 x86_64 cannot; the shortest program has" in words


def test_programs_of_a_patched_tree(run: Run, posted: Path) -> None:
    status, out, _ = run(
        "review", posted, "--kernel", "6.1", "--tests", "fresh-page", "--theme", "swap,stable-writes",
        "--max-states", "1000", "--format", "json",
    )  # fmt: skip
    (found,) = json.loads(out)["programs"]
    assert status == 1
    assert [(one["kind"], one["verdict"]) for one in found["newly_broken"]] == [
        ("I8 stable writes", "broken")
    ]
    assert {one["verdict"] for one in found["told_apart"]} == {"not decided"}


def test_a_reply_fits_a_mail(run: Run, posted: Path) -> None:
    out = run("review", posted, "--kernel", "6.1", *SMALL, "--reply").out
    assert max(map(len, out.splitlines())) <= 72
    assert out.startswith("I ran posted.py on 6.1 x86_64 through cowpath")


def test_json_and_a_page(run: Run, posted: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    out = run("review", posted, "--kernel", "6.1", *SMALL, "--format", "json", "--html", page).out
    found = json.loads(out)
    assert "as-posted" in found["like"]
    assert found["differences"][0]["kind"] == "I8 stable writes: new"
    assert "<!doctype html>" in page.read_text()[:20].lower()


def test_paths_in_full(run: Run, posted: Path) -> None:
    out = run("review", posted, "--kernel", "6.1", *SMALL, "--paths").out
    assert "Broken on 6.1 x86_64 with posted.py: I8 stable writes" in out


def test_a_patch_to_linux(run: Run, tmp_path: Path) -> None:
    patch, skeleton = tmp_path / "some.patch", tmp_path / "mine.py"
    patch.write_text(DIFF)
    status, out, _ = run("review", patch, "--skeleton", skeleton)
    assert status == 0
    assert "mm/memory.c: do_swap_page (+1 -1): linux/mm/memory.py, lines " in out
    assert "mm/hugetlb.c: hugetlb_fault (+1 -1): not modelled" in out
    assert f"C is not translated. {skeleton} has these functions" in out
    assert run("review", skeleton, *BARE, "fresh-page").out.splitlines()[2] == "Nothing changes."
    assert run("review", patch, "--skeleton", skeleton).err.endswith("name another file with --skeleton\n")


def test_a_patch_to_what_is_not_modelled(run: Run, tmp_path: Path) -> None:
    patch = tmp_path / "other.patch"
    patch.write_text("--- a/fs/ext4/inode.c\n+++ b/fs/ext4/inode.c\n@@ -1 +1 @@ int f(void)\n-a\n+b\n")
    status, out, _ = run("review", patch)
    assert status == 4
    assert out.endswith("None of it is modelled, so there is nothing to compare.\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name a patch, or changes with --with and --without"),
        (["no-such.py"], "no-such.py cannot be read: No such file or directory"),
    ],
)
def test_what_cannot_be_reviewed(run: Run, arguments: list[str], message: str) -> None:
    assert run("review", *arguments) == (2, "", f"cowpath review: {message}\n")
