"""Probes: the look of a photograph as a short vector, measured on the device.

Every probe is divided by the smallest step that a person clearly sees, so a distance of one in any
coordinate is one visible difference. Pictures are measured at one size, so that a picture and its
enlargement give nearly the same.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.executor.dispatch import rows_at_once

SIZE = 128  # side of the square that is measured, in pixels
GRID = 4  # cells along each side of the coarse layout
_ROWS = 16  # resized together

# One clearly visible step of each kind of measurement.
LIGHTNESS_STEP = 0.05  # luma, range 0 to 1
COLOUR_STEP = 0.03  # opponent colours, range -0.5 to 0.5
LOG_STEP = 0.35  # natural logarithm of a band's energy
SHARE_STEP = 0.08  # share of the picture's area

# Positions of the kinds of probes in the vector; see `probes`.
COLOURS, LAYOUT = slice(7, 15), slice(15, 15 + 3 * GRID**2)
TEXTURE = slice(LAYOUT.stop, None)


def opponent(rgb: jax.Array) -> jax.Array:
    """Lightness and two opponent colours of sRGB pixels, from the gamma-encoded values.

    Nearly perceptually uniform, and a hundred times cheaper than the powers of Oklab.

    Args:
      rgb: float [N, H, W, 3] in [0, 1], gamma encoded.

    Returns:
      float [3, N, H, W]: luma (Rec. 709) in [0, 1]; red against green and yellow against blue, each
      in [-0.5, 0.5], 0 for grey. Planes, because operations on them vectorise.
    """
    r, g, b = (rgb[..., c] for c in range(3))
    luma = 0.2126 * r + 0.7152 * g + 0.0722 * b
    return jnp.stack([luma, 0.5 * (r - g), 0.25 * (r + g) - 0.5 * b])


@jax.jit
def at_probe_size(images: jax.Array) -> jax.Array:
    """Images float [N, H, W, 3] resized to [N, SIZE, SIZE, 3], antialiased."""
    height, width = images.shape[1:3]
    if (height, width) == (SIZE, SIZE):
        return images

    def resized(image):
        rows = _resized_rows(image.reshape(height, width * 3)).reshape(SIZE, width, 3)
        planes = jnp.moveaxis(rows, -1, 0).reshape(3 * SIZE, width) @ _resizing(width).T
        return jnp.moveaxis(jnp.clip(planes, 0.0, 1.0).reshape(3, SIZE, SIZE), 0, -1)

    return by_row(resized, images)


def by_row(function, rows: jax.Array) -> jax.Array:
    """Maps over rows: together, but on a CPU one by one, each of which fits the cache."""
    return jax.vmap(function)(rows) if rows_at_once() > 1 else jax.lax.map(function, rows)


def _resized_rows(image: jax.Array) -> jax.Array:
    """[H, X] to [SIZE, X], a few rows at a time, since each depends on few rows of the image."""
    weights, out = _resizing(len(image)), []
    for start in range(0, SIZE, _ROWS):
        block = weights[start : start + _ROWS]
        used = np.flatnonzero(np.abs(block).sum(0))
        low, high = used[0], used[-1] + 1
        out.append(block[:, low:high] @ image[low:high])
    return jnp.concatenate(out)


@functools.cache
def _resizing(size: int) -> np.ndarray:
    """jax.image.resize along one axis, as a matrix [SIZE, size]."""
    with jax.ensure_compile_time_eval():
        return np.asarray(jax.image.resize(jnp.eye(size), (SIZE, size), "cubic", antialias=True))


def blur(channel: jax.Array, radius: int) -> jax.Array:
    """Box blur twice over (a tent) of [N, H, W], edges repeated; `radius` in pixels."""
    down, across = (_tent(size, radius) for size in channel.shape[1:])
    return down @ (channel @ across.T)


@functools.cache
def _tent(size: int, radius: int) -> np.ndarray:
    """The blur along one axis as a band matrix [size, size]."""
    box = np.zeros((size, size), np.float32)
    for row in range(size):
        for column in range(row - radius, row + radius + 1):
            box[row, min(max(column, 0), size - 1)] += 1 / (2 * radius + 1)
    return box @ box


def _tone(lab: jax.Array) -> jax.Array:
    """Lightness quantiles, then mean colour of shadows, middle tones and highlights, and chroma."""
    lightness, a, b = lab
    small = divided(lab[:1], SIZE // 4)
    ordered = jnp.sort(small.reshape(len(small), -1), axis=1)
    ranks = [round(q * (ordered.shape[1] - 1)) for q in (0.03, 0.15, 0.35, 0.5, 0.65, 0.85, 0.97)]
    tones = ordered[:, jnp.array(ranks)] / LIGHTNESS_STEP
    middle = ordered.mean(1)[:, None, None]
    spread = ordered.std(1)[:, None, None] + 0.02
    # Tone bands are relative to the picture's own range, so a dark picture has highlights too.
    highlights = jax.nn.sigmoid(4 * (lightness - middle) / spread - 2)
    shadows = jax.nn.sigmoid(-4 * (lightness - middle) / spread - 2)
    colours = []
    for weight in (shadows, 1 - highlights - shadows, highlights):
        total = weight.sum((1, 2)) + 1e-6
        colours += [(weight * c).sum((1, 2)) / total / COLOUR_STEP for c in (a, b)]
    chroma = jnp.sqrt(a**2 + b**2 + 1e-12)
    colours += [chroma.mean((1, 2)) / COLOUR_STEP, chroma.std((1, 2)) / COLOUR_STEP]
    return jnp.concatenate([tones, jnp.stack(colours, 1)], 1)


def _layout(lab: jax.Array) -> jax.Array:
    """Mean lightness and colour of each cell of a GRID x GRID division, together one step each."""
    cells = divided(lab, GRID) / jnp.array([LIGHTNESS_STEP, COLOUR_STEP, COLOUR_STEP]) / GRID
    return cells.reshape(len(cells), -1)


def divided(planes: jax.Array, parts: int) -> jax.Array:
    """Means of planes [C, N, S, S] over a division into cells: [N, parts, parts, C]."""
    across = np.kron(np.eye(parts), np.full((SIZE // parts, 1), parts / SIZE)).astype(np.float32)
    return jnp.moveaxis(across.T @ (planes @ across), 0, -1)


def _texture(lab: jax.Array) -> jax.Array:
    """Detail in three bands, grain, specks, direction, flatness and how abrupt the edges are."""
    lightness = lab[0]
    fine, medium, coarse = (blur(lightness, r) for r in (1, 2, 4))
    bands = [lightness - fine, fine - medium, medium - coarse]
    log_energy = [jnp.log(jnp.abs(x).mean((1, 2)) + 1e-3) / LOG_STEP for x in bands]
    calm = jnp.exp(-((bands[1] / 0.015) ** 2))
    grain = (calm * jnp.abs(bands[0])).sum((1, 2)) / (calm.sum((1, 2)) + 1.0)
    specks = [
        jax.nn.sigmoid((sign * bands[0] - 0.08) / 0.02).mean((1, 2)) / (SHARE_STEP / 4)
        for sign in (1, -1)
    ]
    across = lightness[:, :-1, 1:] - lightness[:, :-1, :-1]
    down = lightness[:, 1:, :-1] - lightness[:, :-1, :-1]
    falling = lightness[:, 1:, 1:] - lightness[:, :-1, :-1]
    rising = lightness[:, 1:, :-1] - lightness[:, :-1, 1:]
    size = [jnp.abs(g).mean((1, 2)) + 2e-3 for g in (across, down, falling, rising)]
    direction = [jnp.log(size[0] / size[1]), jnp.log(size[2] / size[3])]
    gradient = jnp.sqrt(across**2 + down**2 + 1e-10)
    flat = jnp.exp(-((gradient / 0.01) ** 2)).mean((1, 2))
    abrupt = jnp.log(gradient.std((1, 2)) + 1e-3) - jnp.log(gradient.mean((1, 2)) + 1e-3)
    rows = [
        *log_energy,
        jnp.log(grain + 1e-3) / LOG_STEP,
        *specks,
        *(x / LOG_STEP for x in direction),
        flat / SHARE_STEP,
        abrupt / LOG_STEP,
    ]
    return jnp.stack(rows, 1)


def probes(images: jax.Array) -> jax.Array:
    """Measures pictures, in clearly visible steps.

    Args:
      images: float32 [N, H, W, 3] in [0, 1].

    Returns:
      float32 [N, K]: 7 lightness quantiles, colour of three tone bands (a, b each), mean and
      spread of chroma, the coarse layout, and 10 texture measurements.
    """
    lab = opponent(at_probe_size(images))
    return jnp.concatenate([_tone(lab), _layout(lab), _texture(lab)], 1)
