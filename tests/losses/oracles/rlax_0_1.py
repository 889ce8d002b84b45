"""Policy-gradient losses of rlax 0.1.9 on whole trajectories.

pip install jax==0.10.2 chex tfp-nightly dm-env
pip install --no-deps rlax==0.1.9 distrax==0.1.9
"""

import os

os.environ["JAX_ENABLE_X64"] = "1"

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import rlax  # noqa: E402

from tests.losses.oracles.columns import golden  # noqa: E402
from tests.losses.oracles.sequences import COMPLETION, LOGITS, TOKENS  # noqa: E402

REWARDS, CONTEXTS = [5.0, 2.5, 4.0, 3.5], [0, 0, 1, 1]
MEAN, STD = 3.75, 0.9013878188659973  # 15 / 4 and sqrt(3.25 / 4)
# Log-ratios s - s_ref of TOPR; the second row's is the one that tapers.
REF_LOGPS = [-9.0, -4.0, -6.0, -8.5]


def total(logits, weights):
    """The sum over trajectories of -w * s."""
    values = []
    for row, weight in enumerate(weights):
        places = [t for t in range(1, len(TOKENS[row])) if COMPLETION[row][t]]
        actions = jnp.array([TOKENS[row][t] for t in places])
        before = logits[row, jnp.array(places) - 1]
        advantages, ones = jnp.full(len(places), weight), jnp.ones(len(places))
        mean = rlax.policy_gradient_loss(before, actions, advantages, ones)
        values.append(mean * len(places))
    return sum(values), jnp.stack(values)


def case(loss, weights, options):
    logits = jnp.array(LOGITS)
    gradient, values = jax.grad(total, has_aux=True)(logits, jnp.array(weights))
    made = {"loss": loss, "options": options, "values": values.tolist()}
    if loss in ("standardized_reward_weighted", "topr"):
        made["gradient"] = gradient.tolist()
    return made


def make() -> dict:
    advantages = [r - MEAN for r in REWARDS]
    logps = -total(jnp.array(LOGITS), jnp.ones(4))[1]
    ratios = [min(float(jnp.exp(s - r)), 1.0) for s, r in zip(logps, REF_LOGPS, strict=True)]
    tapered = [a * q if a < 0 else a for a, q in zip(advantages, ratios, strict=True)]
    mean = {"mean": MEAN}
    context = {"mean": [3.75] * 4, "std": [1.25, 1.25, 0.25, 0.25]}
    cases = [
        case("standard", [1.0] * 4, {}),
        case("reward_filtered", [1.0, 0.0, 1.0, 0.0], {}),
        case("reward_weighted", [2.0, 0.0, 1.0, 0.5], {}),
        case("standardized_reward_weighted", [a / STD for a in advantages], mean | {"std": STD}),
        case("swift", [1.0, -1.0, 1.0, -1.0], context),
        case("rloo", [2.5, -2.5, 0.5, -0.5], {"mean": [3.75] * 4, "count": [2.0] * 4}),
        case("awr", [min(float(jnp.exp(a)), 3.0) for a in advantages], mean | {"clip": 3.0}),
        case("asymre", [a + 0.5 for a in advantages], mean | {"shift": 0.5}),
        case("topr", tapered, mean),
    ]
    inputs = {
        "tokens": TOKENS,
        "completion": COMPLETION,
        "logits": LOGITS,
        "rewards": REWARDS,
        "ref_logps": REF_LOGPS,
    }
    return golden("rlax", rlax.__version__, cases, jax=jax.__version__, inputs=inputs)
