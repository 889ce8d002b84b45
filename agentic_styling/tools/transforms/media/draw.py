"""Drawing: ink, pen, pencil and charcoal on paper."""

import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.transforms.color.look_params import rgb
from agentic_styling.tools.transforms.color.spaces import luma_of
from agentic_styling.tools.transforms.filters.blur import gaussian_blur
from agentic_styling.tools.transforms.filters.screens import contours, hatch, xdog
from agentic_styling.tools.transforms.filters.surfaces import lattice_noise, paper
from agentic_styling.tools.transforms.media.finish import Technique, displace

# bold: black shapes; outline; hatching and its lines to the shorter side; wash: grey tones in
# steps; smudge: soft tones; grain: of the paper in them; dry: streaks of a drying brush; the ink;
# the paper.
_ROWS = {
    "ink_brush": (1.0, 0.7, 0.0, 60, 0.85, 0.0, 0.15, 0.7, "#0c0c12", "#f4eddc"),
    "pen_ink_lines": (0.75, 1.0, 1.0, 74, 0.0, 0.0, 0.0, 0.0, "#12121c", "#fbf8f0"),
    "pencil_sketch": (0.25, 0.95, 0.9, 80, 0.0, 0.4, 0.6, 0.0, "#3a3b42", "#f7f5f0"),
    "charcoal_sketch": (0.4, 0.85, 0.4, 48, 0.0, 0.95, 0.45, 0.0, "#161412", "#e9e1d3"),
}
MEDIA = tuple(_ROWS)
_TABLE = np.array([row[:8] for row in _ROWS.values()], np.float32)
_INKS = np.stack([np.stack([rgb(c) for c in row[8:]]) for row in _ROWS.values()])


def draw(image, plain, scene, medium, technique: Technique, texture, seed):
    """[3, H, W] drawn in one ink on paper; medium: index into MEDIA."""
    bold, outline, hatching, lines, steps, smudge, grain, dry = jnp.asarray(_TABLE)[medium]
    height, width = image.shape[1:]
    short = min(height, width)
    luma = _spread(luma_of(image), luma_of(image))
    plain = _spread(luma_of(plain), luma_of(image))
    dark = 1 - plain
    tooth = paper(height, width, seed + 1)
    hand = lattice_noise(height, width, 10, seed + 2)
    black = 1 - xdog(
        0.5 * (plain + luma) + 0.05 * (hand - 0.5), max(0.7, short / 260), 14.0, 0.34, 9.0
    )
    edge = contours(0.6 * plain + 0.4 * luma, max(0.6, short / 320))
    edge = edge * (0.55 + 0.9 * hand)
    strokes = _hatching(dark, lines, hand)
    washes = 0.30 * _step(dark, 0.38) + 0.28 * _step(dark, 0.62) + 0.12 * _step(dark, 0.2)
    pooled = 0.75 + 0.5 * lattice_noise(height, width, 6, seed + 3)
    soft = gaussian_blur(plain[None], short / 70, channel_axis=0)[0]
    shade = smudge * jnp.clip(1.25 * (1 - (0.5 * soft + 0.5 * plain)) - 0.18, 0.0, 1.0)
    rough = 0.3 + texture
    shade = jnp.clip(shade * (1 - 0.55 * grain * jnp.minimum(rough, 1.4) * tooth), 0.0, 1.0)
    tones = jnp.maximum(jnp.maximum(hatching * strokes, steps * washes * pooled), shade)
    marks = jnp.maximum(bold * black, outline * edge)
    marks = marks * (1 - 0.35 * grain * jnp.clip(tooth + 0.2, 0, 1))
    streaks = lattice_noise(height, width, 150, seed + 4, stretch=8.0)
    streaks = displace(streaks[None], hand * short / 4, 0.0)[0]
    gaps = jnp.clip((streaks - 0.35 - 0.6 * dark) * 5, 0.0, 1.0) * dry
    covered = 1 - (1 - jnp.clip(tones, 0, 1)) * (1 - jnp.clip(marks, 0, 1))
    covered = covered * (1 - 0.8 * jnp.minimum(texture, 1.0) * gaps)
    ink, sheet = jnp.asarray(_INKS)[medium][:, :, None, None]
    return sheet + covered * (ink - sheet)


def _spread(luma, whole):
    """Luma [H, W] between the whole's dark and light tones, so that dim pictures draw too."""
    mean = jnp.mean(whole)
    spread = jnp.sqrt(jnp.mean((whole - mean) ** 2) + 1e-4)
    return jnp.clip(
        0.55 + (luma - mean) * (0.24 / (0.35 * spread + 0.65 * 0.24)) + 0.6 * (mean - 0.55),
        0.0,
        1.0,
    )


def _step(value, at):
    return jnp.clip((value - at) * 14 + 0.5, 0.0, 1.0)


def _hatching(dark, lines, hand):
    """Up to three layers of lines [H, W], the darker the more and the wider."""
    wobble = 1.3 * hand
    first = hatch(1.15 * dark - 0.28, lines, -0.75, wobble)
    second = hatch(1.3 * dark - 0.62, lines * 0.93, 0.62, wobble)
    third = hatch(1.5 * dark - 0.98, lines * 1.06, -0.1, wobble)
    return 1 - (1 - 0.75 * first) * (1 - 0.75 * second) * (1 - 0.8 * third)
