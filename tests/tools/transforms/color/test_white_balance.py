"""White balance: neutral, direction, what is kept; colour-science's check is in tests/parity."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from agentic_styling.tools.transforms.color.spaces import LUMA, luminance, srgb_to_linear
from agentic_styling.tools.transforms.color.tone import exposure
from agentic_styling.tools.transforms.color.white_balance import (
    balance_matrix,
    kelvin_gains,
    white_balance,
)
from tests.tools.transforms.color.photographs import NAMES, photograph

balance = jax.jit(white_balance)


@pytest.mark.parametrize("name", NAMES)
def test_daylight_changes_nothing(name):
    image = photograph(name)
    np.testing.assert_allclose(balance(image, 6504.0, 0.0), image, atol=3e-6)


def test_tungsten_by_hand():
    """Bradford from illuminant A (x 0.44757, y 0.40745) to D65, in float64, by the book."""
    bradford = np.array(
        [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
    )
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    lamp = np.array([0.44757 / 0.40745, 1, 0.14498 / 0.40745])
    day = np.array([0.95047, 1, 1.08883])
    scale = np.diag(bradford @ day / (bradford @ lamp))
    matrix = np.linalg.inv(bradford @ to_xyz) @ scale @ bradford @ to_xyz
    matrix /= LUMA @ matrix.sum(axis=1)
    np.testing.assert_allclose(balance_matrix(2856.0), matrix, rtol=2e-3, atol=2e-3)


def test_a_grey_keeps_its_luminance():
    for kelvin in (2000.0, 2856.0, 5000.0, 6504.0, 9000.0, 25000.0):
        for tint in (-100.0, 0.0, 60.0):
            white = np.asarray(balance_matrix(kelvin, tint)).sum(axis=1)
            assert abs(LUMA @ white - 1) < 2e-6
            np.testing.assert_allclose(
                np.maximum(white, 0.01), kelvin_gains(kelvin, tint), rtol=1e-5, atol=1e-5
            )


def test_the_numbers_are_those_of_a_camera():
    warm, cool = kelvin_gains(9000), kelvin_gains(4000)
    assert warm[0] > 1 > warm[2]
    assert cool[0] < 1 < cool[2]
    assert kelvin_gains(6504, 40)[1] < 1 < kelvin_gains(6504, -40)[1]
    np.testing.assert_allclose(kelvin_gains(6504), 1, atol=1e-6)


def test_warmth_grows_with_kelvin_everywhere():
    ratios = [g[0] / g[2] for g in (kelvin_gains(k) for k in np.geomspace(2000, 25000, 60))]
    assert np.all(np.diff(ratios) > 0)


def test_kelvin_out_of_range_is_the_nearest_in_range():
    np.testing.assert_array_equal(kelvin_gains(0), kelvin_gains(2000))
    np.testing.assert_array_equal(kelvin_gains(1e9), kelvin_gains(25000))


def test_balancing_for_the_lamp_undoes_its_light():
    """A grey card under the light of 3200 K comes out grey."""
    grey = np.full((3, 4, 4), 0.18, np.float32)
    lit = np.linalg.inv(np.asarray(balance_matrix(3200.0), np.float64)) @ grey.reshape(3, -1)
    shot = 1.055 * lit.reshape(3, 4, 4) ** (1 / 2.4) - 0.055
    out = np.asarray(balance(np.float32(shot), 3200.0, 0.0))
    assert shot[0, 0, 0] > shot[2, 0, 0] + 0.2
    np.testing.assert_allclose(srgb_to_linear(out), 0.18, rtol=1e-5, atol=1e-5)


def test_luminance_of_a_photograph_stays_near():
    image = photograph("coffee")
    before = float(jnp.mean(luminance(image)))
    for kelvin in (4500.0, 8500.0):
        after = float(jnp.mean(luminance(balance(image, kelvin, 0.0))))
        assert abs(after - before) < 0.03 * before + 0.01


def test_slopes_and_dtypes():
    image = jnp.stack([jnp.linspace(0, 1, 12).reshape(3, 4)] * 3)

    def total(image, kelvin, tint):
        return jnp.sum(white_balance(image, kelvin, tint))

    for slope in jax.jit(jax.grad(total, (0, 1, 2)))(image, 5200.0, 10.0):
        assert np.all(np.isfinite(slope))
    half = balance(image.astype(jnp.bfloat16), 5200.0, 10.0)
    assert half.dtype == jnp.bfloat16
    np.testing.assert_allclose(np.float32(half), balance(image, 5200.0, 10.0), atol=8e-3)


def test_another_kelvin_compiles_nothing():
    image = photograph("coffee")
    balance(image, 3000.0, 5.0)
    before = balance._cache_size()
    balance(image, 7777.0, -5.0)
    assert balance._cache_size() == before


@pytest.mark.parametrize("name", NAMES)
def test_stops_expose_what_is_balanced(name):
    """Where nothing clips, as one after the other."""
    image = 0.5 * photograph(name)
    apart = exposure(balance(image, 4800.0, 10.0), -0.7)
    np.testing.assert_allclose(balance(image, 4800.0, 10.0, -0.7), apart, atol=3e-6)
