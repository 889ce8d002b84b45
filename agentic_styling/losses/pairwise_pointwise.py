"""Offline losses of preference pairs that score the chosen and the rejected separately.

Arguments and results are those of `losses.pairs`: four float [B] in, [B] out. aot and aot_unpaired
sort the rows of a call, so they need the whole batch: micro-batches would change them.
"""

import jax
import jax.numpy as jnp

from agentic_styling.losses.pairs import deltas, log_sigmoid, smoothed
from agentic_styling.losses.weights import as_floats


def nca_pair(chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps, *, beta=0.1):
    """Noise contrastive alignment: -log sigmoid(w) - (log sigmoid(-w) + log sigmoid(-l)) / 2.

    w, l = beta * delta_w, beta * delta_l. Data: pairs, reference. Four float [B]; returns [B].
    Source: arXiv 2402.05369 (K = 2).
    """
    chosen, rejected = deltas(chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps)
    w, l = beta * chosen, beta * rejected
    return -log_sigmoid(w) - (log_sigmoid(-w) + log_sigmoid(-l)) / 2


def apo_zero(chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps, *, beta=0.1):
    """Anchored preference optimisation, zero: 1 - sigmoid(w) + sigmoid(l).

    w, l = beta * delta_w, beta * delta_l. Raises the chosen and lowers the rejected: for a policy
    worse than the chosen. Data: pairs, reference. Four float [B]; returns [B].
    Source: arXiv 2408.06266, equation 7.
    """
    chosen, rejected = deltas(chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps)
    return jax.nn.sigmoid(-beta * chosen) + jax.nn.sigmoid(beta * rejected)


def apo_down(chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps, *, beta=0.1):
    """Anchored preference optimisation, down: sigmoid(beta * delta_w) + 1 - sigmoid(margin).

    margin = beta * (delta_w - delta_l). Lowers both, the rejected more: for a policy better than
    the chosen. Data: pairs, reference. Four float [B]; returns [B].
    Source: arXiv 2408.06266, equation 8.
    """
    chosen, rejected = deltas(chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps)
    return jax.nn.sigmoid(beta * chosen) + jax.nn.sigmoid(-beta * (chosen - rejected))


def sppo_hard(chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps, *, beta=0.1):
    """Self-play preference optimisation: (delta_w - 1 / (2 beta))^2 + (delta_l + 1 / (2 beta))^2.

    Hard: the chosen wins with probability 1. Data: pairs, reference. Four float [B]; returns [B].
    Source: arXiv 2405.00675, equation 4.7 (beta is its 1 / eta).
    """
    chosen, rejected = deltas(chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps)
    return jnp.square(chosen - 1 / (2 * beta)) + jnp.square(rejected + 1 / (2 * beta))


def bco_pair(
    chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps, *, beta=0.1, delta=0.0
):
    """Binary classifier optimisation of pairs: -log sigmoid(w - d) - log sigmoid(d - l).

    w, l = beta * delta_w, beta * delta_l; delta: d, the reward shift, a constant (a running mean in
    trl up to 0.24, then 0). Data: pairs, reference. Four float [B]; returns [B].
    Source: arXiv 2404.04656.
    """
    chosen, rejected = deltas(chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps)
    return -log_sigmoid(beta * chosen - delta) - log_sigmoid(delta - beta * rejected)


def aot(
    chosen_logps,
    rejected_logps,
    ref_chosen_logps,
    ref_rejected_logps,
    *,
    beta=0.1,
    label_smoothing=0.0,
):
    """Alignment by optimal transport, paired: cDPO on sorted margins.

    The B margins s_w - s_l of the policy and those of the reference are sorted separately; value k
    compares their k-th smallest and does not belong to pair k. Data: pairs, reference, the whole
    batch. Four float [B]; returns [B]. Source: arXiv 2406.05882.
    """
    chosen, rejected, ref_chosen, ref_rejected = as_floats(
        chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps
    )
    policy, reference = jnp.sort(chosen - rejected), jnp.sort(ref_chosen - ref_rejected)
    x = beta * (policy - reference)
    return smoothed(x, label_smoothing)


def aot_unpaired(
    chosen_logps,
    rejected_logps,
    ref_chosen_logps,
    ref_rejected_logps,
    *,
    beta=0.1,
    label_smoothing=0.0,
):
    """Alignment by optimal transport, unpaired: cDPO on sorted delta_w against sorted delta_l.

    The chosen and the rejected of a row may be unrelated. trl 0.24 calls it aot_pair.
    Data: chosen and rejected, reference, the whole batch. Four float [B]; returns [B].
    Source: arXiv 2406.05882.
    """
    chosen, rejected = deltas(chosen_logps, rejected_logps, ref_chosen_logps, ref_rejected_logps)
    x = beta * (jnp.sort(chosen) - jnp.sort(rejected))
    return smoothed(x, label_smoothing)
