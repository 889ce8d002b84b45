"""Two sides of a benchmark timed in turn, each in a process of its own."""

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

import numpy as np


def seconds(call: Callable[[], object] | tuple[Callable, Callable]) -> float:
    """Wall-clock seconds of one call, which must itself wait for its result.

    A pair of calls (whole, part) counts as what the whole takes beyond its part.
    """
    if isinstance(call, tuple):
        whole, part = call
        return seconds(whole) - seconds(part)
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def serve(prepare: Callable[[], Callable | tuple]) -> None:
    """A worker's life: prepare the call, then time it once for every line read."""
    call = prepare()
    for _ in sys.stdin:
        start = time.perf_counter()
        taken = seconds(call)
        whole = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print("timed", json.dumps({"seconds": taken, "whole": whole, "peak_gb": peak}), flush=True)


class Worker:
    """A process that prepares one side's call and times it when told."""

    def __init__(self, *command: str):
        self.process = subprocess.Popen(
            [sys.executable, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def time(self) -> dict[str, float]:
        """One timed call: its seconds and the process's peak memory so far, GB."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("timed "):
                return json.loads(line.removeprefix("timed "))
        raise SystemExit(f"the worker {self.process.args[1:]} ended; its error is above")

    def close(self) -> None:
        """End the process, which gives its memory back."""
        self.process.stdin.close()
        self.process.wait()


def in_turn(ours: Worker, theirs: Worker, rounds: int) -> dict[str, float]:
    """Both sides timed in turn, so that noise meets both alike.

    Returns the first, cold call's seconds and the peak memory of each side, the median seconds of
    the others, and the median, least and greatest ratio theirs / ours.
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
            "peak_gb": calls[-1][name]["peak_gb"],
        }
        side.close()
    return result


def machine(*packages: str) -> str:
    """One line: processor architecture, cores, Python and the packages' versions."""
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    cores = len(os.sched_getaffinity(0))
    return f"{platform.machine()}, {cores} cores, Python {platform.python_version()}, {versions}"


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
