"""Every option of atmospheric_effects does something of its own, and nothing it should not."""

import functools
import itertools

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.data

from agentic_styling.tools.dimensions import atmospheric_effects as effects
from agentic_styling.tools.executor.scene_estimate import estimate_scene
from agentic_styling.tools.plans.vocabulary import VOCABULARY

_PARAMETERS = VOCABULARY["atmospheric_effects"].parameters
EFFECTS = _PARAMETERS["effect_type"].values
TINTS = _PARAMETERS["color_tint"].values
SIZE = 96
PHOTO = cv2.resize(skimage.data.chelsea()[:, 75:375], (SIZE, SIZE), interpolation=cv2.INTER_AREA)
PHOTO = jnp.asarray(np.moveaxis(PHOTO, -1, 0).astype(np.float32) / 255)
SCENE = jax.jit(estimate_scene)(PHOTO)


@functools.cache
def _compiled(index: int):
    """One compilation of a renderer gives pictures and gradients: they share it."""

    def loss(image, options, seed):
        out = effects.RENDERERS[index](image, SCENE, options, seed, channel_axis=0)
        return jnp.sum(out * out), out

    quick = {"xla_backend_optimization_level": 0}
    return jax.jit(jax.value_and_grad(loss, has_aux=True), compiler_options=quick)


def _options(effect, intensity=1, coverage=1, tint=0, source=0):
    return jnp.array([source, EFFECTS.index(effect), intensity, coverage, tint, 0, 0], jnp.int32)


def _draw(effect, image=PHOTO, seed=3, **options):
    options = _options(effect, **options)
    index = int(effects.renderer_of(options))
    return np.asarray(_compiled(index)(image, options, jnp.uint32(seed))[0][1])


def _apart(a, b):
    return float(np.abs(np.asarray(a) - np.asarray(b)).mean())


@pytest.mark.parametrize("effect", EFFECTS)
def test_every_option_shows(effect):
    moderate = _draw(effect)
    assert moderate.shape == PHOTO.shape and moderate.min() >= 0 and moderate.max() <= 1
    assert _apart(moderate, PHOTO) > 0.004
    amounts = [_apart(_draw(effect, intensity=i), PHOTO) for i in range(4)]
    assert amounts == sorted(amounts) and amounts[3] > 1.15 * amounts[0]
    covered = [_draw(effect, coverage=c) for c in range(3)]
    assert min(_apart(a, b) for a, b in itertools.combinations(covered, 2)) > 2e-4
    tints = [_draw(effect, tint=TINTS.index(t)) for t in ("auto", "red", "green", "blue")]
    assert min(_apart(a, b) for a, b in itertools.combinations(tints, 2)) > 5e-4
    assert np.array_equal(_draw(effect), moderate)


def test_effects_are_distinct():
    drawn = [_draw(effect) for effect in EFFECTS]
    pairs = itertools.combinations(range(len(EFFECTS)), 2)
    closest = min(((_apart(drawn[i], drawn[j]), EFFECTS[i], EFFECTS[j]) for i, j in pairs))
    assert closest[0] > 0.008, closest


@pytest.mark.parametrize("effect", EFFECTS)
def test_gradients_are_finite_on_black_white_and_grey(effect):
    options = _options(effect, intensity=3, coverage=0, tint=5)
    gradient = _compiled(int(effects.renderer_of(options)))
    for value in (0.0, 0.5, 1.0):
        (_, out), slope = gradient(jnp.full_like(PHOTO, value), options, jnp.uint32(1))
        assert np.isfinite(out).all() and np.isfinite(slope).all()


def test_nothing_is_drawn_where_the_source_has_it():
    for i, effect in enumerate(EFFECTS):
        assert int(effects.renderer_of(_options(effect, source=i + 1))) == -1
        assert int(effects.renderer_of(_options(effect))) >= 0


@pytest.mark.parametrize("effect", ["rain_falling", "fog_volumetric", "film_grain"])
def test_bfloat16_gives_bfloat16(effect):
    options = _options(effect)
    render = effects.RENDERERS[int(effects.renderer_of(options))]
    render = functools.partial(render, channel_axis=0)
    out = jax.jit(render)(PHOTO.astype(jnp.bfloat16), SCENE, options, jnp.uint32(3))
    assert out.dtype == jnp.bfloat16
    assert _apart(out.astype(jnp.float32), _draw(effect)) < 0.01


def test_the_look_is_as_intense_as_the_effect():
    scales = [float(effects.look_scale(_options("rain_falling", intensity=i))) for i in range(4)]
    assert scales == sorted(scales) and scales[1] == 1
