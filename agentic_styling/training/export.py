"""Export of a planner as a Hugging Face directory: of a finished run, or of a checkpoint."""

from contextlib import nullcontext
from pathlib import Path

import jax
from ml_collections import ConfigDict

from agentic_styling.planner import (
    PlannerSettings,
    Tokenizer,
    merge_lora,
    save_adapters,
    save_pretrained,
)
from agentic_styling.training.checkpoints import Checkpoints
from agentic_styling.training.config import (
    checked,
    default_config,
    fingerprint,
    fixed,
    input_digests,
)
from agentic_styling.training.mesh import make_mesh
from agentic_styling.training.online.state import first_state
from agentic_styling.training.setup import layouts, load_state, planner_model
from agentic_styling.training.state import TrainState
from agentic_styling.training.step import PlannerModel
from agentic_styling.training.workdir import claim, read_config
from agentic_styling.utils.atomic import atomic_directory, check_free
from agentic_styling.utils.checks import read_object
from agentic_styling.utils.configs import load_config
from agentic_styling.utils.errors import InputError
from agentic_styling.utils.precision import in_32_bits

ADAPTERS = "adapters"


def export(directory: Path, model: PlannerModel, state: TrainState, frozen: dict, config) -> Path:
    """Writes the planner of a state atomically, in the dtype of the files of config.init_from.

    Returns the directory. The moving average is written if there is one. Adapters are merged; they
    are also written on their own, in PEFT's format, to the folder adapters/. What else transformers
    reads is copied from config.init_from. Raises InputError if a parameter is not finite, or no
    step was good.
    """
    if not int(state.health.good):
        raise InputError(
            f"{directory.parent}: all {int(state.step)} updates were skipped, so nothing was "
            "learned; lower config.learning_rate and use another workdir"
        )
    params = state.ema or state.params
    # Every process takes part in gathering arrays, the first one writes them.
    first = jax.process_index() == 0
    with atomic_directory(directory) if first else nullcontext(directory) as temporary:
        if model.lora:
            save_adapters(temporary / ADAPTERS, model.config, params, model.lora)
            params = merge_lora(frozen, params, model.lora)
        dtype = _stored_dtype(config.init_from)
        params = jax.tree.map(lambda x: x.astype(dtype), params)
        save_pretrained(temporary, model.config, params)
        if first:
            Tokenizer(config.init_from).save(temporary)
            model.images.save(temporary, config.init_from)
            PlannerSettings(config.modality).save(temporary)
    return directory


@in_32_bits
def export_checkpoint(workdir: Path, directory: Path, step: int | None = None) -> Path:
    """Writes the planner of a checkpoint of a run; works on any number of devices.

    Args:
      workdir: of the run, whose config.init_from has to exist.
      directory: a new directory.
      step: of the checkpoint; the latest by default.

    Returns:
      The directory.

    Raises:
      InputError: the run, the checkpoint or init_from is missing, or the directory exists.
    """
    check_free(directory)
    fields = read_config(workdir)
    online = "online" in fields
    method = fields.get("loss", "standard")
    config = load_config(f"online:{method}") if online else default_config(method)
    try:
        with config.unlocked():
            config.update(ConfigDict(fields))
    except (TypeError, ValueError, KeyError) as error:
        raise InputError(
            f"{workdir / 'config.json'}: not a training config ({error}); name a training workdir"
        ) from error
    config = checked(config)
    digest = input_digests(config, ["init_from"]).get("init_from")
    claim(fixed(config), workdir, digests={"init_from": digest})
    mesh = make_mesh({"fsdp": -1})
    model = planner_model(config, mesh)
    layout = layouts(config, model, pictures=False)
    like, frozen = load_state(config, model, layout)
    like = first_state(config, like) if online else like
    run = fingerprint(config, fields["digests"])
    checkpoints = Checkpoints(workdir / "checkpoints", run, reads=True)
    restored = checkpoints.restore(like, step)
    checkpoints.close()
    if restored is None:
        raise InputError(f"{workdir / 'checkpoints'}: no checkpoint yet; train longer")
    directory.parent.mkdir(parents=True, exist_ok=True)
    state = restored.state.train if online else restored.state
    return export(directory, model, state, frozen, config)


def _stored_dtype(directory: str) -> str:
    """The dtype of the weights of a Hugging Face directory."""
    config = read_object(Path(directory) / "config.json", "fetch it again")
    return config.get("dtype") or config.get("torch_dtype") or "float32"
