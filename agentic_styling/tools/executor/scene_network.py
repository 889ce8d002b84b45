"""A small convolutional network that tells sky, ground and main subject apart.

A residual U-Net over 32 x 32 cells of the squashed picture. Its weights, scene.safetensors, are
those that experiments/scene/train_scene.py makes, batch norms folded into the convolutions.
"""

import functools
import math
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.executor.scene_features import CELL, CELLS, features
from agentic_styling.tools.transforms.scene import resample

SIZE = CELLS * CELL  # pixels of the squashed picture


def classify(image: jax.Array) -> tuple[jax.Array, jax.Array]:
    """What a picture [3, H, W] in [0, 1], float32, shows.

    Returns:
      Shares [4, 64, 64] of the squashed picture that are other, sky, ground and subject, and the
      probabilities [2] that it was taken outdoors and that it is a close-up.
    """
    height, width = image.shape[1:]
    square = resample(image, SIZE, SIZE)
    both = jnp.stack([square, square[..., ::-1]])  # a mirrored picture gets mirrored shares
    aspect = math.log(width / height)
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
