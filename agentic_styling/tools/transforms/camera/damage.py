"""Damage to the picture itself: a failing display, broken compression, cracks."""

import dm_pix
import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.transforms.color.spaces import luma_of
from agentic_styling.tools.transforms.conventions import image_transform
from agentic_styling.tools.transforms.filters.fields import (
    coarse_grid,
    full_grid,
    hash_noise,
    to_full,
    turbulence,
    voronoi,
)

# Columns: Y, Cb, Cr of JFIF (JPEG File Interchange Format 1.02), chroma around 0.
_TO_YCC = np.array(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32
)
_FROM_YCC = np.linalg.inv(_TO_YCC).astype(np.float32)


@image_transform
def hologram(image, amount, color, seed):
    """Makes a picture a hologram with a poor signal.

    Bands slip sideways, colours part, scan lines roll.
    """
    height, width = image.shape[1:]
    short = min(height, width)
    y, x = full_grid(height, width)
    slip = 0.0
    for count, share, reach in ((9.0, 0.35, 0.10), (37.0, 0.18, 0.06)):
        band = jnp.floor(y * count)
        pick = hash_noise(band, jnp.zeros_like(band) + count, seed)
        push = hash_noise(band, jnp.ones_like(band) + count, seed) - 0.5
        slip = slip + jnp.where(pick < share * jnp.minimum(amount, 1.6), push * 2 * reach, 0.0)
    planes = []
    for plane, apart in zip(image, (-0.012, 0.0, 0.012), strict=True):
        moved = jnp.round((amount * (slip + apart)) * short)
        columns = jnp.clip(jnp.arange(width) + moved, 0, width - 1).astype(jnp.int32)
        planes.append(jnp.take_along_axis(plane, columns, axis=1))
    out = jnp.stack(planes)
    luma = luma_of(out)
    color = color[:, None, None]
    sheen = 0.5 + 0.5 * jnp.sin(9 * luma + 4 * y + jnp.array([0.0, 2.1, 4.2])[:, None, None])
    holo = color * (0.12 + 1.0 * luma) + 0.16 * sheen * luma
    out = out + jnp.clip(0.38 * amount, 0.0, 0.85) * (holo - out)
    lines = 0.5 + 0.5 * jnp.cos(2 * jnp.pi * 100 * y)
    noise = hash_noise(jnp.floor(y * 300), jnp.floor(x * 60), seed + jnp.uint32(9))
    torn = (jnp.abs(slip) > 0) * (noise > 0.92)
    out = out * (1 - jnp.clip(0.26 * amount, 0.0, 0.5) * lines)
    return jnp.clip(out + jnp.clip(0.35 * amount, 0.0, 0.7) * torn * color, 0.0, 1.0)


def compress(image, step, block: int):
    """[3, H, W] as after a strong DCT compression (Wallace 1992): block edges, rings, flat colours.

    step: of the quantiser at the lowest frequency, 0.1 is strong; it grows with frequency and is
    coarser for colours; block: side of a block in pixels.
    """
    height, width = image.shape[1:]
    down, right = -height % block, -width % block
    padded = jnp.pad(image, ((0, 0), (0, down), (0, right)), mode="edge")
    planes = jnp.tensordot(_TO_YCC, padded, 1)
    rows, columns = planes.shape[1] // block, planes.shape[2] // block
    blocks = planes.reshape(3, rows, block, columns, block)
    basis = _dct(block)
    waves = jnp.einsum("ui,crisj,vj->crusv", basis, blocks, basis)
    at = np.arange(block)
    rising = 1 + 9 * (at[:, None] + at[None, :]) / (2 * block)
    steps = jnp.stack([step, 1.2 * step, 1.2 * step])[:, None, None, None, None]
    steps = block * steps * rising[:, None, :] / 4
    waves = _round(waves / steps) * steps
    blocks = jnp.einsum("ui,crusv,vj->crisj", basis, waves, basis)
    out = jnp.tensordot(_FROM_YCC, blocks.reshape(planes.shape), 1)[:, :height, :width]
    return jnp.clip(out, 0.0, 1.0)


def _round(value: jax.Array) -> jax.Array:
    """Rounded; the gradient passes straight through (Bengio et al. 2013)."""
    return value + jax.lax.stop_gradient(jnp.round(value) - value)


def _dct(n: int) -> np.ndarray:
    """Orthonormal DCT-II [frequency, place]."""
    k, i = np.arange(n)[:, None], np.arange(n)[None]
    basis = np.sqrt(2 / n) * np.cos(np.pi * (i + 0.5) * k / n)
    basis[0] /= np.sqrt(2)
    return basis.astype(np.float32)


@image_transform
def digital_artifacts(image, amount, color, seed):
    """Makes a picture a frame of a damaged video stream.

    Strong compression, and runs of blocks displaced or solarized.

    Args:
      amount: 1 is moderate.
      color: of lost blocks, float [3].
    """
    height, width = image.shape[1:]
    short = min(height, width)
    block = max(4, round(short / 32))
    # Blocks take the place of their neighbours, so the runs are made before the compression.
    y, x = full_grid(height, width)
    row, column = jnp.floor(y * short / block), jnp.floor(x * short / block)
    run = hash_noise(row, jnp.floor(column / 5 + hash_noise(row, row * 0, seed) * 5), seed)
    other = jnp.roll(image, (block, 3 * block), (1, 2))
    hurt = jnp.clip(0.07 * amount, 0.0, 0.2)
    image = jnp.where(run < hurt, other, image)
    out = compress(image, 0.03 + 0.06 * jnp.asarray(amount, jnp.float32), block)
    wrong = 0.55 * dm_pix.solarize(out, 0.5) + 0.45 * color[:, None, None]
    lost = (run > hurt) & (run < 1.3 * hurt)
    return jnp.where((run < 0.4 * hurt) | lost, wrong, out)


@image_transform
def cracks(image, amount, color, seed):
    """Draws cracks as in old varnish or glass: thin branching lines, lit on one side.

    color: of the cracks, float [3].
    """
    height, width = image.shape[1:]
    short = min(height, width)
    y, x = full_grid(height, width)
    cy, cx = coarse_grid(height, width)
    wobble = turbulence(9 * cy, 9 * cx, seed, 3) - 0.5
    kept = to_full(turbulence(2.3 * cy, 2.3 * cx, seed + jnp.uint32(5), 3), height, width)
    wobble = 0.09 * to_full(wobble, height, width)
    pixel = 1.1 / short
    dark, rim = 0.0, 0.0
    for scale, thick, keep in ((3.3, 0.0026, 0.62), (9.0, 0.0013, 0.5)):
        _, border = voronoi((y + wobble) * scale, (x - wobble) * scale, seed + jnp.uint32(scale))
        border = border / (2 * scale)  # about the distance, in parts of the shorter side
        here = jnp.clip((keep + 0.14 * amount - 1 + kept) * 4, 0.0, 1.0)
        half = thick * (0.4 + 0.4 * amount) * here
        drawn = jnp.maximum(half, 1e-4)
        line = jnp.clip((drawn - border) / pixel + 0.5, 0.0, 1.0)
        line = line * jnp.clip(2 * half / pixel, 0.0, 1.0)
        dark = jnp.maximum(dark, line)
        beside = jnp.clip(1 - jnp.abs(border - 2 * half) / (2 * pixel + half), 0.0, 1.0)
        rim = jnp.maximum(rim, beside * (half > 0))
    shift = jnp.roll(dark, (-1, -1), (0, 1))
    lit = 0.35 * jnp.minimum(amount, 1.5) * jnp.clip(rim * (0.3 + 0.7 * shift) - dark, 0.0, 1.0)
    out = image + lit * (1 - image)
    opaque = jnp.clip(0.55 + 0.25 * amount, 0.0, 0.95) * jnp.clip(4 * amount, 0, 1) * dark
    return out + opaque * (color[:, None, None] - out)
