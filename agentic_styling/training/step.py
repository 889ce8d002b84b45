"""The train step of every loss of LOSSES, of all parameters or of adapters, under sharded jit."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax.sharding import Mesh

from agentic_styling.losses import (
    LOSSES,
    REDUCTIONS,
    AllowedTokens,
    TokenStatistics,
    token_statistics,
)
from agentic_styling.planner import (
    Compute,
    ImageSettings,
    Inputs,
    LoraConfig,
    Qwen3VL,
    Qwen3VLConfig,
    image_to_patches,
    lora_variables,
    merge_lora,
    output_embedding,
)
from agentic_styling.training.batches.batches import BY_TOKEN, Batch
from agentic_styling.training.mesh import replicated
from agentic_styling.training.state import TrainState


class PlannerModel(NamedTuple):
    """The static part of computing log-probabilities from parameters and a batch.

    start: a position before the first completion of every row, where the vocabulary projection
    begins. lengths: row lengths, indexed by `Batch.bucket`; rows are not cut if there is only one.
    packed: whether a row may hold several examples. mixed: whether some micro-batches have no
    picture; the vision tower is skipped for them. lora: of the trained adapters; None if the
    parameters themselves are trained.
    """

    config: Qwen3VLConfig
    images: ImageSettings
    mesh: Mesh | None = None
    compute: Compute = Compute()
    start: int = 0
    lengths: tuple[int, ...] = ()
    packed: bool = False
    mixed: bool = False
    lora: LoraConfig | None = None

    def variables(self, trained, frozen) -> dict:
        """The variables of `Qwen3VL.apply`: `trained` are parameters, or adapters of `frozen`."""
        if self.lora is None:
            return {"params": trained}
        return lora_variables(frozen, trained, self.lora)

    def merged(self, trained, frozen):
        """Parameters without adapters, in the dtype of the computation."""
        params = merge_lora(frozen, trained, self.lora) if self.lora else trained
        return jax.tree.map(lambda x: x.astype(self.compute.dtype), params)


def completion_tokens(
    model: PlannerModel, variables: dict, batch: Batch, dropout: jax.Array | None = None
) -> tuple[TokenStatistics, jax.Array]:
    """Statistics of the tokens of each completion, float32 [E, T] each, and their mask [E, T].

    batch: one micro-batch, with arrays [R, S] and [E]; T is the length of a row after model.start.
    dropout: key of the adapters' dropout. Prompt, padding, other examples, and tokens that do not
    count are masked. Where the batch says what each token could have been, probabilities are among
    those.
    """
    # With one example a row, padding is last, for which some attention kernels are faster.
    segments = batch.segments if model.packed else None
    text = Inputs(batch.tokens, batch.segments > 0, segments=segments)
    rngs = None if dropout is None else {"dropout": dropout}

    def hidden_states(variables, inputs):
        return Qwen3VL(model.config, model.compute).apply(variables, inputs, rngs=rngs)

    def with_pictures(variables):
        patches, grids = _patches(batch, model.images)
        return hidden_states(variables, text.replace(patches=patches, grids=grids))

    if batch.images is None:
        hidden = hidden_states(variables, text)
    elif model.mixed:
        hidden = jax.lax.cond(
            batch.pictures.any(), with_pictures, lambda v: hidden_states(v, text), variables
        )
    else:
        hidden = with_pictures(variables)
    labels = jnp.roll(batch.tokens, -1, axis=1)[:, model.start :]
    embedding = output_embedding(model.config, variables["params"]).astype(hidden.dtype)
    every, offsets = jnp.ones(labels.shape, bool), jnp.arange(labels.shape[1])
    mask = offsets < batch.length[:, None]
    at = batch.first[:, None] - model.start - 1 + offsets
    allowed = None
    if batch.allowed is not None:
        places = batch.row[:, None], jnp.where(mask, at, labels.shape[1])
        index = jnp.zeros_like(labels).at[places].set(batch.allowed, mode="drop")
        allowed = AllowedTokens(index, batch.table)
    tokens = token_statistics(
        hidden[:, model.start :], embedding, labels, every, mesh=model.mesh, allowed=allowed
    )
    at = jnp.where(mask, at, 0)
    if batch.choices is not None:
        mask &= batch.choices
    return jax.tree.map(lambda x: jnp.where(mask, x[batch.row[:, None], at], 0), tokens), mask


def _patches(batch: Batch, settings: ImageSettings):
    """Patches [R, K, P, D] and grids [R, K, 3] of the pictures of a micro-batch."""
    rows, most = batch.images.shape[:2]
    patches, grids = image_to_patches(batch.images.reshape(-1, *batch.images.shape[2:]), settings)
    exists = jnp.arange(most) < batch.pictures[:, None]
    grids = jnp.where(exists[..., None], grids.reshape(rows, most, 3), 0)
    return patches.reshape(rows, most, *patches.shape[2:]), grids


def in_bucket(model: PlannerModel, function: Callable, batch: Batch, *args):
    """function(batch, *args) of a micro-batch with its rows cut to the length of its bucket.

    The function is compiled for every length; its results must have the same shapes for all.
    """
    if len(model.lengths) < 2:
        return function(batch, *args)

    def cut(length):
        def shortened(batch, *args):
            by_token = {name: getattr(batch, name) for name in BY_TOKEN}
            part = {n: x[:, : length - model.start] for n, x in by_token.items() if x is not None}
            part |= {"tokens": batch.tokens[:, :length], "segments": batch.segments[:, :length]}
            return function(batch.replace(**part), *args)

        return shortened

    return jax.lax.switch(batch.bucket, [cut(n) for n in model.lengths], batch, *args)


def completion_logps(model: PlannerModel, trained, frozen, batch: Batch) -> jax.Array:
    """The summed log-probability of each completion of a micro-batch, float32 [E]."""

    def logps(batch):
        tokens, _ = completion_tokens(model, model.variables(trained, frozen), batch)
        return tokens.logps.sum(axis=1)

    return in_bucket(model, logps, batch)


def loss_columns(loss: str, kwargs: dict, logps: jax.Array, batch: Batch) -> dict[str, jax.Array]:
    """The arguments of a loss by name, from the [E] log-probabilities of a micro-batch.

    Each is [E]; or of pairs [E / 2], named chosen_ and rejected_.
    """
    needs = LOSSES[loss].requires(kwargs)
    columns = {"logps": logps, "rewards": batch.reward}
    columns["lengths"] = jnp.maximum(batch.length, 1)  # completions left out are empty
    if "reference" in needs:
        columns["ref_logps"] = batch.reference
    if "contexts" in needs:
        columns["mean"], columns["std"] = batch.context_mean, batch.context_std
        columns["count"], columns["quantile"] = batch.context_count, batch.context_quantile
    if "pairs" not in needs:
        return columns
    halves = {}
    for name, column in columns.items():
        prefix = "ref_" if name == "ref_logps" else ""
        for side, half in zip(("chosen", "rejected"), jnp.split(column, 2), strict=True):
            halves[f"{prefix}{side}_{name.removeprefix('ref_')}"] = half
    return halves


def token_columns(logps: jax.Array, mask: jax.Array, batch: Batch) -> dict[str, jax.Array]:
    """The arguments of a loss of tokens by name, from log-probabilities [E, T] of a micro-batch."""
    columns = {"token_logps": logps, "mask": mask}
    if batch.old is not None:
        own = jax.lax.stop_gradient(logps)
        columns["old_token_logps"] = jnp.where(jnp.isnan(batch.old), own, batch.old)
    if batch.reference_tokens is not None:
        columns["ref_token_logps"] = batch.reference_tokens
    return columns


def sampler_gap(logps: jax.Array, mask: jax.Array, old: jax.Array) -> jax.Array:
    """The largest difference to the sampler's log-probabilities of each completion, [E]."""
    known = mask & ~jnp.isnan(old)
    return jnp.where(known, jnp.abs(logps - jnp.where(known, old, 0)), 0).max(axis=1)


def make_gradient(
    model: PlannerModel, loss: str, kwargs: dict, reduction: str, *, adapter_off: bool = False
) -> Callable:
    """Makes gradient(trained, frozen, batch, key) -> (loss, gradients, sums, columns, online).

    sums: statistics summed over each completion, [B]; columns: the arguments of the loss, [B] or of
    pairs [B / 2]; online: of an online batch, diagnostics summed over each completion's tokens, and
    their number, [B]. Micro-batches run in turn; the result is that of the whole batch.
    adapter_off: compute reference log-probabilities from the frozen parameters instead of reading
    the batch's.
    """
    rows_per_value = 2 if "pairs" in LOSSES[loss].needs else 1

    def objective(trained, frozen, part: Batch, scale, key):
        dropout = key if model.lora and model.lora.dropout else None
        tokens, mask = completion_tokens(model, model.variables(trained, frozen), part, dropout)
        if adapter_off:
            before, _ = completion_tokens(model, {"params": frozen}, part)
            part = part.replace(reference=jax.lax.stop_gradient(before.logps.sum(axis=1)))
        sums = jax.tree.map(lambda x: x.sum(axis=1), tokens)
        columns = loss_columns(loss, kwargs, sums.logps, part)
        given, online = columns, {}
        if "tokens" in LOSSES[loss].needs:
            given = columns | token_columns(tokens.logps, mask, part)
        if part.old is not None:
            online["sampler_gap"] = sampler_gap(tokens.logps, mask, part.old)
            online["counted"] = mask.sum(axis=1)
        if "old" in LOSSES[loss].needs:
            online |= LOSSES[loss].token_diagnostics(given, **kwargs)
        values = LOSSES[loss](given, **kwargs)
        return (values * scale[: len(values)]).sum(), (sums, columns, online)

    def gradient(trained, frozen, batch: Batch, key):
        lengths, parts = batch.length.reshape(-1), len(batch.length)
        scale = rows_per_value * REDUCTIONS[reduction](lengths)
        if batch.old is not None and reduction != "token-mean":  # completions left out are empty
            scale *= len(lengths) / jnp.maximum((lengths > 0).sum(), 1)

        def value_and_gradient(part, scale, key):
            differentiated = jax.value_and_grad(objective, has_aux=True)
            return differentiated(trained, frozen, part, scale, key)

        table, batch = batch.table, batch.replace(table=None)

        def add(total, given):
            part, *others = given
            part = part.replace(table=table)
            (value, rest), grads = in_bucket(model, value_and_gradient, part, *others)
            return jax.tree.map(jnp.add, total, (value, grads)), rest

        zero = jnp.zeros(()), jax.tree.map(jnp.zeros_like, trained)
        keys = jax.random.split(key, parts)
        given = batch, scale.reshape(batch.length.shape), keys
        (value, grads), rest = jax.lax.scan(add, zero, given)
        sums, columns, online = jax.tree.map(jnp.ravel, rest)
        return value, grads, sums, columns, online

    return gradient


def batch_metrics(
    loss: str,
    kwargs: dict,
    batch: Batch,
    sums: TokenStatistics,
    columns: dict[str, jax.Array],
    online: dict[str, jax.Array],
) -> dict[str, jax.Array]:
    """The logged metrics of a batch, before its update; the last three: see `make_gradient`.

    They are nll, entropy and mean_token_accuracy per token, reward, for pairs nll_chosen, and the
    diagnostics of the loss (`losses.diagnostics`).
    """
    tokens = jnp.maximum((online["counted"] if online else batch.length).sum(), 1)
    metrics = {
        "nll": -sums.logps.sum() / tokens,
        "entropy": sums.entropy.sum() / tokens,
        "mean_token_accuracy": sums.correct.sum() / tokens,
        "reward": batch.reward.mean(),
    }
    if "pairs" in LOSSES[loss].needs:
        metrics["nll_chosen"] = -columns["chosen_logps"].sum() / columns["chosen_lengths"].sum()
    if online:
        metrics["sampler_gap"] = online["sampler_gap"].max()
        names = online.keys() - {"sampler_gap", "counted"}
        metrics |= {name: online[name].sum() / tokens for name in names}
    if "tokens" in LOSSES[loss].needs:
        return metrics
    return metrics | LOSSES[loss].diagnostics(columns, **kwargs)


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
    """Makes the jitted step(state, frozen, batch) -> (state, metrics); it donates the state.

    gradient: of `make_gradient`; metrics: `batch_metrics` of a loss. The layouts are shardings. A
    step whose loss, gradient or update is not finite, or whose gradient norm is above `spike` (if
    not 0) times its running mean, changes no parameter and is counted: see `state.Health`.
    """

    def step(state: TrainState, frozen, batch: Batch):
        key = jax.random.fold_in(jax.random.key(seed), state.step)
        loss, grads, *rest = gradient(state.params, frozen, batch, key)
        norm = optax.global_norm(grads)
        updates, opt_state = optimizer.update(grads, state.opt_state, state.params)
        good, health = state.health.after(loss, norm, optax.global_norm(updates), spike)
        params = optax.apply_updates(state.params, updates)
        ema = optax.incremental_update(params, state.ema, 1 - ema_decay) if state.ema else {}
        new = params, opt_state, ema
        old = state.params, state.opt_state, state.ema
        params, opt_state, ema = jax.tree.map(lambda a, b: jnp.where(good, a, b), new, old)
        state = TrainState(state.step + 1, params, opt_state, ema, health)
        values = {"loss": loss, "grad_norm": norm, "skipped": health.skipped}
        return state, values | metrics(batch, *rest)

    return jax.jit(
        step,
        in_shardings=(layout, frozen_layout, batch_layout),
        out_shardings=(layout, replicated(batch_layout.row.mesh)),
        donate_argnums=0,
    )
