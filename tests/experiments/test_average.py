"""The mean of planners' weights."""

import importlib
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

from agentic_styling.planner import ImageSettings, load_pretrained, new_planner
from agentic_styling.utils.errors import InputError

sys.path.append(str(Path(__file__).parents[2] / "experiments/starter"))
average = importlib.import_module("average")
TEXTS = ["a winter wonderland at golden hour", "make it a winter morning, in golden light"]


def planner(directory, seed, texts=TEXTS):
    options = {"preset": "tiny", "vocab_size": 280, "picture_size": 64}
    new_planner(directory, texts, seed=seed, dtype="float16", **options)
    return directory


def test_the_mean_of_two(tmp_path):
    sides = [planner(tmp_path / str(seed), seed) for seed in (1, 2)]
    average.average(sides, tmp_path / "mean")
    (config, first), (_, second), (found, mean) = map(load_pretrained, [*sides, tmp_path / "mean"])
    assert found == config
    # The sum of two float16 numbers and its half are exact in float32.
    halves = jax.tree.map(
        lambda a, b: ((np.float32(a) + np.float32(b)) / 2).astype(np.float16), first, second
    )
    jax.tree.map(np.testing.assert_array_equal, mean, halves)
    assert ImageSettings.load(tmp_path / "mean") == ImageSettings.load(sides[0])


def test_others_do_not_mix(tmp_path):
    first = planner(tmp_path / "first", 1)
    other = planner(tmp_path / "other", 1, ["other words"])
    with pytest.raises(InputError, match="other: its shape or vocabulary is not that of .*first"):
        average.average([first, other], tmp_path / "mean")
    assert not (tmp_path / "mean").exists()
