"""Watercolour: washes on white paper, pigment gathered at their edges (Bousseau et al. 2006)."""

import dm_pix
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.transforms.color.spaces import luma_of
from agentic_styling.tools.transforms.filters.blur import gaussian_blur
from agentic_styling.tools.transforms.filters.fields import full_grid
from agentic_styling.tools.transforms.filters.screens import posterize
from agentic_styling.tools.transforms.filters.surfaces import lattice_noise, paper
from agentic_styling.tools.transforms.media.finish import Technique, displace

# bleed: how far washes run; tones; edges: pigment at them; pools: unevenness of a wash;
# grain: pigment in the paper's hollows; gaps: paper left white; border: how much of it.
_ROWS = {
    "watercolor_flowing": (1.0, 6.0, 1.0, 1.0, 0.25, 0.15, 1.0),
    "watercolor_dry": (0.3, 5.0, 0.7, 0.35, 1.0, 1.0, 0.5),
}
MEDIA = tuple(_ROWS)
_TABLE = np.array(list(_ROWS.values()), np.float32)
_PAPER = np.array([0.985, 0.975, 0.95], np.float32)[:, None, None]


def wash(image, plain, scene, medium, technique: Technique, texture, seed):
    """[3, H, W] in watercolour; medium: index into MEDIA."""
    bleed, tones, edges, pools, grain, gaps, border = jnp.asarray(_TABLE)[medium]
    height, width = image.shape[1:]
    short = min(height, width)
    noise = lattice_noise(height, width, 9, seed), lattice_noise(height, width, 9, seed + 1)
    shaky = lattice_noise(height, width, 40, seed + 2) - 0.5
    reach = short * (0.012 + 0.02 * bleed)
    flat = 0.65 * plain + 0.35 * gaussian_blur(image, short / 260, channel_axis=0)
    moved = displace(flat, (noise[0] - 0.5) * reach + shaky * short / 90, (noise[1] - 0.5) * reach)
    # Where the paper was wet the colours have run into each other.
    run = gaussian_blur(moved, short / 60, channel_axis=0)
    wet = jnp.clip((noise[0] + noise[1] - 0.9) * 2.5, 0.0, 0.9) * jnp.minimum(bleed, 1.0)
    washed = moved + wet * (run - moved)
    luma = luma_of(washed)
    stepped = posterize(jnp.clip(luma, 0, 1), tones, 0.35)
    pale = washed + 0.6 * (stepped - luma)
    pale = jnp.clip(pale, 0.0, 1.0)
    pale = dm_pix.adjust_brightness(0.84 * pale * (1.3 - 0.3 * pale), 0.16)
    light = luma_of(pale)
    edges_of = gaussian_blur(light[None], short / 260, channel_axis=0) - gaussian_blur(
        light[None], short / 90, channel_axis=0
    )
    pigment = jnp.abs(edges_of[0])
    pooled = lattice_noise(height, width, 5, seed + 4) + 0.5 * lattice_noise(
        height, width, 17, seed + 5
    )
    tooth = paper(height, width, seed + 6)
    density = 1.0 + edges * jnp.minimum(7.0 * pigment, 0.9) + 0.7 * pools * (pooled - 0.75)
    density = density - texture * (0.18 + 0.3 * grain) * tooth
    # Bousseau's equation for the density of pigment d: C' = C (1 - (1 - C) (d - 1)).
    inked = pale * (1 - (1 - pale) * (density - 1))
    white = jnp.clip((light - 0.80) * 5 + 0.6 * (shaky + 0.2), 0.0, 1.0) * 0.85
    # A drying brush leaves hollows of the paper white: in the lights, towards the rim and behind
    # the subject, seldom upon it.
    inside = _inside(height, width)
    drag = lattice_noise(height, width, 110, seed + 7, stretch=6.0)
    drag = displace(drag[None], (noise[0] - 0.5) * short / 5, 0.0)[0] - 0.5
    outer = jnp.clip(1 - 4 * inside, 0.0, 1.0)
    dry = noise[1] + 0.75 * light + 0.45 * outer - 0.8 * scene.subject
    broken = jnp.clip((0.5 * tooth + 0.8 * drag + dry - 1.42) * 2.5, 0.0, 1.0)
    white = jnp.maximum(white, gaps * jnp.minimum(0.4 + 0.5 * texture, 1.0) * broken)
    # The unpainted rim of the sheet, uneven as a brush leaves it.
    rim = 0.045 * border - inside + 0.05 * border * (noise[0] + 0.6 * shaky - 0.6)
    white = jnp.maximum(white, jnp.clip(90 * rim, 0.0, 1.0))
    out = inked + white * (_PAPER - inked)
    return out * _PAPER


def _inside(height, width):
    """How far [H, W] it is to the border of the sheet, in parts of the shorter side."""
    y, x = full_grid(height, width)
    short = min(height, width)
    return jnp.minimum(jnp.minimum(y, height / short - y), jnp.minimum(x, width / short - x))
