"""The training loop: linear set-up, then one step after another."""

import contextlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh
from ml_collections import ConfigDict, FrozenConfigDict

from agentic_styling.data.storage.training_set import TrainingSet
from agentic_styling.losses import LOSSES
from agentic_styling.planner import Tokenizer
from agentic_styling.planner.inputs.images import image_patches
from agentic_styling.training.batches.data_iterator import DataIterator
from agentic_styling.training.batches.stream import StreamData
from agentic_styling.training.checkpoints import Checkpoints
from agentic_styling.training.config import (
    check_batch,
    checked,
    fingerprint,
    fixed,
    input_digests,
    loss_keywords,
)
from agentic_styling.training.export import export
from agentic_styling.training.logps import RowLogps, reference_logps
from agentic_styling.training.mesh import make_mesh
from agentic_styling.training.monitoring.flops import train_flops
from agentic_styling.training.monitoring.monitor import Monitor
from agentic_styling.training.preemption import Preemption
from agentic_styling.training.setup import (
    Data,
    Layouts,
    assembler,
    batch_maker,
    layouts,
    load_state,
    planner_model,
    read_data,
    train_step,
)
from agentic_styling.training.step import PlannerModel
from agentic_styling.training.validation import Validation
from agentic_styling.training.workdir import as_json, check_shared, claim
from agentic_styling.utils.errors import InputError, Preempted
from agentic_styling.utils.precision import in_32_bits


@in_32_bits
def train(config: ConfigDict, workdir: str | Path) -> Path:
    """Trains a planner, or resumes the run of an earlier call with the same workdir.

    Args:
      config: the fields of configs/train.py. When a run is resumed, only those of `config.FREE` may
        differ.
      workdir: gets config.json, metrics.jsonl and speed.jsonl (a line for each logged step),
        checkpoints/ and, at the end, planner/, a Hugging Face directory.

    Returns:
      The path of planner/, at once if the run is finished.

    Raises:
      InputError: for a bad config or bad data, a workdir of another config or with other inputs, a
        broken checkpoint or a full disk. Nothing is overwritten then.
      Preempted: after SIGTERM, when the state is saved.
    """
    config, workdir = checked(config), Path(workdir)
    if "online" in config:
        raise InputError("config.online: given to train; use train_online, or --config=train:LOSS")
    return run_in(config, workdir, _train)


def run_in(config: FrozenConfigDict, workdir: Path, run: Callable) -> Path:
    """Calls run(config, workdir, mesh, digests), which writes workdir/planner, unless it is there.

    digests: of `input_digests`. Raises InputError for a workdir of another config or other inputs.
    """
    check_shared(workdir)
    digests = input_digests(config)
    claim(fixed(config), workdir, digests=digests)
    if (workdir / "planner").is_dir():
        return workdir / "planner"
    mesh = make_mesh(config.mesh)
    check_batch(config, mesh)
    # Kernels that the compiler cannot partition by itself need the mesh.
    with jax.set_mesh(mesh):
        return run(config, workdir, mesh, digests)


def _train(config: FrozenConfigDict, workdir: Path, mesh: Mesh, digests: dict[str, str]) -> Path:
    model, data, validation, kwargs, layout = prepare(config, mesh)
    state, frozen = load_state(config, model, layout)
    first = jax.process_index() == 0
    claim(fixed(config), workdir, write=as_json(config) if first else None, digests=digests)
    run = fingerprint(config, digests)
    with Preemption() as preemption:
        reference = None
        if config.reference == "stored" and "reference" in LOSSES[config.loss].requires(kwargs):
            size = config.batch_size // config.microbatches
            logps = RowLogps(model, assembler(config, data, mesh, None), size)
            rows, path = np.unique(data.schedule.examples), workdir / "reference.npy"
            reference = reference_logps(path, run, logps, state.params, frozen, rows, preemption)
        step = train_step(config, model, kwargs, layout)
        make = batch_maker(config, data, mesh, reference)
        batches = DataIterator(make, config.steps, layout.batch)
        parts = {"batches": batches, "validation": validation}
        host, state = open_host(config, workdir, run, preemption, parts, state)
        with Monitor(workdir, config, int(state.step), mesh.size) as monitor:
            for index in range(int(state.step), config.steps):
                if validation.stopped:
                    break
                profile(config.profile, index, workdir)
                state, values = step(state, frozen, next(batches))
                # Fetches the metrics of the step before, while this one runs.
                monitor.flush()
                counted = work(model, *data.take_table(index))
                monitor.count(*counted, batches.take_waited())
                host.end(monitor, index + 1, values, state, state, frozen)
        stop_profile(config.profile)
    return export(workdir / "planner", model, host.close(state), frozen, config)


class Prepared(NamedTuple):
    """What a run needs before its state: the model has the data's layout, kwargs are the loss's."""

    model: PlannerModel
    data: Data | StreamData
    validation: Validation
    kwargs: dict
    layout: Layouts


def prepare(config: FrozenConfigDict, mesh: Mesh) -> Prepared:
    """Reads the data of a run and lays out its step; nothing is allocated or written."""
    model, tokenizer = planner_model(config, mesh), Tokenizer(config.init_from)
    data = read_data(config, tokenizer, model)
    validation = Validation(config, model, tokenizer)
    model = data.with_layout(model)
    kwargs = loss_keywords(config, data.training_set)
    layout = layouts(config, model, pictures=data.pictures)
    return Prepared(model, data, validation, kwargs, layout)


class Host(NamedTuple):
    """What surrounds the steps of a run. parts: those whose progress is saved, by name."""

    config: FrozenConfigDict
    workdir: Path
    checkpoints: Checkpoints
    preemption: Preemption
    parts: dict[str, DataIterator | Validation]

    def end(self, monitor: Monitor, done: int, values: dict, state, train, frozen: dict) -> None:
        """Ends a step after `done` updates: validates, logs and saves as the config says.

        Args:
          values: metrics.
          state: what is saved.
          train, frozen: the train state and the parameters that are validated.

        Raises:
          Preempted: after SIGTERM, when the state is saved.
        """
        config, validation = self.config, self.parts["validation"]
        last, validated, score = done == config.steps, validation.due(done), math.nan
        stop = self.preemption.reached() and not last
        if validated:
            jax.block_until_ready(state)
            with monitor.paused():
                values |= validation(done, train, frozen)
            score = validation.score
        updates = config.online.updates if "online" in config else 1
        if done % config.log_every < updates or last or validated:
            monitor.hold(done, values)
        ranked = validated and (config.keep_best or config.patience)
        if done % config.checkpoint_every == 0 or last or stop or ranked:
            monitor.flush()
            progress = {name: part.get_state() for name, part in self.parts.items()}
            self.checkpoints.save(state, progress, score)
        if stop:
            self.checkpoints.close()
            raise Preempted(
                f"{self.workdir}: stopped by SIGTERM and saved after step {done} of "
                f"{config.steps}; run the same command again to resume"
            )

    def close(self, state):
        """The state to export: the last one, or the best if the validation may stop the run."""
        best = self.parts["validation"].best_step
        if self.config.patience and best is not None:
            state = self.checkpoints.restore(state, best).state
        self.checkpoints.close()
        return state


def open_host(config, workdir: Path, run: str, preemption: Preemption, parts: dict, state) -> tuple:
    """The host of a run, and the state from which it goes on: the last one saved, or `state`.

    run: its fingerprint; the others as in `Host`.
    """
    best = config.keep_best or int(config.patience > 0)
    checkpoints = Checkpoints(workdir / "checkpoints", run, last=config.keep_last, best=best)
    restored = checkpoints.restore(state)
    if restored:
        state = restored.state
        for name, part in parts.items():
            part.set_state(restored.host[name])
    return Host(config, workdir, checkpoints, preemption, parts), state


def work(model: PlannerModel, table: TrainingSet, rows: np.ndarray) -> tuple[int, float]:
    """Tokens and FLOPs of a step on these rows of a table, without padding."""
    lengths, completions = table.length[rows], (table.length - table.prompt_length)[rows]
    pictures, patches = 0, 0
    if table.images:
        image = table.image[rows]
        shape = table.images[image[0]].shape[:2]
        pictures, patches = np.count_nonzero(image >= 0), image_patches(*shape, model.images)
    flops = train_flops(model.config, model.lora, lengths, completions, patches, pictures)
    return int(lengths.sum()), flops


def profile(steps: tuple, index: int, workdir: Path) -> None:
    """Starts or stops the trace of steps (first, last), counted from 1."""
    if steps and index + 1 == steps[0]:
        jax.profiler.start_trace(str(workdir / "profile"))
    if steps and index == steps[1]:
        stop_profile(steps)


def stop_profile(steps: tuple) -> None:
    """Writes the trace if one runs; none does where a run was resumed within the steps."""
    if steps:
        with contextlib.suppress(RuntimeError):
            jax.profiler.stop_trace()
