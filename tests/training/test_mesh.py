"""Meshes over the eight fake devices, and where parameters go."""

import jax
import pytest
from jax.sharding import PartitionSpec as P

from agentic_styling.errors import InputError
from agentic_styling.training.mesh import make_mesh, shardings


def test_one_axis_takes_the_devices_that_are_left():
    assert dict(make_mesh({"data": -1, "fsdp": 2, "tensor": 2}).shape) == {
        "data": 2,
        "fsdp": 2,
        "tensor": 2,
    }
    assert make_mesh({"data": 1, "fsdp": 1, "tensor": 1}).size == 1


@pytest.mark.parametrize("sizes", [(-1, -1, 1), (-1, 3, 1), (16, 1, 1), (0, 1, 1), (-2, 1, 1)])
def test_sizes_that_do_not_fit_are_refused(sizes):
    with pytest.raises(InputError, match="mesh data="):
        make_mesh(dict(zip(("data", "fsdp", "tensor"), sizes, strict=True)))


def test_rules_apply_to_the_last_axes_and_fall_back_to_whole():
    mesh = make_mesh({"data": 2, "fsdp": 2, "tensor": 2})

    def leaf(*shape):
        return jax.ShapeDtypeStruct(shape, "float32")

    tree = {
        "layers_0": {
            "q_proj": {"kernel": leaf(3, 4, 8), "bias": leaf(3, 8)},
            "o_proj": {"kernel": leaf(3, 8, 5)},
            "norm": {"scale": leaf(3, 4)},
        },
        "embed_tokens": {"embedding": leaf(7, 4)},
        "patch_embed": {"kernel": leaf(12, 4)},
    }
    found = jax.tree.map(lambda s: s.spec, shardings(mesh, {"mu": tree}))["mu"]
    assert found["layers_0"]["q_proj"] == {
        "kernel": P(None, "fsdp", "tensor"),
        "bias": P(None, None),
    }
    assert found["layers_0"]["o_proj"]["kernel"] == P(None, "tensor", None)
    assert found["layers_0"]["norm"]["scale"] == P(None, None)
    assert found["embed_tokens"]["embedding"] == P(None, "fsdp")
    assert found["patch_embed"]["kernel"] == P("fsdp", None)
