"""The executor: plans applied to photographs on the device.

Rows run one after another (`lax.map`) and steps in a scan, so that a step costs what its tool
costs: under vmap a switch would run every branch. A step is the point-wise grade from the source's
look to the target's, then weather, effect or medium; strength blends the result with the picture
before it.
"""

import functools

import jax
import jax.numpy as jnp

from agentic_styling.errors import InputError
from agentic_styling.tools.effects import INTENSITY, apply_effect
from agentic_styling.tools.encode import TOOL_INDEX, PlanArrays, is_modifier
from agentic_styling.tools.grade import grade
from agentic_styling.tools.looks import RECIPES
from agentic_styling.tools.media import MEDIA, TECHNIQUE, TEXTURE, apply_medium
from agentic_styling.tools.modifiers import Kept, restore, what_is_kept
from agentic_styling.tools.particles import WEATHER_PARTICLES, draw_particles

_LOCATION = TOOL_INDEX["location_setting"]
_WEATHER = TOOL_INDEX["weather"]
_EFFECT = TOOL_INDEX["atmospheric_effects"]
_MEDIUM = TOOL_INDEX["artistic_medium"]
_WEATHER_INTENSITY = (0.5, 1.0, 1.3, 1.6)  # light, moderate, heavy, extreme


@jax.jit
def execute(images: jax.Array, plans: PlanArrays, key: jax.Array) -> jax.Array:
    """Apply each row's plan to its photograph.

    images: float32 [B, H, W, 3] in [0, 1]; plans: rows [B, T, ...]; key: one PRNG key, row b uses
    fold_in(key, b). Returns float32 [B, H, W, 3] in [0, 1]. Differentiable in the plans' strength;
    strength 0 is the identity. Another plan does not recompile; another shape does. Raises
    InputError for uint8 images or a batch that does not match.
    """
    return _map_rows(functools.partial(_run, keep_frames=False), images, plans, key)


@jax.jit
def execute_steps(images: jax.Array, plans: PlanArrays, key: jax.Array) -> jax.Array:
    """Every frame of `execute`: float32 [B, T + 1, H, W, 3], frame 0 the source."""
    return _map_rows(functools.partial(_run, keep_frames=True), images, plans, key)


def _map_rows(run, images, plans, key):
    if images.ndim != 4 or images.dtype != jnp.float32 or len(images) != len(plans.tool):
        raise InputError(
            f"images: {images.dtype} {list(images.shape)} for {len(plans.tool)} plans; "
            "use float32 [B, H, W, 3] in [0, 1], one for each plan"
        )
    keys = jax.vmap(jax.random.fold_in, (None, 0))(key, jnp.arange(len(images)))
    return jax.lax.map(lambda row: run(*row), (images, *plans, keys))


def _run(image, tool, options, strength, key, *, keep_frames: bool):
    """One photograph [H, W, 3] through its plan's T steps, in planes [3, H, W]: they vectorise."""
    image = jnp.moveaxis(image, -1, 0)
    height, width = image.shape[1:]
    seeds = jax.random.bits(key, tool.shape)
    nothing = jnp.zeros((height, width))
    any_kept = jnp.any(is_modifier(tool) & (strength > 0))
    kept = jax.lax.cond(
        any_kept,
        lambda: what_is_kept(tool, options, strength, height, width),
        lambda: Kept(nothing, nothing, nothing, nothing),
    )

    def step(current, inputs):
        # Rematerialised in the gradient: a switch saves what all its branches would need.
        edit = jax.checkpoint(_apply_step)(current, *inputs)
        changed = any_kept & _changes(inputs[0]) & (inputs[2] > 0)
        edit = jax.lax.cond(changed, restore, _same, edit, image, kept)
        return edit, edit if keep_frames else None

    last, frames = jax.lax.scan(step, image, (tool, options, strength, seeds))
    frames = jnp.concatenate([image[None], frames]) if keep_frames else last
    return jnp.moveaxis(frames, -3, -1)


def _apply_step(image, tool, options, strength, seed):
    """One step of one photograph; no step and modifiers pass it on."""
    active = _changes(tool)
    edit = jax.lax.cond(active, _grade, _same, image, tool, options)
    kind = sum(k * (tool == index) for k, index in ((1, _WEATHER), (2, _EFFECT), (3, _MEDIUM)))
    edit = jax.lax.switch(kind, (_same, _weather, _effect, _medium), edit, options, seed)
    amount = strength * jnp.where(tool == _LOCATION, _location_amount(image, options), 1.0)
    return image + jnp.where(active, amount, 0.0) * (edit - image)


def _changes(tool):
    """Whether a step changes pixels: neither no step nor a modifier."""
    return (tool >= 0) & ~is_modifier(tool)


def _same(image, *_):
    return image


def _location_amount(image, options):
    """[H, W]: less of the look for a partial replacement, and in a foreground to be kept."""
    y = jnp.linspace(-1.0, 1.0, image.shape[1])[:, None]
    x = jnp.linspace(-1.0, 1.0, image.shape[2])[None, :]
    foreground = jnp.exp(-((x / 0.6) ** 2) - ((y - 0.35) / 0.6) ** 2)
    partial = jnp.where(options[2] == 0, 0.6, 1.0)
    return partial * (1 - 0.35 * foreground * (options[3] == 1))


def _grade(image, tool, options):
    """The point-wise look. New weather is scaled by its intensity."""
    rows = jnp.asarray(RECIPES)[tool, jnp.arange(options.shape[0]), options]
    intensity = jnp.array(_WEATHER_INTENSITY)[jnp.minimum(options[2], 3)]
    scale = jnp.where((tool == _WEATHER) & _is_new(options), intensity, 1.0)
    return grade(image, rows[0], scale * rows[1] + jnp.sum(rows[2:], axis=0))


def _is_new(options):
    """Whether the target is not what the source has already (a source counts unknown as 0)."""
    return options[0] != options[1] + 1


def _weather(image, options, seed):
    falls = _is_new(options) & (options[4] == 1)
    amount = falls * jnp.array(_WEATHER_INTENSITY)[options[2]]
    row = jnp.asarray(WEATHER_PARTICLES)[options[1]]
    return jax.lax.cond((row[0] > 0) & falls, draw_particles, _same, image, row, amount, seed)


def _effect(image, options, seed):
    amount = jnp.asarray(INTENSITY)[options[2]] * _is_new(options)
    return apply_effect(image, options, amount, seed)


def _medium(image, options, seed):
    texture = jnp.asarray(TECHNIQUE)[options[2]] * jnp.asarray(TEXTURE)[options[4]]
    row = jnp.asarray(MEDIA)[options[1]]
    return jax.lax.cond(_is_new(options), apply_medium, _same, image, row, texture, seed)
