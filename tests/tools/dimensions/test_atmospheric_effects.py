"""Every option of atmospheric_effects does something of its own, and nothing it should not."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agentic_styling.tools.dimensions import LOOKS, looks_of
from agentic_styling.tools.dimensions import atmospheric_effects as effects
from agentic_styling.tools.plans.vocabulary import DIMENSIONS, VOCABULARY
from tests.tools.dimensions.styled import options_of, photograph, scene_of, styled

TOOL = "atmospheric_effects"
PARAMETERS = VOCABULARY[TOOL].parameters
EFFECTS = PARAMETERS["effect_type"].values
PHOTO = photograph("chelsea")
# Of falling things, vapours, solids, glows, light, the lens and damage one or two.
QUICK = ("rain_falling", "fog_volumetric", "leaves_falling", "ash_embers", "bokeh_lights")
QUICK += ("light_beams_godrays", "motion_blur", "film_grain", "digital_artifacts")


def mostly_slow(all_effects, quick):
    return [e if e in quick else pytest.param(e, marks=pytest.mark.slow) for e in all_effects]


@functools.cache
def _sloped(index: int):
    """A renderer's picture and its gradient."""

    def loss(image, scene, options, seed):
        out = effects.RENDERERS[index](image, scene, options, seed, channel_axis=0)
        return jnp.sum(out * out), out

    quick = {"xla_backend_optimization_level": 0}
    return jax.jit(jax.value_and_grad(loss, has_aux=True), compiler_options=quick)


def _draw(effect, seed=3, **given):
    return styled(TOOL, "chelsea", seed, effect_type=effect, **given)


def _apart(a, b):
    return float(np.abs(np.asarray(a) - np.asarray(b)).mean())


@pytest.mark.parametrize("effect", mostly_slow(EFFECTS, QUICK))
def test_every_option_shows(effect):
    moderate = _draw(effect)
    assert moderate.shape == PHOTO.shape and moderate.min() >= 0 and moderate.max() <= 1
    assert _apart(moderate, PHOTO) > 0.004
    amounts = [_apart(_draw(effect, intensity=i), PHOTO) for i in PARAMETERS["intensity"].values]
    assert amounts == sorted(amounts) and amounts[3] > 1.15 * amounts[0]
    covered = [_draw(effect, coverage=c) for c in PARAMETERS["coverage"].values]
    assert min(_apart(a, b) for a, b in itertools.combinations(covered, 2)) > 2e-4
    tints = [_draw(effect, color_tint=t) for t in ("auto", "red", "green", "blue")]
    assert min(_apart(a, b) for a, b in itertools.combinations(tints, 2)) > 5e-4
    assert np.array_equal(_draw(effect), moderate)


@pytest.mark.slow
def test_effects_are_distinct():
    drawn = [_draw(effect) for effect in EFFECTS]
    assert min(_apart(picture, PHOTO) for picture in drawn) > 0.004
    pairs = itertools.combinations(range(len(EFFECTS)), 2)
    closest = min(((_apart(drawn[i], drawn[j]), EFFECTS[i], EFFECTS[j]) for i, j in pairs))
    assert closest[0] > 0.008, closest


@pytest.mark.parametrize("effect", mostly_slow(EFFECTS, ("ash_embers",)))
def test_gradients_are_finite_on_black_white_and_grey(effect):
    options = options_of(
        TOOL, effect_type=effect, intensity="extreme", coverage="localized", color_tint="yellow"
    )
    gradient = _sloped(int(effects.renderer_of(options)))
    for value in (0.0, 0.5, 1.0):
        flat = jnp.full_like(PHOTO, value)
        (_, out), slope = gradient(flat, scene_of("chelsea"), options, jnp.uint32(1))
        assert np.isfinite(out).all() and np.isfinite(slope).all()
        assert out.min() >= 0 and out.max() <= 1


def test_nothing_is_drawn_where_the_source_has_it():
    for effect in EFFECTS:
        same = options_of(TOOL, effect_type=effect, source_effect=effect)
        assert int(effects.renderer_of(same)) == -1
        assert int(effects.renderer_of(options_of(TOOL, effect_type=effect))) >= 0


@pytest.mark.parametrize(
    "effect", mostly_slow(["rain_falling", "fog_volumetric", "film_grain"], ("film_grain",))
)
def test_bfloat16_gives_bfloat16(effect):
    options, scene = options_of(TOOL, effect_type=effect), scene_of("chelsea")
    render = effects.RENDERERS[int(effects.renderer_of(options))]
    render = jax.jit(functools.partial(render, channel_axis=0))
    out = render(PHOTO.astype(jnp.bfloat16), scene, options, jnp.uint32(3))
    assert out.dtype == jnp.bfloat16
    assert _apart(out.astype(jnp.float32), render(PHOTO, scene, options, jnp.uint32(3))) < 0.01


def test_the_look_is_as_intense_as_the_effect():
    looks = [
        looks_of(DIMENSIONS.index(TOOL), options_of(TOOL, effect_type="rain_falling", intensity=v))
        for v in PARAMETERS["intensity"].values
    ]
    sizes = [float(jnp.abs(target).sum()) for _, target in looks]
    moderate = LOOKS[TOOL]["effect_type"]["rain_falling"]
    assert sizes == sorted(set(sizes))
    np.testing.assert_allclose(looks[1][1], moderate, rtol=1e-6)
