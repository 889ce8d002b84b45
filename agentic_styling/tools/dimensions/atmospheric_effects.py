"""atmospheric_effects: what floats, glows, blurs or breaks in front of a photograph."""

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.dimensions.options import Options, is_new
from agentic_styling.tools.transforms.air import haze, particles
from agentic_styling.tools.transforms.camera import damage, lens
from agentic_styling.tools.transforms.camera.lens import film_grain
from agentic_styling.tools.transforms.color.look_params import COLOR_VALUES
from agentic_styling.tools.transforms.color.spaces import luma_of
from agentic_styling.tools.transforms.conventions import Scene, renderer
from agentic_styling.tools.transforms.filters.blur import motion_blur
from agentic_styling.tools.transforms.filters.fields import (
    coarse_grid,
    middle_of,
    ramp,
    to_full,
    turbulence,
)
from agentic_styling.tools.transforms.light import glows, light
from agentic_styling.tools.transforms.light.flare import lens_flare


def extent_of(scene: Scene, coverage: jax.Array, seed: jax.Array) -> jax.Array:
    """How strong an effect is at every place, [H, W] in [0, 1].

    coverage: 0 in a patch about the subject, 1 in most places, 2 everywhere.
    """
    height, width = scene.depth.shape
    y, x = coarse_grid(height, width)
    middle_y, middle_x = middle_of(scene.subject + 0.02)
    drift = turbulence(3 * y, 3 * x, seed + jnp.uint32(0xC0), 2) - 0.5
    away = jnp.sqrt((y - middle_y) ** 2 + (x - middle_x) ** 2 + 1e-6) + 0.22 * drift
    patch = 1 - ramp(away, 0.32, 0.62)
    most = 0.7 + 0.3 * ramp(drift, -0.28, 0.0)
    soft = jnp.where(coverage == 0, patch, jnp.where(coverage == 1, most, 1.0))
    return to_full(soft, height, width)


OPTIONS = Options("atmospheric_effects")
LOOKS = OPTIONS.looks  # what an effect does to the light of the whole picture
_INTENSITY = np.array([0.45, 1.0, 1.6, 2.4], np.float32)  # subtle, moderate, heavy, extreme
LOOK_SCALES = {"intensity": _INTENSITY**0.75}
# The colours of an effect where no tint is asked for: its own, and a second one.
_OWN_COLORS = OPTIONS.table("effect_type", "colors").reshape(-1, 2, 3)


def _colors(options: jax.Array) -> jax.Array:
    """The two colours [2, 3] of the effect, or the tint and a paler one."""
    own, tint = jnp.asarray(_OWN_COLORS)[options[1]], jnp.asarray(COLOR_VALUES)[options[4]]
    # What is pale or dark in the second colour stays so under a tint.
    second = tint + 0.75 * (own[1] - own[0]) * jnp.array([1.0, 1.0, 1.0])
    tinted = jnp.stack([tint, jnp.clip(second, 0.0, 1.0)])
    return jnp.where(options[4] > 0, tinted, own)


def _amount(options: jax.Array) -> jax.Array:
    """Intensity, a little more where the whole scene is meant."""
    full = jnp.array([1.0, 1.0, 1.25], jnp.float32)[options[3]]
    return jnp.asarray(_INTENSITY)[options[2]] * full


def _air(image, color):
    """The colour of air in the light of the picture: fog at night is not white."""
    return color * jnp.clip(0.3 + 1.2 * jnp.mean(luma_of(image)), 0.0, 1.0)


# An effect is a function of (image, scene, options, amount, colors, seed).

_VAPOURS = (haze.smoke, haze.fog, haze.ground_mist, haze.steam)
_VAPOUR_OF = OPTIONS.choices("effect_type", "vapour", ("smoke", "fog", "ground_mist", "steam"))


def _vapour(image, scene, options, amount, colors, seed):
    kind = jnp.asarray(_VAPOUR_OF)[options[1]]
    thickness = jax.lax.switch(kind, _VAPOURS, scene, seed)
    lit = light.bloom(
        image, 0.35 * amount * (kind == 1), jnp.ones(3), threshold=0.7, channel_axis=0
    )
    near = jnp.maximum(1 - scene.depth, scene.closeup)
    thickness = amount * thickness * (1 - 0.85 * scene.subject * near)
    thickness = thickness / (1 + 0.25 * thickness)
    # Where smoke is dense it catches the light.
    dark, bright = (_air(image, color)[:, None, None] for color in colors)
    color = dark + jnp.minimum(thickness, 1.0) * (bright - dark)
    return color + jnp.exp(-thickness) * (lit - color)


_FALLING = OPTIONS.table("effect_type", "falls", np.zeros(25), particles.KINDS)
_FALL_AIR = OPTIONS.table("effect_type", "air").T  # haze, how wet the ground is, glow


def _falling(image, scene, options, amount, colors, seed):
    row, density, wet, glow = (jnp.asarray(table)[options[1]] for table in (_FALLING, *_FALL_AIR))
    image = image * (1 - wet * jnp.minimum(amount, 1.5) * scene.ground)
    image = haze.haze(
        image, scene.depth, density * amount, 0.85 * _air(image, colors[0]), channel_axis=0
    )
    color = jnp.clip(_air(image, colors[0]) + 0.25 * colors[0], 0.0, 1.0)
    return particles.falling(image, scene.subject, row, amount, color, seed, glow, channel_axis=0)


def _solids(shape, cell, share):
    def draw(image, scene, options, amount, colors, seed):
        some = jnp.clip(share * amount, 0.0, 0.92)
        return particles.solids(image, scene, shape, cell, some, colors, seed, channel_axis=0)

    return draw


def _glows(effect):
    def draw(image, scene, options, amount, colors, seed):
        return effect(image, scene, amount, colors, seed, channel_axis=0)

    return draw


def _aura(image, scene, options, amount, colors, seed):
    return light.aura(image, scene, 0.9 * amount**0.6, colors[0], channel_axis=0)


def _god_rays(image, scene, options, amount, colors, seed):
    return light.god_rays(image, scene, 1.3 * amount, colors[0], seed, channel_axis=0)


def _flare(image, scene, options, amount, colors, seed):
    up = jnp.linspace(1.0, 0.6, image.shape[1])[:, None]
    y, x = light.brightest(image, up, channel_axis=0)
    return lens_flare(
        image, y, x, 2.0 * amount, colors[0], 0.3 + 0.7 * (options[3] > 0), channel_axis=0
    )


def _motion(image, scene, options, amount, colors, seed):
    short = min(image.shape[1:])
    blurred = motion_blur(image, 1 + 0.07 * amount * short, channel_axis=0)
    tinted = jnp.where(options[4] > 0, 0.3, 0.0) * (colors[0][:, None, None] - blurred)
    # Localized the subject moves; widespread the camera moves with it; else all is blurred.
    subject = scene.subject
    moved = jnp.array([subject, 1 - 0.85 * subject, jnp.ones_like(subject)])[options[3]]
    return image + moved * (blurred + tinted - image)


def _speed(image, scene, options, amount, colors, seed):
    start = jnp.array([0.42, 0.28, 0.18], jnp.float32)[options[3]]
    return lens.speed_lines(
        image, *middle_of(scene.subject + 0.02), amount, colors[0], seed, start, channel_axis=0
    )


def _distortion(image, scene, options, amount, colors, seed):
    # Within its extent the lens is weaker, not transparent: no double picture.
    bulge = 0.3 * amount * jnp.where(options[3] == 0, extent_of(scene, options[3], seed), 1.0)
    out = lens.distort(image, jnp.minimum(bulge, 0.62), 1.5 * amount, channel_axis=0)
    corner = jnp.where(options[4] > 0, 1.0, 0.3) * jnp.minimum(0.5 * amount, 1.0)
    return light.vignette(out, corner, colors[0], channel_axis=0)


def _grain(image, scene, options, amount, colors, seed):
    color = jnp.where(options[4] > 0, 0.4 + 0.9 * colors[0], 1.0)
    return film_grain(image, jnp.minimum(0.13 * amount, 0.26), seed, color, channel_axis=0)


def _glitch(image, scene, options, amount, colors, seed):
    return damage.hologram(image, 0.8 * amount, colors[0], seed, channel_axis=0)


def _artifacts(image, scene, options, amount, colors, seed):
    return damage.digital_artifacts(image, amount, colors[0], seed, channel_axis=0)


def _cracks(image, scene, options, amount, colors, seed):
    return damage.cracks(image, amount, colors[0], seed, channel_axis=0)


_KINDS = {
    "falling": _falling,
    "vapour": _vapour,
    "leaves": _solids(particles.leaf, 0.3, 0.42),
    "petals": _solids(particles.petal, 0.24, 0.42),
    "debris": _solids(particles.shard, 0.2, 0.7),
    "embers": _glows(glows.embers),
    "sparkles": _glows(glows.sparkles),
    "energy": _glows(glows.energy),
    "bioluminescence": _glows(glows.bioluminescence),
    "bokeh": _glows(glows.bokeh),
    "aura": _aura,
    "god_rays": _god_rays,
    "flare": _flare,
    "motion": _motion,
    "speed": _speed,
    "distortion": _distortion,
    "grain": _grain,
    "glitch": _glitch,
    "artifacts": _artifacts,
    "cracks": _cracks,
}
_APPLY_COVERAGE = (_flare, _motion, _speed, _distortion)  # themselves


def _renderer(effect):
    """A renderer of `effect`, within its extent."""

    def render(image, scene, options, seed):
        edit = effect(image, scene, options, _amount(options), _colors(options), seed)
        if effect in _APPLY_COVERAGE:
            return edit
        return image + extent_of(scene, options[3], seed) * (edit - image)

    return renderer(render)


RENDERERS = tuple(map(_renderer, _KINDS.values()))
_RENDERER_OF = OPTIONS.choices("effect_type", "draws", _KINDS, -1)


def renderer_of(options: jax.Array) -> jax.Array:
    """Index into RENDERERS, -1 where the picture has the effect already."""
    return jnp.where(is_new(options), jnp.asarray(_RENDERER_OF)[options[1]], -1)
