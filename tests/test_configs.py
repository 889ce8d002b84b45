"""The config files: every cell of the paper's table, and what they refuse."""

import itertools

import pytest

from agentic_styling.training.config import checked
from agentic_styling.utils.errors import InputError
from configs import paper

CELLS = ["-".join(c) for c in itertools.product(paper.DATASETS, paper.MODALITIES, ("4b", "8b"))]


@pytest.mark.parametrize("method", paper.METHODS)
def test_every_cell_is_a_whole_config(method):
    made = {cell: checked(paper.get_config(f"{cell}-{method}")) for cell in CELLS}
    assert len(made) == 12
    for cell, config in made.items():
        dataset, modality, size = cell.split("-")
        assert (config.data, config.modality) == (f"data/agentic_styling/{dataset}/1.0.0", modality)
        assert config.init_from == f"Qwen3-VL-{size.upper()}-Instruct"
        assert (config.steps, config.warmup_steps, config.learning_rate) == (468, 100, 2e-6)
        assert (config.lora.rank, config.lora.alpha, config.lora.dropout) == (16, 32.0, 0.05)


def test_methods_are_their_losses():
    losses = {m: paper.get_config(f"simple-text-4b-{m}").loss for m in paper.METHODS}
    assert losses == {
        "s": "standard",
        "r": "reward_filtered",
        "rw": "reward_weighted",
        "sw": "standardized_reward_weighted",
        "d": "dpo",
    }
    assert paper.get_config("simple-text-4b-d").batch_size == 128


@pytest.mark.parametrize(
    ("method", "rate"), [("s", 2e-6), ("r", 2e-6), ("d", 2e-6), ("rw", 2e-5), ("sw", 2e-5)]
)
def test_the_released_rates_are_a_preset(method, rate):
    assert paper.get_config(f"complex-vision-8b-{method}-release").learning_rate == rate


@pytest.mark.parametrize(
    ("arg", "message"),
    [
        ("regular-vision-4b-swx", "'swx' is unknown; did you mean 'sw'?"),
        ("regulr-vision-4b-s", "'regulr' is unknown; did you mean 'regular'?"),
        ("regular-vision-4b", "is not DATASET-MODALITY-SIZE-METHOD"),
        ("regular-vision-4b-s-released", "is not DATASET-MODALITY-SIZE-METHOD"),
    ],
)
def test_an_unknown_cell_is_named(arg, message):
    with pytest.raises(InputError) as caught:
        paper.get_config(arg)
    assert message in str(caught.value)
