"""One train step for every loss of LOSSES, full or by adapters, under sharded jit."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.sharding import Mesh

from agentic_styling.losses import LOSSES, REDUCTIONS, TokenStatistics, token_statistics
from agentic_styling.planner import (
    Compute,
    ImageSettings,
    Inputs,
    LoraConfig,
    Qwen3VL,
    Qwen3VLConfig,
    image_to_patches,
    lora_variables,
    output_embedding,
)
from agentic_styling.training.batches.batches import Batch
from agentic_styling.training.mesh import replicated
from agentic_styling.training.state import TrainState, ema_update


class PlannerModel(NamedTuple):
    """What turns parameters and a batch into log-probabilities, besides the two.

    mesh: the parameters' and the batch's, where they are spread over several devices. start: a
    position before every row's first completion; the vocabulary projection begins there. lengths:
    of rows, by `Batch.bucket`; with fewer than two a row is computed as it is stored. packed:
    whether a row may hold several examples. lora: of the trained adapters; None where the
    parameters themselves are trained.
    """

    config: Qwen3VLConfig
    images: ImageSettings
    mesh: Mesh | None = None
    compute: Compute = Compute()
    start: int = 0
    lengths: tuple[int, ...] = ()
    packed: bool = False
    lora: LoraConfig | None = None

    def variables(self, trained, frozen) -> dict:
        """What `Qwen3VL.apply` takes. trained: parameters, or adapters beside frozen ones."""
        if self.lora is None:
            return {"params": trained}
        return lora_variables(frozen, trained, self.lora)


class Columns(NamedTuple):
    """What is known of each example beside its tokens, [E] each; context is [E, 3]."""

    length: jax.Array
    reward: jax.Array
    reference: jax.Array
    context: jax.Array


def completion_tokens(
    model: PlannerModel, variables: dict, batch: Batch, dropout: jax.Array | None = None
) -> tuple[TokenStatistics, jax.Array]:
    """Statistics of each example's completion, float32 [E, T] each, and their mask, bool [E, T].

    batch: one micro-batch, [R, S] and [E]. dropout: the key of the adapters' dropout. Prompt,
    padding and other examples are masked by place. T is the most tokens that a row can hold.
    """
    patches = grids = None
    if batch.images is not None:
        patches, grids = _patches(batch, model.images)
    # One example a row is padding last, for which some kernels are faster.
    segments = batch.segments if model.packed else None
    inputs = Inputs(batch.tokens, batch.segments > 0, patches, grids, segments)
    rngs = None if dropout is None else {"dropout": dropout}
    hidden = Qwen3VL(model.config, model.compute).apply(variables, inputs, rngs=rngs)
    labels = jnp.roll(batch.tokens, -1, axis=1)[:, model.start :]
    embedding = output_embedding(model.config, variables["params"]).astype(hidden.dtype)
    every = jnp.ones(labels.shape, bool)
    found = token_statistics(hidden[:, model.start :], embedding, labels, every, mesh=model.mesh)
    places = jnp.arange(labels.shape[1])
    mask = places < batch.length[:, None]
    at = batch.first[:, None] - model.start - 1 + places
    at = jnp.where(mask, at, 0)
    return jax.tree.map(lambda x: jnp.where(mask, x[batch.row[:, None], at], 0), found), mask


def _patches(batch: Batch, settings: ImageSettings):
    """Patches [R, K, P, D] and grids [R, K, 3] of the pictures of a micro-batch."""
    rows, most = batch.images.shape[:2]
    patches, grids = image_to_patches(batch.images.reshape(-1, *batch.images.shape[2:]), settings)
    there = jnp.arange(most) < batch.pictures[:, None]
    grids = jnp.where(there[..., None], grids.reshape(rows, most, 3), 0)
    return patches.reshape(rows, most, *patches.shape[2:]), grids


def in_bucket(model: PlannerModel, function: Callable, batch: Batch, *args):
    """function(batch, *args) of one micro-batch, its rows cut to the length of its bucket.

    The function is compiled for every length; what it returns must have the same shapes for all.
    """
    if len(model.lengths) < 2:
        return function(batch, *args)

    def cut(length):
        def of_short(batch, *args):
            tokens, segments = batch.tokens[:, :length], batch.segments[:, :length]
            return function(batch.replace(tokens=tokens, segments=segments), *args)

        return of_short

    return jax.lax.switch(batch.bucket, [cut(n) for n in model.lengths], batch, *args)


def completion_logps(model: PlannerModel, trained, frozen, batch: Batch) -> jax.Array:
    """Summed log-probability of each example's completion, float32 [E], of one micro-batch."""

    def logps(batch):
        found, _ = completion_tokens(model, model.variables(trained, frozen), batch)
        return found.logps.sum(axis=1)

    return in_bucket(model, logps, batch)


def loss_columns(loss: str, kwargs: dict, logps: jax.Array, of: Columns) -> dict[str, jax.Array]:
    """What a loss is called with, by name; the examples of pairs are [chosen; rejected]."""
    needs = LOSSES[loss].requires(kwargs)
    columns = {"logps": logps, "rewards": of.reward, "lengths": of.length}
    if "reference" in needs:
        columns["ref_logps"] = of.reference
    if "contexts" in needs:
        columns |= dict(zip(("mean", "std", "count"), of.context.T, strict=True))
    if "pairs" not in needs:
        return columns
    halves = {}
    for name, column in columns.items():
        prefix = "ref_" if name == "ref_logps" else ""
        for side, half in zip(("chosen", "rejected"), jnp.split(column, 2), strict=True):
            halves[f"{prefix}{side}_{name.removeprefix('ref_')}"] = half
    return halves


def columns_of(batch: Batch) -> Columns:
    """The columns of a batch or of one micro-batch."""
    return Columns(batch.length, batch.reward, batch.reference, batch.context)


def join(x: jax.Array, groups: int) -> jax.Array:
    """[M, E, ...] -> [M * E, ...]; groups: 2 for [chosen; rejected], which it is again; else 1."""
    parts = x.reshape(x.shape[0], groups, -1, *x.shape[2:])
    return jnp.moveaxis(parts, 1, 0).reshape(-1, *x.shape[2:])


def make_gradient(
    model: PlannerModel, loss: str, kwargs: dict, reduction: str, *, adapter_off: bool = False
) -> Callable:
    """gradient(trained, frozen, batch, key) -> (loss, gradients, sums over tokens, columns).

    The last two are of the whole batch, [B]. reduction: one of LOSSES[loss].reductions. Micro-
    batches run one after another; the result is that of the whole batch. adapter_off: reference
    log-probabilities are made on the spot by the frozen parameters, not taken from the batch.
    """
    groups = 2 if "pairs" in LOSSES[loss].needs else 1

    def objective(trained, frozen, part: Batch, scale, key):
        dropout = key if model.lora and model.lora.dropout else None
        tokens, mask = completion_tokens(model, model.variables(trained, frozen), part, dropout)
        if adapter_off:
            before, _ = completion_tokens(model, {"params": frozen}, part)
            part = part.replace(reference=jax.lax.stop_gradient(before.logps.sum(axis=1)))
        sums = jax.tree.map(lambda x: x.sum(axis=1), tokens)
        columns = loss_columns(loss, kwargs, sums.logps, columns_of(part))
        if "tokens" in LOSSES[loss].needs:
            columns |= {"token_logps": tokens.logps, "mask": mask}
        values = LOSSES[loss](columns, **kwargs)
        return (values * scale[: len(values)]).sum(), (sums, columns_of(part))

    def gradient(trained, frozen, batch: Batch, key):
        # A pair is two examples and one value.
        scale = groups * REDUCTIONS[reduction](batch.length.reshape(-1))
        parts = len(batch.length)

        def value_and_gradient(part, scale, key):
            graded = jax.value_and_grad(objective, has_aux=True)
            return graded(trained, frozen, part, scale, key)

        def add(total, part):
            found, grads = in_bucket(model, value_and_gradient, *part)
            value, rest = found
            return jax.tree.map(jnp.add, total, (value, grads)), rest

        zero = jnp.zeros(()), jax.tree.map(jnp.zeros_like, trained)
        keys = jax.random.split(key, parts)
        part = batch, scale.reshape(batch.length.shape), keys
        (value, grads), rest = jax.lax.scan(add, zero, part)
        sums, columns = jax.tree.map(lambda x: join(x, groups), rest)
        return value, grads, sums, columns

    return gradient


def make_step(
    gradient: Callable,
    metrics: Callable,
    optimizer: optax.GradientTransformation,
    layout: TrainState,
    frozen_layout,
    batch_layout: Batch,
    *,
    seed: int = 0,
    ema_decay: float = 0.0,
    spike: float = 0.0,
) -> Callable:
    """step(state, frozen, batch) -> (state, metrics), jitted; the given state's buffers are reused.

    metrics(sums, columns) -> dict. The layouts are shardings. A step whose loss or gradient is not
    finite, or whose gradient's norm is above `spike` (if not 0) times the running mean, changes no
    parameter and is counted: see `state.Health`.
    """

    def step(state: TrainState, frozen, batch: Batch):
        key = jax.random.fold_in(jax.random.key(seed), state.step)
        loss, grads, sums, columns = gradient(state.params, frozen, batch, key)
        norm = optax.global_norm(grads)
        good, health = state.health.after(loss, norm, spike)
        updates, opt_state = optimizer.update(grads, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
        new = params, opt_state, ema_update(state.ema, params, ema_decay)
        old = state.params, state.opt_state, state.ema
        params, opt_state, ema = jax.tree.map(lambda a, b: jnp.where(good, a, b), new, old)
        state = TrainState(state.step + 1, params, opt_state, ema, health)
        values = {"loss": loss, "grad_norm": norm, "skipped": health.skipped}
        return state, values | metrics(sums, columns)

    return jax.jit(
        step,
        in_shardings=(layout, frozen_layout, batch_layout),
        out_shardings=(layout, replicated(batch_layout.row.mesh)),
        donate_argnums=0,
    )
