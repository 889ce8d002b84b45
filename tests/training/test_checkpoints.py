"""Checkpoints: exact, sharded, the last and the best, and broken ones named."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from agentic_styling.planner.checkpoints.partition import shardings
from agentic_styling.training.checkpoints import Checkpoints, digest
from agentic_styling.training.mesh import AXES, make_mesh
from agentic_styling.training.state import TrainState, create_state, make_state
from agentic_styling.utils.errors import InputError


def make_params(seed: int):
    kernel = jax.random.normal(jax.random.key(seed), (8, 8))
    return {"q_proj": {"kernel": kernel, "bias": jnp.full(8, 1 / 3)}}


def new_state(params) -> TrainState:
    return make_state(params, optax.adamw(1e-3))


def make_train_state(step: int, sizes=(1, 1, 1, 1)) -> TrainState:
    mesh = make_mesh(dict(zip(AXES, sizes, strict=True)))
    params = make_params(step)
    layout = shardings(mesh, jax.eval_shape(new_state, params))
    state = create_state(params, new_state, layout)
    return state.replace(step=state.step + step)


def assert_same(a, b):
    jax.tree.map(np.testing.assert_array_equal, a, b)


def save(directory, *steps, scores=None, **kept):
    checkpoints = Checkpoints(directory, "config", **kept)
    for step in steps:
        score = scores.get(step, float("nan")) if scores else float("nan")
        checkpoints.save(make_train_state(step), {"next_index": step}, score)
    checkpoints.close()


def restore(directory, sizes=(1, 1, 1, 1), step=None, fingerprint="config"):
    return Checkpoints(directory, fingerprint).restore(make_train_state(0, sizes), step)


def names(directory):
    return sorted(int(p.name) for p in directory.iterdir() if p.is_dir())


def test_the_last_two_are_kept_and_the_latest_comes_back_exactly(tmp_path):
    save(tmp_path / "c", 1, 2, 3)
    assert names(tmp_path / "c") == [2, 3]
    found = restore(tmp_path / "c")
    assert_same(found.state, make_train_state(3))
    assert found.host == {"next_index": 3}
    assert_same(restore(tmp_path / "c", step=2).state, make_train_state(2))
    with pytest.raises(InputError, match="no checkpoint of step 1; there are: 2, 3"):
        restore(tmp_path / "c", step=1)


def test_the_best_are_kept_too_also_over_a_restart(tmp_path):
    scores = {1: -1.5, 2: -3.0, 5: -2.5}
    save(tmp_path / "c", 1, 2, scores=scores, last=1, best=1)
    save(tmp_path / "c", 3, 4, 5, scores=scores, last=1, best=1)
    assert names(tmp_path / "c") == [1, 5]


@pytest.mark.parametrize("sizes", [(2, 2, 1, 2), (1, 8, 1, 1)])
def test_a_state_goes_to_the_shardings_asked_for(tmp_path, sizes):
    save(tmp_path / "c", 5)
    found = restore(tmp_path / "c", sizes).state
    assert_same(found, make_train_state(5))
    kernel, like = (s.params["q_proj"]["kernel"] for s in (found, make_train_state(0, sizes)))
    assert kernel.sharding == like.sharding
    assert kernel.addressable_shards[0].data.shape == (8 // sizes[1], 8 // sizes[3])


def test_a_digest_is_the_same_on_every_mesh_and_sees_every_bit():
    one, other = make_train_state(5), make_train_state(5, (1, 4, 1, 2))
    assert digest(one) == digest(other)
    kernel = one.params["q_proj"]["kernel"]
    flipped = jax.lax.bitcast_convert_type(
        jax.lax.bitcast_convert_type(kernel, jnp.uint32).at[3, 4].add(1), jnp.float32
    )
    for changed in (flipped, kernel.T, kernel.at[0].set(kernel[1]).at[1].set(kernel[0])):
        params = {"q_proj": one.params["q_proj"] | {"kernel": changed}}
        assert digest(one.replace(params=params)) != digest(one)


def test_a_changed_number_is_found(tmp_path):
    """As if somebody had edited it: the file is whole, the number is another."""
    save(tmp_path / "c", 2, 4)
    path = tmp_path / "c/4/run/metadata"
    run = json.loads(path.read_text())
    run["digest"][0] ^= 1
    path.write_text(json.dumps(run))
    with pytest.raises(InputError, match="c/4: broken or changed checkpoint; delete it .* step 2"):
        restore(tmp_path / "c")


def test_a_write_that_fails_names_the_checkpoints_that_are_good(tmp_path, monkeypatch):
    checkpoints = Checkpoints(tmp_path / "c", "config")
    checkpoints.save(make_train_state(1), {})
    checkpoints._manager.wait_until_finished()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoints._manager, "save", full)
    with pytest.raises(InputError) as error:
        checkpoints.save(make_train_state(2), {})
    assert "could not be written" in str(error.value)
    assert "No space left on device" in str(error.value)
    assert str(error.value).endswith("complete checkpoints: 1")
    assert_same(restore(tmp_path / "c").state, make_train_state(1))


def test_nothing_saved_is_none(tmp_path):
    assert restore(tmp_path / "c") is None


def test_a_checkpoint_of_another_config_is_refused(tmp_path):
    save(tmp_path / "c", 1)
    with pytest.raises(InputError, match="of another config or other inputs; use another"):
        restore(tmp_path / "c", fingerprint="other")


def truncate(directory):
    """Cut the files that hold the arrays in half."""
    arrays = [p for p in directory.rglob("*") if p.is_file() and p.parent.name == "d"]
    assert arrays
    for path in arrays:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def test_a_truncated_checkpoint_is_named_with_the_one_that_is_good(tmp_path):
    save(tmp_path / "c", 2, 4)
    truncate(tmp_path / "c/4")
    with pytest.raises(
        InputError, match=r"c/4: broken or changed checkpoint; delete it to .* step 2"
    ) as error:
        restore(tmp_path / "c")
    assert "\n" not in str(error.value)
    truncate(tmp_path / "c/2")
    with pytest.raises(
        InputError, match="c/4: broken or changed checkpoint, and no older one is good"
    ):
        restore(tmp_path / "c")


def test_reading_leaves_a_checkpoint_that_is_being_written(tmp_path):
    save(tmp_path, 1)
    unfinished = tmp_path / "2.orbax-checkpoint-tmp"
    unfinished.mkdir()
    reader = Checkpoints(tmp_path, "config", reads=True)
    assert reader.restore(make_train_state(0)).state.step == 1 and unfinished.is_dir()
    reader.close()
