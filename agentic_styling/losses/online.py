"""Online losses: clipped policy gradients of completions that an earlier policy sampled.

The policy samples a group of completions for every context, and is then updated on them once or
several times. With the importance ratio of a token, rho = pi / pi_old, and the advantage A of its
completion, the loss of a token is -min(rho * A, clip(rho, 1 - clip_low, 1 + clip_high) * A).

Arguments of all losses:
  token_logps       float [B, S], log-probabilities of the tokens under the policy
  mask              bool [B, S], True on completion tokens
  old_token_logps   float [B, S], the same under the policy that sampled them, when it did
  rewards           [B]
  ref_token_logps   float [B, S], the same under the reference; needed only if kl_coef is not 0
  mean, std         float [B], of the rewards of each row's group (`context_statistics`)
  clip_low, clip_high  how far below and above 1 the ratio may move, positive
  kl_coef           adds kl_coef * `kl_estimate` of every token; 0: none
  kl_estimator      "k1", "k2" or "k3", as in `kl_estimate`
They return float [B], float32 (float64 for float64): sums over the tokens of a completion, without
reduction. The presets of `losses.table` have the published reductions.

std is the population's, sqrt(mean((r - mean)^2)); trl divides by the sample's plus 1e-4, which for
a group of n makes its advantages smaller by a factor of about sqrt((n - 1) / n).
"""

import chex
import jax
import jax.numpy as jnp

from agentic_styling.losses.weights import masked_tokens, standardized
from agentic_styling.utils.errors import InputError, nearest

KL_ESTIMATORS = ("k1", "k2", "k3")
# exp(20) is 5e8: no useful ratio is as large, and sums of such values are finite in float32.
LARGEST_LOG_RATIO = 20.0


def group_advantages(rewards: jax.Array, mean, std=1.0) -> jax.Array:
    """(r - mean) / std, float [B]; 0 in a group of equal rewards.

    Args:
      rewards: [B].
      mean, std: float [B], of each row's group; std may be left out, for r - mean.

    Source: arXiv 2402.03300 (GRPO), section 4.1.2; without std arXiv 2503.20783 (Dr. GRPO).
    """
    rewards = jnp.asarray(rewards, jnp.result_type(jnp.float32, rewards))
    chex.assert_rank(rewards, 1)
    return standardized(rewards, mean, std)


def kl_estimate(logps: jax.Array, ref_logps: jax.Array, kind: str) -> jax.Array:
    """An estimate of the KL divergence of the policy from the reference for each sampled token.

    With d = log pi - log pi_ref, for tokens sampled from the policy:
      k1  d                   has the divergence as its mean, but may be negative
      k2  d^2 / 2             is biased, unless the policies are close, and never negative
      k3  exp(-d) - 1 + d     has the divergence as its mean and is never negative
    What is true of the values is not true of the gradients. As a loss, in the mean over tokens
    sampled from the policy after a given prefix, the gradient of
      k1  is 0: it adds noise and no penalty
      k2  is that of the reverse KL(pi, pi_ref), which RLHF penalises
      k3  is that of the forward KL(pi_ref, pi); the two agree to first order where pi = pi_ref
    On tokens of an older policy all three are only approximations.

    Args:
      logps, ref_logps: float, of one shape; exp(-d) is continued by its tangent above d = -20.
      kind: of KL_ESTIMATORS.

    Returns:
      Float of that shape, float32 (float64 for float64).

    Raises:
      InputError: for an unknown kind.

    Source: J. Schulman, "Approximating KL divergence" (values); arXiv 2510.01555 (gradients).
    """
    chex.assert_equal_shape([logps, ref_logps])
    if kind not in KL_ESTIMATORS:
        raise InputError(f"kl_estimator: {kind!r} is unknown; {nearest(kind, KL_ESTIMATORS)}")
    dtype = jnp.result_type(jnp.float32, logps, ref_logps)
    difference = jnp.asarray(logps, dtype) - jnp.asarray(ref_logps, dtype)
    if kind == "k1":
        return difference
    if kind == "k2":
        return jnp.square(difference) / 2
    return bounded_exp(-difference) - 1 + difference


def bounded_exp(x: jax.Array) -> jax.Array:
    """exp(x), continued by its tangent above 20: finite, with a gradient of the right sign."""
    top = jnp.minimum(x, LARGEST_LOG_RATIO)
    return jnp.exp(top) * (1 + x - top)


def token_ratios(token_logps, old_token_logps, mask) -> jax.Array:
    """pi / pi_old of each token, float [B, S]; 1 outside of the mask."""
    token_logps, old_token_logps = masked_tokens(mask, token_logps, old_token_logps)
    return bounded_exp(token_logps - old_token_logps)


def sequence_ratios(token_logps, old_token_logps, mask) -> jax.Array:
    """(pi / pi_old)^(1 / length) of each completion, repeated over its tokens, float [B, S].

    It is the geometric mean of the ratios of its tokens.
    Source: arXiv 2507.18071, equation 7.
    """
    token_logps, old_token_logps = masked_tokens(mask, token_logps, old_token_logps)
    length = jnp.maximum(mask.sum(axis=1, keepdims=True), 1)
    mean = (token_logps - old_token_logps).sum(axis=1, keepdims=True) / length
    return jnp.broadcast_to(bounded_exp(mean), mask.shape)


def is_clipped(ratios: jax.Array, advantages: jax.Array, clip_low, clip_high) -> jax.Array:
    """Whether the clipped term is the smaller one, so that the token has no gradient, bool [B, S].

    ratios: float [B, S]; advantages: float [B].
    """
    advantages = advantages[:, None]
    high = (advantages > 0) & (ratios > 1 + clip_high)
    return high | (advantages < 0) & (ratios < 1 - clip_low)


def clipped_surrogate(ratios: jax.Array, advantages: jax.Array, clip_low, clip_high) -> jax.Array:
    """-min(rho * A, clip(rho, 1 - clip_low, 1 + clip_high) * A) of each token, float [B, S].

    ratios: float [B, S]; advantages: float [B].
    """
    bounds = jnp.where(advantages[:, None] > 0, 1 + clip_high, 1 - clip_low)
    clipped = is_clipped(ratios, advantages, clip_low, clip_high)
    return -jnp.where(clipped, bounds, ratios) * advantages[:, None]


def _penalty(token_logps, ref_token_logps, mask, kl_coef, kl_estimator):
    """kl_coef * kl_estimate of each token, float [B, S]; 0 without a reference."""
    if ref_token_logps is None:
        if kl_coef:
            raise ValueError("kl_coef compares with a reference: give ref_token_logps")
        return 0.0
    token_logps, ref_token_logps = masked_tokens(mask, token_logps, ref_token_logps)
    return kl_coef * kl_estimate(token_logps, ref_token_logps, kl_estimator)


def grpo(
    token_logps, mask, old_token_logps, rewards, ref_token_logps=None, *, mean, std, clip_low=0.2,
    clip_high=0.2, kl_coef=0.0, kl_estimator="k3",
):  # fmt: skip
    """Group relative policy optimisation: clipped ratios of tokens, A = (r - mean) / std.

    kl_coef is 0 by default, as everywhere in the table, so that no reference is needed; the paper's
    0.04 is in the preset GRPO, whose reduction is its seq-mean-token-mean. The preset DAPO differs
    from it in options only: clip_high=0.28, no penalty, and token-mean.
    Data: fresh samples. token_logps and the other arguments, [B, S] and [B]: see the module.
    Source: arXiv 2402.03300, equations 3 and 4; arXiv 2503.14476 (DAPO).
    """
    ratios = token_ratios(token_logps, old_token_logps, mask)
    advantages = group_advantages(rewards, mean, std)
    values = clipped_surrogate(ratios, advantages, clip_low, clip_high)
    values += _penalty(token_logps, ref_token_logps, mask, kl_coef, kl_estimator)
    return jnp.where(mask, values, 0).sum(axis=1)


def dr_grpo(
    token_logps, mask, old_token_logps, rewards, ref_token_logps=None, *, mean, clip_low=0.2,
    clip_high=0.2, kl_coef=0.0, kl_estimator="k3",
):  # fmt: skip
    """GRPO done right: A = r - mean, and no division by the length of a completion.

    Dividing by std weighs contexts of nearly equal rewards more, and dividing by the length favours
    long failures. The published reduction is seq-mean-token-sum, up to a constant: the authors'
    code also divides by the largest length, which scales the learning rate. At a ratio of 1 the
    gradient for a group of n is that of `rloo` times (n - 1) / n.
    Data: fresh samples. token_logps and the other arguments, [B, S] and [B]: see the module.
    Source: arXiv 2503.20783 (Dr. GRPO), section 3.2.
    """
    return grpo(
        token_logps, mask, old_token_logps, rewards, ref_token_logps, mean=mean, std=1.0,
        clip_low=clip_low, clip_high=clip_high, kl_coef=kl_coef, kl_estimator=kl_estimator,
    )  # fmt: skip


def gspo(
    token_logps, mask, old_token_logps, rewards, ref_token_logps=None, *, mean, std, clip_low=3e-4,
    clip_high=4e-4, kl_coef=0.0, kl_estimator="k3",
):  # fmt: skip
    """Group sequence policy optimisation: one ratio for a completion, A = (r - mean) / std.

    The ratio is the geometric mean over tokens, so it moves far less than that of a token, and the
    clip range is narrow. The loss of a completion, -min(rho * A, clip(rho) * A), counts once for
    each of its tokens: it is the paper's under seq-mean-token-mean, the preset's reduction.
    Data: fresh samples. token_logps and the other arguments, [B, S] and [B]: see the module.
    Source: arXiv 2507.18071 (GSPO), equations 5 to 7; the clip range is that of section 5.1.
    """
    ratios = sequence_ratios(token_logps, old_token_logps, mask)
    advantages = group_advantages(rewards, mean, std)
    values = clipped_surrogate(ratios, advantages, clip_low, clip_high)
    values += _penalty(token_logps, ref_token_logps, mask, kl_coef, kl_estimator)
    return jnp.where(mask, values, 0).sum(axis=1)
