"""Metrics for TensorBoard and Weights & Biases, if installed."""

import importlib.util
import uuid
from collections.abc import Mapping
from pathlib import Path

from agentic_styling.utils.atomic import write_text
from agentic_styling.utils.errors import InputError


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
