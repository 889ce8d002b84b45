"""The planner as its users see it: photographs and goals in, plans out."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from agentic_styling.errors import InputError
from agentic_styling.planner.config import Qwen3VLConfig
from agentic_styling.planner.generation import generate
from agentic_styling.planner.images import ImageSettings, image_to_patches, image_tokens
from agentic_styling.planner.model import Inputs
from agentic_styling.planner.prompts import encode_prompts, pad_rows
from agentic_styling.planner.tokenizer import Tokenizer
from agentic_styling.planner.weights import load_pretrained
from agentic_styling.tools import Plan, PlanError

ROWS = 64  # rows decoded together
PROMPT_MULTIPLE = 64  # prompts are padded to a multiple of this, so that goals share a program


@dataclasses.dataclass(frozen=True)
class Planner:
    """A model with its tokenizer and image settings.

    system: whether prompts explain the tools, for models not trained on our plans.
    """

    config: Qwen3VLConfig
    params: Any
    tokenizer: Tokenizer
    images: ImageSettings = ImageSettings()
    system: bool = False

    @classmethod
    def from_pretrained(cls, directory: str | Path, *, dtype=None, system=False) -> Planner:
        """Load a Hugging Face directory, ours or Qwen's."""
        config, params = load_pretrained(directory, dtype=dtype)
        return cls(config, params, Tokenizer(directory), ImageSettings.load(directory), system)

    def plan(self, images, goals: Sequence[str], **sampling) -> list[list[Plan | None]]:
        """Plans for each photograph and goal: num_samples of them, None where the text is no plan.

        Arguments as for `complete`.
        """

        def parse(text: str) -> Plan | None:
            try:
                return Plan.from_json(text)
            except PlanError:
                return None

        texts = self.complete(images, goals, **sampling)
        return [[parse(text) for text in samples] for samples in texts]

    def complete(
        self,
        images,
        goals: Sequence[str],
        *,
        num_samples: int = 1,
        temperature: float = 0.0,
        seed: int = 0,
        max_new_tokens: int = 512,
    ) -> list[list[str]]:
        """The raw answers, num_samples for each photograph and goal.

        images: [B, H, W, 3], uint8 or float in [0, 1], or a list of B arrays [H, W, 3] of one
        size. A sample depends on its photograph, goal, seed, and place (row and sample number).
        """
        from tqdm import tqdm

        images, prompts = self._inputs(images, goals)
        tokens, mask = pad_rows(prompts, self.tokenizer.pad, multiple=PROMPT_MULTIPLE)
        # Few rows run as the next power of two; many in chunks of one size. One program each.
        size = min(max(1, ROWS // num_samples), 1 << (len(prompts) - 1).bit_length())
        answers = []
        starts = range(0, len(prompts), size)
        for start in tqdm(starts, desc="planning", unit="batch", disable=len(starts) == 1):
            rows = np.minimum(np.arange(start, start + size), len(prompts) - 1)
            patches, grids = image_to_patches(images[rows], self.images)
            samples = rows[:, None] * num_samples + np.arange(num_samples)
            result = generate(
                self.config,
                self.params,
                Inputs(jnp.asarray(tokens[rows]), jnp.asarray(mask[rows]), patches, grids),
                max_new_tokens=max_new_tokens,
                stop_ids=(self.tokenizer.im_end, self.tokenizer.pad),
                temperature=temperature,
                seed=(seed << 20) + samples.ravel(),
                num_samples=num_samples,
            )
            texts = self._texts(result)
            answers += [
                texts[i * num_samples : (i + 1) * num_samples]
                for i in range(min(size, len(prompts) - start))
            ]
        return answers

    def _inputs(self, images, goals):
        sizes = {np.shape(image) for image in images}
        if len(sizes) != 1:
            raise InputError(f"images have sizes {sorted(sizes)}; crop them to one size")
        (size,) = sizes
        if len(size) != 3 or size[-1] != 3:
            raise InputError(f"images have shape {size}; each must be [H, W, 3]")
        if len(images) != len(goals):
            raise InputError(f"{len(images)} images and {len(goals)} goals; give one goal an image")
        images = images if hasattr(images, "dtype") else np.stack(images)
        tokens = image_tokens(*size[:2], self.images)
        return images, encode_prompts(self.tokenizer, goals, tokens, system=self.system)

    def _texts(self, result) -> list[str]:
        tokens, lengths = np.asarray(result.tokens), np.asarray(result.lengths)
        stops = (self.tokenizer.im_end, self.tokenizer.pad)
        rows = [list(row[:length]) for row, length in zip(tokens, lengths, strict=True)]
        return [self.tokenizer.decode(row[:-1] if row[-1] in stops else row) for row in rows]
