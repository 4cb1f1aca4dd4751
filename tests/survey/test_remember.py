# SPDX-License-Identifier: MIT
"""Answers on disk: what is there is not asked again, and only what is whole and ours counts."""

import functools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cowpath.corpus.files import files, program
from cowpath.errors import CowpathError
from cowpath.survey.fingerprint import fingerprint
from cowpath.survey.parallel import ALONE, Processes, each
from cowpath.survey.remember import SUFFIX, Remembering
from cowpath.survey.sweep import Sweep
from tests.survey.test_sweep import assignments, said


def inverse(number: int, log: Path) -> float:
    """Say that it runs."""
    with log.open("a") as file:
        file.write(f"{number}\n")
    return 1 / number


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_second_run_takes_up_where_the_first_stopped(tmp_path: Path, jobs: int) -> None:
    log = tmp_path / "log"
    task = functools.partial(inverse, log=log)
    workers = Remembering.within(Processes(jobs), tmp_path / "answers")
    with pytest.raises(ZeroDivisionError):
        list(each(task, [4, 0], workers))
    assert list(each(task, [2, 4, 5], workers)) == [0.5, 0.25, 0.2]
    assert sorted(log.read_text().split()) == ["0", "2", "4", "5"]


def test_an_answer_is_kept_as_it_comes(tmp_path: Path) -> None:
    log = tmp_path / "log"
    workers = Remembering.within(ALONE, tmp_path / "answers")
    answers = each(functools.partial(inverse, log=log), [1, 2, 3], workers)
    assert next(answers) == 1
    answers.close()  # type: ignore[attr-defined]
    assert list(each(functools.partial(inverse, log=log), [1, 2, 3], workers))[1:] == [1 / 2, 1 / 3]
    assert log.read_text().split() == ["1", "2", "3"]


def test_a_damaged_answer_is_found_again(tmp_path: Path) -> None:
    workers = Remembering.within(ALONE, tmp_path)
    assert list(each(abs, [-1], workers)) == [1]
    (file,) = tmp_path.glob(f"*{SUFFIX}")
    file.write_bytes(file.read_bytes()[:-3])
    assert list(each(abs, [-1], workers)) == [1]


def test_nobody_else_can_put_answers_there(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(CowpathError, match="name another directory with --resume"):
        Remembering.within(ALONE, tmp_path)


def test_a_sweep_remembers(tmp_path: Path) -> None:
    workers = Remembering.within(ALONE, tmp_path)
    first = list(Sweep(said, workers).run(assignments()))
    assert first == list(Sweep(said).run(assignments()))
    before = {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    assert len(before) == len(assignments())
    assert list(Sweep(said, workers).run(assignments())) == first
    assert {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()} == before


def test_a_task_has_the_same_name_in_every_process() -> None:
    code = (
        "from cowpath.survey.fingerprint import fingerprint\n"
        "from tests.survey.test_sweep import assignments, said\n"
        "print(fingerprint(said, assignments()[0]))\n"
    )
    names = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert names == {fingerprint(said, assignments()[0])}


def test_tasks_that_differ_have_names_that_differ() -> None:
    one, other = (program(name) for name in files(["get-read-leak", "fresh-page"]))
    tasks: list[tuple[Callable[..., object], object]] = [
        (said, assignments()[0]),
        (said, assignments()[1]),
        (said, one),
        (said, other),
        (abs, one),
        (functools.partial(sorted, reverse=True), one),
        (said, [one]),
        (said, {"1"}),
        (said, {"1", "2"}),
    ]
    assert len({fingerprint(function, argument) for function, argument in tasks}) == len(tasks)
