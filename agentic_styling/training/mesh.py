"""The device mesh, and which axis of which parameter goes to which axis of the mesh."""

import math
import re
from collections.abc import Mapping

import jax
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from agentic_styling.errors import InputError

AXES = ("data", "fsdp", "tensor")
# A kernel is [in, out]. What makes heads or hidden units is cut along its output, what gathers
# them again along its input; the embeddings are cut along the vocabulary.
RULES = (
    (r"(q_proj|k_proj|v_proj|gate_proj|up_proj|qkv|linear_fc1)/kernel$", ("fsdp", "tensor")),
    (r"(o_proj|down_proj|proj|linear_fc2)/kernel$", ("tensor", "fsdp")),
    (r"(embed_tokens|lm_head)/embedding$", ("tensor", "fsdp")),
    (r"patch_embed/kernel$", ("fsdp", None)),
)


def make_mesh(sizes: Mapping[str, int]) -> Mesh:
    """A mesh with the axes data, fsdp and tensor; one size may be -1, all the devices left.

    Axes are Auto: Linen modules fail on Explicit ones. Raises InputError where sizes do not fit.
    """
    shape, count = [int(sizes[axis]) for axis in AXES], jax.device_count()
    known = math.prod(size for size in shape if size != -1)
    given = "mesh " + " x ".join(f"{a}={s}" for a, s in zip(AXES, shape, strict=True))
    if shape.count(-1) > 1 or any(size < 1 and size != -1 for size in shape):
        raise InputError(f"{given}: sizes are positive, and at most one is -1")
    if -1 in shape and count % known == 0:
        shape[shape.index(-1)] = count // known
    if -1 in shape or math.prod(shape) > count:
        raise InputError(f"{given}: does not fit {count} devices; use data=-1 fsdp=1 tensor=1")
    return jax.make_mesh(shape, AXES, axis_types=(AxisType.Auto,) * len(AXES))


def batch_sharding(mesh: Mesh) -> NamedSharding:
    """The first axis of every array of a batch is split over data and fsdp."""
    return NamedSharding(mesh, PartitionSpec(("data", "fsdp")))


def shardings(mesh: Mesh, tree) -> object:
    """A NamedSharding for every leaf of a tree of parameters, or of anything shaped like them.

    The rule is found by the leaf's path (optimiser moments end in their parameter's path), and is
    laid on the last axes, so a stack of layers keeps its leading axis whole. An axis that does
    not divide is replicated.
    """

    def of(path, leaf):
        name = jax.tree_util.keystr(path, simple=True, separator="/")
        spec = next((spec for pattern, spec in RULES if re.search(pattern, name)), ())
        if len(spec) > len(leaf.shape):
            spec = ()
        spec = (None,) * (len(leaf.shape) - len(spec)) + spec
        fits = [
            axis if axis and size % mesh.shape[axis] == 0 else None
            for size, axis in zip(leaf.shape, spec, strict=True)
        ]
        return NamedSharding(mesh, PartitionSpec(*fits))

    return jax.tree_util.tree_map_with_path(of, tree)
