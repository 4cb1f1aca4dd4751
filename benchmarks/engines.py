# SPDX-License-Identifier: MIT
"""cowpath, Spin and rumur on the same exported models, side by side in one run.  What counts are the ratios.

    python benchmarks/engines.py                 10^4 and 10^6 states, two rounds, a few minutes
    python benchmarks/engines.py --sizes 1e7     larger ones take as long as they take (1e8: about an hour)

Every engine runs in a process of its own, the rounds one after the other (A B C, A B C, ...), and the best
round counts: the others were disturbed.  On a machine that does other things, compare processor time.
Writes benchmarks/results/engines.md and engines.svg.

Spin and rumur get a finished model, which a native search has recorded and a C compiler has translated; that
is not counted.  So each native search runs twice in its process: from nothing and, "recorded", with all steps
known.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RESULTS = HERE / "results"
LICENCE = "<!-- SPDX-License-Identifier: MIT -->\n"
ROOM = 2  # folios and slots beyond what a test has by default


def litmus(first: str, second: str) -> str:
    """One page, a process that forks, its child, and a second thread; the statements set the size."""
    return f"""C family
{{ char x[1] = "a"; swap = ssd; }}
P0(char *x)
{{
    madvise(x, MADV_PAGEOUT);
    fork(P1);
    char r0 = x[0];
    {first}
}}
P1(char *x)
{{
    x[0] = 'e';
    {second}
}}
P2(char *x)
{{
    char r1 = x[0];
    x[0] = 'f';
}}
"""


def two_pages(rounds: int, child: str = "") -> str:
    """A process that forks, its child, and a thread that works on a page of its own, for some rounds."""
    other = " ".join(f"char r{4 + number} = y[0]; madvise(y, MADV_PAGEOUT);" for number in range(rounds))
    return f"""C family
{{ char x[1] = "a"; char y[1] = "b"; swap = ssd; }}
P0(char *x)
{{
    madvise(x, MADV_PAGEOUT);
    fork(P1);
    char r0 = x[0];
    x[0] = 'b';
}}
P1(char *x)
{{
    x[0] = 'e';
    {child}
}}
P2(char *y)
{{
    madvise(y, MADV_PAGEOUT);
    char r1 = y[0];
    y[0] = 'f';
    madvise(y, MADV_PAGEOUT);
    {other}
}}
"""


AGAIN = "madvise(x, MADV_PAGEOUT);"
SIZES = {
    "1e4": litmus("", ""),
    "1e6": litmus(f"x[0] = 'b'; {AGAIN}", AGAIN),
    "4e6": two_pages(0),
    "1e7": two_pages(1),
    "1e8": two_pages(1, AGAIN),
}


@dataclass
class Run:
    """What one engine did with one model."""

    engine: str
    states: int
    seconds: float
    cpu: float  # seconds of processor time, of all cores: what other load on the machine does not change much
    peak: int  # bytes of the process at its largest
    store: float = 0.0  # bytes per state as the engine itself counts them
    note: str = ""

    @property
    def rate(self) -> float:
        """States per second."""
        return self.states / max(self.seconds, 1e-6)

    @property
    def cpu_rate(self) -> float:
        """States per second of processor time."""
        return self.states / max(self.cpu, 1e-6)


# -- workers: each in a fresh process --------------------------------------------------------------


def worker(engine: str, path: str, limit: int) -> None:
    """Search one model and print what happened as JSON, one line for each search."""
    from cowpath.explore.engine import Method, explore
    from cowpath.explore.native.exploration import explored
    from cowpath.explore.native.search import NativeSearch
    from cowpath.history.version import version
    from cowpath.linux.model import build
    from cowpath.litmus.resolve import load_program

    _, model = build(version("5.18", "x86_64"), load_program(path), ROOM, ROOM)
    if engine == "reference":
        report(engine, lambda: explore(model, Method("reference", min(limit, 100_000))))
        return
    threads, rename = (2 if "two" in engine else 1), "renamed" in engine
    found = report(engine, lambda: explore(model, Method("native", limit, threads=threads, rename=rename)))
    recorder, memory = found.recorder, found.search.memory
    del found
    report(
        f"{engine}, recorded",
        lambda: explored(NativeSearch(recorder, memory, threads), limit, None),
    )


def report(engine: str, search: Callable[[], Any]) -> Any:
    """Run a search and print how it went."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began, worked = time.perf_counter(), time.process_time()
    found = search()
    seconds, cpu = time.perf_counter() - began, time.process_time() - worked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    states = len(found.states)
    store = getattr(found, "bytes_per_state", (peak - before) * 1024 / states)
    note = "" if found.finished else f"first {states:,} states"
    print(json.dumps(vars(Run(engine, states, seconds, cpu, peak * 1024, store, note))))
    return found


def export(path: str, target: str) -> None:
    """Write the exported models of a test beside `target`."""
    from cowpath.explore.engine import Method, explore
    from cowpath.explore.export import murphi, promela
    from cowpath.history.version import version
    from cowpath.linux.model import build
    from cowpath.litmus.resolve import load_program

    _, model = build(version("5.18", "x86_64"), load_program(path), ROOM, ROOM)
    found = explore(model, Method("native", rename=False, threads=2))
    Path(target, "model.pml").write_text(promela(found.recorder))
    Path(target, "model.m").write_text(murphi(found.recorder))


# -- the harness -----------------------------------------------------------------------------------


def cowpath(engine: str, directory: Path, limit: int) -> list[Run]:
    """One of our own engines."""
    command = [sys.executable, __file__, "--worker", engine, str(directory / "test.litmus"), str(limit)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [Run(**json.loads(line)) for line in output.splitlines()]


def run(directory: Path, *command: str) -> str:
    """What a program that runs in `directory` prints.  Raises CalledProcessError where it fails."""
    return subprocess.run(command, cwd=directory, check=True, capture_output=True, text=True).stdout


def number_in(pattern: str, output: str, missing: float | None = None) -> float:
    """The number that a pattern finds, or `missing`.  Raises ValueError where there is neither."""
    found = re.search(pattern, output)
    if found is not None:
        return float(found[1])
    if missing is None:
        raise ValueError(f"nothing like {pattern} in: {output}")
    return missing


def compile_spin(directory: Path) -> bool:
    """Two verifiers: depth first, and breadth first.  False: more d_steps than Spin takes (2048)."""
    made = subprocess.run(["spin", "-o2", "-a", "model.pml"], cwd=directory, capture_output=True, text=True)
    if made.returncode:
        print(made.stdout.strip(), file=sys.stderr)
        return False
    for name, extra in (("pan_dfs", []), ("pan_bfs", ["-DBFS"])):
        flags = ["-O2", "-DSAFETY", "-DNOREDUCE", "-DMEMLIM=20000", "-w", *extra]
        run(directory, "gcc", *flags, "pan.c", "-o", name)
    return True


def spin(engine: str, directory: Path, table: int) -> Run:
    """Spin's own timing and counts."""
    program = "./pan_bfs" if "BFS" in engine else "./pan_dfs"
    command = ["/usr/bin/time", "-f", "%U %M", program, "-E", "-n", "-m1000000", f"-w{table}"]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    output = done.stdout
    states = int(number_in(r"([\d.e+]+) states, stored", output))
    seconds = number_in(r"elapsed time ([\d.e+-]+)", output)
    memory = number_in(r"([\d.]+)\s+actual memory usage for states", output, missing=0)
    cpu, peak = float(done.stderr.split()[-2]), int(done.stderr.split()[-1]) * 1024
    store = (memory * (1 << 20) + (8 << table)) / states
    return Run(engine, states, seconds, cpu, peak, store, f"hash table of 2^{table} included")


def rumur(directory: Path) -> Run:
    """Compile and run; the compiler needs longer than the search."""
    options = ["--deadlock-detection", "off", "--symmetry-reduction", "off", "--threads", "1"]
    run(directory, "rumur", *options, "--output", "model.c", "model.m")
    run(directory, "gcc", "-std=c11", "-O0", "-w", "model.c", "-o", "model", "-lpthread", "-mcx16")
    began, worked = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    output = run(directory, "./model")
    seconds = time.perf_counter() - began
    cpu = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - worked
    return Run(
        "rumur",
        int(re.findall(r"(\d+) states", output)[-1]),
        seconds,
        cpu,
        0,
        0.0,
        "one thread, gcc -O0: with -O2 gcc does not end within minutes",
    )


def first_verdict() -> tuple[float, float]:
    """Seconds of a fresh process: for a small test, and for nothing."""

    def best(*command: str) -> float:
        times = []
        for _ in range(5):
            began = time.perf_counter()
            subprocess.run(command, capture_output=True, check=False)
            times.append(time.perf_counter() - began)
        return min(times)

    test = HERE.parent / "litmus" / "founding" / "get-write-read-refault.litmus"
    program = [str(Path(sys.executable).parent / "cowpath")]
    return best(*program, "check", str(test), "--kernel", "5.18"), best(sys.executable, "-c", "pass")


def measure(size: str, rounds: int, limit: int) -> list[Run]:
    """Every engine on one model, round by round; the best of each."""
    best: dict[str, Run] = {}
    table = {"1e4": 18, "1e6": 22, "4e6": 24, "1e7": 25, "1e8": 27}[size]
    engines = ["native one core", "native two cores", "native one core renamed", "native two cores renamed"]
    if size in ("1e4", "1e6"):
        engines.insert(0, "reference")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "test.litmus").write_text(SIZES[size])
        if shutil.which("spin") and size not in ("1e7", "1e8"):
            subprocess.run(
                [sys.executable, __file__, "--export", str(directory / "test.litmus"), name], check=True
            )
            if compile_spin(directory):
                engines += ["Spin DFS", "Spin BFS"]
        for _ in range(rounds):
            for engine in engines:
                runs = (
                    [spin(engine, directory, table)]
                    if "Spin" in engine
                    else cowpath(engine, directory, limit)
                )
                for run in runs:
                    print(f"{size} {run.engine}: {run.states:,} states, {run.rate:,.0f} /s", file=sys.stderr)
                    if run.engine not in best or cost(run) < cost(best[run.engine]):
                        best[run.engine] = run
        if shutil.which("rumur") and size == "1e4":
            best["rumur"] = rumur(directory)
    return list(best.values())


def cost(run: Run) -> float:
    """What makes one round better than another: time where two cores work, else processor time."""
    return run.seconds if "two" in run.engine else run.cpu


# -- results ---------------------------------------------------------------------------------------


def markdown(found: dict[str, list[Run]], verdict: tuple[float, float]) -> str:
    """A table per size."""
    lines = [
        "# Engines side by side",
        "",
        "Made by `make bench`.  What counts are ratios of processor time: other load disturbs them least.",
        "",
    ]
    lines += [
        f"First verdict of a small test in a fresh process: {verdict[0]:.2f} s; "
        f"`python -c pass`: {verdict[1]:.2f} s.",
        "",
    ]
    for size, runs in found.items():
        base = next((run for run in runs if run.engine == "Spin DFS"), None)
        lines += [
            f"## {size}",
            "",
            "| engine | states | states per CPU second | x Spin DFS | states/s | bytes/state | peak MiB | |",
            "|---|---:|---:|---:|---:|---:|---:|---|",
        ]
        for run in runs:
            ratio = f"{run.cpu_rate / base.cpu_rate:.2f}" if base else ""
            lines.append(
                f"| {run.engine} | {run.states:,} | {run.cpu_rate:,.0f} | {ratio} | {run.rate:,.0f} "
                f"| {run.store:.1f} | {run.peak >> 20} | {run.note} |"
            )
        lines.append("")
    return "\n".join(lines)


def plot(found: dict[str, list[Run]]) -> str:
    """Bars of states per second of processor time, by engine and size."""
    rows = [(f"{size} {run.engine}", run.cpu_rate) for size, runs in found.items() for run in runs]
    widest = max(rate for _, rate in rows)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="760" height="{24 * len(rows) + 30}" '
        'font-family="sans-serif" font-size="12">',
        '<text x="8" y="16">states per second of processor time</text>',
    ]
    for index, (name, rate) in enumerate(rows):
        y = 26 + 24 * index
        lines.append(f'<text x="8" y="{y + 13}">{name}</text>')
        lines.append(f'<rect x="220" y="{y}" width="{420 * rate / widest:.0f}" height="18" fill="#4477aa"/>')
        lines.append(f'<text x="{226 + 420 * rate / widest:.0f}" y="{y + 13}">{rate:,.0f}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def main() -> None:
    """Measure, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["1e4", "1e6"], choices=sorted(SIZES))
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--limit", type=int, default=1 << 31, help="stop each search after so many states")
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--export", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        worker(arguments.worker[0], arguments.worker[1], int(arguments.worker[2]))
        return
    if arguments.export:
        export(*arguments.export)
        return
    found = {size: measure(size, arguments.rounds, arguments.limit) for size in arguments.sizes}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "engines.md").write_text(LICENCE + markdown(found, first_verdict()))
    (RESULTS / "engines.svg").write_text(plot(found))


if __name__ == "__main__":
    main()
