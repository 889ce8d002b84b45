"""Which axis of which parameter goes to which axis of a device mesh."""

import math
import re
from collections.abc import Sequence

import jax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

# A kernel is [in, out]. What makes heads or hidden units is cut along its output, what gathers
# them again along its input; the embeddings are cut along the vocabulary. Adapters are a [in, r]
# and b [r, out], cut as their kernel is.
_SPREADING = r"(q_proj|k_proj|v_proj|gate_proj|up_proj|qkv|linear_fc1)"
_GATHERING = r"(o_proj|down_proj|proj|linear_fc2)"
RULES = (
    (rf"{_SPREADING}/kernel$", ("fsdp", "tensor")),
    (rf"{_SPREADING}/a$", ("fsdp", None)),
    (rf"{_SPREADING}/b$", (None, "tensor")),
    (rf"{_GATHERING}/kernel$", ("tensor", "fsdp")),
    (rf"{_GATHERING}/a$", ("tensor", None)),
    (rf"{_GATHERING}/b$", (None, "fsdp")),
    (r"experts/gate_up_proj$", (None, "fsdp", "tensor")),
    (r"experts/down_proj$", (None, "tensor", "fsdp")),
    (r"(embed_tokens|lm_head)/embedding$", ("tensor", "fsdp")),
    (r"patch_embed/kernel$", ("fsdp", None)),
)


Rule = tuple[str, tuple[str | None, ...]]  # a pattern of a leaf's path, and its last axes


def shardings(mesh: Mesh, tree, rules: Sequence[Rule] = (), *, replicate_below: int = 0) -> object:
    """A NamedSharding for every leaf of a tree of parameters, or of anything shaped like them.

    rules: go before RULES; the first whose pattern is found in the leaf's path is taken (optimiser
    moments end in their parameter's path), and laid on the last axes, so a stack of layers keeps
    its leading axis whole. An axis that does not divide, or that the mesh lacks, is replicated, and
    so are leaves of fewer than replicate_below numbers.
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
