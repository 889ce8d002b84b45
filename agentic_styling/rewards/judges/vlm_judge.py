"""A judge on the device: Qwen3-VL reads pictures and words, and answers in digits."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.planner.checkpoints.hf_checkpoint import load_pretrained
from agentic_styling.planner.inputs.images import (
    ImageSettings,
    bucket,
    chunk_rows,
    count_image_tokens,
    images_to_patches,
    take_rows,
)
from agentic_styling.planner.inputs.prompts import pad_rows
from agentic_styling.planner.inputs.tokenizer import Tokenizer
from agentic_styling.planner.model.config import Qwen3VLConfig
from agentic_styling.planner.model.qwen3_vl import (
    Inputs,
    Qwen3VL,
    output_embedding,
    token_positions,
    visual_mask,
)
from agentic_styling.planner.planner import TEXT_MULTIPLE
from agentic_styling.rewards.judges.edit_rubric import EDIT
from agentic_styling.rewards.judges.rubric import Rubric
from agentic_styling.utils.errors import InputError
from agentic_styling.utils.precision import in_32_bits

CASES = 8  # cases in a batch, with a row of tokens for each question
PATCHES = 1 << 14  # patches in a batch: 8 cases of two 512 x 512 pictures
DIGITS = "0123456789"


@dataclasses.dataclass(frozen=True)
class VlmJudge:
    """A Qwen3-VL with its tokenizer and image settings, which scores edits or plans when called.

    Args:
      config, params, tokenizer, images: of the model.
      rubric: EDIT, or PLAN; `dataclasses.replace(judge, rubric=PLAN)` shares the parameters.

    Raises:
      InputError: the tokenizer splits one of the ten digits into several tokens.
    """

    config: Qwen3VLConfig
    params: Any
    tokenizer: Tokenizer
    images: ImageSettings = ImageSettings()
    rubric: Rubric = EDIT

    def __post_init__(self):
        for digit in DIGITS:
            count = len(self.tokenizer.encode(digit))
            if count != 1:
                raise InputError(
                    f"{self.tokenizer.path}: the digit {digit!r} is {count} tokens; "
                    "use a tokenizer in which it is one, as in Qwen3-VL's"
                )

    @classmethod
    def from_pretrained(
        cls, directory: str | Path, *, dtype=None, rubric: Rubric = EDIT
    ) -> VlmJudge:
        """Loads a Hugging Face directory, as `Planner.from_pretrained` does.

        dtype: of the weights and the computation, by default as stored. The digits' logits are
        always float32. Computing in bfloat16 changes the parts of a tiny random model by less than
        2 points; a trained model was not measured.
        """
        config, params = load_pretrained(directory, dtype=dtype)
        return cls(config, params, Tokenizer(directory), ImageSettings.load(directory), rubric)

    @in_32_bits
    def __call__(self, *columns):
        """Scores a batch, one question for each part of the rubric.

        The model is asked for a digit, 0 for 0 on the rubric's scale and 9 for 100. A part is
        100 / 9 of the expected digit under its probabilities of the ten digits as first token.

        Args:
          columns: of edits: sources, results, requests; of plans: photographs, goals, plans.
            Pictures are [B, H, W, 3], uint8 or float in [0, 1], or B arrays [H, W, 3] of any
            sizes; requests are tuples of steps, whose reasoning is not shown, or goals in words.

        Returns:
          Scores or PlanScores, [B] each.

        Raises:
          InputError: arguments that do not match each other or exceed the model's context.

        Source: G-Eval (arXiv 2303.16634), expected scores over the tokens of the grades.
        """
        shown, words = self.rubric.split(columns, _arrays)
        names = zip(shown, self.rubric.columns, strict=False)
        counts = np.stack([count_image_tokens(*named, self.images) for named in names], axis=1)
        prompts = self._prompts(words, counts)
        limit = self.config.text.max_position_embeddings
        for row, questions in enumerate(prompts):
            if (longest := max(map(len, questions))) > limit:
                raise InputError(
                    f"{self.rubric.columns[-1]}[{row}]: its prompt has {longest} tokens and the "
                    f"model's limit is {limit}; give smaller pictures or shorter texts"
                )
        texts = [len(q) - n.sum() for n, case in zip(counts, prompts, strict=True) for q in case]
        digit_ids = jnp.array([self.tokenizer.encode(digit)[0] for digit in DIGITS])
        digits = np.zeros((len(prompts), len(self.rubric.questions)), np.float32)
        for rows in self._chunks(counts.max(axis=1)):
            patches = self._patches(counts[rows].max())
            inputs = self._inputs(shown, prompts, rows, patches, max(texts))
            # A case that pads a chunk repeats its last one, with the same answer.
            digits[rows] = _mean_digits(self.config, self.params, digit_ids, inputs)
        return self.rubric.combine(
            dict(zip(self.rubric.questions, 100 / 9 * digits.T, strict=True))
        )

    def _prompts(self, words: list[str], counts: np.ndarray) -> list[list[list[int]]]:
        """The tokens of each case's questions, which differ only after its pictures."""
        tokenizer, encode, prompts = self.tokenizer, self.tokenizer.encode, []
        closing = [tokenizer.im_end, *encode("\n"), tokenizer.im_start, *encode("assistant\n")]
        for row, said in enumerate(words):
            opening = [tokenizer.im_start, *encode("user\n")]
            for count in counts[row]:
                placeholders = [tokenizer.image_pad] * count
                opening += [tokenizer.vision_start, *placeholders, tokenizer.vision_end]
            texts = [self.rubric.digit_question(said, part) for part in self.rubric.questions]
            prompts.append([opening + encode(text) + closing for text in texts])
        return prompts

    def _chunks(self, counts: np.ndarray) -> list[np.ndarray]:
        """Rows that run together; counts: the tokens of each row's largest picture, int [B]."""
        pictures = len(self.rubric.captions)
        return chunk_rows(counts, lambda n: min(CASES, PATCHES // (pictures * self._patches(n))))

    def _patches(self, tokens: int) -> int:
        """The number of patches to which a picture with this many image tokens is padded."""
        return bucket(int(tokens) * self.images.merge_size**2)

    def _inputs(self, shown: list, prompts, rows, patches: int, text: int) -> Inputs:
        """A row of tokens for each question and one of pictures for each of the cases `rows`."""
        # Lengths are rounded up, so that other pictures and requests rarely need another program.
        length = len(shown) * patches // self.images.merge_size**2
        length += -(-text // TEXT_MULTIPLE) * TEXT_MULTIPLE
        questions = [question for row in rows for question in prompts[row]]
        tokens, mask = pad_rows(questions, self.tokenizer.pad, length=length)
        cut = [images_to_patches(take_rows(images, rows), self.images, patches) for images in shown]
        pixels, grids = (jnp.concatenate(arrays, axis=1) for arrays in zip(*cut, strict=True))
        return Inputs(jnp.asarray(tokens), jnp.asarray(mask), pixels, grids)


@functools.partial(jax.jit, static_argnames="config")
def _mean_digits(config: Qwen3VLConfig, params, digit_ids, inputs: Inputs):
    """The mean digit of each question's first answer token, float32 [B, Q], from 0 to 9."""
    hidden = Qwen3VL(config).apply({"params": params}, inputs, method=_shared_pictures)
    last = inputs.mask.sum(1) - 1  # padding comes after it
    hidden = jnp.take_along_axis(hidden, last[:, None, None], axis=1)[:, 0]
    head = output_embedding(config, params)[digit_ids]
    return _expected_digit(hidden, head).reshape(len(inputs.patches), -1)


def _expected_digit(hidden, head):
    """The expected digit, float32 [N], of hidden states [N, D] and the digits' rows [10, D]."""
    # Not by a matrix product, whose operands some devices would round.
    logits = (hidden.astype(jnp.float32)[:, None] * head.astype(jnp.float32)).sum(-1)
    return (jax.nn.softmax(logits) * jnp.arange(len(DIGITS))).sum(-1)


def _shared_pictures(model: Qwen3VL, inputs: Inputs):
    """Hidden states [B * Q, S, D] where Q rows of tokens share a row of pictures, encoded once."""
    # The questions of a case are neighbours, and equal up to the end of its pictures.
    tokens, mask, repeats = inputs.tokens, inputs.mask, len(inputs.tokens) // len(inputs.patches)
    x = model.language_model.embed_tokens(tokens)
    first = inputs.replace(tokens=tokens[::repeats], mask=mask[::repeats])
    features, deepstack = model.visual_features(first, x.dtype)
    visual = visual_mask(tokens, mask, model.config)[..., None]
    x = jnp.where(visual, jnp.repeat(features, repeats, axis=0), x)
    deepstack = jnp.where(visual, jnp.repeat(deepstack, repeats, axis=1), 0)
    grids = jnp.repeat(inputs.grids, repeats, axis=0)
    positions, _ = token_positions(tokens, mask, grids, model.config)
    return model.language_model(x, positions, mask, deepstack)[0]


def _arrays(images, _):
    """Images that have a shape and a dtype each."""
    if hasattr(images, "dtype"):
        return images
    return [image if hasattr(image, "dtype") else np.asarray(image) for image in images]
