"""Checkpoints of a run: one wrapper around orbax."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import orbax.checkpoint as ocp
from orbax.checkpoint import checkpoint_managers

from agentic_styling.training.state import TrainState
from agentic_styling.utils.errors import InputError, first_cause


class Restored(NamedTuple):
    """A checkpoint's state and, as JSON, that of the host: data iterator and validation."""

    state: TrainState
    host: dict


class Checkpoints:
    """The last and the best train states of a run, in a subdirectory for each step.

    Checkpoints are written in the background and atomically, so a run may be killed at any time.
    fingerprint: of the run's config and inputs; a checkpoint of others is refused. last, best: how
    many of the latest and of those with the highest score are kept. reads: nothing is written, so
    a run that goes on beside is left alone.
    """

    def __init__(
        self,
        directory: Path,
        fingerprint: str,
        *,
        last: int = 2,
        best: int = 0,
        reads: bool = False,
    ):
        self._directory = Path(directory).absolute()
        self._fingerprint = fingerprint
        policies = [checkpoint_managers.LatestN(last)]
        if best:
            policies.append(checkpoint_managers.BestN(get_metric_fn=_score, n=best))
        options = ocp.CheckpointManagerOptions(
            cleanup_tmp_directories=not reads,
            best_fn=_score,
            preservation_policy=checkpoint_managers.AnyPreservationPolicy(policies),
        )
        self._manager = ocp.CheckpointManager(self._directory, options=options)

    def save(self, state: TrainState, host: Mapping, score: float = math.nan) -> None:
        """Starts writing the state; it is copied before the call returns.

        host: state of the data iterator and the validation, JSON. score: of the validation of this
        step; without one it counts as the worst. Raises InputError if this write or the one before
        failed, as on a full disk.
        """
        step = int(state.step)
        run = {"config": self._fingerprint, "host": dict(host), "digest": digest(state)}
        args = ocp.args.Composite(state=ocp.args.StandardSave(state), run=ocp.args.JsonSave(run))
        score = score if math.isfinite(score) else -1e30
        try:
            self._manager.save(step, args=args, metrics={"score": score}, force=True)
        except Exception as error:
            raise InputError(self._unwritten(error)) from error

    def restore(self, like: TrainState, step: int | None = None) -> Restored | None:
        """The latest checkpoint, or that of `step`, with the shapes and shardings of `like`.

        None before the first save. Raises InputError if the checkpoint is missing, broken, changed
        or of another config; the message names the latest older step that can be restored.
        """
        self._manager.wait_until_finished()
        steps = self.steps()
        if not steps and step is None:
            return None
        if step is not None and step not in steps:
            known = ", ".join(map(str, steps)) or "none"
            raise InputError(f"{self._directory}: no checkpoint of step {step}; there are: {known}")
        step = steps[-1] if step is None else step
        try:
            return self._read(step, like)
        except InputError:
            raise
        except Exception as error:
            raise InputError(self._broken(step, steps, like)) from error

    def steps(self) -> list[int]:
        """The steps with a checkpoint, ascending."""
        return sorted(self._manager.all_steps())

    def close(self) -> None:
        """Waits for the last write. Raises InputError if it fails."""
        try:
            self._manager.close()
        except Exception as error:
            raise InputError(self._unwritten(error)) from error

    def _read(self, step: int, like: TrainState) -> Restored:
        run = self._manager.restore(step, args=ocp.args.Composite(run=ocp.args.JsonRestore())).run
        if run["config"] != self._fingerprint:
            raise InputError(
                f"{self._directory / str(step)}: a checkpoint of another config or other inputs; "
                "use another workdir"
            )
        abstract = jax.tree.map(ocp.utils.to_shape_dtype_struct, like)
        args = ocp.args.Composite(state=ocp.args.StandardRestore(abstract))
        state = self._manager.restore(step, args=args).state
        if digest(state) != run["digest"]:
            raise ValueError("the values differ from those that were saved")
        return Restored(state, run["host"])

    def _broken(self, step: int, steps: list[int], like: TrainState) -> str:
        broken = self._directory / str(step)
        for older in reversed([s for s in steps if s < step]):
            try:
                self._read(older, like)
            except Exception:
                continue
            return (
                f"{broken}: broken or changed checkpoint; delete it to resume from step "
                f"{older}, which is good"
            )
        return (
            f"{broken}: broken or changed checkpoint, and no older one is good; use another workdir"
        )

    def _unwritten(self, error: Exception) -> str:
        error = first_cause(error)
        reason = str(error).strip().splitlines()[0][:300] if str(error).strip() else repr(error)
        good = ", ".join(str(step) for step in self.steps()) or "none"
        return (
            f"{self._directory}: the checkpoint could not be written ({reason}); make room, then "
            f"run again; complete checkpoints: {good}"
        )


def _score(metrics: Mapping) -> float:
    return metrics["score"]


def digest(state: TrainState) -> list[int]:
    """A checksum of every leaf, uint32 each, computed on the devices and the same on every mesh.

    Sums of integers are exact in any order. Each value is mixed with its position, so swapped
    values change the checksum.
    """
    return [int(x) for x in jax.device_get(_digest(jax.tree.leaves(state)))]


@jax.jit
def _digest(leaves):
    def of(x):
        if x.dtype == jnp.bool_:
            x = x.astype(jnp.uint8)
        bits = jax.lax.bitcast_convert_type(x, jnp.dtype(f"uint{8 * x.dtype.itemsize}"))
        bits = bits.astype(jnp.uint32)
        place = jnp.zeros(bits.shape, jnp.uint32)
        for axis, size in enumerate(bits.shape):
            place = place * jnp.uint32(size) + jax.lax.broadcasted_iota(
                jnp.uint32, bits.shape, axis
            )
        mixed = (bits ^ (place * jnp.uint32(2654435761))) * jnp.uint32(2246822519)
        mixed ^= mixed >> 15
        return jnp.sum(mixed * (2 * place + 1), dtype=jnp.uint32)

    return [of(x) for x in leaves]
