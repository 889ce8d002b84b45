"""The loop: linear set-up, then one step after another."""

from pathlib import Path

import jax
import ml_collections
import numpy as np
from jax.sharding import Mesh
from tqdm import tqdm

from agentic_styling.losses import LOSSES, check_rows
from agentic_styling.planner import Tokenizer
from agentic_styling.planner.inputs.images import image_patches
from agentic_styling.training.batches.batches import Assembler, batch_shardings
from agentic_styling.training.batches.data_iterator import Feed, put
from agentic_styling.training.checkpoints import Checkpoints
from agentic_styling.training.config import check_batch, checked, fingerprint, fixed, loss_keywords
from agentic_styling.training.export import export
from agentic_styling.training.mesh import make_mesh, replicated
from agentic_styling.training.monitoring.flops import train_flops
from agentic_styling.training.monitoring.monitor import Monitor
from agentic_styling.training.preemption import Preemption
from agentic_styling.training.setup import (
    Data,
    assembler,
    layouts,
    load_state,
    planner_model,
    read_data,
    train_step,
)
from agentic_styling.training.state import make_optimizer
from agentic_styling.training.step import PlannerModel, completion_logps
from agentic_styling.training.workdir import as_json, claim, stored_array
from agentic_styling.utils.errors import Preempted


def train(config: ml_collections.ConfigDict, workdir: str | Path) -> Path:
    """Train a planner, or go on where an earlier call with the same workdir stopped.

    config: the fields of configs/train.py. workdir gets config.json, metrics.jsonl and speed.jsonl
    (a line per logged step), checkpoints/ and, at the very end, planner/ (a Hugging Face
    directory), whose path is returned; a finished run returns it at once. Other fields than those
    of `settings.FREE` have to be the same when it goes on.
    Raises InputError for a bad config or bad data, for a workdir of another config, for a broken
    checkpoint and a full disk; nothing is overwritten then. On SIGTERM it saves and raises
    Preempted.
    """
    config, workdir = checked(config), Path(workdir)
    claim(fixed(config), workdir, write=False)
    if (workdir / "planner").is_dir():
        return workdir / "planner"

    mesh = make_mesh(config.mesh)
    check_batch(config, mesh)
    # The mesh is for kernels that the compiler cannot split by itself.
    with jax.set_mesh(mesh):
        return _train(config, workdir, mesh)


def _train(config: ml_collections.FrozenConfigDict, workdir: Path, mesh: Mesh) -> Path:
    tokenizer = Tokenizer(config.init_from)
    model, optimizer = planner_model(config, mesh), make_optimizer(config)
    data = read_data(config, tokenizer, model)
    model = data.adapted(model)
    kwargs = loss_keywords(config, data.training_set)
    layout = layouts(config, model, optimizer, pictures=bool(data.training_set.images))
    state, frozen = load_state(config, model, optimizer, layout)
    first = jax.process_index() == 0
    claim(fixed(config), workdir, write=first, config=as_json(config))

    reference = None
    if config.reference == "stored" and "reference" in LOSSES[config.loss].requires(kwargs):

        def make():
            rows = np.unique(data.schedule.found)
            blank = assembler(config, data, mesh, None)
            return reference_logps(config, model, state.params, frozen, blank, rows)

        count = len(data.training_set.reward)
        reference = stored_array(workdir / "reference.npy", count, make, write=first)
        check_rows({"ref_logps": reference})
    assemble = assembler(config, data, mesh, reference)
    step = train_step(config, model, kwargs, optimizer, layout)

    checkpoints = Checkpoints(
        workdir / "checkpoints",
        fingerprint(config),
        last=config.keep_last,
        best=config.keep_best,
    )
    feed = Feed(lambda index: assemble(data.micro_batches(index)), config.steps, layout.batch)
    restored = checkpoints.restore(state)
    if restored:
        state = restored.state
        feed.set_state(restored.feed)
    done = int(state.step)
    monitor = Monitor(workdir, config, done, fingerprint(config)[:16], mesh.size)
    with monitor, Preemption() as preemption:
        for index in range(done, config.steps):
            profile(config.profile, index, workdir)
            batch = next(feed)
            state, values = step(state, frozen, batch)
            # Fetches the step before this one, while this one runs.
            monitor.flush()
            monitor.count(*work(model, data, index), feed.take_waited())
            number, last = index + 1, index + 1 == config.steps
            stop = preemption.reached(number) and not last
            if number % config.log_every == 0 or last:
                monitor.hold(number, values)
            if number % config.checkpoint_every == 0 or last or stop:
                monitor.flush()
                checkpoints.save(state, feed.get_state(), monitor.mean_loss())
            if stop:
                checkpoints.close()
                raise Preempted(
                    f"{workdir}: stopped by SIGTERM and saved after step {number} of "
                    f"{config.steps}; the same command goes on"
                )
    checkpoints.close()
    export(workdir / "planner", model, state, frozen, config)
    return workdir / "planner"


def work(model: PlannerModel, data: Data, step: int) -> tuple[int, float]:
    """Tokens and FLOPs of a step, padding left out."""
    rows, of = data.schedule(step), data.training_set
    lengths, completions = of.length[rows], (of.length - of.prompt_length)[rows]
    pictures, patches = 0, 0
    if of.images:
        pictures, patches = (
            len(rows),
            image_patches(*of.images[of.image[rows[0]]].shape[:2], model.images),
        )
    flops = train_flops(model.config, model.lora, lengths, completions, patches, pictures)
    return int(lengths.sum()), flops


def profile(steps: tuple, index: int, workdir: Path) -> None:
    """Start or end the trace of steps (first, last), counted from 1."""
    if steps and index + 1 == steps[0]:
        jax.profiler.start_trace(str(workdir / "profile"))
    if steps and index == steps[1]:
        jax.profiler.stop_trace()


def reference_logps(
    config, model: PlannerModel, trained, frozen, assemble: Assembler, rows: np.ndarray
) -> np.ndarray:
    """Log-probabilities of the rows' completions as things are, float32 [N], 0 elsewhere."""
    reference = np.zeros(len(assemble.data.reward), np.float32)
    layout = batch_shardings(model.mesh, pictures=bool(assemble.data.images))
    whole = replicated(model.mesh)

    def logps(trained, frozen, batch):
        part = jax.tree.map(lambda x: x[0], batch)
        return completion_logps(model, trained, frozen, part)

    logps = jax.jit(logps, out_shardings=whole)
    size = config.batch_size // config.microbatches
    rows = rows[np.argsort(assemble.data.length[rows], kind="stable")]
    group = assemble.data.picture_group[rows]
    batches = [
        part
        for value in np.unique(group)
        for part in np.array_split(rows[group == value], range(size, (group == value).sum(), size))
    ]
    quiet = jax.process_index() > 0
    for part in tqdm(batches, desc="reference", unit="batch", disable=quiet):
        # A last batch is filled up with rows from its front: one shape, one compilation.
        part = np.resize(part, size)
        batch = put(assemble(part[None]), layout)
        reference[part] = np.asarray(logps(trained, frozen, batch))
    return reference
