"""Offline losses of preference pairs that need no reference.

A pair is a chosen (w) and a rejected (l) completion of one context. Arguments are float [B], row b
of each belongs to pair b; the result is [B], float32 (float64 for float64), without reduction.
"""

import jax
import jax.numpy as jnp

from agentic_styling.losses.pairs import log_sigmoid, nll_per_token
from agentic_styling.losses.weights import as_floats


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
