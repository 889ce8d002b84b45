"""A rendering: a bump is lit from the upper left, a crease is dark, the sky is left alone."""

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.tools.transforms.conventions import Scene
from agentic_styling.tools.transforms.media.finish import Technique
from agentic_styling.tools.transforms.media.rendered import rendered

SIDE = 64


@jax.jit
def _render(tone, sky):
    plane = jnp.full((SIDE, SIDE), sky)
    scene = Scene(plane, plane, plane, plane)
    image = jnp.broadcast_to(tone, (3, SIDE, SIDE))
    technique = Technique(*[jnp.float32(0)] * len(Technique._fields))
    return rendered(image, image, scene, 0, technique, jnp.float32(1), jnp.uint32(0))


def _bump(height):
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2 + 0.5
    return jnp.asarray(0.5 + height * np.exp(-(y * y + x * x) / 150), jnp.float32)


def test_a_bump_is_lit_from_the_upper_left():
    out = np.asarray(_render(_bump(0.3), 0.0))[1]
    assert out[24, 24] > out[39, 39] + 0.05
    assert out[24, 24] > out[24, 39] > out[39, 39] and out[24, 24] > out[39, 24] > out[39, 39]


def test_the_sky_has_no_relief():
    out = np.asarray(_render(_bump(0.3), 1.0))[1]
    np.testing.assert_allclose(out, out[::-1, ::-1], atol=1e-4)


def test_a_crease_is_in_its_own_shadow():
    y, x = np.mgrid[:SIDE, :SIDE]  # it runs away from the lamp, which lights both its sides alike
    crease = jnp.asarray(0.5 - 0.3 * np.exp(-((y - x) ** 2) / 16), jnp.float32)
    shaded, plain = (np.asarray(_render(crease, sky))[1, 32, 32] for sky in (0.0, 1.0))
    assert shaded < 0.95 * plain
