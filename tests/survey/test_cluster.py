# SPDX-License-Identifier: MIT
"""A dask cluster does the tasks: the same answers, and none is lost with a worker that is killed."""

import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cowpath.children import dies_with_parent
from cowpath.cli import main
from cowpath.errors import CowpathError
from cowpath.survey import cluster as module
from cowpath.survey.cluster import LOCAL, cluster
from cowpath.survey.parallel import each
from cowpath.survey.sweep import Sweep
from tests.survey.test_sweep import assignments, said
from tests.tools import need_module

ROOT = Path(__file__).parents[2]

WORKERS = 4


def task(number: int, directory: Path) -> int:
    """Count that it runs; the first run of number 3 waits to be killed."""
    (directory / f"run-{number}-{os.getpid()}").touch()
    if number == 3 and not (directory / "victim").exists():
        half = directory / "half"
        half.write_text(str(os.getpid()))
        half.rename(directory / "victim")
        while True:
            time.sleep(1)
    return number * number


def wait_for(file: Path, process: subprocess.Popen[bytes] | None = None) -> str:
    """The content of a file that another process writes, however long that takes it."""
    while not file.exists():
        assert process is None or process.poll() is None, "the scheduler has ended"
        time.sleep(0.05)
    return file.read_text()


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A scheduler and four workers, each a process that nobody starts again."""
    need_module("distributed")
    code = "import sys; from distributed.cli.{} import main; main(sys.argv[1:])"
    file = tmp_path / "scheduler.json"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DASK_TEMPORARY_DIRECTORY": str(tmp_path)}
    with ExitStack() as started:

        def start(name: str, *arguments: str) -> subprocess.Popen[bytes]:
            process = subprocess.Popen(
                [sys.executable, "-c", code.format(name), *arguments],
                cwd=tmp_path,
                env=environment,
                stderr=subprocess.DEVNULL,
                preexec_fn=dies_with_parent(),
            )
            started.callback(process.wait)
            started.callback(process.kill)
            return process

        here = ("--host", "127.0.0.1")
        shared = ("--no-dashboard", "--scheduler-file", str(file))
        scheduler = start("dask_scheduler", *here, "--port", "0", *shared)
        wait_for(file, scheduler)
        alone = ("--no-nanny", "--nthreads", "1")
        for _ in range(WORKERS):
            start("dask_worker", *here, *shared, *alone)
        yield address_in(file)


def address_in(file: Path) -> str:
    """The address in a scheduler's file."""
    import json

    return str(json.loads(file.read_text())["address"])


@pytest.mark.slow
def test_no_answer_is_lost_with_a_worker_that_is_killed(address: str, tmp_path: Path) -> None:
    with cluster(address, 1) as workers:
        workers.client.wait_for_workers(WORKERS)
        answers = each(functools.partial(task, directory=tmp_path), range(20), workers)
        found = [next(answers) for _ in range(3)]
        os.kill(int(wait_for(tmp_path / "victim")), signal.SIGKILL)
        found += answers
        assert found == [number * number for number in range(20)]
        assert len(list(tmp_path.glob("run-3-*"))) == 2
        assert list(Sweep(said, workers).run(assignments())) == list(Sweep(said).run(assignments()))
        assert len(workers.client.scheduler_info()["workers"]) == WORKERS - 1


@pytest.mark.slow
def test_errors_come_back_and_another_cowpath_is_refused(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with cluster(address, 1) as workers:
        with pytest.raises(ZeroDivisionError):
            list(each(functools.partial(divmod, 1), [0], workers))
        monkeypatch.setattr(module, "source", lambda: "of another version")
        with pytest.raises(CowpathError, match="another cowpath"):
            list(each(abs, [-1], workers))


@pytest.mark.slow
def test_a_cluster_of_this_machine_answers_as_processes_do(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    need_module("distributed")
    command = ["mutate", "--only", "H3", "--only", "as-posted", "founding", "--format", "json"]
    assert main([*command, "--jobs", "1"]) == 0
    expected = capsys.readouterr().out
    there = ["--cluster", LOCAL, "--jobs", "2", "--resume", str(tmp_path / "answers")]
    assert main([*command, *there]) == 0
    shown = capsys.readouterr()
    assert shown.out == expected
    assert "the cluster's dashboard: " in shown.err
    assert list((tmp_path / "answers").iterdir())


def test_where_nobody_answers_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    need_module("distributed")
    monkeypatch.setattr(module, "PATIENCE", 0.2)
    with pytest.raises(CowpathError, match="no dask scheduler answers"), cluster("tcp://127.0.0.1:1", 1):
        pass


def test_without_dask_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(CowpathError, match=r"pip install .cowpath\[cluster\]"), cluster(LOCAL, 1):
        pass
