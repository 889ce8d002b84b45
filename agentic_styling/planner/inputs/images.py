"""Photographs to patches, as Qwen's image processor makes them.

They are resized by Pillow's bicubic filter: those of the host by Pillow, those on the device by the
same arithmetic, exact to the last level.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import shutil
from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from agentic_styling.utils.checks import read_object_if_any, write_object
from agentic_styling.utils.errors import InputError

SETTINGS_FILE = "preprocessor_config.json"
KEPT = (SETTINGS_FILE, "video_preprocessor_config.json", "processor_config.json")
SIZES = ("patch_size", "temporal_patch_size", "merge_size")  # fields with the same name in files
# Steps of Qwen's processor that `image_to_patches` always applies.
FIXED = {"do_resize": True, "resample": 3, "do_rescale": True, "do_normalize": True}


@dataclasses.dataclass(frozen=True)
class ImageSettings:
    """The fields of preprocessor_config.json: pixel limits, patch sizes, normalisation."""

    min_pixels: int = 65536
    max_pixels: int = 16777216
    patch_size: int = 16
    temporal_patch_size: int = 2
    merge_size: int = 2
    mean: float = 0.5
    std: float = 0.5

    @classmethod
    def load(cls, directory: str | Path) -> ImageSettings:
        """Read directory/preprocessor_config.json; Qwen's settings if there is none.

        An image_processor in processor_config.json, where transformers 5 writes it, takes
        precedence. Raises InputError for settings that are not supported.
        """
        path, values = _settings_file(Path(directory))
        for name, wanted in FIXED.items():
            if values.get(name, wanted) != wanted:
                raise InputError(f"{path}: {name} {values[name]!r} is not supported; use {wanted}")
        if not math.isclose(values.get("rescale_factor", 1 / 255), 1 / 255):
            raise InputError(
                f"{path}: rescale_factor {values['rescale_factor']} is not supported; use 1/255"
            )
        size, default = values.get("size") or {}, cls()
        return cls(
            min_pixels=values.get("min_pixels") or size.get("shortest_edge", default.min_pixels),
            max_pixels=values.get("max_pixels") or size.get("longest_edge", default.max_pixels),
            **{name: values[name] for name in SIZES if name in values},
            mean=_same(path, "image_mean", values, default.mean),
            std=_same(path, "image_std", values, default.std),
        )

    def save(self, directory: str | Path, source: str | Path | None = None) -> None:
        """Write directory/preprocessor_config.json, readable by transformers.

        source: the directory that the settings were read from; its files are copied, if there and
          if the settings have not been changed.
        """
        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        same = source is not None and ImageSettings.load(source) == self
        kept = [name for name in KEPT if same and (Path(source) / name).is_file()]
        for name in kept:
            if not directory.samefile(source):
                shutil.copyfile(Path(source) / name, directory / name)
        if SETTINGS_FILE in kept:
            return
        values = {
            "image_processor_type": "Qwen2VLImageProcessorFast",
            "size": {"shortest_edge": self.min_pixels, "longest_edge": self.max_pixels},
            **{name: getattr(self, name) for name in SIZES},
            "image_mean": [self.mean] * 3,
            "image_std": [self.std] * 3,
        }
        write_object(directory / SETTINGS_FILE, values)


# For tiny planners: a 128 x 128 picture is 16 tokens.
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


def image_patches(height: int, width: int, settings: ImageSettings) -> int:
    """How many patches a picture of this size is cut into."""
    return math.prod(smart_resize(height, width, settings)) // settings.patch_size**2


def image_tokens(height: int, width: int, settings: ImageSettings) -> int:
    """How many image tokens a picture of this size takes in the prompt."""
    return image_patches(height, width, settings) // settings.merge_size**2


@functools.partial(jax.jit, static_argnames="settings")
def image_to_patches(images, settings: ImageSettings = ImageSettings()):
    """Resize, normalise and cut pictures of one size: one image for each row of `Inputs`.

    images [B, H, W, 3], uint8, or floating in [0, 1] (rounded to 256 levels).
    Returns patches float32 [B, 1, P, C * T * 16 * 16] in merge-block order and grids int32
    [B, 1, 3].
    """
    if jnp.issubdtype(images.dtype, jnp.floating):
        images = jnp.round(jnp.clip(images.astype(jnp.float32), 0, 1) * 255).astype(jnp.uint8)
    return _cut(resize(images, *smart_resize(*images.shape[1:3], settings)), settings)


@functools.partial(jax.jit, static_argnames="settings")
def _cut(pixels, settings: ImageSettings):
    """What `image_to_patches` returns, of uint8 pictures that are resized already."""
    batch, height, width, channels = pixels.shape
    pixels = (pixels.astype(jnp.float32) / 255 - settings.mean) / settings.std
    patch, merge = settings.patch_size, settings.merge_size
    rows, columns = height // patch, width // patch
    shape = (batch, rows // merge, merge, patch, columns // merge, merge, patch, channels)
    # To batch, block row, block column, in row, in column, channel, patch row, patch column.
    pixels = pixels.reshape(shape).transpose(0, 1, 4, 2, 5, 7, 3, 6)
    frames = settings.temporal_patch_size
    pixels = jnp.repeat(pixels[..., None, :, :], frames, axis=-3)
    patches = pixels.reshape(batch, 1, rows * columns, channels * frames * patch**2)
    return patches, jnp.tile(jnp.array([1, rows, columns], jnp.int32), (batch, 1, 1))


def images_to_patches(images, settings: ImageSettings, patches: int):
    """Pictures of any sizes, one for each row of `Inputs`, padded to a number of patches.

    images: [B, H, W, 3], or B arrays [H, W, 3]; those of one size run together.
    Returns what `image_to_patches` does, with P = patches.
    """
    if hasattr(images, "dtype"):
        if isinstance(images, np.ndarray):
            resized = np.stack([_resized(image, settings) for image in images])
            cut, grids = _cut(resized, settings)
        else:
            cut, grids = image_to_patches(images, settings)
        return jnp.pad(cut, ((0, 0), (0, 0), (0, patches - cut.shape[2]), (0, 0))), grids
    groups: dict[tuple, list[int]] = {}
    for row, image in enumerate(images):
        groups.setdefault((image.shape, image.dtype), []).append(row)
    if len(groups) == 1:
        return images_to_patches(_stack(images), settings, patches)
    parts, order = [], []
    for rows in groups.values():
        # Padded to a power of two per size, so that other mixtures share the programs.
        rows += rows[-1:] * ((1 << (len(rows) - 1).bit_length()) - len(rows))
        parts.append(images_to_patches(_stack([images[r] for r in rows]), settings, patches))
        order += rows
    _, places = np.unique(order, return_index=True)
    pixels, grids = (jnp.concatenate(arrays)[places] for arrays in zip(*parts, strict=True))
    return pixels, grids


def _resized(image, settings: ImageSettings):
    """A NumPy picture resized by Pillow itself: a program for each size takes long to compile."""
    size = smart_resize(*image.shape[:2], settings)
    if image.dtype != np.uint8:
        image = (np.clip(image.astype(np.float32), 0, 1) * 255).round().astype(np.uint8)
    return np.asarray(Image.fromarray(image).resize(size[::-1], Image.Resampling.BICUBIC))


def _stack(images: Sequence):
    """Arrays of one shape stacked, on the device if they are on it."""
    return (jnp if isinstance(images[0], jax.Array) else np).stack(images)


def bucket(count: int) -> int:
    """The least of 64, 96, 128, 192, 256, ... not below count: at most a third is padding."""
    power = max(64, 1 << (count - 1).bit_length())
    return power * 3 // 4 if count <= power * 3 // 4 and power > 64 else power


def count_image_tokens(images, name: str, settings: ImageSettings) -> np.ndarray:
    """The image tokens of each picture, int [B].

    images: [B, H, W, 3], or B arrays [H, W, 3] of any sizes. name: of the batch, for errors.
    Raises InputError naming a picture of another shape or dtype.
    """
    if hasattr(images, "dtype"):
        kinds = [(images.shape[1:], images.dtype)] * len(images)
    else:
        kinds = [(image.shape, image.dtype) for image in images]
    for row, (shape, dtype) in enumerate(kinds):
        if len(shape) != 3 or shape[-1] != 3:
            raise InputError(f"{name}[{row}] has shape {shape}; each must be [H, W, 3]")
        if dtype != np.uint8 and not jnp.issubdtype(dtype, jnp.floating):
            raise InputError(f"{name}[{row}] is {dtype}; use uint8, or floats in [0, 1]")
    return np.array([image_tokens(*shape[:2], settings) for shape, _ in kinds], int)


def chunk_rows(counts: np.ndarray, fitting) -> list[np.ndarray]:
    """Rows that run together, the largest pictures first; the last row may be repeated.

    A chunk has the next power of two of rows, and at most a fixed number: few programs.

    Args:
      counts: image tokens of each row, int [B].
      fitting: from the most image tokens of a row to how many such rows may run together.
    """
    order, chunks = np.argsort(-counts, kind="stable"), []
    while len(order):
        size = min(max(1, fitting(counts[order[0]])), 1 << (len(counts) - 1).bit_length())
        chunks.append(np.pad(order[:size], (0, max(0, size - len(order))), mode="edge"))
        order = order[size:]
    return chunks


def take_rows(images, rows: np.ndarray):
    """Some pictures of an array [B, H, W, 3] or of B arrays."""
    return images[rows] if hasattr(images, "dtype") else [images[row] for row in rows]


def _same(path: Path, name: str, values: dict, default: float) -> float:
    """The one value of a list with an entry per channel."""
    entries = set(values.get(name, [default]))
    if len(entries) != 1:
        raise InputError(f"{path}: {name} {values[name]} differs by channel; use one value")
    return entries.pop()


def _settings_file(directory: Path) -> tuple[Path, dict]:
    """The file with the image processor's settings, and its values."""
    path = directory / "processor_config.json"
    values = read_object_if_any(path, "fetch it again")
    if "image_processor" in values:
        values = values["image_processor"]
    else:
        path = directory / SETTINGS_FILE
        values = read_object_if_any(path, "fetch it again")
    if not isinstance(values, dict):
        raise InputError(f"{path}: not a JSON object of settings; fetch it again")
    return path, values


PRECISION = 22  # bits after the point in a weight; a sum of 8-bit levels then fits in 32


def resize(pixels, height: int, width: int):
    """Pixels uint8 [B, H, W, C] to uint8 [B, height, width, C], in two passes.

    Each pass rounds to whole levels, so their order matters: width first, unless the height loses
    more than twice as many pixels as the width. Source: Pillow 13, its fixed-point arithmetic.
    """
    lost_rows, lost_columns = pixels.shape[1] - height, pixels.shape[2] - width
    if lost_rows > max(0, 2 * lost_columns):
        return _resize_columns(_resize_rows(pixels, height), width)
    return _resize_rows(_resize_columns(pixels, width), height)


def _resize_columns(pixels, size: int):
    return _resize_rows(pixels.swapaxes(1, 2), size).swapaxes(1, 2)


def _resize_rows(pixels, size: int):
    """Resize axis 1, one tap of the filter at a time: a tap is a gather of whole rows."""
    if pixels.shape[1] == size:
        return pixels
    places, weights = (jnp.asarray(table) for table in taps(pixels.shape[1], size))

    def add(tap, total):
        weight = weights[tap][:, None, None]
        return total + jnp.take(pixels, places[tap], axis=1).astype(jnp.int32) * weight

    half = jnp.full((pixels.shape[0], size, *pixels.shape[2:]), 1 << (PRECISION - 1), jnp.int32)
    total = jax.lax.fori_loop(0, len(places), add, half, unroll=8)
    return jnp.clip(total >> PRECISION, 0, 255).astype(jnp.uint8)


@functools.lru_cache(maxsize=64)
def taps(old: int, new: int) -> tuple[np.ndarray, np.ndarray]:
    """The source pixels of each of `new` pixels and their weights, both int32 [taps, new].

    The cubic convolution of Keys (1981) with a = -0.5, widened when shrinking.
    """
    scale = old / new
    stretch = max(scale, 1.0)
    support = 2 * stretch
    centre = (np.arange(new) + 0.5) * scale
    first = np.maximum((centre - support + 0.5).astype(np.int64), 0)
    end = np.minimum((centre + support + 0.5).astype(np.int64), old)
    places = first[:, None] + np.arange((end - first).max())
    distance = np.abs((places - centre[:, None] + 0.5) / stretch)
    near = ((1.5 * distance - 2.5) * distance) * distance + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    weights = np.where(distance < 1, near, np.where(distance < 2, far, 0))
    weights = np.where(places < end[:, None], weights, 0)
    weights = weights / weights.sum(1, keepdims=True) * (1 << PRECISION)
    weights = np.trunc(weights + np.copysign(0.5, weights))
    return np.minimum(places, old - 1).T.astype(np.int32), weights.T.astype(np.int32)
