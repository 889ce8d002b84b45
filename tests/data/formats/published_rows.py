"""Rows of the published data set, made up, and trajectories of our own."""

import io
import json

import numpy as np
from PIL import Image

from agentic_styling.data import Trajectory, sample_goal, sample_state, teach

SEASON = {"source_season": "summer_lush", "target_season": "winter_bare"}


def action(action_id="season_cycle", parameters=SEASON, **more):
    row = {"action_id": action_id, "reasoning": "It asks for snow.", "priority": 1}
    return row | {"parameters": parameters} | more


def published_plan(*actions, **more):
    plan = {
        "reasoning": "Winter first.",
        "overall_instruction": "Winter.",
        "actions": list(actions or [action()]),
        "hidream_prompt": "A bare winter wood under snow.",
    }
    return plan | more


def make_row(**more):
    row = {
        "id": "row_1",
        "image_path": "images/a.png",
        "analysis_path": "analysis/a.json",
        "user_prompt": "make it a winter wonderland",
        "target_action_plan": json.dumps(published_plan()),
        "trajectory_id": "trajectory_1",
        "trajectory_avg_reward": 2.5,
        "standardized_weight": 0.4,
        "individual_score": 4,
        "metadata": {"theme": "winter"},
    }
    return row | more


def gradient(width=128, height=64):
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0] = np.linspace(0, 255, width).astype(np.uint8)
    image[..., 1] = np.linspace(0, 255, height).astype(np.uint8)[:, None]
    return image


def png(image=None):
    out = io.BytesIO()
    Image.fromarray(gradient() if image is None else image).save(out, "PNG")
    return out.getvalue()


def write_rows(copy, *rows, name="train.jsonl"):
    (copy / name).write_text("".join(json.dumps(row) + "\n" for row in rows))


def make_ours(count=6, size=64):
    """Trajectories, three for each picture and goal, of which the first is of train."""
    found = []
    for i in range(count):
        rng = np.random.default_rng(i // 3)
        state = sample_state(rng)
        goal = sample_goal("demo", state, "train", rng)
        found.append(
            Trajectory(
                id=f"train-{i // 3}-{i % 3}",
                context_id=f"train-{i // 3}",
                split="test" if i >= 3 else "train",
                photo="père.jpg",
                image=rng.integers(0, 256, (size, size, 3), np.uint8),
                state=state,
                goal=goal.text,
                theme=goal.theme,
                explicit=goal.explicit,
                request=goal.request,
                plan=teach(goal, state, 0.3, np.random.default_rng(100 + i)),
                reward=round(0.7 + i * 0.81, 3),
                scores={"overall": 12.5},
                provenance={"seed": 1},
            )
        )
    return found
