"""Where parameters and adapters go on a mesh of the eight fake devices."""

import jax
from jax.sharding import AxisType
from jax.sharding import PartitionSpec as P

from agentic_styling.planner.checkpoints.partition import shardings


def test_rules_apply_to_the_last_axes_and_fall_back_to_whole():
    mesh = jax.make_mesh((2, 2, 2), ("data", "fsdp", "tensor"), axis_types=(AxisType.Auto,) * 3)

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
