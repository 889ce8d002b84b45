"""The record that training and evaluation share: a scored plan for one picture and goal."""

from dataclasses import dataclass

import numpy as np

from agentic_styling.tools import Plan, Step

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Trajectory:
    """A scored plan.

    id, context_id: names; the plans for one picture and goal share a context_id.
    split: one of SPLITS.
    photo: name of the photograph that the picture was cut from.
    image: uint8 [H, W, 3], the picture as the planner sees it; None if it was not read.
    state: dimension -> option, what is known to be true of the picture (missing: unknown).
    goal, theme ("" for none), explicit (whether the goal names the look outright).
    request: the steps that the goal asks for, with true sources; reasoning is "".
    plan: that was scored.
    reward: in [0, 5].
    scores: its six parts and "overall", in [0, 100]; {} if they are not known.
    provenance: seed, skill, teacher, crop, and of the goal its level and whether it is held out.
    edited: uint8 [H, W, 3], the picture after the plan; None if it was not kept or not read.
    """

    id: str
    context_id: str
    split: str
    photo: str
    image: np.ndarray | None
    state: dict[str, str]
    goal: str
    theme: str
    explicit: bool
    request: tuple[Step, ...]
    plan: Plan
    reward: float
    scores: dict[str, float]
    provenance: dict
    edited: np.ndarray | None = None
