"""Photographs to patches, on the device, as Qwen's image processor makes them."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
from pathlib import Path

import jax
import jax.numpy as jnp

from agentic_styling.errors import InputError


@dataclasses.dataclass(frozen=True)
class ImageSettings:
    """What preprocessor_config.json holds: pixel limits, patch sizes, normalisation."""

    min_pixels: int = 65536
    max_pixels: int = 16777216
    patch_size: int = 16
    temporal_patch_size: int = 2
    merge_size: int = 2
    mean: float = 0.5
    std: float = 0.5

    @classmethod
    def load(cls, directory: str | Path) -> ImageSettings:
        """Read directory/preprocessor_config.json; the shipped settings if there is none."""
        path = Path(directory) / "preprocessor_config.json"
        if not path.is_file():
            return cls()
        values = json.loads(path.read_text(encoding="utf-8"))
        size = values.get("size", {})
        default = cls()
        return cls(
            min_pixels=size.get("shortest_edge", default.min_pixels),
            max_pixels=size.get("longest_edge", default.max_pixels),
            patch_size=values.get("patch_size", default.patch_size),
            temporal_patch_size=values.get("temporal_patch_size", default.temporal_patch_size),
            merge_size=values.get("merge_size", default.merge_size),
            mean=_same(path, "image_mean", values, default.mean),
            std=_same(path, "image_std", values, default.std),
        )

    def save(self, directory: str | Path) -> None:
        """Write directory/preprocessor_config.json, readable by transformers."""
        values = {
            "image_processor_type": "Qwen2VLImageProcessorFast",
            "size": {"shortest_edge": self.min_pixels, "longest_edge": self.max_pixels},
            "patch_size": self.patch_size,
            "temporal_patch_size": self.temporal_patch_size,
            "merge_size": self.merge_size,
            "image_mean": [self.mean] * 3,
            "image_std": [self.std] * 3,
        }
        path = Path(directory) / "preprocessor_config.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


# The settings of planners trained from scratch here: a 128 x 128 picture is 16 tokens.
TINY_IMAGES = ImageSettings(min_pixels=16384, max_pixels=16384)


def smart_resize(height: int, width: int, settings: ImageSettings) -> tuple[int, int]:
    """The (height, width) an image is resized to: multiples of 32, the pixels within limits.

    Raises InputError for an aspect ratio above 200. Source: Qwen2-VL's image processor.
    """
    factor = settings.patch_size * settings.merge_size
    if max(height, width) > 200 * min(height, width):
        raise InputError(f"image of {width} x {height}: the aspect ratio is above 200; crop it")
    new_height, new_width = (round(side / factor) * factor for side in (height, width))
    if new_height * new_width > settings.max_pixels:
        scale = math.sqrt(height * width / settings.max_pixels)
        new_height, new_width = (
            max(factor, math.floor(side / scale / factor) * factor) for side in (height, width)
        )
    elif new_height * new_width < settings.min_pixels:
        scale = math.sqrt(settings.min_pixels / (height * width))
        new_height, new_width = (
            math.ceil(side * scale / factor) * factor for side in (height, width)
        )
    return new_height, new_width


def image_tokens(height: int, width: int, settings: ImageSettings) -> int:
    """How many image tokens a picture of this size takes in the prompt."""
    height, width = smart_resize(height, width, settings)
    return height * width // (settings.patch_size * settings.merge_size) ** 2


@functools.partial(jax.jit, static_argnames="settings")
def image_to_patches(images, settings: ImageSettings = ImageSettings()):
    """Resize, normalise and cut pictures of one size: one image for each row of `Inputs`.

    images [B, H, W, 3], uint8, or floating in [0, 1] (taken to the nearest of 256 levels).
    Returns patches float32 [B, 1, P, C * T * 16 * 16] in merge-block order and grids int32
    [B, 1, 3].
    """
    if jnp.issubdtype(images.dtype, jnp.floating):
        images = jnp.round(jnp.clip(images, 0, 1) * 255)
    batch, height, width, channels = images.shape
    height, width = smart_resize(height, width, settings)
    pixels = resize(images.astype(jnp.float32), height, width)
    pixels = (pixels / 255 - settings.mean) / settings.std

    patch, merge = settings.patch_size, settings.merge_size
    rows, columns = height // patch, width // patch
    shape = (batch, rows // merge, merge, patch, columns // merge, merge, patch, channels)
    # To batch, block row, block column, in row, in column, channel, patch row, patch column.
    pixels = pixels.reshape(shape).transpose(0, 1, 4, 2, 5, 7, 3, 6)
    frames = settings.temporal_patch_size
    pixels = jnp.repeat(pixels[..., None, :, :], frames, axis=-3)
    patches = pixels.reshape(batch, 1, rows * columns, channels * frames * patch**2)
    return patches, jnp.tile(jnp.array([1, rows, columns], jnp.int32), (batch, 1, 1))


def resize(pixels, height: int, width: int):
    """Pillow's bicubic: width first, rounded to whole levels, then height.

    pixels float [B, H, W, C] in [0, 255] -> whole levels [B, height, width, C].
    """
    batch, old_height, _, channels = pixels.shape
    for shape in (
        (batch, old_height, width, channels),
        (batch, height, width, channels),
    ):
        if shape != pixels.shape:
            pixels = jax.image.resize(pixels, shape, "cubic", antialias=True)
            pixels = jnp.clip(jnp.round(pixels), 0, 255)
    return pixels


def _same(path: Path, name: str, values: dict, default: float) -> float:
    """One number from a list with an entry a channel."""
    entries = set(values.get(name, [default]))
    if len(entries) != 1:
        raise InputError(f"{path}: {name} {values[name]} differs by channel; use one value")
    return entries.pop()
