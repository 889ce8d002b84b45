"""Checkpoints of a run: one wrapper around orbax."""

from pathlib import Path

import jax
import orbax.checkpoint as ocp

from agentic_styling.errors import InputError
from agentic_styling.training.state import TrainState

KEPT = 2


class Checkpoints:
    """The last two train states of a run, under one directory, a subdirectory for each step.

    A checkpoint appears under its name only when it is whole, so a run may be killed at any time.
    fingerprint: of the run's config; a state of another config is refused.
    """

    def __init__(self, directory: Path, fingerprint: str):
        self._directory = Path(directory).absolute()
        self._fingerprint = fingerprint
        options = ocp.CheckpointManagerOptions(max_to_keep=KEPT, cleanup_tmp_directories=True)
        self._manager = ocp.CheckpointManager(self._directory, options=options)

    def save(self, state: TrainState) -> None:
        """Begins to write the state; it is copied before the call returns."""
        args = ocp.args.Composite(
            state=ocp.args.StandardSave(state),
            run=ocp.args.JsonSave({"config": self._fingerprint}),
        )
        self._manager.save(int(state.step), args=args)

    def restore(self, like: TrainState) -> TrainState | None:
        """The latest state, with the shapes and shardings of `like`; None before the first save.

        Raises InputError for a checkpoint that is broken or of another config; it is never
        passed over in silence: the message says which older step could be used, and how.
        """
        steps = sorted(self._manager.all_steps())
        if not steps:
            return None
        try:
            return self._read(steps[-1], like)
        except InputError:
            raise
        except Exception as error:
            raise InputError(self._broken(steps, like)) from error

    def close(self) -> None:
        """Waits for the last write."""
        self._manager.close()

    def _read(self, step: int, like: TrainState) -> TrainState:
        abstract = jax.tree.map(ocp.utils.to_shape_dtype_struct, like)
        args = ocp.args.Composite(
            state=ocp.args.StandardRestore(abstract), run=ocp.args.JsonRestore()
        )
        found = self._manager.restore(step, args=args)
        if found.run["config"] != self._fingerprint:
            raise InputError(
                f"{self._directory / str(step)}: a checkpoint of another config; "
                "use another workdir"
            )
        return found.state

    def _broken(self, steps: list[int], like: TrainState) -> str:
        broken = self._directory / str(steps[-1])
        for step in reversed(steps[:-1]):
            try:
                self._read(step, like)
            except Exception:
                continue
            return (
                f"{broken}: broken checkpoint; delete it to go on from step {step}, which is good"
            )
        return f"{broken}: broken checkpoint, and no older one is good; use another workdir"
