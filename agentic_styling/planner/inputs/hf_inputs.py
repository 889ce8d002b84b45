"""The model called with the arrays that a Hugging Face processor makes."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.planner.model.config import Qwen3VLConfig
from agentic_styling.planner.model.qwen3_vl import Inputs, Qwen3VL, output_embedding
from agentic_styling.utils.errors import InputError
from agentic_styling.utils.precision import in_32_bits

# The pixels, the grids, and the tokens that stand for them.
MEDIA = (
    ("pixel_values", "image_grid_thw", "image_token_id"),
    ("pixel_values_videos", "video_grid_thw", "video_token_id"),
)


@in_32_bits
def hf_logits(config: Qwen3VLConfig, params, inputs) -> jax.Array:
    """Logits float32 [B, S, V] for the arrays of a Hugging Face processor; for parity checks.

    inputs: input_ids int [B, S] and, where given, attention_mask, pixel_values, image_grid_thw,
    pixel_values_videos and video_grid_thw. Raises InputError as `hf_inputs`.
    """
    return _logits(config, params, hf_inputs(config, inputs))


@in_32_bits
def hf_inputs(config: Qwen3VLConfig, inputs) -> Inputs:
    """`Inputs` from a processor's arrays: the flat patches are split by row and medium.

    Images and videos go in the order in which the row names them, a video as one grid of several
    frames; in the text each frame is a run of its own, between time stamps, as transformers 5
    writes it. Raises InputError where media and placeholders do not agree.
    """
    tokens = np.asarray(inputs["input_ids"])
    mask = np.asarray(inputs.get("attention_mask", np.ones_like(tokens))).astype(bool)
    on_device = jnp.asarray(tokens, jnp.int32), jnp.asarray(mask)
    flat, grids, kinds = _media(inputs)
    if not len(grids):
        return Inputs(*on_device)
    rows, order = _appearance(config, tokens, mask, grids, kinds)
    places = np.arange(len(rows)) - np.searchsorted(rows, rows)
    sizes = grids.prod(-1)
    shape = (len(tokens), places.max() + 1)
    patches = np.zeros((*shape, sizes.max(), flat.shape[-1]), np.float32)
    within = np.arange(sizes.sum()) - np.repeat(sizes.cumsum() - sizes, sizes)
    row_of, place_of = np.empty_like(order), np.empty_like(order)
    row_of[order], place_of[order] = rows, places
    patches[np.repeat(row_of, sizes), np.repeat(place_of, sizes), within] = flat
    laid_out = np.zeros((*shape, 3), np.int32)
    laid_out[row_of, place_of] = grids
    return Inputs(*on_device, jnp.asarray(patches), jnp.asarray(laid_out))


def _media(inputs):
    """Patches [sum, D], grids int [N, 3] and kinds int [N] (0 = image), all images first."""
    given = [
        (np.asarray(inputs[pixels]), np.asarray(inputs[grids]), kind)
        for kind, (pixels, grids, _) in enumerate(MEDIA)
        if inputs.get(pixels) is not None
    ]
    if not given:
        return None, np.zeros((0, 3), int), None
    flat, grids, kinds = zip(*given, strict=True)
    for pixels, grid, kind in given:
        if len(pixels) != grid.prod(-1).sum():
            names = MEDIA[kind]
            raise InputError(
                f"{names[0]} has {len(pixels)} patches; {names[1]} {grid.tolist()} needs "
                f"{grid.prod(-1).sum()}"
            )
    kinds = np.repeat(kinds, [len(grid) for grid in grids])
    return np.concatenate(flat), np.concatenate(grids), kinds


def _appearance(config, tokens, mask, grids, kinds):
    """The row and the number of each medium, in the order of the text.

    A run of placeholders is an image or one frame of a video.
    """
    kind = np.full(tokens.shape, -1)
    for number, (_, _, token) in enumerate(MEDIA):
        kind[mask & (tokens == getattr(config, token))] = number
    starts = (kind >= 0) & (kind != np.pad(kind[:, :-1], ((0, 0), (1, 0)), constant_values=-1))
    lengths = np.bincount(np.cumsum(starts)[(kind >= 0).ravel()])[1:]
    rows, kind_of_run = np.nonzero(starts)[0], kind[starts]
    frames = np.repeat(np.arange(len(grids)), grids[:, 0])
    if np.bincount(kind_of_run, minlength=2).tolist() == [
        grids[kinds == number, 0].sum() for number in (0, 1)
    ]:
        # The k-th run of a kind is the k-th frame of that kind.
        medium = np.empty(len(rows), int)
        for number in (0, 1):
            medium[kind_of_run == number] = frames[kinds[frames] == number]
        areas = grids[medium, 1:].prod(-1) // config.vision.spatial_merge_size**2
        new = np.diff(medium, prepend=-1) != 0
        whole = len(set(zip(medium, rows, strict=True))) == len(grids) == new.sum()
        if whole and lengths.tolist() == areas.tolist():
            return rows[new], medium[new]
    raise InputError(
        f"input_ids has runs of {lengths.tolist()} placeholders; image_grid_thw "
        f"{grids[kinds == 0].tolist()} and video_grid_thw {grids[kinds == 1].tolist()} need one "
        "run a frame, one token a merged patch; use the processor's arrays unchanged"
    )


@functools.partial(jax.jit, static_argnames="config")
def _logits(config, params, inputs):
    hidden = Qwen3VL(config).apply({"params": params}, inputs)
    embedding = output_embedding(config, params)
    return jnp.einsum("bsd,vd->bsv", hidden, embedding, preferred_element_type=jnp.float32)
