"""A very small planner and a few made-up trajectories, written as the real ones are."""

from pathlib import Path

import jax
import ml_collections
import numpy as np

from agentic_styling.data import Trajectory, write_trajectories
from agentic_styling.planner import (
    ImageSettings,
    Qwen3VLConfig,
    TextConfig,
    VisionConfig,
    init_params,
    save_pretrained,
    train_tokenizer,
)
from agentic_styling.tools import Plan, Step
from configs.train import get_config

SIDE = 64  # four image tokens
REWARDS = (4.5, 4.0, 2.5)
SEASONS = ("winter_bare", "autumn_falling", "spring_blooming")
GOALS = ("make it snow", "a quiet autumn day", "like the first of May", "colder, please")


def make_trajectories(contexts: int = 8, split: str = "train") -> list[Trajectory]:
    """Three plans for every context, with the rewards REWARDS in an order that turns."""
    rng = np.random.default_rng(0)
    made = []
    for context in range(contexts):
        image = rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
        for row, season in enumerate(SEASONS):
            reason = "The trees are green, so the season has to turn. " * (1 + (context + row) % 3)
            step = Step(reason, "season", {"target_season": season})
            plan = Plan({"season": "summer_lush"}, (step,), f"Turn the summer into {season}.")
            made.append(
                Trajectory(
                    id=f"{split}-{context}-{row}",
                    context_id=f"{split}-{context}",
                    split=split,
                    photo="noise",
                    image=image,
                    state={"season": "summer_lush"},
                    goal=GOALS[context % len(GOALS)],
                    theme="",
                    explicit=True,
                    request=(Step("", "season", {"target_season": "winter_bare"}),),
                    plan=plan,
                    reward=REWARDS[(context + row) % 3],
                    scores={},
                    provenance={},
                )
            )
    return made


def make_model(vocab_size: int) -> Qwen3VLConfig:
    """Two layers and one block of width 32, fast to compile; what is sharded divides by two."""
    text = TextConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=16,
        vocab_size=vocab_size,
        mrope_section=(4, 2, 2),
    )
    vision = VisionConfig(
        depth=1,
        hidden_size=32,
        intermediate_size=64,
        out_hidden_size=32,
        deepstack_visual_indexes=(0,),
        num_heads=2,
        num_position_embeddings=16,
    )
    ids = {
        "vision_start_token_id": vocab_size - 4,
        "vision_end_token_id": vocab_size - 3,
        "image_token_id": vocab_size - 2,
        "video_token_id": vocab_size - 1,
    }
    return Qwen3VLConfig(text, vision, tie_word_embeddings=True, **ids)


def make_workplace(directory: Path) -> None:
    """directory/data and directory/planner."""
    trajectories = make_trajectories()
    others = make_trajectories(3, "validation") + make_trajectories(1, "test")
    write_trajectories(directory / "data", trajectories + others)
    texts = [t.plan.to_json() for t in trajectories] + list(GOALS)
    tokenizer = train_tokenizer(texts, directory / "planner", vocab_size=320)
    model = make_model(tokenizer.vocab_size)
    save_pretrained(directory / "planner", model, init_params(model, jax.random.key(0)))
    ImageSettings(min_pixels=1024, max_pixels=SIDE * SIDE).save(directory / "planner")


def make_config(directory: Path, method: str = "standard", **fields) -> ml_collections.ConfigDict:
    """A short run on one device."""
    config = get_config(method)
    config.data, config.init_from = str(directory / "data"), str(directory / "planner")
    config.update(steps=4, batch_size=4, warmup_steps=1, learning_rate=1e-2, checkpoint_every=2)
    config.mesh.data, config.length_buckets = 1, 1  # one program to compile
    config.update(**fields)
    return config
