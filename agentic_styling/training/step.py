"""One train step for every loss of LOSSES, under sharded jit."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from agentic_styling.losses import LOSSES, token_logps
from agentic_styling.planner import (
    ImageSettings,
    Inputs,
    Qwen3VL,
    Qwen3VLConfig,
    image_to_patches,
    output_embedding,
)
from agentic_styling.training.batches import Batch
from agentic_styling.training.mesh import batch_sharding
from agentic_styling.training.state import TrainState

# What each row's loss is multiplied by before the sum: from its completion's tokens, int32 [B].
# Names as in verl. Denominators are over the whole batch, and none is a sum of weights.
REDUCTIONS = {
    "token-mean": lambda counts: jnp.ones(counts.shape) / counts.sum(),
    "seq-mean-token-sum": lambda counts: jnp.ones(counts.shape) / counts.size,
    "seq-mean-token-mean": lambda counts: 1 / (counts * counts.size),
}


class PlannerModel(NamedTuple):
    """What turns parameters and a batch into log-probabilities, besides the two."""

    config: Qwen3VLConfig
    images: ImageSettings


def completion_logps(model: PlannerModel, params, batch: Batch, start: int = 0) -> jax.Array:
    """Summed log-probability of each row's completion, float32 [B].

    start: static, a position before every row's completion; the vocabulary projection begins
    there. Prompt and padding are masked by place.
    """
    places = jnp.arange(batch.tokens.shape[1])
    patches, grids = image_to_patches(batch.images, model.images)
    inputs = Inputs(
        tokens=batch.tokens,
        mask=places < batch.length[:, None],
        patches=patches,
        grids=grids,
    )
    hidden = Qwen3VL(model.config).apply({"params": params}, inputs)
    labelled = places[start + 1 :]
    mask = (labelled >= batch.prompt_length[:, None]) & (labelled < batch.length[:, None])
    embedding, labels = output_embedding(model.config, params), batch.tokens[:, start + 1 :]
    return token_logps(hidden[:, start:-1], embedding, labels, mask).sum(axis=1)


def loss_arguments(loss: str, logps: jax.Array, batch: Batch) -> tuple[jax.Array, ...]:
    """The positional arguments of a loss, from the batch's rows; pairs are [chosen; rejected]."""
    needs = LOSSES[loss].needs
    if "pairs" in needs:
        args = jnp.split(logps, 2)
        return (*args, *jnp.split(batch.reference, 2)) if "reference" in needs else tuple(args)
    return (logps, batch.reward) if "rewards" in needs else (logps,)


def split_rows(tree, parts: int, groups: int):
    """[B, ...] -> [parts, B / parts, ...] for every leaf.

    groups: 2 for rows of [chosen; rejected], so that every part is again; else 1. Rows are dealt
    out in turn, not cut into runs: so a batch that is spread over devices stays where it is.
    """

    def split(x):
        dealt = x.reshape(groups, -1, parts, *x.shape[1:])
        return jnp.moveaxis(dealt, 2, 0).reshape(parts, -1, *x.shape[1:])

    return jax.tree.map(split, tree)


def join_rows(x, groups: int):
    """[parts, B / parts] -> [B], the inverse of split_rows."""
    return jnp.moveaxis(x.reshape(len(x), groups, -1), 0, 2).reshape(-1)


def make_gradient(
    model: PlannerModel, loss: str, kwargs: dict, reduction: str, start: int, parts: int = 1
) -> Callable:
    """gradient(params, batch) -> (scalar loss, gradients, logps [B]). Pairs: mean over pairs.

    parts: micro-batches, run one after another; the result is that of the whole batch.
    """
    groups = 2 if "pairs" in LOSSES[loss].needs else 1

    def objective(params, rows: Batch, scale):
        logps = completion_logps(model, params, rows, start)
        values = LOSSES[loss].function(*loss_arguments(loss, logps, rows), **kwargs)
        return (values * scale[: len(values)]).sum(), logps

    def gradient(params, batch: Batch):
        scale = REDUCTIONS[reduction](batch.length - batch.prompt_length)
        if groups == 2:
            scale = jnp.full(scale.shape, 2 / len(scale))

        def add(total, part):
            (value, logps), grads = jax.value_and_grad(objective, has_aux=True)(params, *part)
            return jax.tree.map(jnp.add, total, (value, grads)), logps

        zero = jnp.zeros(()), jax.tree.map(jnp.zeros_like, params)
        part = split_rows((batch, scale), parts, groups)
        (value, grads), logps = jax.lax.scan(add, zero, part)
        return value, grads, join_rows(logps, groups)

    return gradient


def make_step(
    gradient: Callable,
    metrics: Callable,
    optimizer: optax.GradientTransformation,
    mesh: Mesh,
    layout: TrainState,
) -> Callable:
    """step(state, batch) -> (state, metrics), jitted; the given state's buffers are reused.

    metrics(logps, batch) -> dict. layout: the state's shardings; the batch is split over the mesh
    axes data and fsdp.
    """

    def step(state: TrainState, batch: Batch):
        loss, grads, logps = gradient(state.params, batch)
        updates, opt_state = optimizer.update(grads, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
        values = {"loss": loss, "grad_norm": optax.global_norm(grads)} | metrics(logps, batch)
        return TrainState(state.step + 1, params, opt_state), values

    whole = NamedSharding(mesh, PartitionSpec())
    return jax.jit(
        step,
        in_shardings=(layout, batch_sharding(mesh)),
        out_shardings=(layout, whole),
        donate_argnums=0,
    )
