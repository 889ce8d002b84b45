"""What a photograph shows, estimated from its pixels: depth, sky, ground, subject and its kind.

A small network tells sky, ground and subject apart, depth follows from them, and all are carried to
full resolution by the fast guided filter (He and Sun 2015), so that edges follow the picture. An
unusual photograph is guessed wrong, softly.

The network is a residual U-Net over 32 x 32 cells of the squashed picture. Its weights,
scene.safetensors, are those that experiments/scene/train_scene.py makes, batch norms folded into
the convolutions. Besides the picture it gets colours, texture, and what borders enclose: few
photographs do not teach a small network to flood a sky from the top, but they do teach it what a
flooded region means.
"""

import functools
import math
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.transforms.color.spaces import luma_of
from agentic_styling.tools.transforms.conventions import Scene, computed
from agentic_styling.tools.transforms.filters.blur import small_blur
from agentic_styling.tools.transforms.filters.fields import enlarge, ramp, resample, shrink

_SHORT = 64  # pixels of the shorter side at which edges are followed
_DOUBT = 0.06  # a share below it is nothing, one above 1 - _DOUBT all

CELLS = 32  # cells along each side of the squashed picture
CELL = 6  # pixels along each side of a cell
SIZE = CELLS * CELL  # pixels of the squashed picture
_ABOVE = np.tri(CELLS, k=-1, dtype=np.float32)  # a matrix that sums what lies before
_FROM_TOP = np.tri(CELLS, dtype=np.float32)
_FROM_BOTTOM = _FROM_TOP.T.copy()
_AT = np.arange(CELLS, dtype=np.float32)
_NEAR = np.exp(-np.abs(_AT[:, None] - _AT) / 4)
_NEAR /= _NEAR.sum(1, keepdims=True)


def estimate_scene(image: jax.Array) -> Scene:
    """The Scene of a photograph [3, H, W] in [0, 1]; its gradient is 0."""
    return scene_of(image, *classify(*squash(image)))


def squash(image: jax.Array) -> tuple[jax.Array, jax.Array]:
    """What `classify` reads of a picture [3, H, W]: [3, SIZE, SIZE], and the log of its aspect."""
    image = jax.lax.stop_gradient(image.astype(jnp.float32))
    height, width = image.shape[1:]
    return resample(image, SIZE, SIZE), jnp.float32(math.log(width / height))


def scene_of(image: jax.Array, shares: jax.Array, kind: jax.Array) -> Scene:
    """The Scene of a picture [3, H, W] in [0, 1] of which `classify` says this."""
    image = jax.lax.stop_gradient(image.astype(jnp.float32))
    factor = max(1, min(image.shape[1:]) // _SHORT)
    small = shrink(image, factor)
    shares = jnp.clip((shares - _DOUBT) / (1 - 2 * _DOUBT), 0.0, 1.0)
    _, sky, ground, subject = resample(shares, *small.shape[1:])
    depth = _depth(small, sky, ground, subject, kind[1])
    maps = _follow_edges(jnp.stack([depth, sky, ground, subject]), small, image, factor)
    return Scene(*maps, _outdoors(small, sky, kind[0]), kind[1])


def _outdoors(image, sky, guess) -> jax.Array:
    """The network's guess, which knows few rooms, less where neither sky nor plants are seen."""
    red, green, blue = image
    plants = jnp.mean(ramp(jnp.minimum(green - blue, green - red + 0.02), 0.01, 0.07))
    seen = jnp.maximum(ramp(jnp.mean(sky), 0.01, 0.06), ramp(plants, 0.03, 0.15))
    return guess * (0.4 + 0.6 * seen)


def _depth(image, sky, ground, subject, closeup) -> jax.Array:
    """Far where much ground lies below, where it is hazy (dark channel) and in the sky.

    What stands on the ground is about as far as its foot; a close-up's background is far.
    """
    h = image.shape[1]
    land = 1 - sky
    flat = ramp(jnp.mean(ground), 0.03, 0.15)  # without ground, height alone has to tell
    recedes = land * (1 - 0.65 * flat * (1 - ground)) * (1 - 0.6 * subject)
    below = np.tri(h, dtype=np.float32).T @ recedes
    climb = small_blur(below / jnp.maximum(jnp.max(below), 0.3 * h), 1.5)
    haze = small_blur(jnp.min(image, axis=0), 1.5)
    depth = 0.1 + 0.6 * climb + 0.25 * haze * climb
    depth = jnp.maximum(depth, 0.7 * closeup * (1 - subject))
    return depth * land + sky


def _follow_edges(maps, small, image, factor) -> jax.Array:
    """Maps [C, h, w] at the size of the image, linear in its luma around every place."""
    guide, full = luma_of(small), luma_of(image)
    count = maps.shape[0]
    means = small_blur(jnp.concatenate([guide[None], guide[None] ** 2, maps, maps * guide]), 2.0)
    variance = jnp.maximum(means[1] - means[0] ** 2, 0.0)
    slope = (means[2 + count :] - means[0] * means[2 : 2 + count]) / (variance + 2e-3)
    lines = jnp.concatenate([slope, means[2 : 2 + count] - slope * means[0]])
    lines = enlarge(small_blur(lines, 1.5), factor, *image.shape[1:])
    return jnp.clip(lines[:count] * full + lines[count:], 0.0, 1.0)


def classify(square: jax.Array, aspect: jax.Array) -> tuple[jax.Array, jax.Array]:
    """What a picture shows; its program is one for all sizes.

    Args:
      square, aspect: `squash` of the picture.

    Returns:
      Shares [4, 64, 64] of the squashed picture that are other, sky, ground and subject, and the
      probabilities [2] that it was taken outdoors and that it is a close-up.
    """
    both = jnp.stack([square, square[..., ::-1]])  # a mirrored picture gets mirrored shares
    hints = jax.lax.map(lambda x: features(x, aspect), both)
    logits, kind = _network(both.transpose(0, 2, 3, 1), hints)
    logits = (logits[0] + logits[1, :, ::-1]) / 2
    return jax.nn.softmax(logits).transpose(2, 0, 1), jax.nn.sigmoid(jnp.mean(kind, axis=0))


@functools.cache
def _weights() -> dict[str, np.ndarray]:
    from safetensors.numpy import load_file

    stored = load_file(Path(__file__).with_name("scene.safetensors"))
    return {name: array.astype(np.float32) for name, array in stored.items()}


def _conv(name, x, stride=1):
    kernel, bias = _weights()[f"{name}.kernel"], _weights()[f"{name}.bias"]
    axes = ("NHWC", "HWIO", "NHWC")
    out = jax.lax.conv_general_dilated(x, kernel, (stride, stride), "SAME", dimension_numbers=axes)
    return out + bias


def _dense(name, x):
    return x @ _weights()[f"{name}.kernel"] + _weights()[f"{name}.bias"]


def _residual(name, x):
    return jax.nn.relu(x + _conv(f"{name}.b", jax.nn.relu(_conv(f"{name}.a", x))))


def _up(name, x, skip):
    x = _conv(name, x)
    return jnp.repeat(jnp.repeat(x, 2, axis=1), 2, axis=2) + skip


def _network(image, hints):
    """Logits [B, 64, 64, 4] of the classes and [B, 2] of outdoors and close-up."""
    relu = jax.nn.relu
    stem = relu(_conv("stem", 2 * image - 1, CELL))
    e0 = _residual("e0", relu(_conv("in", jnp.concatenate([stem, hints], -1))))
    e1 = _residual("e1", relu(_conv("down1", e0, 2)))
    e2 = _residual("e2", relu(_conv("down2", e1, 2)))
    e3 = _residual("e3", relu(_conv("down3", e2, 2)))
    whole = relu(_dense("g1", jnp.mean(e3, axis=(1, 2))))
    e3 = relu(e3 + _dense("g2", whole)[:, None, None])
    d2 = _residual("d2", relu(_up("up2", e3, e2)))
    rows = _dense("row", jnp.mean(e1, axis=2, keepdims=True))
    columns = _dense("col", jnp.mean(e1, axis=1, keepdims=True))
    d1 = _residual("d1", relu(_up("up1", d2, e1 + rows + columns)))
    d0 = _residual("d0", relu(_up("up0", d1, e0)))
    out = _conv("out", d0).reshape(-1, CELLS, CELLS, 2, 2, 4)
    out = out.transpose(0, 1, 3, 2, 4, 5).reshape(-1, 2 * CELLS, 2 * CELLS, 4)
    return out, _dense("head", whole)


def features(image: jax.Array, aspect: jax.Array | float) -> jax.Array:
    """Channels of the cells of a squashed picture.

    Args:
      image: [3, CELLS * CELL, CELLS * CELL] in [0, 1].
      aspect: the logarithm of width to height before squashing.

    Returns:
      [CELLS, CELLS, 24], each about in [-2, 2].
    """
    luma = luma_of(image)[None]
    cells = computed(shrink(jnp.concatenate([image, luma, _changes(luma)]), CELL))
    color, (luma, down, across) = cells[:3], cells[3:]
    texture = down + across
    steps = computed(jnp.max(_changes(color).reshape(2, 3, CELLS, CELLS), axis=1))
    place = (_AT + 0.5) / CELLS * 2 - 1
    borders = color[:, :3], color[:, -3:], color[:, :, :3], color[:, :, -3:]
    rest = (
        jnp.log1p(30 * across),
        jnp.log1p(30 * down),
        jnp.log1p(10 * (steps[0] + steps[1])),
        jnp.log1p(texture / (jnp.mean(texture) + 0.01)),
        place[:, None],
        2 * place[None] ** 2 - 1,
        *(_away_from(strip, color) for strip in borders),
        *_enclosed(steps),
        _away_from(color[:, 10:24, 10:22], color),  # the middle
        _away_from_below(color),
        _open_sky(color, luma, texture, steps),
        aspect,
    )
    channels = [*_colors(color, luma), *rest]
    planes = [jnp.broadcast_to(x, (CELLS, CELLS)) for x in channels]
    # Each by itself: as one, their program would take five times as long to compile.
    return jnp.stack(computed(*planes), -1).astype(jnp.float32)


def _changes(planes):
    """How much [C, h, w] changes to the next pixel below, and to the right: [2 C, h, w]."""
    below = jnp.pad(jnp.abs(jnp.diff(planes, axis=1)), ((0, 0), (0, 1), (0, 0)))
    beside = jnp.pad(jnp.abs(jnp.diff(planes, axis=2)), ((0, 0), (0, 0), (0, 1)))
    return jnp.concatenate([below, beside])


def _colors(color, luma):
    red, green, blue = color
    high, low = jnp.max(color, axis=0), jnp.min(color, axis=0)
    spread = jnp.sqrt(jnp.var(luma) + 1e-4)
    relative = (luma - jnp.mean(luma)) / (spread + 0.05)
    opponents = 2 * (red - blue), 4 * (green - (red + blue) / 2)
    return 2 * luma - 1, *opponents, relative, (high - low) / (high + 0.1), 2 * low - 1


def _away_from(part, color):
    """How far every cell is from the mean colour of a part, in units of the part's own spread."""
    mean = jnp.mean(part, axis=(1, 2), keepdims=True)
    away = jnp.mean((color - mean) ** 2, axis=0)
    return jnp.log1p(away / (jnp.mean((part - mean) ** 2) + 0.01)) - 1


def _away_from_below(color):
    """How far every cell is from the lower border's colour beneath it."""
    below = jnp.mean(color[:, -4:], axis=1, keepdims=True) @ _NEAR.T
    return jnp.log1p(40 * jnp.mean((color - below) ** 2, axis=0)) - 1


def _enclosed(steps):
    """1 where a cell is reached from the top, bottom, left and right without crossing edges."""
    down, across = 4 * jnp.maximum(steps - 0.03, 0.0)
    return (
        _flood(_ABOVE @ down),
        _flood(_FROM_BOTTOM @ down),
        _flood(across @ _ABOVE.T),
        _flood(across @ _FROM_BOTTOM.T),
    )


def _flood(cost):
    return jnp.exp(-jnp.minimum(cost, 20.0))


def _open_sky(color, luma, texture, steps):
    """1 where a cell is bright or blue, smooth, and reached from the top over such cells."""
    red, green, blue = color
    bluish = jnp.maximum(blue - red, 0.0)
    bluish = bluish + 0.3 * bluish / (blue + 0.1)  # a dark blue counts at dusk
    leafy = jnp.maximum(green - jnp.maximum(red, blue), 0.0)
    logit = 9 * (luma - 0.5) + 10 * bluish - 14 * jnp.maximum(red - blue, 0.0)
    logit = logit - 30 * leafy - 18 * jnp.maximum(texture - 0.06, 0.0) + 1.5
    cost = jnp.maximum(jax.nn.softplus(-logit) - 0.25, 0.0)
    cost = cost + jnp.maximum(steps[0] + steps[1] - 0.15, 0.0)
    return _flood(1.25 * (_FROM_TOP @ cost))
