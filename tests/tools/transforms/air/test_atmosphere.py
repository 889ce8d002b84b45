"""Haze, light, lens, film and damage against closed forms, OpenCV and SciPy."""

import functools

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.fft
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st

from agentic_styling.tools.transforms.air import haze
from agentic_styling.tools.transforms.camera import damage, lens
from agentic_styling.tools.transforms.camera.lens import film_grain
from agentic_styling.tools.transforms.conventions import Scene
from agentic_styling.tools.transforms.filters.fields import turbulence
from agentic_styling.tools.transforms.light import glows, light
from agentic_styling.tools.transforms.light.flare import lens_flare


def on_planes(transform):
    """The transform compiled for planes [3, H, W]."""
    return jax.jit(functools.partial(transform, channel_axis=0))


HAZE, SPREAD, BLOOM = on_planes(haze.haze), jax.jit(light.spread), on_planes(light.bloom)
VIGNETTE, SPOTLIGHT = on_planes(light.vignette), jax.jit(light.spotlight)
FLARE, GRAIN = on_planes(lens_flare), on_planes(film_grain)
DISTORT, LINES = on_planes(lens.distort), on_planes(lens.speed_lines)
COMPRESS = jax.jit(damage.compress, static_argnums=2)
SEED = jnp.uint32(5)
WHITE = jnp.ones(3)
_PICTURE, _, _DISPARITY = skimage.data.stereo_motorcycle()
PHOTO = np.moveaxis(cv2.resize(_PICTURE, (128, 96), interpolation=cv2.INTER_AREA), -1, 0) / 255.0
PHOTO = PHOTO.astype(np.float32)
_KNOWN = np.where(np.isfinite(_DISPARITY), _DISPARITY, 30.0)
DEPTH = (20 / cv2.resize(_KNOWN, (128, 96))).clip(0, 2).astype(np.float32)
NONE = jnp.zeros((96, 128))


def test_haze_follows_koschmieder_on_a_measured_depth():
    color = np.array([0.8, 0.85, 0.9], np.float32)
    clear = np.exp(-1.3 * DEPTH.astype(np.float64))
    expected = PHOTO * clear + color[:, None, None] * (1 - clear)
    np.testing.assert_allclose(HAZE(PHOTO, DEPTH, 1.3, color), expected, atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.floats(0, 3), st.floats(0, 3))
def test_two_hazes_are_one_of_the_summed_density(first, second):
    twice = HAZE(HAZE(PHOTO, DEPTH, first, WHITE), DEPTH, second, WHITE)
    np.testing.assert_allclose(twice, HAZE(PHOTO, DEPTH, first + second, WHITE), atol=1e-5)


@pytest.mark.parametrize("vapour", [haze.fog, haze.smoke, haze.ground_mist, haze.steam])
def test_vapours_vary_with_place_and_seed(vapour):
    ramp = jnp.linspace(1, 0, 96)[:, None] * jnp.ones(128)
    scene = Scene(ramp, NONE, 1 - ramp, NONE)
    draw = jax.jit(vapour)
    thick = np.asarray(draw(scene, SEED))
    assert np.isfinite(thick).all() and thick.min() >= -1e-6
    assert thick.std() > 0.1 * thick.mean() > 0
    assert np.abs(thick - draw(scene, jnp.uint32(6))).mean() > 0.02
    if vapour is haze.ground_mist:
        assert thick[:20].mean() < 0.05 * thick[-20:].mean()
    if vapour is haze.steam:
        assert thick[:12].mean() < 0.5 * thick[60:80].mean()
    if vapour is haze.fog:
        assert thick[:20].mean() > 3 * thick[-20:].mean()


def test_turbulence_spans_its_range_about_one_half():
    field = np.asarray(
        jax.jit(turbulence)(*np.mgrid[0:40:0.31, 0:40:0.31].astype(np.float32), SEED)
    )
    assert abs(field.mean() - 0.5) < 0.02 and field.min() >= 0 and field.max() < 1
    assert field.std() > 0.1


def test_spread_is_a_gaussian_blur():
    plane = PHOTO[:1]
    expected = cv2.GaussianBlur(plane[0], (0, 0), 0.05 * 96, borderType=cv2.BORDER_REPLICATE)
    out = np.asarray(SPREAD(plane, 0.05))[0]
    np.testing.assert_allclose(out[20:-20, 20:-20], expected[20:-20, 20:-20], atol=2e-3)


def test_bloom_glows_around_lights_in_its_color_and_nowhere_else():
    lamp = np.full((3, 96, 96), 0.2, np.float32)
    lamp[:, 40:50, 40:50] = 1.0
    out = np.asarray(BLOOM(lamp, 1.0, jnp.array([1.0, 0.5, 0.1])))
    near = out[:, 45, 54] - 0.2
    assert near[0] > 1.5 * near[1] > 5 * near[2] > 0
    assert np.abs(out[:, :8, :8] - 0.2).max() < 0.01
    np.testing.assert_allclose(BLOOM(lamp, 0.0, WHITE), lamp, atol=1e-7)


def test_brightest_finds_the_lamp():
    lamp = np.full((3, 96, 128), 0.3, np.float32)
    lamp[:, 20:26, 90:96] = 1.0
    y, x = on_planes(light.brightest)(lamp, jnp.ones((96, 128)))
    assert abs(float(y) - 23 / 96) < 0.02 and abs(float(x) - 93 / 96) < 0.02


def test_radial_smear_is_the_mean_along_the_way_to_the_point():
    mask = np.zeros((1, 64, 64), np.float32)
    mask[0, 8:12, 30:36] = 1.0
    y, x, reach = 0.1, 0.5, 0.6
    rows, columns = np.mgrid[0:64, 0:64].astype(np.float32)
    zoom = (1 - reach) ** (1 / 63)
    total = 0.0
    for k in range(64):
        at_y = y * 64 - 0.5 + zoom**k * (rows - (y * 64 - 0.5))
        at_x = x * 64 - 0.5 + zoom**k * (columns - (x * 64 - 0.5))
        total = total + 0.97**k * cv2.remap(mask[0], at_x, at_y, cv2.INTER_LINEAR)
    out = np.asarray(jax.jit(light.radial_smear)(mask, y, x, reach))[0]
    assert np.corrcoef(out.ravel(), total.ravel())[0, 1] > 0.99
    assert abs(out.sum() / (total.sum() / 64) - 1) < 0.03


def test_god_rays_come_from_the_sky_and_are_blocked():
    image = np.full((3, 128, 128), 0.25, np.float32)
    sky = np.zeros((128, 128), np.float32)
    sky[:40] = 1.0
    image[:, :40] = 0.8
    image[:, 5:15, 58:70] = 1.0
    sky[20:40, 80:100], image[:, 20:40, 80:100] = 0.0, 0.2  # a tower before the sky
    none = jnp.zeros((128, 128))
    scene = Scene(jnp.asarray(sky), jnp.asarray(sky), none, none)
    color = jnp.array([1.0, 0.9, 0.6])
    rays = jax.jit(lambda seed: light.god_rays(image, scene, 1.0, color, seed, channel_axis=0))
    added = np.mean([np.asarray(rays(jnp.uint32(s)))[0] - image[0] for s in range(12)], axis=0)
    behind, free = added[60:75, 108:120].mean(), added[60:75, 8:20].mean()
    assert behind < 0.85 * free
    assert added[45:60].mean() > added[110:].mean() + 0.02  # they fade with distance
    one = np.asarray(rays(SEED))[0, 50] - 0.25
    assert one.max() > 0.1 and one.min() < -0.02  # shafts, and shade between them


def test_vignette_keeps_the_middle_and_a_quarter_of_the_corner():
    white = np.ones((3, 101, 101), np.float32)
    out = np.asarray(VIGNETTE(white, 1.0))
    assert out[0, 50, 50] == 1 and abs(out[0, 0, 0] - 0.25) < 1e-6
    np.testing.assert_array_equal(VIGNETTE(PHOTO, 0.0), PHOTO)


def test_spotlight_lights_its_place():
    out = np.asarray(SPOTLIGHT(PHOTO, 0.5, 0.6, 0.2, 1.0, WHITE))
    assert out[:, 48, 58].mean() > PHOTO[:, 48, 58].mean()
    assert out[:, 2, 2].mean() < 0.3 * PHOTO[:, 2, 2].mean()
    np.testing.assert_array_equal(SPOTLIGHT(PHOTO, 0.5, 0.6, 0.2, 0.0, WHITE), PHOTO)


def test_flare_peaks_at_its_light_and_has_ghosts_across_the_middle():
    dark = np.full((3, 128, 128), 0.1, np.float32)
    out = np.asarray(FLARE(dark, 0.25, 0.25, 1.0, WHITE)) - dark
    peak = np.unravel_index(out[0].argmax(), out[0].shape)
    assert max(abs(p - 31.5) for p in peak) <= 1
    bare = np.asarray(FLARE(dark, 0.25, 0.25, 1.0, WHITE, 0.0)) - dark
    ghosts = out - bare
    middle = int(128 * (0.5 + 0.85 * 0.25))
    assert ghosts[:, middle, middle].mean() > 0.05 > 20 * ghosts[:, 5, 120].mean()
    np.testing.assert_allclose(FLARE(PHOTO, 0.2, 0.3, 0.0, WHITE), PHOTO, atol=1e-6)


def test_grain_is_strongest_in_the_middle_tones_and_of_no_mean():
    steps = np.repeat(np.array([0.0, 0.1, 0.5, 0.9, 1.0], np.float32), 512)
    image = np.broadcast_to(steps, (3, 512, steps.size)).copy()
    noise = np.asarray(GRAIN(image, 0.2, SEED)) - image
    spread = noise[0].reshape(512, 5, 512).std(axis=(0, 2))
    assert spread[0] == 0 and spread[2] > 2 * spread[1] > 0
    assert spread[4] < 1e-6  # the luma of white is a rounded sum: 1 within an ulp
    assert abs(spread[1] - spread[3]) < 1e-3 and np.abs(noise.mean()) < 1e-3
    row = noise[0, :, 1100:1500]
    assert abs(np.corrcoef(row[:, 1:].ravel(), row[:, :-1].ravel())[0, 1]) < 0.02
    assert np.all(noise[:, :, 1024:1536] + 0.5 > 0) and np.all(noise[:, :, 1024:1536] < 0.5)
    np.testing.assert_array_equal(GRAIN(PHOTO, 0.0, SEED), PHOTO)


def test_distort_reads_where_it_says_and_keeps_the_corners():
    np.testing.assert_allclose(DISTORT(PHOTO, 0.0), PHOTO, atol=1e-5)
    y, x = np.meshgrid(np.linspace(-1, 1, 96), np.linspace(-1, 1, 128), indexing="ij")
    inward = 1 - 0.3 * (1 - (y * y + x * x) / 2)
    rows = ((y * inward + 1) * 95 / 2).astype(np.float32)
    columns = ((x * inward + 1) * 127 / 2).astype(np.float32)
    expected = cv2.remap(np.moveaxis(PHOTO, 0, -1).copy(), columns, rows, cv2.INTER_LINEAR)
    out = np.asarray(DISTORT(PHOTO, 0.3))
    np.testing.assert_allclose(out, np.moveaxis(expected, -1, 0), atol=0.02)
    np.testing.assert_allclose(out[:, ::95, ::127], PHOTO[:, ::95, ::127], atol=1e-5)


def test_speed_lines_leave_the_middle():
    out = np.asarray(LINES(PHOTO, 0.5, 0.66, 1.0, WHITE, SEED))
    np.testing.assert_array_equal(out[:, 40:56, 56:72], PHOTO[:, 40:56, 56:72])
    assert np.abs(out - PHOTO).mean() > 0.01
    np.testing.assert_array_equal(LINES(PHOTO, 0.5, 0.66, 0.0, WHITE, SEED), PHOTO)


def test_compression_is_a_dct_quantised():
    np.testing.assert_allclose(COMPRESS(PHOTO, 1e-6, 8), PHOTO, atol=1e-4)
    out = np.asarray(COMPRESS(PHOTO, 0.1, 8))
    luma = np.tensordot([0.299, 0.587, 0.114], out, 1)[40:48, 64:72]
    waves = scipy.fft.dctn(luma, norm="ortho")
    at = np.arange(8)
    steps = 8 * 0.1 * (1 + 9 * (at[:, None] + at[None]) / 16) / 4
    np.testing.assert_allclose(waves / steps, np.round(waves / steps), atol=0.02)


def test_digital_damage_is_the_identity_without_an_amount():
    for spoil in (damage.hologram, damage.cracks):
        spoiled = jax.jit(lambda x, spoil=spoil: spoil(x, 0.0, WHITE, SEED, channel_axis=0))(PHOTO)
        np.testing.assert_allclose(spoiled, PHOTO, atol=1e-6)


def test_cracks_are_thin_dark_and_more_with_more():
    grey = np.full((3, 192, 192), 0.6, np.float32)
    crack = jax.jit(lambda *args: damage.cracks(*args, channel_axis=0))
    shares = []
    for amount in (0.5, 1.0, 2.0):
        dark = np.asarray(crack(grey, amount, jnp.zeros(3), SEED))[0] < 0.45
        shares.append(dark.mean())
    assert 0.001 < shares[0] < shares[1] < shares[2] < 0.25


def test_bokeh_sits_where_the_light_is():
    night = np.full((3, 128, 128), 0.05, np.float32)
    night[:, :, 80:] = 0.12
    night[:, 20:110:12, 84:124:10] = 1.0
    night[:, 21:111:12, 85:125:10] = 1.0
    none, subject = np.zeros((2, 128, 128), np.float32)
    subject[40:80, 20:60] = 1.0
    scene = Scene(1 - subject, none, none, subject)
    colors = jnp.ones((2, 3))
    draw = jax.jit(lambda seed: glows.bokeh(night, scene, 1.0, colors, seed, channel_axis=0))
    added = np.mean([np.asarray(draw(jnp.uint32(s))) - night for s in range(8)], axis=(0, 1))
    between = added[:, 84:124][night[0, :, 84:124] < 1]
    assert between.mean() > 1.5 * added[:, :70].mean() > 0
    np.testing.assert_allclose(draw(SEED)[:, 45:75, 25:55], night[:, 45:75, 25:55], atol=1e-6)
