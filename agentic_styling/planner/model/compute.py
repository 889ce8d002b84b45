"""How the model is computed, as opposed to what it is: one setting for both towers."""

import dataclasses
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax

from agentic_styling.planner.model.attention import IMPLEMENTATIONS, KERNEL_RESULTS
from agentic_styling.utils.errors import InputError, nearest

PROJECTION = "projection"  # the name of its result

_named = jax.checkpoint_policies.save_only_these_names(PROJECTION, KERNEL_RESULTS)


def _dots(primitive, *avals, **params) -> bool:
    # cuDNN's kernel gives what its backward pass reads no name.
    fused = primitive.name.startswith("dot_product_attention_fwd")
    return fused or _named(primitive, *avals, **params)


# What the backward pass finds saved; what it lacks is computed again.
REMAT_POLICIES = {
    "none": None,
    "dots": _dots,
    "full": jax.checkpoint_policies.nothing_saveable,
}


@dataclasses.dataclass(frozen=True)
class Compute:
    """Precision, rematerialisation and kernels of a `Qwen3VL`; hashable.

    dtype: of the computation, by default that of the parameters. remat: "none" saves every
    activation, "dots" the results of projections (an adapter's with what it adds to) and of
    attention kernels, "full" only a layer's input. unroll: the layers are one program, not a loop
    of one: nothing is copied into and out of stacks, and compiling takes longer.
    lora_dropout: share of an adapter's inputs that are dropped, where a "dropout" key is given.
    attention: a name of `attention.IMPLEMENTATIONS`; "auto" takes the fastest that works here.
    """

    dtype: Any = None
    remat: str = "none"
    unroll: bool = False
    lora_dropout: float = 0.0
    attention: str = "auto"

    def __post_init__(self):
        if self.remat not in REMAT_POLICIES:
            raise InputError(
                f"remat {self.remat!r} is unknown; {nearest(self.remat, REMAT_POLICIES)}"
            )
        if self.attention not in IMPLEMENTATIONS:
            raise InputError(
                f"attention {self.attention!r} is unknown; "
                f"{nearest(self.attention, IMPLEMENTATIONS)}"
            )

    def stack(self, layer: type[nn.Module], length: int, in_axes) -> Callable[..., nn.Module]:
        """`length` layers after another as one module, whose parameters have an axis for them.

        in_axes: as `nn.scan`'s, of what the layers are called with beside the carried x.
        """
        if self.remat != "none":
            # Within a loop nothing can be merged with what the backward pass computes again.
            policy = REMAT_POLICIES[self.remat]
            layer = nn.remat(layer, prevent_cse=self.unroll, policy=policy)
        return nn.scan(
            layer,
            variable_axes={"params": 0, "lora": 0},
            split_rngs={"params": True, "dropout": True},
            in_axes=in_axes,
            length=length,
            unroll=length if self.unroll else 1,
        )
