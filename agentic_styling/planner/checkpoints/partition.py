"""Which axis of which parameter goes to which axis of a device mesh."""

import math
import re
from collections.abc import Sequence

import jax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

# A kernel is [in, out]. Projections to heads or hidden units are sharded along their output, those
# back to the residual stream along their input, embeddings along the vocabulary. Adapters,
# a [in, r] and b [r, out], are sharded as their kernel.
_COLUMN_PARALLEL = r"(q_proj|k_proj|v_proj|gate_proj|up_proj|qkv|linear_fc1)"
_ROW_PARALLEL = r"(o_proj|down_proj|proj|linear_fc2)"
RULES = (
    (rf"{_COLUMN_PARALLEL}/kernel$", ("fsdp", "tensor")),
    (rf"{_COLUMN_PARALLEL}/a$", ("fsdp", None)),
    (rf"{_COLUMN_PARALLEL}/b$", (None, "tensor")),
    (rf"{_ROW_PARALLEL}/kernel$", ("tensor", "fsdp")),
    (rf"{_ROW_PARALLEL}/a$", ("tensor", None)),
    (rf"{_ROW_PARALLEL}/b$", (None, "fsdp")),
    (r"experts/gate_up_proj$", (None, "fsdp", "tensor")),
    (r"experts/down_proj$", (None, "tensor", "fsdp")),
    (r"(embed_tokens|lm_head)/embedding$", ("tensor", "fsdp")),
    (r"patch_embed/kernel$", ("fsdp", None)),
)


Rule = tuple[str, tuple[str | None, ...]]  # a pattern of a leaf's path, and its last axes


def shardings(mesh: Mesh, tree, rules: Sequence[Rule] = (), *, replicate_below: int = 0) -> object:
    """A NamedSharding for every leaf of parameters, or of a state that contains them.

    Args:
      mesh: its axes may be a subset of those of the rules.
      tree: leaves with a shape; a path must end in that of a parameter, as optimiser moments' do.
      rules: (pattern, axes) that come before RULES. The first pattern found in a leaf's path
        applies to its last axes, so the layers' axis of a stack stays whole.
      replicate_below: leaves with fewer numbers than this are replicated.

    Returns:
      A tree of NamedShardings. Axes that do not divide evenly, or that the mesh lacks, are
      replicated.
    """

    def of(path, leaf):
        name = jax.tree_util.keystr(path, simple=True, separator="/")
        spec = next((spec for p, spec in (*rules, *RULES) if re.search(p, name)), ())
        if len(spec) > len(leaf.shape) or math.prod(leaf.shape) < replicate_below:
            spec = ()
        spec = (None,) * (len(leaf.shape) - len(spec)) + tuple(spec)
        fits = [
            axis if axis in mesh.shape and size % mesh.shape[axis] == 0 else None
            for size, axis in zip(leaf.shape, spec, strict=True)
        ]
        return NamedSharding(mesh, PartitionSpec(*fits))

    return jax.tree_util.tree_map_with_path(of, tree)
