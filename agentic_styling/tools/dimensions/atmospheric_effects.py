"""atmospheric_effects: what floats, glows, blurs or breaks in front of a photograph."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.transforms.air import haze, particles
from agentic_styling.tools.transforms.air.extent import extent_of, middle_of
from agentic_styling.tools.transforms.camera import damage, lens
from agentic_styling.tools.transforms.camera.grain import film_grain
from agentic_styling.tools.transforms.color.look_params import COLOR_VALUES, by_option, look, rgb
from agentic_styling.tools.transforms.conventions import renderer
from agentic_styling.tools.transforms.filters.blur import motion_blur
from agentic_styling.tools.transforms.light import glows, light
from agentic_styling.tools.transforms.light.flare import lens_flare

_TOOL = "atmospheric_effects"
_INTENSITY = np.array([0.45, 1.0, 1.6, 2.4], np.float32)  # subtle, moderate, heavy, extreme

# What an effect does to the light of the whole picture.
EFFECT = {
    "smoke_haze": look(saturation=-0.15, contrast=-0.05),
    "fog_volumetric": look(saturation=-0.15, contrast=-0.08),
    "mist_ground": look(warm=-0.05),
    "rain_falling": look(-0.3, -0.1, contrast=-0.05, saturation=-0.25),
    "snow_falling": look(0.08, -0.12, saturation=-0.2),
    "leaves_falling": look(warm=0.08),
    "petals_floating": look(exposure=0.05, tint=0.04),
    "ash_embers": look(-0.35, 0.12, contrast=0.05, saturation=-0.1),
    "glowing_aura": look(-0.25),
    "energy_particles": look(-0.4, contrast=0.08),
    "sparkles_magical": look(-0.12, tint=0.05),
    "light_beams_godrays": look(-0.25, 0.05, contrast=0.05),
    "bokeh_lights": look(-0.25),
    "bioluminescence": look(-0.2, -0.15, saturation=-0.1),
    "digital_artifacts": look(saturation=0.1),
    "cracks_damage": look(saturation=-0.1),
}
LOOKS = {"effect_type": EFFECT}

# The colours of an effect where no tint is asked for: its own, and a second one.
_COLORS = {
    "dust_particles": ("#fff0d0", "#e8d0a0"),
    "smoke_haze": ("#8a8480", "#8a8480"),
    "fog_volumetric": ("#dfe3e8", "#dfe3e8"),
    "mist_ground": ("#e6eef2", "#e6eef2"),
    "steam_rising": ("#f6f7f8", "#f6f7f8"),
    "rain_falling": ("#cdd8e2", "#cdd8e2"),
    "snow_falling": ("#fbfdff", "#fbfdff"),
    "leaves_falling": ("#e0902c", "#9c3414"),
    "petals_floating": ("#ffe2ec", "#f2a0c0"),
    "ash_embers": ("#ff7a1c", "#ffe0a0"),
    "sparkles_magical": ("#ffd870", "#fff6e0"),
    "glowing_aura": ("#ffdf98", "#ffdf98"),
    "energy_particles": ("#2c9cff", "#d8f4ff"),
    "light_beams_godrays": ("#fff0c4", "#fff0c4"),
    "lens_flare": ("#ffe2b0", "#ffe2b0"),
    "bokeh_lights": ("#ffc870", "#ff88a8"),
    "motion_blur": ("#ffffff", "#ffffff"),
    "speed_lines": ("#fafafa", "#fafafa"),
    "lens_distortion": ("#000000", "#000000"),
    "film_grain": ("#ffffff", "#ffffff"),
    "holographic_glitch": ("#50e8ff", "#50e8ff"),
    "digital_artifacts": ("#20e070", "#20e070"),
    "cracks_damage": ("#0c0a08", "#0c0a08"),
    "debris_floating": ("#5c5248", "#8a7c6c"),
    "bioluminescence": ("#20e0c0", "#c8fff4"),
}
_OWN_COLORS = by_option(
    _TOOL, "effect_type", {k: [rgb(c) for c in v] for k, v in _COLORS.items()}, None
)


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


def _within_extent(effect):
    """A renderer of `effect(image, scene, options, amount, colors, seed)` within its extent."""

    @functools.wraps(effect)
    def within(image, scene, options, amount, colors, seed):
        edit = effect(image, scene, options, amount, colors, seed)
        return image + extent_of(scene, options[3], seed) * (edit - image)

    return _everywhere(within)


def _everywhere(effect):
    """The same for an effect that applies its coverage itself."""

    @renderer
    @functools.wraps(effect)
    def render(image, scene, options, seed):
        return effect(image, scene, options, _amount(options), _colors(options), seed)

    return render


def _air(image, color):
    """The colour of air under the light of the picture: fog at night is not white."""
    return color * jnp.clip(0.3 + 1.2 * jnp.mean(light.luma_of(image)), 0.0, 1.0)


_VAPOURS = (haze.smoke, haze.fog, haze.ground_mist, haze.steam)
_VAPOUR_OF = by_option(
    _TOOL,
    "effect_type",
    {"smoke_haze": 0, "fog_volumetric": 1, "mist_ground": 2, "steam_rising": 3},
    0,
).astype(np.int32)


@_within_extent
def _vapour(image, scene, options, amount, colors, seed):
    kind = jnp.asarray(_VAPOUR_OF)[options[1]]
    thickness = jax.lax.switch(kind, _VAPOURS, scene, seed)
    lit = light.bloom(
        image, 0.35 * amount * (kind == 1), jnp.ones(3), threshold=0.7, channel_axis=0
    )
    thickness = amount * thickness
    return haze.veil(
        lit, thickness / (1 + 0.25 * thickness), _air(image, colors[0]), channel_axis=0
    )


_FALLING = by_option(
    _TOOL,
    "effect_type",
    {
        "rain_falling": particles.RAIN.row(),
        "snow_falling": particles.SNOW.row(),
        "dust_particles": particles.DUST.row(),
    },
    np.zeros(25),
)
_FALL_HAZE = by_option(
    _TOOL, "effect_type", {"rain_falling": 0.4, "snow_falling": 0.3, "dust_particles": 0.12}, 0.0
)
_FALL_WET = by_option(_TOOL, "effect_type", {"rain_falling": 0.28}, 0.0)
_FALL_GLOW = by_option(_TOOL, "effect_type", {"dust_particles": 0.8, "rain_falling": 0.35}, 0.0)


@_within_extent
def _falling(image, scene, options, amount, colors, seed):
    kind = options[1]
    row, density, wet, glow = (
        jnp.asarray(table)[kind] for table in (_FALLING, _FALL_HAZE, _FALL_WET, _FALL_GLOW)
    )
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

    return _within_extent(draw)


def _glows(effect):
    def draw(image, scene, options, amount, colors, seed):
        return effect(image, scene, amount, colors, seed, channel_axis=0)

    return _within_extent(draw)


@_within_extent
def _aura(image, scene, options, amount, colors, seed):
    return light.aura(image, scene, 0.9 * amount**0.6, colors[0], channel_axis=0)


@_within_extent
def _god_rays(image, scene, options, amount, colors, seed):
    return light.god_rays(image, scene, 1.5 * amount, colors[0], seed, channel_axis=0)


@_everywhere
def _flare(image, scene, options, amount, colors, seed):
    up = jnp.linspace(1.0, 0.6, image.shape[1])[:, None]
    y, x = light.brightest(image, up, channel_axis=0)
    return lens_flare(
        image, y, x, 2.0 * amount, colors[0], 0.3 + 0.7 * (options[3] > 0), channel_axis=0
    )


@_everywhere
def _motion(image, scene, options, amount, colors, seed):
    short = min(image.shape[1:])
    blurred = motion_blur(image, 1 + 0.07 * amount * short, channel_axis=0)
    tinted = jnp.where(options[4] > 0, 0.3, 0.0) * (colors[0][:, None, None] - blurred)
    # Localized the subject moves; widespread the camera moves with it; else all is blurred.
    subject = scene.subject
    moved = jnp.array([subject, 1 - 0.85 * subject, jnp.ones_like(subject)])[options[3]]
    return image + moved * (blurred + tinted - image)


@_everywhere
def _speed(image, scene, options, amount, colors, seed):
    start = jnp.array([0.42, 0.28, 0.18], jnp.float32)[options[3]]
    return lens.speed_lines(
        image, *middle_of(scene), amount, colors[0], seed, start, channel_axis=0
    )


@_everywhere
def _distortion(image, scene, options, amount, colors, seed):
    # Within its extent the lens is weaker, not transparent: no double picture.
    bulge = 0.3 * amount * jnp.where(options[3] == 0, extent_of(scene, options[3], seed), 1.0)
    out = lens.distort(image, jnp.minimum(bulge, 0.62), 1.5 * amount, channel_axis=0)
    corner = jnp.where(options[4] > 0, 1.0, 0.3) * jnp.minimum(0.5 * amount, 1.0)
    return light.vignette(out, corner, colors[0], channel_axis=0)


@_within_extent
def _grain(image, scene, options, amount, colors, seed):
    color = jnp.where(options[4] > 0, 0.4 + 0.9 * colors[0], 1.0)
    return film_grain(image, jnp.minimum(0.13 * amount, 0.26), seed, color, channel_axis=0)


@_within_extent
def _glitch(image, scene, options, amount, colors, seed):
    return damage.hologram(image, 0.8 * amount, colors[0], seed, channel_axis=0)


@_within_extent
def _artifacts(image, scene, options, amount, colors, seed):
    return damage.digital_artifacts(image, amount, colors[0], seed, channel_axis=0)


@_within_extent
def _cracks(image, scene, options, amount, colors, seed):
    return damage.cracks(image, amount, colors[0], seed, channel_axis=0)


_KINDS = {
    _falling: ("rain_falling", "snow_falling", "dust_particles"),
    _vapour: ("smoke_haze", "fog_volumetric", "mist_ground", "steam_rising"),
    _solids(particles.leaf, 0.3, 0.42): ("leaves_falling",),
    _solids(particles.petal, 0.24, 0.42): ("petals_floating",),
    _solids(particles.shard, 0.22, 0.42): ("debris_floating",),
    _glows(glows.embers): ("ash_embers",),
    _glows(glows.sparkles): ("sparkles_magical",),
    _glows(glows.energy): ("energy_particles",),
    _glows(glows.bioluminescence): ("bioluminescence",),
    _glows(glows.bokeh): ("bokeh_lights",),
    _aura: ("glowing_aura",),
    _god_rays: ("light_beams_godrays",),
    _flare: ("lens_flare",),
    _motion: ("motion_blur",),
    _speed: ("speed_lines",),
    _distortion: ("lens_distortion",),
    _grain: ("film_grain",),
    _glitch: ("holographic_glitch",),
    _artifacts: ("digital_artifacts",),
    _cracks: ("cracks_damage",),
}
RENDERERS = tuple(_KINDS)
_RENDERER_OF = by_option(
    _TOOL, "effect_type", {name: i for i, names in enumerate(_KINDS.values()) for name in names}, -1
).astype(np.int32)


def renderer_of(options: jax.Array) -> jax.Array:
    """Index into RENDERERS, -1 where the picture has the effect already."""
    already = options[0] == options[1] + 1
    return jnp.where(already, -1, jnp.asarray(_RENDERER_OF)[options[1]])


def look_scale(options: jax.Array) -> jax.Array:
    """How much of the target's look: as intense as the effect, within reason."""
    return jnp.asarray(_INTENSITY)[options[2]] ** 0.75
