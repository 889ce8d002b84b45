"""One train step for every loss of LOSSES, under sharded jit."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from agentic_styling.losses import LOSSES, REDUCTIONS, TokenStatistics, token_statistics
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


class PlannerModel(NamedTuple):
    """What turns parameters and a batch into log-probabilities, besides the two.

    mesh: the parameters' and the batch's, where they are spread over several devices.
    """

    config: Qwen3VLConfig
    images: ImageSettings
    mesh: Mesh | None = None


def completion_logps(model: PlannerModel, params, batch: Batch, start: int = 0) -> jax.Array:
    """Summed log-probability of each row's completion, float32 [B]: see `completion_tokens`."""
    return completion_tokens(model, params, batch, start)[0].logps.sum(axis=1)


def completion_tokens(
    model: PlannerModel, params, batch: Batch, start: int = 0, every_token: bool = False
) -> tuple[TokenStatistics, jax.Array]:
    """Statistics of each row's completion, float32 [B, T] each, and their mask, bool [B, T].

    start: static, a position before every row's completion; the vocabulary projection begins
    there. Prompt and padding are masked by place. every_token: they count too, with start 0, which
    is the fault of the loss `released_code`.
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
    mask |= every_token
    embedding, labels = output_embedding(model.config, params), batch.tokens[:, start + 1 :]
    hidden = hidden[:, start:-1]
    return token_statistics(hidden, embedding, labels, mask, mesh=model.mesh), mask


def token_counts(loss: str, batch: Batch) -> jax.Array:
    """How many tokens the loss counts of each row, int32 [B]."""
    if "every_token" in LOSSES[loss].needs:
        return jnp.full(batch.length.shape, batch.tokens.shape[1] - 1)
    return batch.length - batch.prompt_length


def loss_columns(loss: str, kwargs: dict, logps: jax.Array, batch: Batch) -> dict[str, jax.Array]:
    """What a loss is called with, by name, from the batch's rows; pairs are [chosen; rejected]."""
    needs = LOSSES[loss].requires(kwargs)
    columns = {"logps": logps, "rewards": batch.reward, "lengths": token_counts(loss, batch)}
    if "reference" in needs:
        columns["ref_logps"] = batch.reference
    if "contexts" in needs:
        columns |= dict(zip(("mean", "std", "count"), batch.context.T, strict=True))
    if "pairs" not in needs:
        return columns
    halves = {}
    for name, column in columns.items():
        prefix = "ref_" if name == "ref_logps" else ""
        for side, half in zip(("chosen", "rejected"), jnp.split(column, 2), strict=True):
            halves[f"{prefix}{side}_{name.removeprefix('ref_')}"] = half
    return halves


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
    """gradient(params, batch) -> (scalar loss, gradients, TokenStatistics [B], sums over tokens).

    reduction: one of LOSSES[loss].reductions. parts: micro-batches, run one after another; the
    result is that of the whole batch.
    """
    groups = 2 if "pairs" in LOSSES[loss].needs else 1
    every_token = "every_token" in LOSSES[loss].needs
    start = 0 if every_token else start

    def objective(params, rows: Batch, scale):
        tokens, mask = completion_tokens(model, params, rows, start, every_token)
        sums = jax.tree.map(lambda x: x.sum(axis=1), tokens)
        columns = loss_columns(loss, kwargs, sums.logps, rows)
        if "tokens" in LOSSES[loss].needs:
            columns |= {"token_logps": tokens.logps, "mask": mask}
        values = LOSSES[loss](columns, **kwargs)
        return (values * scale[: len(values)]).sum(), sums

    def gradient(params, batch: Batch):
        # A pair is two rows and one value.
        scale = groups * REDUCTIONS[reduction](token_counts(loss, batch))

        def add(total, part):
            (value, sums), grads = jax.value_and_grad(objective, has_aux=True)(params, *part)
            return jax.tree.map(jnp.add, total, (value, grads)), sums

        zero = jnp.zeros(()), jax.tree.map(jnp.zeros_like, params)
        part = split_rows((batch, scale), parts, groups)
        (value, grads), sums = jax.lax.scan(add, zero, part)
        return value, grads, jax.tree.map(lambda x: join_rows(x, groups), sums)

    return gradient


def make_step(
    gradient: Callable,
    metrics: Callable,
    optimizer: optax.GradientTransformation,
    mesh: Mesh,
    layout: TrainState,
) -> Callable:
    """step(state, batch) -> (state, metrics), jitted; the given state's buffers are reused.

    metrics(sums, batch) -> dict. layout: the state's shardings; the batch is split over the mesh
    axes data and fsdp.
    """

    def step(state: TrainState, batch: Batch):
        loss, grads, sums = gradient(state.params, batch)
        updates, opt_state = optimizer.update(grads, state.opt_state, state.params)
        params = optax.apply_updates(state.params, updates)
        values = {"loss": loss, "grad_norm": optax.global_norm(grads)} | metrics(sums, batch)
        return TrainState(state.step + 1, params, opt_state), values

    whole = NamedSharding(mesh, PartitionSpec())
    return jax.jit(
        step,
        in_shardings=(layout, batch_sharding(mesh)),
        out_shardings=(layout, whole),
        donate_argnums=0,
    )
