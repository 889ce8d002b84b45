"""The loop: linear set-up, then one step after another."""

import functools
import shutil
from pathlib import Path

import jax
import ml_collections
import numpy as np
from tqdm import tqdm

from agentic_styling.data import read_trajectories
from agentic_styling.data.training_set import TrainingSet, build_training_set
from agentic_styling.losses import LOSSES, check_rows
from agentic_styling.planner import ImageSettings, Tokenizer, load_pretrained, save_pretrained
from agentic_styling.planner.partition import shardings
from agentic_styling.training.batches import context_columns, examples, gather, rows_at
from agentic_styling.training.checkpoints import Checkpoints
from agentic_styling.training.mesh import batch_sharding, make_mesh
from agentic_styling.training.metrics import batch_metrics
from agentic_styling.training.settings import check_batch, checked, loss_keywords
from agentic_styling.training.state import create_state, make_optimizer
from agentic_styling.training.step import (
    PlannerModel,
    completion_logps,
    make_gradient,
    make_step,
)
from agentic_styling.training.workdir import MetricsFile, claim, fingerprint


def train(config: ml_collections.ConfigDict, workdir: str | Path) -> Path:
    """Train a planner, or go on where an earlier call with the same workdir stopped.

    config: the fields of configs/train.py. workdir gets config.json, metrics.jsonl (a line per
    logged step), checkpoints/ and, at the very end, planner/ (a Hugging Face directory), whose
    path is returned; a finished run returns it at once.
    Raises InputError for a bad config or bad data, for a workdir of another config, and for a
    broken checkpoint; nothing is overwritten then.
    """
    config, workdir = checked(config), Path(workdir)
    claim(config, workdir, write=False)
    exported = workdir / "planner"
    if exported.is_dir():
        return exported

    mesh = make_mesh(config.mesh)
    check_batch(config, mesh)
    tokenizer = Tokenizer(config.init_from)
    model_config, params = load_pretrained(config.init_from, mesh)
    model = PlannerModel(model_config, ImageSettings.load(config.init_from), mesh)
    training_set = build_training_set(
        [t for t in read_trajectories(config.data) if t.split == "train"],
        tokenizer,
        model.images,
        max_length=config.max_length,
    )
    check_rows(
        {
            "rewards": training_set.reward,
            "lengths": training_set.length - training_set.prompt_length,
        }
    )
    kwargs = loss_keywords(config, training_set)
    found = examples(training_set, config.loss, config.loss_kwargs)
    optimizer = make_optimizer(config)
    state = create_state(params, optimizer, mesh)
    del params
    claim(config, workdir, write=True)

    start = int(training_set.prompt_length.min()) - 1
    reference = np.zeros(len(training_set.reward), np.float32)
    if "reference" in LOSSES[config.loss].requires(kwargs):
        rows = np.unique(found)
        reference = reference_logps(config, mesh, model, state.params, training_set, rows, start)
        check_rows({"ref_logps": reference})
    context = context_columns(training_set)
    gradient = make_gradient(
        model, config.loss, kwargs, config.reduction, start, config.microbatches
    )
    logged = functools.partial(batch_metrics, config.loss, kwargs)
    step = make_step(gradient, logged, optimizer, mesh, shardings(mesh, state))

    checkpoints = Checkpoints(workdir / "checkpoints", fingerprint(config))
    state = checkpoints.restore(state) or state
    done = int(state.step)
    metrics = MetricsFile(workdir / "metrics.jsonl", done)
    progress = tqdm(total=config.steps, initial=done, desc=f"train {config.loss}", unit="step")
    with metrics, progress:
        for index in range(done, config.steps):
            rows = rows_at(index, found, seed=config.seed, batch_size=config.batch_size)
            batch = gather(training_set, rows, reference, context)
            batch = jax.device_put(batch, batch_sharding(mesh))
            state, values = step(state, batch)
            # Fetches the step before this one, while this one runs.
            metrics.flush(progress)
            last = index + 1 == config.steps
            if (index + 1) % config.log_every == 0 or last:
                metrics.hold(index + 1, values)
            if (index + 1) % config.checkpoint_every == 0 or last:
                metrics.flush(progress)
                checkpoints.save(state)
            progress.update()
    checkpoints.close()
    export(exported, model, state.params, tokenizer)
    return exported


def reference_logps(
    config, mesh, model: PlannerModel, params, training_set: TrainingSet, rows, start: int
) -> np.ndarray:
    """Log-probabilities of the rows' completions under params, float32 [N], 0 elsewhere."""
    reference = np.zeros(len(training_set.reward), np.float32)
    layout = batch_sharding(mesh)
    logps = jax.jit(lambda params, batch: completion_logps(model, params, batch, start))
    size = config.batch_size // config.microbatches
    for first in tqdm(range(0, len(rows), size), desc="reference", unit="batch"):
        # The last batch is filled up with rows from the front: one shape, one compilation.
        part = np.resize(rows[first : first + size], size)
        batch = jax.device_put(gather(training_set, part, reference), layout)
        reference[part] = np.asarray(logps(params, batch))
    return reference


def export(directory: Path, model: PlannerModel, params, tokenizer: Tokenizer) -> None:
    """Write the planner's directory; it appears under its name only when it is whole."""
    unfinished = directory.with_name(directory.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    save_pretrained(unfinished, model.config, params)
    tokenizer.save(unfinished)
    model.images.save(unfinished)
    unfinished.rename(directory)
