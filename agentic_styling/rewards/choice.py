"""Which of several sampled plans to take: minimum Bayes risk, on arrays alone.

The planner's samples stand for what the goal may mean. The plan is taken whose result has, on
average, the highest reward against what the other samples ask for.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

IDLE = -1  # the kind of a sample that changes nothing
_DECIMALS = 4  # rewards are float32, so nearer means are ties


class Choice(NamedTuple):
    """A chosen sample, of N.

    sample: its number. kind: its kind, IDLE if it changes nothing. alike: how many samples are of
    this kind, itself counted. mean_reward: of its result against what each of the other samples
    asks for; None if all samples that change something are of one kind, or IDLE was chosen.
    """

    sample: int
    kind: int
    alike: int
    mean_reward: float | None


def choose(rewards: np.ndarray, kinds: Sequence[int], logps: Sequence[float]) -> Choice:
    """The sample with the highest mean reward against what the other samples ask for.

    A kind counts as often as it was sampled, so that plans on which many samples agree win. If more
    than half of the samples change nothing, one of these is chosen; otherwise they are left out,
    since a result cannot be scored against a request for nothing. Of equal means, the sample with
    the higher log-probability is chosen, and of these the first.

    Args:
      rewards: float [D, D], rewards[i, j] that of the result of kind i against the request of j.
      kinds: N of 0 to D - 1, the kind of each sample; IDLE for one that changes nothing.
      logps: N log-probabilities of the samples.

    Source: Kumar and Byrne 2004, "Minimum Bayes-Risk Decoding for Statistical Machine Translation";
      with samples, Eikema and Aziz 2020, "Is MAP Decoding All You Need?".
    """
    kinds = np.asarray(kinds)
    idle = kinds == IDLE
    if 2 * idle.sum() > len(kinds):
        sample = min(np.flatnonzero(idle), key=lambda sample: -logps[sample])
        return Choice(int(sample), IDLE, int(idle.sum()), None)
    counts = np.bincount(kinds[~idle], minlength=len(rewards))
    others = counts - np.eye(len(rewards))  # samples of each kind beside one of kind i, [D, D]
    means = ((others * rewards).sum(1) / max(counts.sum() - 1, 1)).round(_DECIMALS)
    # min takes the first of equals.
    sample = min(np.flatnonzero(~idle), key=lambda sample: (-means[kinds[sample]], -logps[sample]))
    kind, compared = int(kinds[sample]), (counts > 0).sum() > 1
    return Choice(int(sample), kind, int(counts[kind]), float(means[kind]) if compared else None)
