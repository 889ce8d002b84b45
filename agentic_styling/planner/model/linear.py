"""How both towers are computed: precision, rematerialisation, kernels, and dense projections."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name

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
        for name, known in (("remat", REMAT_POLICIES), ("attention", IMPLEMENTATIONS)):
            value = getattr(self, name)
            if value not in known:
                raise InputError(f"{name} {value!r} is unknown; {nearest(value, known)}")

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


@jax.custom_vjp
def matmul(x, kernel):
    """x [..., in] @ kernel [in, out].

    The kernel's gradient transposes the narrower of x and dy. Autodiff transposes dy, and XLA on
    CPUs then recomputes dy column by column.
    """
    return x @ kernel


def _matmul_forward(x, kernel):
    return x @ kernel, (x, kernel)


def _matmul_backward(saved, dy):
    # The barriers keep the producers of x and dy from being fused into the transpositions.
    x, kernel = jax.lax.optimization_barrier(saved)
    dx = jnp.einsum("...o,io->...i", dy, kernel)
    if x.shape[-1] <= dy.shape[-1]:
        return dx, jnp.einsum("...i,...o->io", x, dy)
    return dx, jnp.einsum("...o,...i->oi", jax.lax.optimization_barrier(dy), x).T


matmul.defvjp(_matmul_forward, _matmul_backward)


@jax.custom_vjp
def low_rank_matmul(x, a, b):
    """x [..., in] @ a [in, r] @ b [r, out].

    Barriers on x, and on dy in the gradient, keep XLA from merging this product with the kernel's
    into one and copying both results out of it.
    """
    return _low_rank_forward(x, a, b)[0]


def _low_rank_forward(x, a, b):
    xa = checkpoint_name(jax.lax.optimization_barrier(x) @ a, PROJECTION)
    return xa @ b, (x, a, b, xa)


def _low_rank_backward(saved, dy):
    x, a, b, xa = saved
    dy = jax.lax.optimization_barrier(dy)
    dxa = jnp.einsum("...o,ro->...r", dy, b)
    dx = jnp.einsum("...r,ir->...i", dxa, a)
    return dx, jnp.einsum("...i,...r->ir", x, dxa), jnp.einsum("...r,...o->ro", xa, dy)


low_rank_matmul.defvjp(_low_rank_forward, _low_rank_backward)


class Linear(nn.Dense):
    """A dense projection, plus dropout(x) a b where the collection "lora" has a and b for it.

    a [in, r]; b [r, out], scaled beforehand (`lora_variables`). Dropout acts only where a PRNG
    key named "dropout" is given. LoRA, arXiv:2106.09685, section 4.1.
    """

    lora_dropout: float = 0.0

    def __call__(self, x):
        if not self.has_variable("lora", "a"):
            return checkpoint_name(super().__call__(x), PROJECTION)
        # The narrow product comes first: the wide one then accumulates onto it.
        low = self._low_rank(x)
        y = super().__call__(x)
        return checkpoint_name(y + low.astype(y.dtype), PROJECTION)

    def _low_rank(self, x):
        dtype = self.dtype or x.dtype
        a, b = (self.get_variable("lora", name).astype(dtype) for name in ("a", "b"))
        x = x.astype(dtype)
        if self.lora_dropout and self.has_rng("dropout"):
            keep = 1 - self.lora_dropout
            kept = jax.random.bernoulli(self.make_rng("dropout"), keep, x.shape)
            x = jnp.where(kept, x / keep, 0)
        return low_rank_matmul(x, a, b)


def linear(
    features: int, name: str, compute: Compute, bias: bool = False, *, depth: int | None = None
) -> Linear:
    """A dense projection with fan-in initialisation.

    depth: layers of the residual stream that it writes to, 2 such projections in each, with which
    the initial scale shrinks.
    """
    return Linear(
        features,
        use_bias=bias,
        dtype=compute.dtype,
        kernel_init=_fan_in(1.0 if depth is None else 0.5 / depth),
        dot_general=lambda x, kernel, *_, **__: matmul(x, kernel),
        lora_dropout=compute.lora_dropout,
        name=name,
    )


@functools.cache
def _fan_in(scale: float):
    """The initialiser of kernels. Flax traces it at each use of one, under jit once a shape."""
    init = nn.initializers.variance_scaling(scale, "fan_in", "truncated_normal")
    return jax.jit(init, static_argnums=(1, 2))
