"""3D tables against tetrahedra written out in NumPy, Pillow's trilinear filter, and identities."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image, ImageFilter

from agentic_styling.tools.transforms.color import tone
from agentic_styling.tools.transforms.color.lut import apply_lut, bake
from agentic_styling.utils.errors import InputError
from tests.tools.transforms.color.photographs import NAMES, photograph

apply = jax.jit(apply_lut)


@jax.jit
def _look(image):
    toned = tone.split_tone(image, jnp.array([0.3, 0.5, 0.6]), jnp.array([0.7, 0.5, 0.35]))
    return tone.saturation(tone.contrast(toned, 0.5), 0.3)


def _by_hand(image, table):
    """One pixel at a time: from black's corner along the axes, the largest fraction first."""
    size = len(table)
    out = np.empty_like(image, np.float64)
    for y, x in np.ndindex(image.shape[1:]):
        at = np.clip(image[:, y, x].astype(np.float64), 0, 1) * (size - 1)
        cell = np.minimum(at.astype(int), size - 2)
        fraction = at - cell
        value = table[tuple(cell)].astype(np.float64)
        for axis in np.argsort(-fraction, kind="stable"):
            after = cell.copy()
            after[axis] += 1
            value = value + fraction[axis] * (
                table[tuple(after)].astype(np.float64) - table[tuple(cell)]
            )
            cell = after
        out[:, y, x] = value
    return out


@pytest.fixture(scope="module")
def table():
    return np.asarray(bake(_look, 17))


@pytest.mark.parametrize("name", NAMES)
def test_tetrahedra_by_hand(name, table):
    image = photograph(name)[:, ::4, ::4]
    np.testing.assert_allclose(apply(image, table), _by_hand(image, table), atol=2e-6)


def test_random_table_and_every_order_of_the_channels():
    rng = np.random.default_rng(0)
    table = rng.random((5, 5, 5, 3)).astype(np.float32)
    image = rng.random((3, 24, 24)).astype(np.float32)
    image[:, 0] = image[:1, 0]  # greys: all three tie
    image[0, 1] = image[1, 1]  # two tie
    image[:, 2] = np.round(image[:, 2] * 4) / 4  # entries themselves
    image[:, 3] = np.round(image[:, 3])  # black, white and the other corners
    np.testing.assert_allclose(apply(image, table), _by_hand(image, table), atol=2e-6)


@pytest.mark.parametrize("name", NAMES)
def test_pillow_within_the_difference_of_trilinear(name):
    """Pillow is trilinear and of 8 bits: within 1.6 steps of 255 on a smooth table of 33."""
    table = np.asarray(bake(jax.jit(lambda x: tone.contrast(x, 0.5)[::-1] * 0.7 + x * 0.3), 33))
    image = photograph(name)
    rows = table.transpose(2, 1, 0, 3).reshape(-1, 3).tolist()
    bytes_ = np.round(image.transpose(1, 2, 0) * 255).astype(np.uint8)
    theirs = Image.fromarray(bytes_).filter(ImageFilter.Color3DLUT(33, rows))
    ours = apply(np.float32(bytes_ / 255).transpose(2, 0, 1), table)
    difference = np.asarray(ours).transpose(1, 2, 0) * 255 - np.asarray(theirs)
    assert np.abs(difference).max() < 1.6
    assert np.abs(difference).mean() < 0.4


def test_identity_table_is_the_identity():
    identity = bake(lambda image: image, 9)
    image = photograph("astronaut")
    np.testing.assert_allclose(apply(image, identity), image, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_a_baked_look_is_the_look(name):
    """33 entries a side leave a quarter of a step of 255 on the average, 6 where looks kink."""
    image = photograph(name)
    difference = np.abs(apply(image, bake(_look, 33)) - _look(image))
    assert difference.mean() < 0.25 / 255
    assert difference.max() < 6 / 255


def test_greys_stay_grey_where_the_table_keeps_them():
    rng = np.random.default_rng(2)
    table = rng.random((6, 6, 6, 3)).astype(np.float32)
    for k in range(6):
        table[k, k, k] = (k / 5) ** 2
    ramp = np.broadcast_to(np.linspace(0, 1, 50, dtype=np.float32), (3, 1, 50))
    out = np.asarray(apply(ramp, table))
    np.testing.assert_allclose(out, np.broadcast_to(out[:1], out.shape), atol=1e-6)


def test_domain():
    image = photograph("coffee")
    wide = bake(lambda x: jnp.clip(x * 3 - 1, 0, 1), 31)  # of colours from -1 to 2
    np.testing.assert_allclose(apply(image, wide, -1.0, 2.0), image, atol=1e-5)


def test_out_of_range_pixels_take_the_nearest_entry():
    table = np.random.default_rng(3).random((3, 3, 3, 3)).astype(np.float32)
    image = np.float32([-0.5, 2.0, 0.5]).reshape(3, 1, 1)
    np.testing.assert_allclose(apply(image, table)[:, 0, 0], table[0, 2, 1], atol=1e-6)


def test_slopes_and_dtypes(table):
    greys = jnp.broadcast_to(jnp.linspace(0, 1, 9), (3, 2, 9))

    def total(image, table):
        return jnp.sum(apply_lut(image, table) ** 2)

    for slope in jax.jit(jax.grad(total, (0, 1)))(greys, jnp.asarray(table)):
        assert np.all(np.isfinite(slope)) and np.abs(slope).max() > 0
    image = photograph("coffee")
    half = apply(jnp.asarray(image, jnp.bfloat16), table)
    assert half.dtype == jnp.bfloat16
    np.testing.assert_allclose(np.float32(half), apply(image, table), atol=0.02)


def test_batches_of_tables(table):
    images = jnp.stack([photograph("coffee"), photograph("chelsea")])
    tables = jnp.stack([jnp.asarray(table), bake(lambda image: image, 17)])
    out = jax.jit(jax.vmap(apply_lut))(images, tables)
    np.testing.assert_allclose(out[0], apply(images[0], table), atol=1e-6)
    np.testing.assert_allclose(out[1], images[1], atol=1e-6)


@pytest.mark.parametrize("shape", [(3, 3, 3), (1, 1, 1, 3), (3, 3, 4, 3), (3, 3, 3, 4)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(InputError, match=r"^table: shape .*; give \[N, N, N, 3\]"):
        apply_lut(np.zeros((3, 2, 2), np.float32), np.zeros(shape, np.float32))
