"""The dense projections of both towers."""

import flax.linen as nn

from agentic_styling.planner.compute import Compute


def linear(features: int, name: str, compute: Compute, bias: bool = False) -> nn.Dense:
    """A dense projection with fan-in initialisation."""
    return nn.Dense(features, use_bias=bias, dtype=compute.dtype, name=name)


def residual_linear(
    features: int, depth: int, name: str, compute: Compute, bias: bool = False
) -> nn.Dense:
    """A projection into the residual stream: smaller at first, as there are 2 of them a layer."""
    init = nn.initializers.variance_scaling(0.5 / depth, "fan_in", "truncated_normal")
    return nn.Dense(features, use_bias=bias, dtype=compute.dtype, kernel_init=init, name=name)
