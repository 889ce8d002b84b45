"""A planner's Hugging Face directory out of a run: at its end, or from any of its checkpoints."""

import contextlib
import json
from pathlib import Path

import jax
import ml_collections

from agentic_styling.planner import (
    PlannerSettings,
    Tokenizer,
    merge_lora,
    save_adapters,
    save_pretrained,
)
from agentic_styling.training.checkpoints import Checkpoints
from agentic_styling.training.config import checked, default_config, fingerprint
from agentic_styling.training.mesh import make_mesh
from agentic_styling.training.setup import layouts, load_state, planner_model
from agentic_styling.training.state import TrainState, make_optimizer
from agentic_styling.training.step import PlannerModel
from agentic_styling.training.workdir import read_config
from agentic_styling.utils.atomic import atomic_directory
from agentic_styling.utils.errors import InputError

ADAPTERS = "adapters"


def export(
    directory: Path,
    model: PlannerModel,
    state: TrainState,
    frozen: dict,
    config: ml_collections.FrozenConfigDict,
) -> None:
    """Write the planner of a state to a new directory, atomically.

    It is the moving average where one is kept. Adapters are merged, and also saved in PEFT's files
    in the folder adapters/. Parameters have the dtype of config.init_from's files.
    """
    params, init_from = state.ema or state.params, config.init_from
    with contextlib.ExitStack() as stack:
        # The other processes only take part in gathering the parameters.
        first = jax.process_index() == 0
        unfinished = stack.enter_context(atomic_directory(directory)) if first else directory
        if model.lora:
            save_adapters(unfinished / ADAPTERS, model.config, params, model.lora)
            params = merge_lora(frozen, params, model.lora)
        dtype = _stored_dtype(init_from)
        params = jax.tree.map(lambda x: x.astype(dtype), params)
        save_pretrained(unfinished, model.config, params)
        if first:
            Tokenizer(init_from).save(unfinished)
            model.images.save(unfinished)
            PlannerSettings(config.modality).save(unfinished)


def export_checkpoint(workdir: Path, directory: Path, step: int | None = None) -> Path:
    """Write the planner of a run's checkpoint, the latest or that of `step`, to a new directory.

    It needs the run's init_from, and any number of devices. Raises InputError where the run, the
    checkpoint or init_from is not there, and for a directory that is.
    """
    if directory.exists():
        raise InputError(f"{directory}: exists; name a new directory")
    fields = read_config(workdir)
    config = default_config(fields.get("loss", "standard"))
    try:
        with config.unlocked():
            config.update(ml_collections.ConfigDict(fields))
    except (TypeError, ValueError, KeyError) as error:
        raise InputError(f"{workdir / 'config.json'}: no training config ({error})") from error
    config = checked(config)
    mesh = make_mesh({"fsdp": -1})
    model, optimizer = planner_model(config, mesh), make_optimizer(config)
    layout = layouts(config, model, optimizer, pictures=False)
    like, frozen = load_state(config, model, optimizer, layout)
    checkpoints = Checkpoints(workdir / "checkpoints", fingerprint(config))
    found = checkpoints.restore(like, step)
    checkpoints.close()
    if found is None:
        raise InputError(f"{workdir / 'checkpoints'}: no checkpoint yet; train longer")
    directory.parent.mkdir(parents=True, exist_ok=True)
    export(directory, model, found.state, frozen, config)
    return directory


def _stored_dtype(directory: str) -> str:
    """What the numbers of a Hugging Face directory are stored as."""
    config = json.loads((Path(directory) / "config.json").read_text(encoding="utf-8"))
    return config.get("dtype") or config.get("torch_dtype") or "float32"
