"""A judge on the device: Qwen3-VL reads photograph, edit and request, and answers in digits."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.planner.checkpoints.hf_checkpoint import load_pretrained
from agentic_styling.planner.inputs.images import (
    ImageSettings,
    bucket,
    image_tokens,
    images_to_patches,
)
from agentic_styling.planner.inputs.prompts import pad_rows
from agentic_styling.planner.inputs.tokenizer import Tokenizer
from agentic_styling.planner.model.config import Qwen3VLConfig
from agentic_styling.planner.model.positions import token_positions, visual_mask
from agentic_styling.planner.model.qwen3_vl import Inputs, Qwen3VL, output_embedding
from agentic_styling.planner.planner import TEXT_MULTIPLE
from agentic_styling.rewards.judges.rubric import RUBRIC, batch_words
from agentic_styling.rewards.scores import PARTS, Scores, combine
from agentic_styling.tools import Step
from agentic_styling.utils.errors import InputError
from agentic_styling.utils.precision import in_32_bits

CASES = 8  # cases in a batch, six rows of tokens each
PATCHES = 1 << 14  # patches in a batch: 8 cases of two 512 x 512 pictures
DIGITS = "0123456789"

# The rubric's scale ends at 100, which is not one token: digit d stands for 100 / 9 * d.
QUESTION = """The first picture is a photograph, the second is the result of editing it. \
This was asked for:
{request}

{question}

Answer with one digit only, from 0, which stands for 0 on this scale, to 9, which stands for 100."""


@dataclasses.dataclass(frozen=True)
class VlmJudge:
    """A Qwen3-VL with its tokenizer and image settings, which scores edits when called.

    Raises:
      InputError: the tokenizer splits one of the ten digits into several tokens.
    """

    config: Qwen3VLConfig
    params: Any
    tokenizer: Tokenizer
    images: ImageSettings = ImageSettings()

    def __post_init__(self):
        for digit in DIGITS:
            count = len(self.tokenizer.encode(digit))
            if count != 1:
                raise InputError(
                    f"{self.tokenizer.path}: the digit {digit!r} is {count} tokens; "
                    "use a tokenizer in which it is one, as in Qwen3-VL's"
                )

    @classmethod
    def from_pretrained(cls, directory: str | Path, *, dtype=None) -> VlmJudge:
        """Loads a Hugging Face directory, as `Planner.from_pretrained` does.

        Args:
          directory: of the model.
          dtype: of the weights and the computation, by default as stored. The digits' logits are
            always float32. Computing in bfloat16 changes the parts of a tiny random model by less
            than 2 points; a trained model was not measured.
        """
        config, params = load_pretrained(directory, dtype=dtype)
        return cls(config, params, Tokenizer(directory), ImageSettings.load(directory))

    @in_32_bits
    def __call__(self, sources, results, requests: Sequence[tuple[Step, ...] | str]) -> Scores:
        """Scores edited pictures against requests, one question for each of `PARTS`.

        The model is asked for a digit, 0 for 0 on the rubric's scale and 9 for 100. A part is
        100 / 9 of the expected digit under its probabilities of the ten digits as first token.

        Args:
          sources, results: photographs and edits, [B, H, W, 3], uint8 or float in [0, 1], or B
            arrays [H, W, 3] of any sizes.
          requests: B tuples of steps or goals in words, put into the prompt by
            `rubric.request_words`, without a step's reasoning.

        Returns:
          Scores, [B] each.

        Raises:
          InputError: arguments that do not match each other or exceed the model's context.

        Source: G-Eval (arXiv 2303.16634), expected scores over the tokens of the grades.
        """
        sources, results = _arrays(sources), _arrays(results)
        if not len(sources) == len(results) == len(requests):
            raise InputError(
                f"{len(sources)} sources, {len(results)} results and {len(requests)} requests; "
                "give as many of each"
            )
        columns = [self._image_tokens("sources", sources), self._image_tokens("results", results)]
        counts = np.array(columns, int).T
        prompts = self._prompts(requests, counts)
        self._check_lengths(prompts)
        texts = [len(q) - n.sum() for n, case in zip(counts, prompts, strict=True) for q in case]
        digit_ids = jnp.array([self.tokenizer.encode(digit)[0] for digit in DIGITS])
        digits = np.zeros((len(prompts), len(PARTS)), np.float32)
        for rows in self._chunks(counts.max(axis=1)):
            patches = self._patches(counts[rows].max())
            inputs = self._inputs(sources, results, prompts, rows, patches, max(texts))
            # A case that pads a chunk repeats its last one, with the same answer.
            digits[rows] = _mean_digits(self.config, self.params, digit_ids, inputs)
        return combine(dict(zip(PARTS, 100 / 9 * digits.T, strict=True)))

    def _image_tokens(self, name: str, images) -> list[int]:
        """The image tokens of each picture."""
        if hasattr(images, "dtype"):
            kinds = [(images.shape[1:], images.dtype)] * len(images)
        else:
            kinds = [(image.shape, image.dtype) for image in images]
        counts = []
        for row, (shape, dtype) in enumerate(kinds):
            if len(shape) != 3 or shape[-1] != 3:
                raise InputError(f"{name}[{row}] has shape {shape}; each must be [H, W, 3]")
            if dtype != np.uint8 and not jnp.issubdtype(dtype, jnp.floating):
                raise InputError(f"{name}[{row}] is {dtype}; use uint8, or floats in [0, 1]")
            counts.append(image_tokens(*shape[:2], self.images))
        return counts

    def _prompts(self, requests, counts: np.ndarray) -> list[list[list[int]]]:
        """The tokens of each case's six questions; counts: its pictures' tokens, int [B, 2].

        The six differ only after both pictures.
        """
        tokenizer, encode, prompts = self.tokenizer, self.tokenizer.encode, []
        closing = [tokenizer.im_end, *encode("\n"), tokenizer.im_start, *encode("assistant\n")]
        for row, words in enumerate(batch_words(requests)):
            opening = [tokenizer.im_start, *encode("user\n")]
            for count in counts[row]:
                placeholders = [tokenizer.image_pad] * count
                opening += [tokenizer.vision_start, *placeholders, tokenizer.vision_end]
            texts = [QUESTION.format(request=words, question=RUBRIC[part]) for part in PARTS]
            prompts.append([opening + encode(text) + closing for text in texts])
        return prompts

    def _check_lengths(self, prompts: list[list[list[int]]]) -> None:
        limit = self.config.text.max_position_embeddings
        for row, questions in enumerate(prompts):
            longest = max(map(len, questions))
            if longest > limit:
                raise InputError(
                    f"requests[{row}]: its prompt has {longest} tokens and the model's limit is "
                    f"{limit}; give smaller pictures or a shorter request"
                )

    def _chunks(self, tokens: np.ndarray) -> list[np.ndarray]:
        """Cases in chunks, the largest pictures first; the last case may be repeated.

        The next power of two if they are few, else chunks of one size: one program each.
        """
        order, chunks = np.argsort(-tokens, kind="stable"), []
        while len(order):
            fitting = min(CASES, PATCHES // (2 * self._patches(tokens[order[0]])))
            size = min(max(1, fitting), 1 << (len(tokens) - 1).bit_length())
            chunks.append(np.pad(order[:size], (0, max(0, size - len(order))), mode="edge"))
            order = order[size:]
        return chunks

    def _patches(self, tokens: int) -> int:
        """The number of patches to which a picture with this many image tokens is padded."""
        return bucket(int(tokens) * self.images.merge_size**2)

    def _inputs(self, sources, results, prompts, rows, patches: int, text: int) -> Inputs:
        """Six rows of tokens and one row of pictures for each of the cases `rows`.

        text: the number of tokens of the longest text. Both lengths are rounded up, so that other
        pictures and requests rarely need another program.
        """
        length = 2 * patches // self.images.merge_size**2
        length += -(-text // TEXT_MULTIPLE) * TEXT_MULTIPLE
        questions = [question for row in rows for question in prompts[row]]
        tokens, mask = pad_rows(questions, self.tokenizer.pad, length=length)
        pairs = [
            images_to_patches(_take(images, rows), self.images, patches)
            for images in (sources, results)
        ]
        pixels, grids = (jnp.concatenate(arrays, axis=1) for arrays in zip(*pairs, strict=True))
        return Inputs(jnp.asarray(tokens), jnp.asarray(mask), pixels, grids)


@functools.partial(jax.jit, static_argnames="config")
def _mean_digits(config: Qwen3VLConfig, params, digit_ids, inputs: Inputs):
    """The mean digit of each question's first answer token, float32 [B, 6], from 0 to 9.

    inputs: as for `_shared_pictures`. digit_ids: the tokens of the ten digits, int [10].
    """
    hidden = Qwen3VL(config).apply({"params": params}, inputs, method=_shared_pictures)
    last = inputs.mask.sum(1) - 1  # padding comes after it
    hidden = jnp.take_along_axis(hidden, last[:, None, None], axis=1)[:, 0]
    head = output_embedding(config, params)[digit_ids]
    return _expected_digit(hidden, head).reshape(-1, len(PARTS))


def _expected_digit(hidden, head):
    """The expected digit, float32 [N], of hidden states [N, D] and the digits' rows [10, D].

    Without a matrix product, whose operands some devices would round.
    """
    logits = (hidden.astype(jnp.float32)[:, None] * head.astype(jnp.float32)).sum(-1)
    return (jax.nn.softmax(logits) * jnp.arange(len(DIGITS))).sum(-1)


def _shared_pictures(model: Qwen3VL, inputs: Inputs):
    """`model(inputs)` where six rows of tokens share a row of pictures, encoded once.

    inputs: tokens and mask [6 * B, S], the questions of a case together, equal up to the end of
    its pictures; patches [B, 2, P, 1536] and grids [B, 2, 3]. Returns hidden [6 * B, S, D].
    """
    tokens, mask, repeats = inputs.tokens, inputs.mask, len(PARTS)
    x = model.language_model.embed_tokens(tokens)
    first = inputs.replace(tokens=tokens[::repeats], mask=mask[::repeats])
    features, deepstack = model.visual_features(first, x.dtype)
    visual = visual_mask(tokens, mask, model.config)[..., None]
    x = jnp.where(visual, jnp.repeat(features, repeats, axis=0), x)
    deepstack = jnp.where(visual, jnp.repeat(deepstack, repeats, axis=1), 0)
    grids = jnp.repeat(inputs.grids, repeats, axis=0)
    positions, _ = token_positions(tokens, mask, grids, model.config)
    return model.language_model(x, positions, mask, deepstack)[0]


def _arrays(images):
    """Images that have a shape and a dtype each."""
    if hasattr(images, "dtype"):
        return images
    return [image if hasattr(image, "dtype") else np.asarray(image) for image in images]


def _take(images, rows: np.ndarray):
    return images[rows] if hasattr(images, "dtype") else [images[row] for row in rows]
