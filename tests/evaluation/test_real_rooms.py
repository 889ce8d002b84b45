"""The real executor and reward on real pictures, with an untrained planner."""

import json

import jax
import numpy as np
import pytest

from agentic_styling import data
from agentic_styling.evaluation.evaluate import default_config, evaluate
from agentic_styling.planner import (
    ImageSettings,
    Qwen3VLConfig,
    TextConfig,
    VisionConfig,
    init_params,
    save_pretrained,
    train_tokenizer,
)

pytestmark = pytest.mark.slow  # minutes of kernels at the pictures' size

CASES, SIZE = 16, 64


def save_planner(directory, texts):
    """An untrained planner of one layer, fast to compile."""
    tokenizer = train_tokenizer(texts, directory, vocab_size=400)
    text = TextConfig(
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        mrope_section=(4, 2, 2),
    )
    vision = VisionConfig(
        depth=1,
        hidden_size=32,
        intermediate_size=32,
        out_hidden_size=32,
        deepstack_visual_indexes=(0,),
        num_heads=2,
        num_position_embeddings=16,
    )
    config = Qwen3VLConfig(text, vision, tie_word_embeddings=True).for_tokenizer(tokenizer)
    save_pretrained(directory, config, init_params(config, jax.random.key(0)))
    ImageSettings(min_pixels=SIZE**2, max_pixels=SIZE**2).save(directory)


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    directory = tmp_path_factory.mktemp("real")
    cases = data.generate(
        directory / "test", data.load_photos(None), split="test", contexts=CASES, size=SIZE, seed=0
    )
    texts = [case.plan.to_json() for case in cases]
    save_planner(directory / "untrained", texts)
    config = default_config()
    config.update({"cases": str(directory / "test"), "bootstrap_samples": 200, "film_strips": 2})
    config.max_new_tokens = 8
    for name in ("edit_only", "teacher_best", "identity", "random", "strongest"):
        config.methods[name] = None
    config.methods.baseline = str(directory / "untrained")
    evaluate(config, directory / "work")
    return directory / "work"


@pytest.fixture(scope="module", params=["reward", "held_out_reward"])
def rewards(workdir, request):
    """Of each method, case by case, the training reward and then the held-out one."""
    records = [json.loads(line) for line in (workdir / "cases.jsonl").read_text().splitlines()]
    names = records[0]["methods"]
    return {n: np.array([r["methods"][n][request.param] for r in records]) for n in names}


@pytest.mark.parametrize("control", ["identity", "random", "strongest"])
def test_no_reward_is_fooled(rewards, control):
    assert np.mean(rewards[control] < rewards["teacher_best"]) >= 0.9


def test_invalid_text_scores_exactly_as_doing_nothing(workdir, rewards):
    results = json.loads((workdir / "results.json").read_text())
    assert results["methods"]["baseline"]["valid_plans"] == 0
    np.testing.assert_array_equal(rewards["baseline"], rewards["identity"])


def test_methods_are_ordered_as_they_should_be(rewards):
    mean = {name: values.mean() for name, values in rewards.items()}
    assert mean["identity"] < mean["edit_only"] < mean["teacher_best"]
    assert mean["teacher_best"] > 4


def test_the_rewards_are_two_measurements(workdir):
    results = json.loads((workdir / "results.json").read_text())
    means = results["methods"]["random"]
    assert means["reward"]["mean"] != pytest.approx(means["held_out_reward"]["mean"], abs=0.01)


def test_a_plan_that_does_nothing_leaves_the_picture(workdir):
    assert not list((workdir / "cases").glob("*_identity_*"))
    assert len(list((workdir / "cases").glob("*_source.jpg"))) == 2
    assert (workdir / "report/index.html").stat().st_size > 20_000
