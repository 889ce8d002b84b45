"""The planner as its users see it: photographs and goals in, plans out."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from agentic_styling.planner.checkpoints.hf_checkpoint import load_pretrained
from agentic_styling.planner.decoding.generation import generate
from agentic_styling.planner.decoding.grammar import PlanGrammar, compile_plan_grammar
from agentic_styling.planner.decoding.plan_forms import PLAN_FORMS
from agentic_styling.planner.inputs.images import (
    ImageSettings,
    bucket,
    image_tokens,
    images_to_patches,
)
from agentic_styling.planner.inputs.prompts import encode_prompts, pad_rows
from agentic_styling.planner.inputs.tokenizer import Tokenizer
from agentic_styling.planner.model.config import Qwen3VLConfig
from agentic_styling.planner.model.qwen3_vl import Inputs
from agentic_styling.tools import Plan, PlanError
from agentic_styling.utils.errors import InputError, nearest

ROWS = 64  # rows decoded together
PATCHES = 1 << 16  # patches of the pictures read together
TEXT_MULTIPLE = 64  # a prompt's text is padded to a multiple of this: goals share a program


@dataclasses.dataclass(frozen=True)
class Planner:
    """A model with its tokenizer and image settings.

    form: how it writes a plan, of `PLAN_FORMS`. system: whether prompts explain the tools and the
    form, for models not trained on our plans.
    """

    config: Qwen3VLConfig
    params: Any
    tokenizer: Tokenizer
    images: ImageSettings = ImageSettings()
    form: str = "json"
    system: bool = False

    def __post_init__(self):
        if self.form not in PLAN_FORMS:
            raise InputError(f"form {self.form!r} is unknown; {nearest(self.form, PLAN_FORMS)}")

    @classmethod
    def from_pretrained(
        cls, directory: str | Path, *, dtype=None, form: str = "json", system: bool = False
    ) -> Planner:
        """Load a Hugging Face directory, ours or Qwen's."""
        config, params = load_pretrained(directory, dtype=dtype)
        tokenizer, images = Tokenizer(directory), ImageSettings.load(directory)
        return cls(config, params, tokenizer, images, form, system)

    @functools.cached_property
    def grammar(self) -> PlanGrammar:
        """What keeps the planner's text a plan; compiled when it is first asked for."""
        if self.form != "json":
            raise InputError(
                f"form {self.form!r} has no grammar; use the form 'json', or constrained=False"
            )
        return compile_plan_grammar(self.tokenizer, self.config.text.vocab_size)

    def plan(
        self, images, goals: Sequence[str], *, constrained: bool = True, **sampling
    ) -> list[list[Plan]]:
        """Plans for each photograph and goal, num_samples of them.

        Arguments as for `complete`. Constrained, every text is a plan; otherwise a plan is None
        where the text is none.
        """

        def read(text: str) -> Plan | None:
            try:
                return PLAN_FORMS[self.form].read(text)
            except PlanError:
                return None

        texts = self.complete(images, goals, constrained=constrained, **sampling)
        return [[read(text) for text in samples] for samples in texts]

    def complete(
        self,
        images,
        goals: Sequence[str],
        *,
        num_samples: int = 1,
        temperature: float = 0.0,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = 0,
        max_new_tokens: int = 512,
        constrained: bool = False,
    ) -> list[list[str]]:
        """The raw answers, num_samples for each photograph and goal.

        images: [B, H, W, 3], uint8 or float in [0, 1], or B arrays [H, W, 3] of any sizes.
        constrained: allow only texts that are plans; they then end within max_new_tokens.
        A sample depends on its photograph, goal, seed, and place (row and sample number).
        Raises InputError for images and goals that do not fit, and for a prompt that leaves no
        room for max_new_tokens in the model's context.
        """
        from tqdm import tqdm

        if num_samples < 1:
            raise InputError(f"num_samples {num_samples} is too small; use at least 1")
        images = images if hasattr(images, "dtype") else [_as_array(image) for image in images]
        counts = self._image_tokens(images, goals)
        system = PLAN_FORMS[self.form].system_text() if self.system else ""
        prompts = encode_prompts(self.tokenizer, goals, counts, system)
        self._check_lengths(prompts, max_new_tokens)
        options = {
            "max_new_tokens": max_new_tokens,
            "stop_ids": (self.tokenizer.im_end, self.tokenizer.pad),
            "temperature": temperature,
            "top_k": top_k,
            "top_p": top_p,
            "grammar": self.grammar if constrained else None,
            "num_samples": num_samples,
        }
        text = max((len(p) - n for p, n in zip(prompts, counts, strict=True)), default=0)
        answers: list[list[str]] = [[]] * len(prompts)
        chunks = self._chunks(counts, num_samples)
        for rows in tqdm(chunks, desc="planning", unit="batch", disable=len(chunks) == 1):
            inputs = self._inputs(images, prompts, rows, counts[rows].max(), text)
            samples = rows[:, None] * num_samples + np.arange(num_samples)
            seeds = (seed << 20) + samples.ravel()
            result = generate(self.config, self.params, inputs, seed=seeds, **options)
            texts = iter(self._texts(result))
            for row in rows:
                answers[row] = [next(texts) for _ in range(num_samples)]
        return answers

    def _image_tokens(self, images, goals: Sequence[str]) -> np.ndarray:
        """The image tokens of each photograph, int [B]."""
        if len(images) != len(goals):
            raise InputError(f"{len(images)} images and {len(goals)} goals; give one goal an image")
        one_size = hasattr(images, "dtype")
        kinds = [(images.shape[1:], images.dtype)] if one_size else map(_kind, images)
        counts = []
        for row, (shape, dtype) in enumerate(kinds):
            if len(shape) != 3 or shape[-1] != 3:
                raise InputError(f"images[{row}] has shape {shape}; each must be [H, W, 3]")
            if dtype != np.uint8 and not jnp.issubdtype(dtype, jnp.floating):
                raise InputError(f"images[{row}] is {dtype}; use uint8, or floats in [0, 1]")
            counts.append(image_tokens(*shape[:2], self.images))
        return np.array(counts * len(images) if one_size else counts, int)

    def _check_lengths(self, prompts: Sequence[Sequence[int]], max_new_tokens: int) -> None:
        limit = self.config.text.max_position_embeddings
        for row, prompt in enumerate(prompts):
            if len(prompt) + max_new_tokens > limit:
                raise InputError(
                    f"goals[{row}]: its prompt has {len(prompt)} tokens and the model's limit is "
                    f"{limit} with max_new_tokens {max_new_tokens}; give a smaller image or a "
                    "shorter goal, or ask for fewer tokens"
                )

    def _chunks(self, counts: np.ndarray, num_samples: int) -> list[np.ndarray]:
        """Rows that run together, the largest pictures first; the last row may be repeated.

        Few rows run as the next power of two, many in chunks of one size: one program each.
        """
        order, chunks = np.argsort(-counts, kind="stable"), []
        while len(order):
            fitting = min(ROWS // num_samples, PATCHES // self._patches(counts[order[0]]))
            size = min(max(1, fitting), 1 << (len(counts) - 1).bit_length())
            chunks.append(np.pad(order[:size], (0, max(0, size - len(order))), mode="edge"))
            order = order[size:]
        return chunks

    def _patches(self, tokens: int) -> int:
        """Patches that a picture of so many image tokens is padded to."""
        return bucket(int(tokens) * self.images.merge_size**2)

    def _inputs(self, images, prompts, rows: np.ndarray, most_tokens: int, text: int) -> Inputs:
        """The model's inputs for some rows.

        most_tokens: of a picture among them; text: the tokens of the longest text of all. The
        padded length follows from the two buckets, so that neither another size nor another goal
        compiles a program.
        """
        patches = self._patches(most_tokens)
        length = patches // self.images.merge_size**2 + -(-text // TEXT_MULTIPLE) * TEXT_MULTIPLE
        chosen = images[rows] if hasattr(images, "dtype") else [images[row] for row in rows]
        tokens, mask = pad_rows([prompts[row] for row in rows], self.tokenizer.pad, length=length)
        pixels, grids = images_to_patches(chosen, self.images, patches)
        return Inputs(jnp.asarray(tokens), jnp.asarray(mask), pixels, grids)

    def _texts(self, result) -> list[str]:
        tokens, lengths = np.asarray(result.tokens), np.asarray(result.lengths)
        stops = (self.tokenizer.im_end, self.tokenizer.pad)
        rows = [list(row[:length]) for row, length in zip(tokens, lengths, strict=True)]
        return [self.tokenizer.decode(row[:-1] if row[-1] in stops else row) for row in rows]


def _as_array(image):
    return image if hasattr(image, "dtype") else np.asarray(image)


def _kind(image) -> tuple:
    return image.shape, image.dtype
