"""The planners that ship with the package, each a Hugging Face directory here."""

from pathlib import Path

from agentic_styling.utils.errors import InputError

ROOT = Path(__file__).parent


def pretrained_directory(name: str) -> Path:
    """The directory of a planner that ships with the package.

    Args:
      name: "starter", which plans, or "base", which reads pictures and is there to be trained.

    Raises:
      InputError: its weights are not there.
    """
    directory = ROOT / name
    if not (directory / "model.safetensors").is_file():
        raise InputError(
            f"{directory}: this version comes without the {name} planner's weights; name a "
            "planner's directory, or train one with experiments/pretrain.py"
        )
    return directory
