"""Screens: as much mark as tone, whatever the angle."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import skimage.data
from skimage.transform import resize

from agentic_styling.tools.transforms.filters import screens

halftone, hatch = jax.jit(screens.halftone), jax.jit(screens.hatch)
posterize = jax.jit(screens.posterize)
stipple = jax.jit(screens.stipple, static_argnums=1)
LUMA = jnp.asarray(resize(skimage.data.camera() / 255, (128, 160), anti_aliasing=True), jnp.float32)


@pytest.mark.parametrize("angle", [0.0, 0.26, 0.8])
def test_halftone_covers_as_much_as_the_ink_wants(angle):
    for ink in (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0):
        dots = halftone(jnp.full((256, 256), ink), 20.0, angle)
        assert float(dots.mean()) == pytest.approx(ink, abs=0.02)


def test_halftone_is_two_tones_on_a_rotated_screen():
    dots = np.asarray(halftone(jnp.full((256, 256), 0.25), 16.0, 0.0))
    assert ((dots < 0.02) | (dots > 0.98)).mean() > 0.7
    spectrum = np.abs(np.fft.fft2(dots - dots.mean()))
    assert set(map(tuple, np.argwhere(spectrum > 0.98 * spectrum.max()) % 256)) == {
        (0, 16), (16, 0), (0, 240), (240, 0)
    }  # fmt: skip
    turned = np.asarray(halftone(jnp.full((256, 256), 0.25), 16.0, np.pi / 4))
    peak = np.unravel_index(np.abs(np.fft.fft2(turned - turned.mean())).argmax(), (256, 256))
    assert all(min(k, 256 - k) in (11, 12) for k in peak)  # 16 / sqrt(2)


@pytest.mark.parametrize(
    "screen",
    [
        lambda ink: halftone(ink, 24.0, 0.4),
        lambda ink: hatch(ink, 30.0, 0.7),
        lambda ink: stipple(ink, 32, jnp.uint32(3)),
    ],
)
def test_darker_places_get_more_marks(screen):
    ink = 1 - LUMA
    marks = np.asarray(screen(ink))
    assert marks.min() >= 0 and marks.max() <= 1

    def blocks(x):
        return np.asarray(x).reshape(4, 32, 5, 32).mean((1, 3)).ravel()

    assert np.corrcoef(blocks(marks), blocks(ink))[0, 1] > 0.97
    assert np.isfinite(jax.jit(jax.grad(lambda x: screen(x).sum()))(ink)).all()


def test_hatching_runs_along_its_angle():
    lines = np.asarray(hatch(jnp.full((96, 96), 0.4), 12.0, 0.0))
    assert np.ptp(lines, axis=1).max() < 1e-6  # the same all along a row
    assert np.ptp(lines, axis=0).min() > 0.9


def test_posterize_has_its_levels_and_keeps_the_ends():
    steps = np.asarray(posterize(jnp.linspace(0, 1, 1001), 5.0, 0.05))
    assert steps[0] == 0 and steps[-1] == 1 and (np.diff(steps) >= 0).all()
    flat = np.isclose(steps[:, None], np.arange(5) / 4, atol=1e-6).any(1)
    assert flat.mean() > 0.93
    np.testing.assert_allclose(posterize(jnp.array(0.6), 5.0, 0.05), 0.5, atol=1e-6)
