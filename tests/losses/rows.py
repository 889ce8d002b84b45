"""Columns and options that every loss of the table can be called with."""

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.losses import LOSSES, context_quantiles, context_statistics

# One of each kind, for tests of every loss that take long.
KINDS = (
    *("standard", "reward_filtered", "standardized_reward_weighted", "dpo", "swift", "kto"),
    *("rpo", "simpo", "dft", "released_code", "aot", "qrpo", "grpo", "gspo"),
)
STATISTICS = {"mean": 3.5, "std": 1.25}


def columns(count: int = 16, *, spread: float = 8.0, seed: int = 0) -> dict[str, jax.Array]:
    """`count` made-up rows, four of a context, with log-ratios up to about `spread`."""
    rng = np.random.default_rng(seed)

    def floats(low, high):
        return jnp.array(rng.uniform(low, high, count), jnp.float32)

    def lengths():
        return jnp.array(rng.integers(1, 20, count))

    made = {"rewards": jnp.array(rng.integers(0, 21, count) / 4, jnp.float32)}
    made |= {"lengths": lengths(), "chosen_lengths": lengths(), "rejected_lengths": lengths()}
    made |= {"chosen_rewards": floats(4, 5), "rejected_rewards": floats(0, 3.5)}
    for side in ("", "chosen_", "rejected_"):
        made[f"ref_{side}logps"] = floats(-60, -20)
        made[f"{side}logps"] = made[f"ref_{side}logps"] + floats(-spread, spread)
    made["mask"] = jnp.arange(20) < made["lengths"][:, None]
    made["token_logps"] = jnp.array(rng.uniform(-3, -0.01, (count, 20)), jnp.float32)
    for name in ("old_token_logps", "ref_token_logps"):
        moves = jnp.array(rng.uniform(-0.5, 0.5, (count, 20)), jnp.float32)
        made[name] = made["token_logps"] + moves
    contexts = jnp.arange(count) // 4
    mean, std, size = context_statistics(made["rewards"], contexts, count // 4)
    quantile = context_quantiles(made["rewards"], contexts, count // 4)
    return made | {"mean": mean, "std": std, "count": size, "quantile": quantile}


def options(name: str) -> dict:
    """The defaults of a loss, and statistics where it needs them."""
    loss = LOSSES[name]
    given = dict(loss.options)
    if "statistics" in loss.needs:
        given |= {key: STATISTICS[key] for key in loss.statistics}
    return given


def take(made: dict, name: str, rows=slice(None)) -> dict:
    """The rows' columns; without those of the context where the set's statistics are given."""
    drop = set() if "contexts" in LOSSES[name].needs else {"mean", "std", "count"}
    return {key: value[rows] for key, value in made.items() if key not in drop}
