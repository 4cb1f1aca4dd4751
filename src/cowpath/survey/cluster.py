# SPDX-License-Identifier: MIT
"""Tasks done by the workers of a dask cluster (dask.distributed), on this machine or on many.

The scheduler knows which tasks a worker has: those of one that is lost run again elsewhere.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cowpath.errors import CowpathError
from cowpath.survey.fingerprint import source
from cowpath.survey.parallel import Answers, Argument, Failed, Value

if TYPE_CHECKING:
    from distributed import Client, Future

LOCAL = "local"
"""The address of a cluster that is started here, for as long as it is needed."""

PATIENCE = 10.0
"""Seconds that a scheduler has to answer."""

ONE_AT_A_TIME = threading.Lock()
"""A worker with several threads does one task after the other: searches are not made to share a process."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """The workers of a dask cluster."""

    client: Client

    @property
    def dashboard(self) -> str:
        """The address of the page that shows what the workers do; empty where the scheduler serves none."""
        return str(self.client.dashboard_link or "")

    def here(self, tasks: int, judgements: int | None = None) -> bool:
        """See `Workers`: whoever names a cluster wants it to do the work."""
        return False

    def as_they_come(
        self, function: Callable[[Argument], Value], arguments: Sequence[Argument]
    ) -> Answers[Value]:
        """See `Workers`."""
        from distributed import as_completed

        tasks = {
            self.client.submit(work, source(), function, argument, pure=False): number
            for number, argument in enumerate(arguments)
        }
        try:
            for future in as_completed(tasks):
                yield tasks[future], outcome(future)
        finally:
            self.client.cancel(list(tasks))


def work(known: str, function: Callable[[Argument], Value], argument: Argument) -> Value:
    """Do a task in a worker, which must have the same cowpath.  Raises CowpathError where it has not."""
    if source() != known:
        raise CowpathError(
            f"the worker on {socket.gethostname()} has another cowpath: install the same one everywhere"
        )
    with ONE_AT_A_TIME:
        return function(argument)


def outcome(future: Future[Any]) -> Value | Failed:
    """The value of a task, or its error.  Raises CowpathError where the cluster cannot do it."""
    from distributed import KilledWorker

    if future.cancelled():
        raise CowpathError("the cluster is gone, or somebody has cancelled the tasks; --resume keeps answers")
    error = future.exception()
    if isinstance(error, KilledWorker):
        raise CowpathError(f"a task was lost with every worker that tried it (want of memory?): {error}")
    if error is None:
        value: Value = future.result()
        return value
    return Failed(error)


@contextlib.contextmanager
def cluster(address: str, jobs: int) -> Iterator[Cluster]:
    """The cluster at an address, or with `LOCAL` one of so many workers on this machine.

    Raises CowpathError where dask is not installed, and where no scheduler answers.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise CowpathError('--cluster needs dask.distributed: pip install "cowpath[cluster]"') from error
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # what matters is raised here
    with contextlib.ExitStack() as open_ones:
        try:
            where = open_ones.enter_context(local(jobs)) if address == LOCAL else address
            client = open_ones.enter_context(Client(where, timeout=PATIENCE))
        except (OSError, ValueError) as error:
            raise CowpathError(f"no dask scheduler answers at {address!r}: {error}") from error
        yield Cluster(client)


@contextlib.contextmanager
def local(jobs: int) -> Iterator[object]:
    """A scheduler and workers on this machine, which nobody else can reach; their files go with them."""
    import dask
    from distributed import LocalCluster

    with (
        tempfile.TemporaryDirectory(prefix="cowpath-cluster-") as directory,
        dask.config.set({"temporary-directory": directory}),
        LocalCluster(
            n_workers=jobs,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.ERROR,
        ) as started,
    ):
        yield started
