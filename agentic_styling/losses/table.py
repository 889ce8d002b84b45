"""The table of losses: what the trainer calls, and what it has to bring. A new loss is one row."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from agentic_styling.losses import pairs, scored


@dataclass(frozen=True)
class Loss:
    """A loss function and what it is called with, beside the log-probabilities.

    function: arrays [B] in, float32 [B] out. needs, any of:
      "rewards"     function(logps, rewards, ...)
      "statistics"  keyword arguments mean and std of the training set's rewards
      "pairs"       function(chosen_logps, rejected_logps, ...), of one context
      "reference"   the same log-probabilities under the reference, after the policy's
    """

    function: Callable
    needs: frozenset[str] = frozenset()

    @property
    def options(self) -> dict[str, float]:
        """The keyword arguments that a user may set, with their defaults."""
        parameters = inspect.signature(self.function).parameters.values()
        return {
            p.name: p.default
            for p in parameters
            if p.kind is p.KEYWORD_ONLY and p.default is not p.empty
        }


LOSSES: dict[str, Loss] = {
    "standard": Loss(scored.standard),
    "reward_filtered": Loss(scored.reward_filtered, frozenset({"rewards"})),
    "reward_weighted": Loss(scored.reward_weighted, frozenset({"rewards"})),
    "standardized_reward_weighted": Loss(
        scored.standardized_reward_weighted, frozenset({"rewards", "statistics"})
    ),
    "dpo": Loss(pairs.dpo, frozenset({"pairs", "reference"})),
}
