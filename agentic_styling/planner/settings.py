"""What a planner directory says of itself, and whether its files fit each other."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from agentic_styling.planner.decoding.plan_forms import PLAN_FORMS
from agentic_styling.planner.inputs.images import ImageSettings
from agentic_styling.planner.inputs.tokenizer import Tokenizer
from agentic_styling.planner.model.config import Qwen3VLConfig
from agentic_styling.utils.checks import read_object_if_any, write_object
from agentic_styling.utils.errors import InputError, nearest

SETTINGS_FILE = "planner.json"
MODALITIES = ("vision", "text")


@dataclasses.dataclass(frozen=True)
class PlannerSettings:
    """How a planner is prompted and how it answers.

    Args:
      modality: "vision" reads the photograph, "text" a known state in words in its place.
      form: how plans are written, one of `PLAN_FORMS`.
    """

    modality: str = "vision"
    form: str = "json"

    def __post_init__(self):
        for name, known in (("modality", MODALITIES), ("form", PLAN_FORMS)):
            value = getattr(self, name)
            if value not in known:
                raise InputError(f"{name} {value!r} is unknown; {nearest(value, known)}")

    @classmethod
    def load(cls, directory: str | Path) -> PlannerSettings:
        """Read directory/planner.json; the defaults for a published model, which has none.

        Raises:
          InputError: the file is broken, or a value is unknown.
        """
        path, known = Path(directory) / SETTINGS_FILE, [f.name for f in dataclasses.fields(cls)]
        values = read_object_if_any(path, "fetch it again")
        try:
            return cls(**{name: values[name] for name in known if name in values})
        except InputError as error:
            raise InputError(f"{path}: {error}") from None

    def save(self, directory: str | Path) -> None:
        """Write directory/planner.json."""
        write_object(Path(directory) / SETTINGS_FILE, dataclasses.asdict(self))


def check_fit(
    directory, config: Qwen3VLConfig, tokenizer: Tokenizer, images: ImageSettings | None
) -> None:
    """Raises InputError where the files of a directory are of different models.

    images: None for a text planner.
    """
    size, vision = config.text.vocab_size, config.vision
    short = size < tokenizer.vocab_size
    wrong = [f"vocab_size {size}, not {tokenizer.vocab_size}"] if short else []
    if images is not None:
        pairs = (
            ("image_token_id", config.image_token_id, tokenizer.image_pad),
            ("patch_size", vision.patch_size, images.patch_size),
            ("temporal_patch_size", vision.temporal_patch_size, images.temporal_patch_size),
            ("spatial_merge_size", vision.spatial_merge_size, images.merge_size),
        )
        wrong += [f"{name} {ours}, not {theirs}" for name, ours, theirs in pairs if ours != theirs]
    if wrong:
        raise InputError(
            f"{directory}: config.json has {'; '.join(wrong)} as its other files; use files of one "
            "model"
        )
