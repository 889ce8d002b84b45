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
        answer(seconds=taken, whole=whole, cpu=cpu, peak_gb=peak)


def answer(**measured: object) -> None:
    """What a worker measured for a line of stdin, for `Worker.time`."""
    print("timed", json.dumps(measured), flush=True)


class Worker:
    """A process of Python that prepares the work of one side and times it on request.

    command: its arguments; options: of subprocess.Popen.
    """

    def __init__(self, *command: str, **options):
        options |= {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen([sys.executable, *command], **options)

    def time(self, line: str = "") -> dict:
        """What the process answers to a line: the seconds of one call, and what else it says."""
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
    result = spread([call["theirs"]["seconds"] / call["ours"]["seconds"] for call in calls])
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


def spread(ratios: list[float]) -> dict[str, float]:
    """The median, smallest and greatest of some ratios."""
    middle, least, greatest = statistics.median(ratios), min(ratios), max(ratios)
    return {"ratio": middle, "ratio_min": least, "ratio_max": greatest}


def spent(taken: list[float]) -> dict[str, float]:
    """The median, smallest and greatest of some seconds."""
    middle, least, greatest = statistics.median(taken), min(taken), max(taken)
    return {"seconds": middle, "seconds_min": least, "seconds_max": greatest}


def commit(checkout: Path) -> str:
    """The short name of a checkout's commit."""
    command = ["git", "-C", str(checkout), "rev-parse", "--short=7", "HEAD"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


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
    """A ratio with its `spread`, for a table."""
    return f"**{result['ratio']:.2f}** ({result['ratio_min']:.2f} to {result['ratio_max']:.2f})"


def save(path: Path | None, text: str, results: dict) -> None:
    """Writes PATH.md and PATH.json, unless there is no path."""
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".md").write_text(text)
        path.with_suffix(".json").write_text(json.dumps(results, indent=1) + "\n")
