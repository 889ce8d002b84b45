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
from agentic_styling.utils.errors import InputError


class Restored(NamedTuple):
    """A checkpoint's state and, as JSON, the data iterator's."""

    state: TrainState
    feed: dict


class Checkpoints:
    """The last and the best train states of a run, a subdirectory of `directory` for each step.

    A checkpoint appears under its name only when it is whole, so a run may be killed at any time.
    It is written while the run goes on. fingerprint: of the run's config; a state of another
    config is refused. last, best: how many of each are kept; the best have the lowest score.
    """

    def __init__(self, directory: Path, fingerprint: str, *, last: int = 2, best: int = 0):
        self._directory = Path(directory).absolute()
        self._fingerprint = fingerprint
        policies = [checkpoint_managers.LatestN(last)]
        if best:
            policies.append(checkpoint_managers.BestN(get_metric_fn=_goodness, n=best))
        options = ocp.CheckpointManagerOptions(
            cleanup_tmp_directories=True,
            best_fn=_goodness,
            preservation_policy=checkpoint_managers.AnyPreservationPolicy(policies),
        )
        self._manager = ocp.CheckpointManager(self._directory, options=options)

    def save(self, state: TrainState, feed: Mapping, score: float = math.nan) -> None:
        """Begins to write the state; it is copied before the call returns.

        feed: the data iterator's state, JSON. Raises InputError where this or the write before
        fails, as on a full disk.
        """
        step = int(state.step)
        run = {"config": self._fingerprint, "feed": dict(feed), "digest": digest(state)}
        args = ocp.args.Composite(state=ocp.args.StandardSave(state), run=ocp.args.JsonSave(run))
        score = score if math.isfinite(score) else 1e30
        try:
            self._manager.save(step, args=args, metrics={"score": score}, force=True)
        except Exception as error:
            raise InputError(self._unwritten(error)) from error

    def restore(self, like: TrainState, step: int | None = None) -> Restored | None:
        """The latest state, or that of `step`, with the shapes and shardings of `like`.

        None before the first save. Raises InputError for a checkpoint that is broken, changed or
        of another config; it is never passed over in silence: the message says which older step
        could be used, and how.
        """
        steps = self.steps()
        if not steps and step is None:
            return None
        if step is not None and step not in steps:
            there = ", ".join(map(str, steps)) or "none"
            raise InputError(f"{self._directory}: no checkpoint of step {step}; there are: {there}")
        step = steps[-1] if step is None else step
        try:
            return self._read(step, like)
        except InputError:
            raise
        except Exception as error:
            raise InputError(self._broken(step, steps, like)) from error

    def steps(self) -> list[int]:
        """The steps that have a checkpoint, in order."""
        return sorted(self._manager.all_steps())

    def close(self) -> None:
        """Waits for the last write. Raises InputError where it fails."""
        try:
            self._manager.close()
        except Exception as error:
            raise InputError(self._unwritten(error)) from error

    def _read(self, step: int, like: TrainState) -> Restored:
        run = self._manager.restore(step, args=ocp.args.Composite(run=ocp.args.JsonRestore())).run
        if run["config"] != self._fingerprint:
            raise InputError(
                f"{self._directory / str(step)}: a checkpoint of another config; "
                "use another workdir"
            )
        abstract = jax.tree.map(ocp.utils.to_shape_dtype_struct, like)
        args = ocp.args.Composite(state=ocp.args.StandardRestore(abstract))
        state = self._manager.restore(step, args=args).state
        if digest(state) != run["digest"]:
            raise ValueError("the numbers are not those that were saved")
        return Restored(state, run["feed"])

    def _broken(self, step: int, steps: list[int], like: TrainState) -> str:
        broken = self._directory / str(step)
        for older in reversed([s for s in steps if s < step]):
            try:
                self._read(older, like)
            except Exception:
                continue
            return (
                f"{broken}: broken or changed checkpoint; delete it to go on from step {older}, "
                "which is good"
            )
        return (
            f"{broken}: broken or changed checkpoint, and no older one is good; use another workdir"
        )

    def _unwritten(self, error: Exception) -> str:
        while error.__cause__ or error.__context__:
            error = error.__cause__ or error.__context__
        reason = str(error).strip().splitlines()[0][:300] if str(error).strip() else repr(error)
        good = ", ".join(str(step) for step in self.steps()) or "none"
        return (
            f"{self._directory}: the checkpoint could not be written ({reason}); make room, then "
            f"start again; whole checkpoints: {good}"
        )


def _goodness(metrics: Mapping) -> float:
    return -metrics["score"]


def digest(state: TrainState) -> list[int]:
    """A checksum of every leaf, uint32 each: whatever the mesh, exact, and made on the devices.

    Integer sums are the same in any order. Two numbers that change places show too.
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
