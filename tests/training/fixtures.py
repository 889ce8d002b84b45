"""A very small planner, a few made-up trajectories, and what a train step of them is given."""

import functools
from pathlib import Path

import jax
import ml_collections
import numpy as np
import optax

from agentic_styling.data import Trajectory, write_trajectories
from agentic_styling.planner import (
    ImageSettings,
    Qwen3VLConfig,
    TextConfig,
    VisionConfig,
    init_lora,
    init_params,
    save_pretrained,
    train_tokenizer,
)
from agentic_styling.planner.checkpoints.partition import shardings
from agentic_styling.tools import Plan, Step
from agentic_styling.training.batches.batches import Assembler, batch_shardings, split_microbatches
from agentic_styling.training.batches.packing import Layout
from agentic_styling.training.state import create_state, make_state
from configs.train import get_config

SIDE = 64  # four image tokens
REWARDS = (4.5, 4.0, 2.5)
SEASONS = ("winter_bare", "autumn_falling", "spring_blooming")
ROWS = np.array([0, 1, 4, 5])
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


def batch_of(
    planner, rows=ROWS, reference=None, *, parts=1, pair=1, packed=None, lengths=(), **options
):
    """A batch of these rows, each in a row of its own, or `packed` rows of twice the length.

    lengths: of rows, like ones of which go together.
    """
    length = planner.data.tokens.shape[1]
    layout = Layout(packed, (2 * length,), 3) if packed else Layout(1, lengths or (length,), 1)
    made = Assembler(planner.data, layout, reference=reference, **options)
    return made(split_microbatches(rows, parts, pair, planner.data.length if lengths else None))


def start(planner, model, optimizer, *, ema=False):
    """The first state, what is frozen, and the shardings of both."""
    trained, frozen = planner.params, {}
    if model.lora:
        trained = init_lora(model.config, model.lora, jax.random.key(1))
        frozen = planner.params
    make = functools.partial(make_state, optimizer=optimizer, ema=ema)
    layout = shardings(model.mesh, jax.eval_shape(make, trained))
    frozen_layout = shardings(model.mesh, frozen)
    state = create_state(trained, make, layout)
    return state, jax.device_put(frozen, frozen_layout), (layout, frozen_layout)


def state_of(planner, ema=False):
    optimizer = optax.adam(1e-2)
    state, frozen, layouts = start(planner, planner.model, optimizer, ema=ema)
    batch_layout = batch_shardings(planner.model.mesh, pictures=True)
    return state, frozen, optimizer, (*layouts, batch_layout)
