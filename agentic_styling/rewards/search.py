"""Search at inference: several plans are sampled and the one that they agree on most is taken.

The samples stand for what the goal may mean, and the choice is that of minimum Bayes risk.
"""

import warnings
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from agentic_styling.planner import PLAN_FORMS, Planner
from agentic_styling.rewards.probes import at_probe_size
from agentic_styling.rewards.score import asks, render_reference, score_against
from agentic_styling.tools import Plan, encode_plans
from agentic_styling.utils.errors import InputError
from agentic_styling.utils.precision import in_32_bits

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


class Best(NamedTuple):
    """The plan that was chosen, and why.

    choice: of its sample. samples: how many there were. distinct: how many of them do something
    different, one that changes nothing counted; their texts may differ more. idle: how many change
    nothing.
    """

    plan: Plan
    choice: Choice
    samples: int
    distinct: int
    idle: int

    def why(self) -> str:
        """Why it was chosen, in a line."""
        plans = f"{self.distinct} distinct plan{'s' * (self.distinct > 1)} of {self.samples}"
        if self.choice.kind == IDLE:
            return f"{plans}: {self.idle} change nothing, so the photograph stays as it is"
        if self.choice.mean_reward is None:
            others = {0: "all do the same", 1: "the other one changes nothing"}
            return f"{plans}: {others.get(self.idle, f'the other {self.idle} change nothing')}"
        return (
            f"{plans}: this one, sampled {self.choice.alike} of {self.samples} times, fits best "
            f"what the others ask for, with a mean reward of {self.choice.mean_reward:.2f} of 5"
        )


def best_plans(
    planner: Planner,
    images,
    goals: Sequence[str],
    *,
    samples: int = 8,
    temperature: float = 1.0,
    seed: int = 0,
    states: Sequence[Mapping[str, str]] | None = None,
    **options,
) -> list[Best]:
    """Samples plans for each photograph and goal, and chooses one of each by `choose`.

    The samples of a photograph share one prefill. Each distinct plan is rendered once, at the size
    at which rewards are measured, whatever the photograph's, and its rendering is scored against
    what the other plans ask for. It is a function, not a method, since rewards import the planner.

    Args:
      planner: in the form "json", which has a grammar.
      images: B arrays [H, W, 3] of any sizes, or one [B, H, W, 3], uint8 or float in [0, 1]; also
        for a text planner.
      goals: B texts.
      samples: plans per photograph, at least 1. With 1, what `Planner.plan` gives.
      temperature: of the sampling.
      seed: of the sampling, 0 to 2**32 - 1.
      states: B contexts that a text planner reads in place of the photographs.
      options: top_k, top_p and max_new_tokens, as for `Planner.plan`.

    Raises:
      InputError: as for `Planner.plan`; samples is below 1, or there are no photographs.
    """
    if samples < 1:
        raise InputError(f"samples {samples} is too small; use at least 1")
    if images is None or len(images) != len(goals):
        number = 0 if images is None else len(images)
        raise InputError(f"{number} images and {len(goals)} goals; give an image per goal")
    options |= {"temperature": temperature, "seed": seed, "states": states}
    if samples == 1:
        return [_best(None, own, [0.0]) for own in planner.plan(images, goals, **options)]
    plans, logps = sample_plans(planner, images, goals, num_samples=samples, **options)
    return [_best(*row) for row in zip(images, plans, logps, strict=True)]


def sample_plans(
    planner: Planner, images, goals: Sequence[str], **options
) -> tuple[list[list[Plan]], list[list[float]]]:
    """Plans under the grammar, num_samples for each goal, and their log-probabilities.

    Arguments and errors are as for `Planner.score`.
    """
    sampled = planner.score(images, goals, constrained=True, **options)
    read = PLAN_FORMS[planner.form].read
    with warnings.catch_warnings(action="ignore"):  # that a plan changes nothing
        plans = [[read(each.text) for each in own] for own in sampled]
    return plans, [[each.logp for each in own] for own in sampled]


def _best(image, plans: list[Plan], logps: list[float]) -> Best:
    kinds, distinct = group(plans)
    choice = choose(cross_rewards(image, distinct), kinds, logps)
    idle = int((kinds == IDLE).sum())
    number = len(distinct) + (idle > 0)
    return Best(plans[choice.sample], choice, len(plans), number, idle)


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


def group(plans: Sequence[Plan]) -> tuple[np.ndarray, list[Plan]]:
    """Sorts plans by what they do: those whose steps are the same arrays are of one kind.

    Returns the kind of each plan, int [N], IDLE for one that changes nothing; and the first plan of
    each kind.
    """
    arrays = encode_plans(plans)
    asking = np.asarray(asks(arrays))
    columns = [np.asarray(column) for column in arrays]
    kinds, distinct = np.full(len(plans), IDLE), {}
    for row in np.flatnonzero(asking):
        does = b"".join(column[row].tobytes() for column in columns)
        distinct.setdefault(does, plans[row])
        kinds[row] = list(distinct).index(does)
    return kinds, list(distinct.values())


@in_32_bits
def cross_rewards(image, plans: Sequence[Plan]) -> np.ndarray:
    """The reward of every plan's rendering against what every plan asks for.

    The request of a plan is the plan itself. It is rendered for the reward anyway, and its result
    is this rendering; so nothing is executed at the photograph's own size.

    Args:
      image: [H, W, 3], uint8 or float in [0, 1].
      plans: D, each of which changes something.

    Returns:
      float64 [D, D], row i the results of plan i. With one plan, which has no other, it is 0.
    """
    count = len(plans)
    if count < 2:
        return np.zeros((count, count))
    size = 1 << (count - 1).bit_length()  # few shapes to compile
    pixels = jnp.asarray(image)
    scale = 255 if pixels.dtype == jnp.uint8 else 1
    small = at_probe_size(pixels[None].astype(jnp.float32) / scale)
    sources = jnp.broadcast_to(small, (size, *small.shape[1:]))
    padded = [plans[min(row, count - 1)] for row in range(size)]
    reference = render_reference(sources, encode_plans(padded))
    results = reference.renderings[0, :count]
    rewards = [score_against(reference, jnp.broadcast_to(r, sources.shape)).reward for r in results]
    return np.array(jax.device_get(rewards), float)[:, :count]
