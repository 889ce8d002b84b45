"""The planners that ship with the package, each a Hugging Face directory here."""

from pathlib import Path

from agentic_styling.utils.errors import InputError

ROOT = Path(__file__).parent


def pretrained_directory(name: str) -> Path:
    """The directory of a planner that ships with the package.

    Args:
      name: "starter", which plans, or "base", which reads pictures and is there to be trained.

    Raises:
      InputError: its weights are not installed.
    """
    directory = ROOT / name
    if not (directory / "model.safetensors").is_file():
        raise InputError(
            f"{directory}: the {name} planner's weights are not installed; install "
            "agentic-styling again, or name a planner's directory"
        )
    return directory
