"""The pictures that `execute` accepts: what `Planner.plan` does, of one size."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from agentic_styling.tools import execute, execute_steps
from agentic_styling.tools.executor.api import _as_batch
from agentic_styling.utils.errors import InputError
from tests.tools.light_executor import IMAGES, KEY, light_kernels
from tests.tools.planned import ROWS, encoded, step

BYTES = np.round(IMAGES * 255).astype(np.uint8)
PLANS = encoded([[step("color_grading", "sepia_vintage")]] * 2)


def test_bytes_and_lists_give_what_their_floats_give():
    floats = np.float32(BYTES) / np.float32(255)
    with light_kernels():
        expected = np.asarray(execute(floats, PLANS, KEY))
        assert np.abs(expected[0] - floats[0]).max() > 0.01
        for images in (BYTES, list(BYTES), list(floats), [Image.fromarray(x) for x in BYTES]):
            out = execute(images, PLANS, KEY)
            assert out.dtype == jnp.float32
            np.testing.assert_allclose(out, expected, atol=1e-6)
        frames = execute_steps(list(BYTES), PLANS, KEY)
    assert frames.shape == (ROWS, 9, *floats.shape[1:])
    np.testing.assert_allclose(frames[:, 0], floats, atol=1e-7)


def test_each_dtype_is_converted_by_itself():
    mixed = [np.full((4, 5, 3), 51, np.uint8), np.full((4, 5, 3), 0.2, np.float64)]
    batch = _as_batch(mixed, 2)
    assert batch.dtype == jnp.float32
    np.testing.assert_allclose(batch, np.full((2, 4, 5, 3), 0.2), rtol=1e-6)
    assert _as_batch(jnp.zeros((2, 4, 5, 3), jnp.bfloat16), 2).dtype == jnp.bfloat16
    assert jax.eval_shape(lambda x: _as_batch(x, 12), BYTES).dtype == jnp.float32


@pytest.mark.parametrize("run_plans", [execute, execute_steps])
def test_pictures_of_several_sizes_are_refused(run_plans):
    images = [np.zeros((8, 6, 3), np.uint8), *[np.zeros((6, 8, 3), np.uint8)] * (ROWS - 1)]
    message = r"images: of several shapes, such as \[6, 8, 3\] and \[8, 6, 3\]; call execute once"
    with pytest.raises(InputError, match=message):
        run_plans(images, PLANS, KEY)


@pytest.mark.parametrize(
    "images", [[], [np.zeros((8, 8, 3), np.uint8)], [np.zeros((8, 8), np.uint8)] * ROWS]
)
def test_lists_that_do_not_fit_are_named(images):
    with pytest.raises(InputError, match=r"images: .* for 12 plans; use float32"):
        execute(images, PLANS, KEY)
