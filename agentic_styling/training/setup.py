"""From a config to the parts of a run: model, data, shardings, state and the jitted step."""

import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh
from ml_collections import FrozenConfigDict

from agentic_styling.data import read_trajectories
from agentic_styling.data.storage.training_set import (
    PADDING_MULTIPLE,
    TrainingSet,
    build_training_set,
)
from agentic_styling.losses import LOSSES, check_rows
from agentic_styling.planner import (
    ImageSettings,
    Tokenizer,
    init_lora,
    load_pretrained,
    read_config,
)
from agentic_styling.planner.checkpoints.partition import shardings
from agentic_styling.planner.model.param_shapes import param_shapes
from agentic_styling.training.batches.batches import (
    Assembler,
    Batch,
    Schedule,
    batch_shardings,
    examples,
    mesh_assembler,
    split_microbatches,
)
from agentic_styling.training.batches.packing import Layout, layout_for, round_up, row_lengths
from agentic_styling.training.batches.stream import StreamData
from agentic_styling.training.config import compute_config, lora_config
from agentic_styling.training.state import TrainState, create_state, make_optimizer, make_state
from agentic_styling.training.step import PlannerModel, batch_metrics, make_gradient, make_step

PACKED_MULTIPLE = 64
SAMPLED = 64  # batches that are packed to choose the number of rows


def planner_model(config: FrozenConfigDict, mesh: Mesh) -> PlannerModel:
    """The model of config.init_from; `Data.with_layout` sets its row lengths."""
    return PlannerModel(
        read_config(config.init_from),
        ImageSettings.load(config.init_from),
        mesh,
        compute_config(config),
        packed=config.packing,
        lora=lora_config(config),
    )


class Data(NamedTuple):
    """The training set, the examples of its steps, and their layout in rows.

    split: from the rows of a batch, [B], to those of its micro-batches, [M, E]. start: a position
    before every completion, for `PlannerModel`.
    """

    training_set: TrainingSet
    schedule: Schedule
    split: Callable
    layout: Layout
    start: int

    def micro_batches(self, step: int) -> np.ndarray:
        """The rows of the training set in a step's micro-batches, int [M, E]."""
        return self.split(self.schedule(step))

    @property
    def pictures(self) -> bool:
        """Whether rows have pictures."""
        return bool(self.training_set.images)

    @property
    def examples(self) -> str:
        """How many examples a batch and all have, for people."""
        return f"{self.schedule.size} examples, of {len(self.schedule.examples):,}"

    def take_table(self, step: int) -> tuple[TrainingSet, np.ndarray]:
        """The training set, and which of its rows a step takes."""
        return self.training_set, self.schedule(step)

    def with_layout(self, model: PlannerModel) -> PlannerModel:
        """The model for rows of this layout."""
        return model._replace(start=self.start, lengths=self.layout.lengths)


def read_data(
    config: FrozenConfigDict, tokenizer: Tokenizer, model: PlannerModel
) -> Data | StreamData:
    """The train split of config.data, or config.stream.

    Raises InputError for bad data or no examples.
    """
    if config.stream.photos:
        return StreamData(config, tokenizer, model)
    training_set = build_training_set(
        read_trajectories(config.data, "train", image=config.modality == "vision"),
        tokenizer,
        model.images,
        max_length=config.max_length,
        modality=config.modality,
    )
    completions = training_set.length - training_set.prompt_length
    check_rows({"rewards": training_set.reward, "lengths": completions})
    schedule = Schedule(
        examples(training_set, config.loss, config.loss_kwargs),
        training_set.picture_group,
        seed=config.seed,
        batch_size=config.batch_size,
    )
    # Rows that are sharded, or whose padding counts, all have one length.
    whole = "every_token" in LOSSES[config.loss].needs or model.mesh.shape["context"] > 1
    start = 0 if whole else int(training_set.prompt_length.min()) - 1
    buckets = 1 if whole or config.packing else config.length_buckets
    split = functools.partial(
        split_microbatches,
        parts=config.microbatches,
        rows_per_example=2 if "pairs" in LOSSES[config.loss].needs else 1,
        length=training_set.length if buckets > 1 else None,
    )
    steps = range(min(config.steps, SAMPLED))
    micro_batches = [training_set.length[part] for step in steps for part in split(schedule(step))]
    layout = _layout(config, model.mesh, int(training_set.length.max()), micro_batches, buckets)
    return Data(training_set, schedule, split, layout, start)


def _layout(config, mesh: Mesh, longest: int, micro_batches: list, buckets: int) -> Layout:
    multiple = mesh.shape["context"] * (PACKED_MULTIPLE if config.packing else PADDING_MULTIPLE)
    length = max(longest, config.packed_length if config.packing else 0)
    length = round_up(length, multiple)
    needed = np.array([lengths.max() for lengths in micro_batches])
    lengths = row_lengths(needed, length, multiple=multiple, most=buckets)
    devices = mesh.shape["data"] * mesh.shape["fsdp"]
    return layout_for(micro_batches, lengths, packing=config.packing, devices=devices)


def batch_maker(
    config: FrozenConfigDict, data: Data | StreamData, mesh: Mesh, reference: np.ndarray | None
) -> Callable[[int], Batch]:
    """The function from a step to its batch, host arrays; reference: as for `assembler`."""
    if isinstance(data, StreamData):
        return data.batch
    assemble = assembler(config, data, mesh, reference)
    return lambda step: assemble(data.micro_batches(step))


def assembler(
    config: FrozenConfigDict, data: Data, mesh: Mesh, reference: np.ndarray | None
) -> Assembler:
    """The assembler of this host's batches; reference: float32 [N], or None for zeros."""
    every_token = "every_token" in LOSSES[config.loss].needs
    return mesh_assembler(
        data.training_set, data.layout, mesh, reference=reference, every_token=every_token
    )


def validation_assembler(
    config: FrozenConfigDict, rows: TrainingSet, model: PlannerModel
) -> tuple[PlannerModel, Assembler]:
    """The assembler of batches of a validation set, one example a row, and the model for them."""
    sharded = model.mesh.shape["context"]
    length = round_up(rows.length.max(), sharded * PADDING_MULTIPLE)
    start = 0 if sharded > 1 else int(rows.prompt_length.min()) - 1
    layout = Layout(config.batch_size // config.microbatches, (length,), 1)
    model = model._replace(start=start, lengths=layout.lengths, packed=False)
    return model, mesh_assembler(rows, layout, model.mesh)


class Layouts(NamedTuple):
    """Shapes and shardings of the inputs of a step: state, frozen parameters and batch."""

    shapes: TrainState
    state: TrainState
    frozen_shapes: dict
    frozen: dict
    batch: Batch


def layouts(
    config: FrozenConfigDict, model: PlannerModel, *, pictures: bool, by_token: tuple[str, ...] = ()
) -> Layouts:
    """The layouts of a run; nothing is allocated. by_token: as for `batch_shardings`."""
    key = jax.eval_shape(lambda: jax.random.key(0))
    params, frozen = param_shapes(model.config), {}
    if model.lora:
        low = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, model.compute.dtype), params)
        adapters = functools.partial(init_lora, model.config, model.lora)
        params, frozen = jax.eval_shape(adapters, key), low
    shapes = jax.eval_shape(_state_maker(config), params)
    rules, small = _sharding(config)

    def layout(tree):
        return shardings(model.mesh, tree, rules, replicate_below=small)

    batch = batch_shardings(model.mesh, pictures=pictures, by_token=by_token)
    return Layouts(shapes, layout(shapes), frozen, layout(frozen), batch)


def _sharding(config) -> tuple[list, int]:
    """The config's own sharding rules, and the size below which leaves are replicated."""
    rules = [(pattern, tuple(axes)) for pattern, axes in config.sharding.rules]
    return rules, config.sharding.replicate_below


def _state_maker(config) -> Callable:
    """The function from trained parameters to the state of step 0."""
    ema = bool(config.ema_decay)
    return functools.partial(make_state, optimizer=make_optimizer(config), ema=ema)


def load_state(
    config: FrozenConfigDict, model: PlannerModel, layout: Layouts
) -> tuple[TrainState, dict]:
    """The sharded state of step 0 and the frozen parameters, from config.init_from.

    Trained parameters are float32, frozen ones have the dtype of the computation.
    """
    lora = model.lora
    dtype = model.compute.dtype if lora else "float32"
    rules, small = _sharding(config)
    _, params = load_pretrained(
        config.init_from, model.mesh, rules, dtype=dtype, replicate_below=small
    )
    frozen = {}
    if lora:
        frozen, params = params, init_lora(model.config, lora, jax.random.key(config.seed))
    return create_state(params, _state_maker(config), layout.state), frozen


def train_step(config: FrozenConfigDict, model: PlannerModel, kwargs: dict, layout: Layouts):
    """The jitted step(state, frozen, batch) -> (state, metrics) of `step.make_step`."""
    gradient = make_gradient(
        model,
        config.loss,
        kwargs,
        config.reduction,
        adapter_off=config.reference == "adapter_off"
        and "reference" in LOSSES[config.loss].requires(kwargs),
    )
    return make_step(
        gradient,
        functools.partial(batch_metrics, config.loss, kwargs),
        make_optimizer(config),
        layout.state,
        layout.frozen,
        layout.batch,
        seed=config.seed,
        ema_decay=config.ema_decay,
        spike=config.spike,
    )
