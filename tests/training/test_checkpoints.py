"""Checkpoints: exact, sharded, only the last two, and broken ones named."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from agentic_styling.errors import InputError
from agentic_styling.training.checkpoints import Checkpoints
from agentic_styling.training.mesh import make_mesh
from agentic_styling.training.state import TrainState, create_state


def make_state(step: int, sizes=(1, 1, 1)) -> TrainState:
    mesh = make_mesh(dict(zip(("data", "fsdp", "tensor"), sizes, strict=True)))
    kernel = jax.random.normal(jax.random.key(step), (8, 8))
    params = {"q_proj": {"kernel": kernel, "bias": jnp.full(8, 1 / 3)}}
    state = create_state(params, optax.adamw(1e-3), mesh)
    return state.replace(step=state.step + step)


def assert_same(a, b):
    jax.tree.map(np.testing.assert_array_equal, a, b)


def save(directory, *steps):
    checkpoints = Checkpoints(directory, "config")
    for step in steps:
        checkpoints.save(make_state(step))
    checkpoints.close()


def test_the_last_two_are_kept_and_the_latest_comes_back_exactly(tmp_path):
    save(tmp_path / "c", 1, 2, 3)
    assert sorted(p.name for p in (tmp_path / "c").iterdir() if p.is_dir()) == ["2", "3"]
    assert_same(Checkpoints(tmp_path / "c", "config").restore(make_state(0)), make_state(3))


def test_a_state_goes_to_the_shardings_asked_for(tmp_path):
    save(tmp_path / "c", 5)
    like = make_state(0, sizes=(2, 2, 2))
    found = Checkpoints(tmp_path / "c", "config").restore(like)
    assert_same(found, make_state(5))
    kernel = found.params["q_proj"]["kernel"]
    assert kernel.sharding == like.params["q_proj"]["kernel"].sharding
    assert kernel.addressable_shards[0].data.shape == (4, 4)


def test_nothing_saved_is_none(tmp_path):
    assert Checkpoints(tmp_path / "c", "config").restore(make_state(0)) is None


def test_a_checkpoint_of_another_config_is_refused(tmp_path):
    save(tmp_path / "c", 1)
    with pytest.raises(InputError, match="of another config; use another workdir"):
        Checkpoints(tmp_path / "c", "other").restore(make_state(0))


def truncate(directory):
    """Cut the largest file, which holds the arrays, in half."""
    largest = max((p for p in directory.rglob("*") if p.is_file()), key=lambda p: p.stat().st_size)
    largest.write_bytes(largest.read_bytes()[: largest.stat().st_size // 2])


def test_a_truncated_checkpoint_is_named_with_the_one_that_is_good(tmp_path):
    save(tmp_path / "c", 2, 4)
    truncate(tmp_path / "c/4")
    with pytest.raises(
        InputError, match=r"c/4: broken checkpoint; delete it to .* step 2"
    ) as error:
        Checkpoints(tmp_path / "c", "config").restore(make_state(0))
    assert "\n" not in str(error.value)
    truncate(tmp_path / "c/2")
    with pytest.raises(InputError, match="c/4: broken checkpoint, and no older one is good"):
        Checkpoints(tmp_path / "c", "config").restore(make_state(0))
