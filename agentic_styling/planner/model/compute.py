"""Precision, rematerialisation and kernels: how both towers are computed."""

import dataclasses
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax

from agentic_styling.planner.model.attention import IMPLEMENTATIONS, KERNEL_RESULTS
from agentic_styling.utils.errors import InputError, nearest

PROJECTION = "projection"  # checkpoint name of a projection's output

_named = jax.checkpoint_policies.save_only_these_names(PROJECTION, KERNEL_RESULTS)


def _dots(primitive, *avals, **params) -> bool:
    # The residuals of cuDNN's kernel carry no checkpoint name.
    fused = primitive.name.startswith("dot_product_attention_fwd")
    return fused or _named(primitive, *avals, **params)


# What is saved for the backward pass; the rest is recomputed.
REMAT_POLICIES = {
    "none": None,
    "dots": _dots,
    "full": jax.checkpoint_policies.nothing_saveable,
}


@dataclasses.dataclass(frozen=True)
class Compute:
    """Precision, rematerialisation and kernels of a `Qwen3VL`; hashable.

    Args:
      dtype: of the computation; None takes that of the parameters.
      remat: "none" saves every activation, "dots" the outputs of projections and attention
        kernels, "full" only a layer's input.
      unroll: unrolls the loop over layers, which saves copies and compiles more slowly.
      lora_dropout: rate on an adapter's inputs, where a "dropout" key is given.
      attention: one of `attention.IMPLEMENTATIONS`; "auto" takes the fastest that works.

    Raises:
      InputError: remat or attention is unknown.
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
        """`length` layers in sequence as one module with stacked parameters.

        in_axes: as in `nn.scan`, of the layers' arguments after the carried x.
        """
        if self.remat != "none":
            # Inside a loop, common subexpressions cannot undo the rematerialisation.
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
