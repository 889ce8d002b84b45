"""Runs of a sweep on this machine, each in its own process, several at a time."""

import contextlib
import os
import queue
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tqdm import tqdm

from agentic_styling.utils.errors import PREEMPTED
from sweep_parts.results import FAILED, LOG, SAYS, is_finished, write_results
from sweep_parts.runs import Run


class Children:
    """The running processes. A first signal asks them to save and stop, a second kills them."""

    def __init__(self):
        self.stopped_by = None
        self._running = set()
        self._lock = threading.RLock()  # a signal may come while one is handled

    def call(self, command: list[str], **kwargs) -> int | None:
        """The exit status of a command; None, and nothing is started, after a signal."""
        with self._lock:
            if self.stopped_by:
                return None
            # In its own session, so that Ctrl-C in a terminal reaches only the sweep.
            child = subprocess.Popen(command, start_new_session=True, **kwargs)
            self._running.add(child)
        status = child.wait()
        with self._lock:
            self._running.discard(child)
        return status

    def stop(self, signum: int, _frame=None) -> None:
        """The handler of SIGINT and SIGTERM."""
        with self._lock:
            for child in self._running:
                (child.kill if self.stopped_by else child.terminate)()
            self.stopped_by = signum

    @contextlib.contextmanager
    def heeding_signals(self) -> Iterator[None]:
        """A context in which SIGINT and SIGTERM stop the children."""
        signals = (signal.SIGINT, signal.SIGTERM)
        before = [signal.signal(signum, self.stop) for signum in signals]
        try:
            yield
        finally:
            for signum, handler in zip(signals, before, strict=True):
                signal.signal(signum, handler)


def run_locally(
    runs: list[Run], workdir: Path, parallel: int, script: Path
) -> tuple[dict[str, int], int | None]:
    """Runs what is not finished; returns the exit statuses of failed runs, and a received signal.

    script is called with the run's flags and --workdir; its output goes to NAME/log.txt.
    """
    todo = [run for run in runs if not is_finished(workdir / run.name)]
    children, slots, failed = Children(), queue.SimpleQueue(), {}
    for slot in range(parallel):
        slots.put(slot)

    def train(run: Run) -> tuple[Run, int | None]:
        slot = slots.get()
        try:
            return run, _train(run, workdir / run.name, script, children, _share(slot, parallel))
        finally:
            slots.put(slot)

    bar = tqdm(total=len(runs), initial=len(runs) - len(todo), desc="sweep", unit="run")
    with children.heeding_signals(), ThreadPoolExecutor(parallel) as pool, bar:
        for future in as_completed([pool.submit(train, run) for run in todo]):
            run, status = future.result()
            if status:
                failed[run.name] = status
            write_results(workdir)
            if status is not None:
                bar.update()
    return failed, children.stopped_by


def _train(run: Run, workdir: Path, script: Path, children: Children, environment: dict):
    """The exit status of a run; None if a signal has stopped it."""
    if children.stopped_by:
        return None
    command = [sys.executable, str(script), *run.flags, f"--workdir={workdir}"]
    workdir.mkdir(parents=True, exist_ok=True)
    with (workdir / LOG).open("ab", buffering=0) as log:
        status = PREEMPTED
        while status == PREEMPTED:
            log.write(f"{SAYS}{shlex.join(command)}\n".encode())
            status = children.call(command, stdout=log, stderr=log, env=environment)
            if children.stopped_by and status != 0:
                return None
        if status:
            log.write(f"{FAILED}{status}\n".encode())
    return status


def _share(slot: int, parallel: int) -> dict[str, str]:
    """The environment of a run, with its share of CUDA_VISIBLE_DEVICES if there are enough."""
    devices = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    share = devices if len(devices) < parallel else devices[slot::parallel]
    return os.environ | ({"CUDA_VISIBLE_DEVICES": ",".join(share)} if any(devices) else {})
