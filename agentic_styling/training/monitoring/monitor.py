"""Metrics of a run, written to files, TensorBoard and Weights & Biases, and shown meanwhile."""

import contextlib
import importlib.util
import resource
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import jax
from tqdm import tqdm

from agentic_styling.training.monitoring.flops import peak_flops
from agentic_styling.training.workdir import LinesFile
from agentic_styling.utils.atomic import write_text
from agentic_styling.utils.errors import InputError


class Monitor:
    """Writes the metrics of each logged step and the speed since the one before.

    metrics.jsonl is reproducible: the same in every run of a config. speed.jsonl holds tokens per
    second and device (without padding), MFU if the device's peak is known, the share of time spent
    waiting for data, online also of sampling and scoring, and the gigabytes of the fullest device
    (of the process, on a CPU). Only the first of several hosts writes.
    """

    def __init__(self, workdir: Path, config, done: int, devices: int):
        self._devices = devices
        self._most_skipped = config.most_skipped
        self._first = jax.process_index() == 0
        self._files = self._progress = None
        if self._first:
            names = ("metrics.jsonl", "speed.jsonl")
            self._files = [LinesFile(workdir / name, done) for name in names]
            self._writers = Writers(workdir, config.wandb_project)
            self._progress = tqdm(
                total=config.steps, initial=done, desc=f"train {config.loss}", unit="step"
            )
        self._held = None
        self._begin()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._first:
            self._progress.close()
            self._writers.close()
            for file in self._files:
                file.close()

    def count(self, tokens: int, flops: float, waited: float) -> None:
        """Counts a dispatched step: its tokens, FLOPs and the seconds spent waiting for data."""
        self._tokens += tokens
        self._flops += flops
        self._waited += waited
        if self._first:
            self._progress.update()

    def spent(self, name: str, seconds: float) -> None:
        """Counts the seconds of a part of a step, whose share of the time is written."""
        self._parts[name] = self._parts.get(name, 0.0) + seconds

    def hold(self, step: int, values: dict[str, jax.Array]) -> None:
        """Keeps a step's metrics, still on the device, for the next flush."""
        self._held = step, values

    def flush(self) -> None:
        """Writes the held metrics. Raises InputError if too many updates were skipped."""
        if self._held is None:
            return
        (step, values), self._held = self._held, None
        values = {name: float(value) for name, value in jax.device_get(values).items()}
        if self._first:
            self._write(step, values, self._speed())
        self._begin()
        if values["skipped"] > self._most_skipped:
            raise InputError(
                f"step {step}: {values['skipped']:.0f} updates were skipped for a loss, gradient "
                f"or update that is not finite, or for a spike (now loss {values['loss']:.4g}, "
                f"gradient norm {values['grad_norm']:.4g}), config.most_skipped is "
                f"{self._most_skipped}; lower config.learning_rate and use another workdir"
            )

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """A context whose time does not count, such as a validation's."""
        begun = time.perf_counter()
        yield
        self._begun += time.perf_counter() - begun

    def _begin(self) -> None:
        self._begun, self._tokens, self._flops, self._waited = time.perf_counter(), 0, 0.0, 0.0
        self._parts: dict[str, float] = {}

    def _speed(self) -> dict[str, float]:
        seconds = time.perf_counter() - self._begun
        speed = {
            "tokens_per_second_per_device": self._tokens / seconds / self._devices,
            "waiting": self._waited / seconds,
            "memory_gb": memory_gb(),
        } | {name: part / seconds for name, part in self._parts.items()}
        peak = peak_flops(jax.local_devices()[0])
        if peak:
            speed["mfu"] = self._flops / seconds / self._devices / peak
        return speed

    def _write(self, step: int, values: Mapping[str, float], speed: Mapping[str, float]) -> None:
        metrics, clock = self._files
        metrics.write(step, values)
        clock.write(step, speed)
        self._writers.write(step, {**values, **{f"speed/{k}": v for k, v in speed.items()}})
        shown = {
            "loss": f"{values['loss']:.3f}",
            "reward": f"{values['reward']:.2f}",
            "tok/s/dev": f"{speed['tokens_per_second_per_device']:.0f}",
            "GB": f"{speed['memory_gb']:.1f}",
        }
        if "mfu" in speed:
            shown["MFU"] = f"{speed['mfu']:.0%}"
        if values["skipped"]:
            shown["skipped"] = f"{values['skipped']:.0f}"
        self._progress.set_postfix(shown, refresh=False)


def memory_gb() -> float:
    """Peak gigabytes of this host's fullest device, or of the process on a CPU."""
    stats = [device.memory_stats() or {} for device in jax.local_devices()]
    most = max(s.get("peak_bytes_in_use", 0) for s in stats)
    return (most or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024) / 1e9


class Writers:
    """Writes TensorBoard files to workdir/tensorboard by clu, and to W&B if a project is named.

    The id of the W&B run is kept in workdir/wandb_id: a resumed run continues it, and a run of
    another workdir is another one. Raises InputError if a project is named but wandb is not
    installed.
    """

    def __init__(self, workdir: Path, project: str):
        self._clu = self._wandb = None
        if all(importlib.util.find_spec(name) for name in ("tensorflow", "tensorboard")):
            from clu import metric_writers

            self._clu = metric_writers.SummaryWriter(str(workdir / "tensorboard"))
        if project:
            if not importlib.util.find_spec("wandb"):
                raise InputError(
                    f"config.wandb_project: {project!r}, but wandb is not installed; "
                    "pip install 'agentic-styling[wandb]', or leave it empty"
                )
            import wandb

            file = workdir / "wandb_id"
            if not file.exists():
                write_text(file, uuid.uuid4().hex)
            self._wandb = wandb.init(
                project=project,
                dir=str(workdir),
                id=file.read_text(encoding="utf-8"),
                name=workdir.name,
                resume="allow",
            )

    def write(self, step: int, values: Mapping[str, float]) -> None:
        """Writes the values of a step."""
        if self._clu:
            self._clu.write_scalars(step, dict(values))
        if self._wandb:
            self._wandb.log(dict(values), step=step)

    def close(self) -> None:
        """Flushes and closes."""
        if self._clu:
            self._clu.close()
        if self._wandb:
            self._wandb.finish()
