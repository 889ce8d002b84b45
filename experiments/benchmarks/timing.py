"""Times the two sides of a benchmark alternately, each in its own process."""

import importlib.metadata
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np


def seconds(call: Callable[[], object] | tuple[Callable, Callable]) -> float:
    """Wall-clock seconds of one call, which must wait for its own result.

    Of a pair of calls (whole, part), the difference.
    """
    if isinstance(call, tuple):
        whole, part = call
        return seconds(whole) - seconds(part)
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def serve(prepare: Callable[[], Callable | tuple]) -> None:
    """The main loop of a worker: prepares the call, then times it once per line of stdin."""
    call = prepare()
    for _ in sys.stdin:
        start, cpu = time.perf_counter(), time.process_time()
        taken = seconds(call)
        whole, cpu = time.perf_counter() - start, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        line = {"seconds": taken, "whole": whole, "cpu": cpu, "peak_gb": peak}
        print("timed", json.dumps(line), flush=True)


class Worker:
    """A process that prepares the call of one side and times it on request."""

    def __init__(self, *command: str, env: dict[str, str] | None = None):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen([sys.executable, *command], text=True, env=env, **pipes)

    def time(self, line: str = "") -> dict[str, float]:
        """Times one call: its seconds, and the peak memory of the process so far in GB."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("timed "):
                return json.loads(line.removeprefix("timed "))
        raise SystemExit(f"the worker {self.process.args[1:]} failed; its error is above")

    def close(self) -> None:
        """Ends the process, which frees its memory."""
        self.process.stdin.close()
        self.process.wait()


def in_turn(ours: Worker, theirs: Worker, rounds: int) -> dict[str, float]:
    """Times both sides alternately, so that noise affects them alike.

    Returns:
      The median, smallest and greatest ratio theirs / ours; and for each side the median seconds,
      the seconds of the first, cold call, both on the processor too, and the peak memory.
    """
    sides = {"ours": ours, "theirs": theirs}
    first = {name: side.time() for name, side in sides.items()}
    for side in sides.values():
        side.time()
    calls = [{name: side.time() for name, side in sides.items()} for _ in range(rounds)]
    ratios = np.array([call["theirs"]["seconds"] / call["ours"]["seconds"] for call in calls])
    result = {"ratio": float(np.median(ratios))}
    result |= {"ratio_min": float(ratios.min()), "ratio_max": float(ratios.max())}
    for name, side in sides.items():
        result[name] = {
            "seconds": statistics.median(call[name]["seconds"] for call in calls),
            "first_s": first[name]["whole"],
            "first_cpu_s": first[name]["cpu"],
            "cpu_s": statistics.median(call[name]["cpu"] for call in calls),
            "peak_gb": calls[-1][name]["peak_gb"],
        }
        side.close()
    return result


def machine(*packages: str) -> str:
    """One line: processor architecture, cores, and the versions of Python and packages."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    cores = len(os.sched_getaffinity(0))
    return f"{platform.machine()}, {cores} cores, Python {platform.python_version()}, {versions}"


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def ratio(result: dict) -> str:
    """The ratio of `in_turn` with its spread, for a table."""
    return f"**{result['ratio']:.2f}** ({result['ratio_min']:.2f} to {result['ratio_max']:.2f})"


def save(path: Path | None, text: str, results: dict) -> None:
    """Writes PATH.md and PATH.json, unless there is no path."""
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".md").write_text(text)
        path.with_suffix(".json").write_text(json.dumps(results, indent=1) + "\n")
