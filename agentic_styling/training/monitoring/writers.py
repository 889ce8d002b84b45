"""Metrics for TensorBoard and Weights & Biases, if installed."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path

from agentic_styling.utils.errors import InputError


class Writers:
    """Writes TensorBoard files to workdir/tensorboard by clu, and to W&B if a project is named.

    Raises InputError if a project is named but wandb is not installed.
    """

    def __init__(self, workdir: Path, project: str, run_id: str):
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

            self._wandb = wandb.init(
                project=project, dir=str(workdir), id=run_id, name=workdir.name, resume="allow"
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
