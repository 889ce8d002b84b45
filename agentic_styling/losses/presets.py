"""Losses with the options and the reduction of a published recipe, by the paper's letters."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Preset:
    """loss: a name of LOSSES; options: keyword arguments of it; reduction: of REDUCTIONS."""

    loss: str
    reduction: str
    options: dict[str, float] = field(default_factory=dict)


# The loss of a trajectory is w * (sum over its tokens), averaged over trajectories or pairs:
# arXiv 2603.07148, "Methods". released_code: per token, prompt and padding counted, and divided
# by the sum of the micro-batch's weights, as the public release does.
PRESETS: dict[str, Preset] = {
    "S": Preset("standard", "seq-mean-token-sum"),
    "R": Preset("reward_filtered", "seq-mean-token-sum", {"threshold": 4.0}),
    "RW": Preset("reward_weighted", "seq-mean-token-sum", {"floor": 3.0}),
    "SW": Preset("standardized_reward_weighted", "seq-mean-token-sum"),
    "D": Preset("dpo", "seq-mean-token-sum", {"beta": 0.1}),
    "released_code": Preset("released_code", "seq-mean-token-mean"),
}
