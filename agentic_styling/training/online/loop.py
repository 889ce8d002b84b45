"""The online loop: sample, execute, score, update."""

import dataclasses
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh
from ml_collections import ConfigDict, FrozenConfigDict

from agentic_styling.planner import Planner, Tokenizer
from agentic_styling.training.batches.batches import Batch
from agentic_styling.training.batches.data_iterator import put
from agentic_styling.training.config import checked, fingerprint, fixed, loss_keywords
from agentic_styling.training.export import export
from agentic_styling.training.loop import open_host, run_in, work
from agentic_styling.training.mesh import replicated
from agentic_styling.training.monitoring.monitor import Monitor
from agentic_styling.training.online.contexts import OnlineContext, open_contexts
from agentic_styling.training.online.feed import OnlineFeed
from agentic_styling.training.online.rollouts import roll_out
from agentic_styling.training.online.state import (
    OnlineState,
    copy_params,
    first_state,
    needs_reference,
    refreshed,
)
from agentic_styling.training.preemption import Preemption
from agentic_styling.training.setup import layouts, load_state, planner_model, train_step
from agentic_styling.training.step import PlannerModel, completion_tokens, in_bucket
from agentic_styling.training.validation import Validation
from agentic_styling.training.workdir import as_json, claim
from agentic_styling.utils.errors import InputError
from agentic_styling.utils.precision import in_32_bits

# Metrics of a round that say nothing at its first update, where the policy is the sampler.
OF_LAST_UPDATE = ("skipped", "ratio", "clip_fraction", "approx_kl")


@in_32_bits
def train_online(config: ConfigDict, workdir: str | Path) -> Path:
    """Trains a planner on its own plans, or resumes the run of an earlier call of this workdir.

    A round samples config.online.plans plans for each of config.online.contexts contexts, executes
    and scores them, and updates the policy config.online.updates times on all of them. What a round
    does is a function of the config, its number and the state before it.

    Args:
      config: the fields of configs/online.py. When a run is resumed, only those of `config.FREE`
        may differ.
      workdir: as for `train`.

    Returns:
      The path of planner/, at once if the run is finished.

    Raises:
      InputError: as `train`; or a reward is not finite: the message names the context.
      Preempted: after SIGTERM, when the state is saved.
    """
    config, workdir = checked(config), Path(workdir)
    if "online" not in config:
        raise InputError("config.online: missing; start from --config=online:LOSS")
    return run_in(config, workdir, _train)


class _Run(NamedTuple):
    """The parts of a run that do not change.

    planner: without parameters. reference: those of a reference that stays the start; None where
    none is needed, or where it moves.
    """

    config: FrozenConfigDict
    model: PlannerModel
    planner: Planner
    feed: OnlineFeed
    step: Callable
    token_logps: Callable | None
    layout: Batch
    frozen: dict
    reference: dict | None


def _train(config: FrozenConfigDict, workdir: Path, mesh: Mesh, digests: dict[str, str]) -> Path:
    model, tokenizer = planner_model(config, mesh), Tokenizer(config.init_from)
    contexts = open_contexts(config)
    planner = Planner(model.config, None, tokenizer, model.images, modality=config.modality)
    feed = OnlineFeed(config, model, planner, contexts.samples)
    validation = Validation(config, model, tokenizer)
    model = feed.with_layout(model)
    kwargs = loss_keywords(config, None)
    needed = needs_reference(config)
    by_token = ("old", "choices", "allowed", *(("reference_tokens",) if needed else ()))
    pictures = config.modality == "vision"
    layout = layouts(config, model, pictures=pictures, by_token=by_token)
    train, frozen = load_state(config, model, layout)
    state = first_state(config, train)
    first = jax.process_index() == 0
    claim(fixed(config), workdir, write=as_json(config) if first else None, digests=digests)
    reference = None
    if needed and not config.online.reference_every:
        reference = copy_params(train.params)
    run = _Run(
        config,
        model,
        planner,
        feed,
        train_step(config, model, kwargs, layout),
        _token_logps(model) if needed else None,
        layout.batch,
        frozen,
        reference,
    )
    updates, parts = config.online.updates, {"validation": validation}
    with Preemption() as preemption:
        host, state = open_host(
            config, workdir, fingerprint(config, digests), preemption, parts, state
        )
        begin, end = int(state.step) // updates, config.steps // updates
        with Monitor(workdir, config, int(state.step), mesh.size) as monitor:
            for number, own in zip(range(begin, end), _ahead(contexts, begin, end), strict=True):
                if validation.stopped:
                    break
                state, values = _round(run, monitor, number, own, state)
                done = (number + 1) * updates
                host.end(monitor, done, values, state, state.train, frozen)
                monitor.flush()
    return export(workdir / "planner", model, host.close(state).train, frozen, config)


def _round(run: _Run, monitor: Monitor, number: int, contexts, state: OnlineState):
    """The state after a round, and the metrics of its first update."""
    config, online = run.config, run.config.online
    sampler = state.sampler or state.train.params
    planner = dataclasses.replace(run.planner, params=_merged(run, sampler))
    rollouts = roll_out(
        planner,
        contexts,
        online.plans,
        seed=(config.seed, number),
        max_new_tokens=online.max_new_tokens,
    )
    del planner
    batch, table = run.feed(rollouts)
    if run.token_logps:
        reference = run.reference if run.reference is not None else state.reference
        layout = run.layout.replace(reference_tokens=None)
        tokens = run.token_logps(reference, run.frozen, put(batch, layout))
        batch = batch.replace(
            reference_tokens=np.asarray(tokens), reference=np.asarray(tokens.sum(axis=-1))
        )
    batch, train, values = put(batch, run.layout), state.train, {}
    for _ in range(online.updates):
        train, metrics = run.step(train, run.frozen, batch)
        values = (values or metrics) | {k: v for k, v in metrics.items() if k in OF_LAST_UPDATE}
        monitor.count(*work(run.model, table, np.arange(len(table.length))), 0.0)
    jax.block_until_ready(train)
    for name, seconds in rollouts.seconds.items():
        monitor.spent(name, seconds)
    sampler = refreshed(state.sampler, train.params, number + 1, online.refresh_every)
    reference = refreshed(state.reference, train.params, number + 1, online.reference_every)
    return OnlineState(train, sampler, reference), values | rollouts.metrics()


def _merged(run: _Run, trained):
    """The parameters of the sampler in the dtype of the computation."""
    params = run.model.merged(trained, run.frozen)
    if jax.process_count() > 1:  # each process samples all plans, on its own devices
        params = jax.tree.map(jnp.asarray, multihost_utils.process_allgather(params, tiled=True))
    return params


def _token_logps(model: PlannerModel) -> Callable:
    """Log-probabilities of completions under other parameters: of a batch, float32 [M, E, T]."""

    def of_part(trained, frozen, part: Batch):
        def logps(part):
            tokens, _ = completion_tokens(model, model.variables(trained, frozen), part)
            # All micro-batches have the shape of the longest rows.
            return jnp.pad(tokens.logps, ((0, 0), (0, width - tokens.logps.shape[1])))

        width = part.tokens.shape[1] - model.start
        return in_bucket(model, logps, part)

    def of_batch(trained, frozen, batch: Batch):
        table, parts = batch.table, batch.replace(table=None)
        return jax.lax.map(lambda p: of_part(trained, frozen, p.replace(table=table)), parts)

    return jax.jit(of_batch, out_shardings=replicated(model.mesh))


def _ahead(contexts: Callable, begin: int, end: int) -> Iterator[list[OnlineContext]]:
    """The contexts of the rounds; those of the next one are made meanwhile."""
    with ThreadPoolExecutor(1) as thread:
        ready = thread.submit(contexts, begin) if begin < end else None
        for number in range(begin, end):
            current = ready.result()
            ready = thread.submit(contexts, number + 1) if number + 1 < end else None
            yield current
