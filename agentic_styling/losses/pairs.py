"""Offline losses of preference pairs that compare two margins, or that need no reference.

A pair is a chosen (w) and a rejected (l) completion of one context; delta = s - s_ref, with s
summed over completion tokens (or its mean per token, for the length-normalised form of a loss).
The first four arguments are float [B], row b of each belongs to pair b; the result is [B],
float32 (float64 for float64), without reduction. Data: pairs of one context, reference.
"""

import jax
import jax.numpy as jnp

from agentic_styling.losses.weights import as_floats

log_sigmoid = jax.nn.log_sigmoid


def deltas(chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps):
    """delta_w and delta_l, [B] each."""
    chosen, rejected, ref_chosen, ref_rejected = as_floats(
        chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps
    )
    return chosen - ref_chosen, rejected - ref_rejected


def smoothed(x, label_smoothing):
    """-log sigmoid(x), if a share label_smoothing of the pairs is swapped, [B]."""
    return -(1 - label_smoothing) * log_sigmoid(x) - label_smoothing * log_sigmoid(-x)


def _margins(*logps) -> jax.Array:
    chosen, rejected = deltas(*logps)
    return chosen - rejected


def dpo(chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps, *, beta=0.1):
    """Direct preference optimisation: -log sigmoid(beta * (delta_w - delta_l)).

    It is ln 2 where policy and reference agree. Watch the likelihood of the chosen: it may fall
    while the margin grows. Four float [B]; returns [B].
    Source: arXiv 2305.18290, equation 7; arXiv 2603.07148, method D, beta 0.1.
    """
    margins = _margins(chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps)
    return -log_sigmoid(beta * margins)


def cdpo(
    chosen_logps,
    rejected_logps,
    ref_chosen_logps,
    ref_rejected_logps,
    *,
    beta=0.1,
    label_smoothing=0.1,
):
    """Conservative DPO: -(1 - e) * log sigmoid(x) - e * log sigmoid(-x).

    x = beta * (delta_w - delta_l); label_smoothing: e in [0, 0.5), the share of pairs whose labels
    are swapped. Four float [B]; returns [B].
    Source: E. Mitchell, "A note on DPO with noisy preferences & relationship to IPO".
    """
    x = beta * _margins(chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps)
    return smoothed(x, label_smoothing)


def robust(
    chosen_logps,
    rejected_logps,
    ref_chosen_logps,
    ref_rejected_logps,
    *,
    beta=0.1,
    label_smoothing=0.1,
):
    """Robust DPO: (-(1 - e) * log sigmoid(x) + e * log sigmoid(-x)) / (1 - 2e).

    Unbiased where a share e of the labels is wrong; it may be negative. x and e as in `cdpo`.
    Four float [B]; returns [B]. Source: arXiv 2403.00409.
    """
    x = beta * _margins(chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps)
    loss = -(1 - label_smoothing) * log_sigmoid(x) + label_smoothing * log_sigmoid(-x)
    return loss / (1 - 2 * label_smoothing)


def ipo(chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps, *, beta=0.1):
    """Identity preference optimisation: (delta_w - delta_l - 1 / (2 * beta))^2.

    trl uses sums up to version 0.24 and means per token later; here it is whichever is given.
    Four float [B]; returns [B]. Source: arXiv 2310.12036, equation 17.
    """
    margins = _margins(chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps)
    return jnp.square(margins - 1 / (2 * beta))


def hinge(chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps, *, beta=0.1):
    """Hinge loss on the margin: max(0, 1 - beta * (delta_w - delta_l)).

    Four float [B]; returns [B]. Source: arXiv 2305.10425 (SLiC), as in arXiv 2309.06657.
    """
    margins = _margins(chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps)
    return jax.nn.relu(1 - beta * margins)


def exo_pair(
    chosen_logps,
    rejected_logps,
    ref_chosen_logps,
    ref_rejected_logps,
    *,
    beta=0.1,
    label_smoothing=1e-3,
):
    """Efficient exact optimisation: the reverse KL from smoothed labels to the pair's policy.

    sigmoid(x) * (log sigmoid(x) - log(1 - e)) + sigmoid(-x) * (log sigmoid(-x) - log e), x and e
    as in `cdpo`; e > 0. Four float [B]; returns [B]. Source: arXiv 2402.00856, equation 16.
    """
    x = beta * _margins(chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps)
    smoothing = jnp.asarray(label_smoothing, x.dtype)
    right = jax.nn.sigmoid(x) * (log_sigmoid(x) - jnp.log1p(-smoothing))
    wrong = jax.nn.sigmoid(-x) * (log_sigmoid(-x) - jnp.log(smoothing))
    return right + wrong


def rpo(
    chosen_logps,
    rejected_logps,
    ref_chosen_logps,
    ref_rejected_logps,
    chosen_lengths,
    *,
    beta=0.1,
    alpha=1.0,
):
    """DPO + alpha * the NLL per token of the chosen, -s_w / length, which keeps it likely.

    chosen_lengths: [B], completion tokens, at least 1. Four float [B]; returns [B].
    Source: arXiv 2404.19733.
    """
    nll = nll_per_token(chosen_logps, chosen_lengths)
    loss = dpo(chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps, beta=beta)
    return loss + alpha * nll


def nll_per_token(logps, lengths):
    """-s / length, [B]."""
    logps, lengths = as_floats(logps, like=(lengths,))
    return -logps / lengths


def dpop(
    chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps, *, beta=0.1, penalty=5.0
):
    """DPO-positive: -log sigmoid(beta * (delta_w - delta_l - penalty * max(0, -delta_w))).

    The penalty, lambda in the paper, applies if the chosen is less likely than under the reference.
    Four float [B]; returns [B]. Source: arXiv 2402.13228.
    """
    chosen, rejected = deltas(chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps)
    return -log_sigmoid(beta * (chosen - rejected - penalty * jax.nn.relu(-chosen)))


def rebel(
    chosen_logps,
    rejected_logps,
    ref_chosen_logps,
    ref_rejected_logps,
    chosen_rewards,
    rejected_rewards,
    *,
    beta=0.1,
):
    """Regression of relative rewards: (r_w - r_l - beta * (delta_w - delta_l))^2.

    Rewards: [B] each; the order of the two does not matter. Four float [B]; returns [B].
    Source: arXiv 2404.16767, algorithm 1 (beta is its 1 / eta); arXiv 2406.19185 (CoPG).
    """
    margins = _margins(chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps)
    (_, better, worse) = as_floats(margins, like=(chosen_rewards, rejected_rewards))
    return jnp.square(better - worse - beta * margins)


def simpo(chosen_logps, rejected_logps, *, beta=2.0, gamma=1.0):
    """Simple preference optimisation: -log sigmoid(beta * (m_w - m_l) - gamma).

    chosen_logps, rejected_logps: float [B], m, the MEANS over completion tokens. Data: pairs.
    Source: arXiv 2405.14734, equation 6.
    """
    chosen, rejected = as_floats(chosen_logps, rejected_logps)
    return -log_sigmoid(beta * (chosen - rejected) - gamma)


def cpo(chosen_logps, rejected_logps, chosen_lengths, *, beta=0.1, alpha=1.0):
    """Contrastive preference optimisation: -log sigmoid(beta * (s_w - s_l)) - alpha * s_w / length.

    chosen_logps, rejected_logps: float [B], s, sums over completion tokens; chosen_lengths: [B],
    their number, at least 1. The NLL is per token, as in trl; the paper's is a sum. Data: pairs.
    Source: arXiv 2401.08417, equation 3.
    """
    chosen, rejected = as_floats(chosen_logps, rejected_logps)
    nll = nll_per_token(chosen_logps, chosen_lengths)
    return -log_sigmoid(beta * (chosen - rejected)) + alpha * nll


def orpo(chosen_logps, rejected_logps, *, beta=0.1):
    """Odds-ratio preference optimisation: -m_w - beta * log sigmoid(log odds_w - log odds_l).

    odds = p / (1 - p) with p = exp(m). chosen_logps, rejected_logps: float [B], m, the MEANS over
    completion tokens; one above -1e-6 counts as that. beta: lambda in the paper. Data: pairs.
    Source: arXiv 2403.07691, equations 4 and 7.
    """
    chosen, rejected = as_floats(chosen_logps, rejected_logps)
    margins = _log_odds(chosen) - _log_odds(rejected)
    return -chosen - beta * log_sigmoid(margins)


def _log_odds(logps: jax.Array) -> jax.Array:
    """log(p / (1 - p)) with p = exp(logps), finite also at p = 1."""
    logps = jnp.minimum(logps, -1e-6)
    return logps - jnp.log(-jnp.expm1(logps))
