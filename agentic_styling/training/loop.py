"""The training loop: linear set-up, then one step after another."""

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
from agentic_styling.training.batches.data_iterator import DataIterator, put
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
from agentic_styling.utils.precision import in_32_bits


@in_32_bits
def train(config: ml_collections.ConfigDict, workdir: str | Path) -> Path:
    """Trains a planner, or resumes the run of an earlier call with the same workdir.

    Args:
      config: the fields of configs/train.py. When a run is resumed, only those of `config.FREE` may
        differ.
      workdir: gets config.json, metrics.jsonl and speed.jsonl (a line for each logged step),
        checkpoints/ and, at the end, planner/, a Hugging Face directory.

    Returns:
      The path of planner/, at once if the run is finished.

    Raises:
      InputError: for a bad config or bad data, a workdir of another config, a broken checkpoint or
        a full disk. Nothing is overwritten then.
      Preempted: after SIGTERM, when the state is saved.
    """
    config, workdir = checked(config), Path(workdir)
    claim(fixed(config), workdir, write=False)
    if (workdir / "planner").is_dir():
        return workdir / "planner"

    mesh = make_mesh(config.mesh)
    check_batch(config, mesh)
    # Kernels that the compiler cannot partition by itself need the mesh.
    with jax.set_mesh(mesh):
        return _train(config, workdir, mesh)


def _train(config: ml_collections.FrozenConfigDict, workdir: Path, mesh: Mesh) -> Path:
    model, optimizer = planner_model(config, mesh), make_optimizer(config)
    data = read_data(config, Tokenizer(config.init_from), model)
    model = data.with_layout(model)
    kwargs = loss_keywords(config, data.training_set)
    layout = layouts(config, model, optimizer, pictures=bool(data.training_set.images))
    state, frozen = load_state(config, model, optimizer, layout)
    first = jax.process_index() == 0
    claim(fixed(config), workdir, write=first, config=as_json(config))

    reference = None
    if config.reference == "stored" and "reference" in LOSSES[config.loss].requires(kwargs):

        def compute():
            rows = np.unique(data.schedule.examples)
            blank = assembler(config, data, mesh, None)
            return reference_logps(config, model, state.params, frozen, blank, rows)

        count = len(data.training_set.reward)
        reference = stored_array(workdir / "reference.npy", count, compute, write=first)
        check_rows({"ref_logps": reference})
    assemble = assembler(config, data, mesh, reference)
    step = train_step(config, model, kwargs, optimizer, layout)

    checkpoints = Checkpoints(
        workdir / "checkpoints",
        fingerprint(config),
        last=config.keep_last,
        best=config.keep_best,
    )
    batches = DataIterator(
        lambda index: assemble(data.micro_batches(index)), config.steps, layout.batch
    )
    restored = checkpoints.restore(state)
    if restored:
        state = restored.state
        batches.set_state(restored.feed)
    done = int(state.step)
    monitor = Monitor(workdir, config, done, fingerprint(config)[:16], mesh.size)
    with monitor, Preemption() as preemption:
        for index in range(done, config.steps):
            profile(config.profile, index, workdir)
            batch = next(batches)
            state, values = step(state, frozen, batch)
            # Fetches the metrics of the step before, while this one runs.
            monitor.flush()
            monitor.count(*work(model, data, index), batches.take_waited())
            number, last = index + 1, index + 1 == config.steps
            stop = preemption.reached(number) and not last
            if number % config.log_every == 0 or last:
                monitor.hold(number, values)
            if number % config.checkpoint_every == 0 or last or stop:
                monitor.flush()
                checkpoints.save(state, batches.get_state(), monitor.mean_loss())
            if stop:
                checkpoints.close()
                raise Preempted(
                    f"{workdir}: stopped by SIGTERM and saved after step {number} of "
                    f"{config.steps}; run the same command again to resume"
                )
    checkpoints.close()
    export(workdir / "planner", model, state, frozen, config)
    return workdir / "planner"


def work(model: PlannerModel, data: Data, step: int) -> tuple[int, float]:
    """Tokens and FLOPs of a step, without padding."""
    rows, table = data.schedule(step), data.training_set
    lengths, completions = table.length[rows], (table.length - table.prompt_length)[rows]
    pictures, patches = 0, 0
    if table.images:
        shape = table.images[table.image[rows[0]]].shape[:2]
        pictures, patches = len(rows), image_patches(*shape, model.images)
    flops = train_flops(model.config, model.lora, lengths, completions, patches, pictures)
    return int(lengths.sum()), flops


def profile(steps: tuple, index: int, workdir: Path) -> None:
    """Starts or stops the trace of steps (first, last), counted from 1."""
    if steps and index + 1 == steps[0]:
        jax.profiler.start_trace(str(workdir / "profile"))
    if steps and index == steps[1]:
        jax.profiler.stop_trace()


def reference_logps(
    config, model: PlannerModel, trained, frozen, assemble: Assembler, rows: np.ndarray
) -> np.ndarray:
    """Log-probabilities of the rows' completions under these parameters, float32 [N], else 0."""
    reference = np.zeros(len(assemble.data.reward), np.float32)
    layout = batch_shardings(model.mesh, pictures=bool(assemble.data.images))

    def first_logps(trained, frozen, batch):
        part = jax.tree.map(lambda x: x[0], batch)
        return completion_logps(model, trained, frozen, part)

    logps = jax.jit(first_logps, out_shardings=replicated(model.mesh))
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
        # A last batch is filled up with its own rows: one shape, one compilation.
        part = np.resize(part, size)
        batch = put(assemble(part[None]), layout)
        reference[part] = np.asarray(logps(trained, frozen, batch))
    return reference
