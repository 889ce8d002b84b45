"""The model called with the arrays that a Hugging Face processor makes."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.errors import InputError
from agentic_styling.planner.config import Qwen3VLConfig
from agentic_styling.planner.model import Inputs, Qwen3VL, output_embedding


def hf_logits(config: Qwen3VLConfig, params, inputs) -> jax.Array:
    """Logits float32 [B, S, V] for a processor's input_ids, attention_mask, pixel_values and
    image_grid_thw (the last three may be absent); for parity checks."""
    return _logits(config, params, hf_inputs(config, inputs))


def hf_inputs(config: Qwen3VLConfig, inputs) -> Inputs:
    """`Inputs` from a processor's arrays: the flat patches are dealt out to the rows' images.

    Raises InputError for video and where images and placeholders do not agree.
    """
    if "pixel_values_videos" in inputs:
        raise InputError("pixel_values_videos: video is not supported here; pass images")
    tokens = np.asarray(inputs["input_ids"])
    mask = np.asarray(inputs.get("attention_mask", np.ones_like(tokens))).astype(bool)
    tokens, mask_on_device = jnp.asarray(tokens, jnp.int32), jnp.asarray(mask)
    if "pixel_values" not in inputs:
        return Inputs(tokens, mask_on_device)
    flat, all_grids = np.asarray(inputs["pixel_values"]), np.asarray(inputs["image_grid_thw"])
    visual = mask & (np.asarray(tokens) == config.image_token_id)
    starts = visual & ~np.pad(visual[:, :-1], ((0, 0), (1, 0)))
    sizes, counts = all_grids.prod(-1), starts.sum(1)
    if counts.sum() != len(all_grids) or visual.sum() * 4 != sizes.sum():
        raise InputError(
            f"input_ids has {visual.sum()} image tokens in {counts.sum()} runs; image_grid_thw "
            f"{all_grids.tolist()} needs {sizes.sum() // 4} in {len(all_grids)}"
        )
    patches = np.zeros((len(visual), counts.max(), sizes.max(), flat.shape[-1]), np.float32)
    grids = np.zeros((len(visual), counts.max(), 3), np.int32)
    ends = sizes.cumsum()
    rows = np.repeat(np.arange(len(visual)), counts)
    places = np.concatenate([np.arange(count) for count in counts])
    for image, (row, place) in enumerate(zip(rows, places, strict=True)):
        patches[row, place, : sizes[image]] = flat[ends[image] - sizes[image] : ends[image]]
        grids[row, place] = all_grids[image]
    return Inputs(tokens, mask_on_device, jnp.asarray(patches), jnp.asarray(grids))


@functools.partial(jax.jit, static_argnames="config")
def _logits(config, params, inputs):
    hidden = Qwen3VL(config).apply({"params": params}, inputs)
    embedding = output_embedding(config, params)
    return jnp.einsum("bsd,vd->bsv", hidden, embedding, preferred_element_type=jnp.float32)
