"""Trajectories as arrays for training, and the rows of them that each method trains on."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from agentic_styling.data.trajectory import Trajectory
from agentic_styling.planner import (
    ImageSettings,
    Tokenizer,
    encode_completions,
    encode_prompts,
    image_tokens,
    pad_rows,
)
from agentic_styling.utils.errors import InputError

PADDING_MULTIPLE = 16


@dataclass(frozen=True)
class TrainingSet:
    """N trajectories over M pictures, as NumPy arrays.

    tokens: int32 [N, S], prompt, completion, and padding on the right.
    length, prompt_length: int32 [N]; the completion is tokens[prompt_length:length] and ends in the
      end-of-turn token. Padding is known by its position, never by its value.
    image: int32 [N], index into images; -1 for a row without one.
    images: M arrays uint8 [H, W, 3], of any sizes; none for a text planner.
    reward: float32 [N] in [0, 5].
    context_id: int32 [N], equal for one picture and goal.
    """

    tokens: np.ndarray
    length: np.ndarray
    prompt_length: np.ndarray
    image: np.ndarray
    images: Sequence[np.ndarray]
    reward: np.ndarray
    context_id: np.ndarray

    @classmethod
    def of_rows(cls, prompts, completions, pad: int, **fields) -> "TrainingSet":
        """From the token ids of N prompts and completions; fields: the other ones."""
        rows = [[*prompt, *ids] for prompt, ids in zip(prompts, completions, strict=True)]
        return cls(
            tokens=pad_rows(rows, pad, multiple=PADDING_MULTIPLE)[0],
            length=np.array([len(row) for row in rows], np.int32),
            prompt_length=np.array([len(prompt) for prompt in prompts], np.int32),
            **fields,
        )

    @property
    def picture_group(self) -> np.ndarray:
        """A number for the size of each row's picture, int [N]; a batch has one size."""
        if not self.images:
            return np.zeros(len(self.image), int)
        sizes = np.array([image.shape[:2] for image in self.images])
        return np.unique(sizes, axis=0, return_inverse=True)[1].reshape(-1)[self.image]

    @property
    def reward_mean(self) -> float:
        """The mean reward over all N rows."""
        return float(self.reward.mean(dtype=np.float64))

    @property
    def reward_std(self) -> float:
        """The (population) standard deviation of the reward over all N rows."""
        return float(self.reward.std(dtype=np.float64))


def filter_by_reward(training_set: TrainingSet, threshold: float = 4.0) -> np.ndarray:
    """The rows, int32 [K], with reward >= threshold: plans that are good enough to imitate.

    Source: arXiv 2603.07148, method R.
    """
    return np.flatnonzero(training_set.reward >= threshold).astype(np.int32)


def best_rows(training_set: TrainingSet) -> np.ndarray:
    """The row with the highest reward of each context, int32 [M]; of equals the last."""
    order = np.lexsort((training_set.reward, training_set.context_id))
    ends = np.flatnonzero(np.diff(training_set.context_id[order], append=-1))
    return order[ends].astype(np.int32)


def context_groups(training_set: TrainingSet) -> list[np.ndarray]:
    """The rows, int32 [K], of each context with two or more, for losses that compare its plans.

    Source: arXiv 2506.06964, Swift.
    """
    order = np.argsort(training_set.context_id, kind="stable").astype(np.int32)
    ends = np.flatnonzero(np.diff(training_set.context_id[order])) + 1
    return [rows for rows in np.split(order, ends) if len(rows) > 1]


def preference_pairs(training_set: TrainingSet, **thresholds: float) -> np.ndarray:
    """`best_and_worst` of a training set: rows (chosen, rejected), int32 [K, 2]."""
    return best_and_worst(training_set.reward, training_set.context_id, **thresholds)


def best_and_worst(
    reward: np.ndarray,
    context: np.ndarray,
    *,
    chosen_min: float = 4.0,
    rejected_max: float = 3.5,
    min_gap: float = 1.0,
) -> np.ndarray:
    """Rows (chosen, rejected), int32 [K, 2]: the best and the worst plan of a context.

    Args:
      reward, context: float and int [N]; contexts are equal for one picture and goal.
      chosen_min, rejected_max: the lowest reward of a chosen, the highest of a rejected plan.
      min_gap: the smallest difference between the two.

    Source: arXiv 2603.07148, method D; there pairs cross contexts, here never.
    """
    order = np.lexsort((reward, context))  # by context, and by reward within one
    new = np.diff(context[order]) != 0
    worst, best = order[np.r_[True, new]], order[np.r_[new, True]]
    good = (reward[best] >= chosen_min) & (reward[worst] <= rejected_max)
    good &= reward[best] - reward[worst] >= min_gap
    return np.stack([best, worst], axis=1)[good].astype(np.int32)


def build_training_set(
    trajectories: Sequence[Trajectory],
    tokenizer: Tokenizer,
    settings: ImageSettings,
    *,
    max_length: int = 1024,
    modality: str = "vision",
) -> TrainingSet:
    """Tokenizes trajectories: the prompt is picture and goal, the completion is the plan's JSON.

    Args:
      trajectories: with pictures, unless the modality is text.
      tokenizer: of the planner.
      settings: of the planner's images; they say how many tokens a picture takes.
      max_length: the most tokens of a row.
      modality: "vision", or "text" for the picture's known state in words in its place.

    Returns:
      Rows padded to one length S, the longest row rounded up to a multiple of 16.

    Raises:
      InputError: there are no trajectories, or a row is longer than max_length (nothing is cut).
    """
    if not trajectories:
        raise InputError("data: no trajectories to train on; give a set with a train split")
    contexts = {}
    for trajectory in trajectories:
        contexts.setdefault(trajectory.context_id, trajectory)
    prompts = context_prompts(contexts.values(), tokenizer, settings, modality)
    place = {context: i for i, context in enumerate(contexts)}
    context_id = np.array([place[t.context_id] for t in trajectories], np.int32)
    training_set = TrainingSet.of_rows(
        [prompts[c] for c in context_id],
        encode_completions(tokenizer, (t.plan.to_json() for t in trajectories)),
        tokenizer.pad,
        image=context_id,
        images=[c.image for c in contexts.values()] if modality == "vision" else [],
        reward=np.array([t.reward for t in trajectories], np.float32),
        context_id=context_id,
    )
    for trajectory, length in zip(trajectories, training_set.length, strict=True):
        if length > max_length:
            raise InputError(
                f"trajectory {trajectory.id}: {length} tokens, max_length is {max_length}; "
                "raise max_length or drop the trajectory (nothing is cut)"
            )
    return training_set


def context_prompts(
    contexts: Collection, tokenizer: Tokenizer, settings: ImageSettings, modality: str
) -> list[list[int]]:
    """The token ids of each context's prompt; a context has a goal, a state and an image."""
    goals = [c.goal for c in contexts]
    if modality == "text":
        return encode_prompts(tokenizer, goals, states=[c.state for c in contexts])
    counts = [image_tokens(*c.image.shape[:2], settings) for c in contexts]
    return encode_prompts(tokenizer, goals, counts)
