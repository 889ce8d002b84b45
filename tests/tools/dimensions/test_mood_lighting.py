"""Moods, accent lights and shadow depth, by number."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agentic_styling.tools.dimensions import mood_lighting
from agentic_styling.tools.plans.vocabulary import VOCABULARY
from agentic_styling.tools.transforms.conventions import Scene
from tests.tools.dimensions.styled import (
    SIDE,
    drawn,
    drawn_with_slope,
    lab,
    nearest_pair,
    options_of,
    photograph,
    scene_of,
    styled,
)

PARAMETERS = VOCABULARY["mood_lighting"].parameters
LIT = tuple(accent for accent in PARAMETERS["accent_lighting"].values if accent != "auto")


def in_mood(target_mood="dramatic_cinematic", name="astronaut", **given):
    return styled("mood_lighting", name, target_mood=target_mood, **given)


@pytest.mark.parametrize(
    ("parameter", "name", "least"),
    [
        ("target_mood", "astronaut", 3),
        pytest.param("target_mood", "china", 3, marks=pytest.mark.slow),
        pytest.param("accent_lighting", "chelsea", 4, marks=pytest.mark.slow),
        ("accent_lighting", "china", 4),
        ("shadow_depth", "coffee", 3),
    ],
)
def test_no_two_values_look_alike(parameter, name, least):
    pictures = {
        value: in_mood(name=name, **{parameter: value}) for value in PARAMETERS[parameter].values
    }
    difference, *pair = nearest_pair(pictures)
    assert difference > least, pair


def test_the_key_of_the_moods():
    plain = lab(photograph("coffee"))[0]
    for mood in ("bright_cheerful", "hopeful_uplifting", "serene_calm"):
        assert lab(in_mood(mood, "coffee"))[0].mean() > plain.mean() + 3, mood
    for mood in ("ominous_dark", "mysterious_shadowy", "tense_suspenseful"):
        assert lab(in_mood(mood, "coffee"))[0].mean() < plain.mean() - 8, mood
    assert lab(in_mood("dramatic_cinematic", "coffee"))[0].std() > plain.std() + 2
    assert lab(in_mood("soft_cozy", "coffee"))[0].std() < plain.std() - 1


def test_shadow_depth_deepens_the_shadows():
    depths = PARAMETERS["shadow_depth"].values
    dark = [np.quantile(lab(in_mood(name="chelsea", shadow_depth=d))[0], 0.1) for d in depths]
    assert max(np.diff(dark)) < -2, dark


def test_neon_is_cyan_on_the_left_and_magenta_on_the_right():
    change = lab(in_mood(name="coffee", accent_lighting="neon_signs")) - lab(in_mood(name="coffee"))
    left, right = change[:, :, :40].mean((1, 2)), change[:, :, -40:].mean((1, 2))
    assert left[1] < -5
    assert right[1] > 10


def test_gels_are_warm_on_the_left_and_blue_on_the_right_and_leave_black_black():
    edit = lab(in_mood(name="coffee", accent_lighting="colored_gels"))
    assert edit[2][:, :40].mean() > edit[2][:, -40:].mean() + 15
    scene, options = scene_of("coffee"), options_of_accent("colored_gels")
    black = jnp.zeros((3, SIDE, SIDE))
    lit = drawn(mood_lighting.draw_side_lights, black, scene, options, jnp.uint32(0))
    assert np.abs(lit).max() < 1e-6


def options_of_accent(accent):
    return options_of("mood_lighting", target_mood="dramatic_cinematic", accent_lighting=accent)


def a_disc():
    """A grey disc before grey, as picture and scene."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE - 0.5
    subject = jnp.asarray(np.hypot(y, x) < 0.2, jnp.float32)
    depth = jnp.where(subject > 0, 0.2, 0.9)
    scene = Scene(depth, jnp.zeros_like(depth), jnp.zeros_like(depth), subject)
    return jnp.full((3, SIDE, SIDE), 0.5), scene


@pytest.fixture(scope="module")
def disc_under():
    """Luminance of the disc under every accent."""
    image, scene = a_disc()

    def lit(accent):
        options = options_of_accent(accent)
        kernel = int(mood_lighting.renderer_of(options))
        edit = drawn(mood_lighting.RENDERERS[kernel], image, scene, options, jnp.uint32(3))
        return np.asarray(edit)

    return {accent: lit(accent) for accent in LIT}


def test_where_the_lights_fall(disc_under):
    middle, corner = (
        (slice(None), slice(60, 68), slice(60, 68)),
        (slice(None), slice(0, 9), slice(0, 9)),
    )
    spot = disc_under["spotlight_dramatic"]
    assert spot[middle].mean() > 0.55
    assert spot[corner].mean() < 0.15
    dark = disc_under["backlit_silhouette"]
    assert dark[middle].mean() < 0.3 < 0.6 < dark[:, 20, 64].mean()
    rim = disc_under["rim_lighting"]
    edge, beyond = rim[:, 64 - 24, 64].mean(), rim[:, 64 - 30, 64].mean()
    assert edge > rim[middle].mean() + 0.1
    assert beyond < 0.35
    candles = disc_under["candlelit_warm"]
    assert candles[0, 90:].mean() > candles[0, :30].mean() + 0.1
    assert candles[0, 90:].mean() > candles[2, 90:].mean() + 0.15


def test_black_and_white_stay_in_range(disc_under):
    for accent, edit in disc_under.items():
        assert edit.min() >= 0 and edit.max() <= 1, accent


def test_moods_glow_only_where_they_should():
    def kernel(**given):
        return int(mood_lighting.renderer_of(options_of("mood_lighting", **given)))

    assert kernel(target_mood="dramatic_cinematic") == -1
    assert kernel(target_mood="romantic_intimate") == 0
    assert kernel(source_mood="romantic_intimate", target_mood="romantic_intimate") == -1
    found = {kernel(target_mood="romantic_intimate", accent_lighting=accent) for accent in LIT}
    assert found == set(range(len(mood_lighting.RENDERERS)))


def test_a_glow_lightens_and_softens():
    image, scene = photograph("coffee"), scene_of("coffee")
    options = options_of("mood_lighting", target_mood="hopeful_uplifting")
    edit = np.asarray(drawn(mood_lighting.draw_glow, image, scene, options, jnp.uint32(0)))
    assert (edit - np.asarray(image)).min() > -1e-6
    assert edit.mean() > np.asarray(image).mean() + 0.01


# Of the accents that share a renderer one is enough; god rays are tested where they are made.
@pytest.mark.parametrize(
    "accent",
    [
        pytest.param(accent, marks=() if accent == "spotlight_dramatic" else pytest.mark.slow)
        for accent in LIT
        if accent not in ("ambient_glow", "colored_gels", "god_rays")
    ],
)
def test_gradients_are_finite_and_the_dtype_is_kept(accent):
    options = options_of_accent(accent)
    renderer = mood_lighting.RENDERERS[int(mood_lighting.renderer_of(options))]
    scene = jax.tree.map(lambda m: m[::4, ::4] if m.ndim else m, a_disc()[1])
    edit, slope = drawn_with_slope(renderer, scene, options)
    assert edit.dtype == jnp.bfloat16
    assert np.isfinite(edit.astype(jnp.float32)).all()
    assert np.isfinite(slope.astype(jnp.float32)).all()
