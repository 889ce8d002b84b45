import dataclasses

import jax
import numpy as np
import pytest

from agentic_styling.errors import InputError
from agentic_styling.planner import (
    TINY_IMAGES,
    Planner,
    Qwen3VLConfig,
    Tokenizer,
    init_params,
    planner,
    save_pretrained,
)
from agentic_styling.tools import Plan


@pytest.fixture(scope="module")
def directory(tokenizer_directory):
    tokenizer = Tokenizer(tokenizer_directory)
    config = Qwen3VLConfig.preset("tiny").for_tokenizer(tokenizer)
    save_pretrained(tokenizer_directory, config, init_params(config, jax.random.key(0)))
    TINY_IMAGES.save(tokenizer_directory)
    return tokenizer_directory


@pytest.fixture(scope="module")
def loaded(directory):
    return Planner.from_pretrained(directory)


@pytest.fixture(scope="module")
def photos():
    return np.random.default_rng(0).integers(0, 256, (3, 128, 128, 3)).astype(np.uint8)


GOALS = ["Make it a rainy evening.", "Autumn.", "A watercolor of winter."]


def test_answers_do_not_depend_on_the_chunking(loaded, photos, monkeypatch):
    monkeypatch.setattr(planner, "ROWS", 4)
    options = {"num_samples": 2, "temperature": 1.0, "max_new_tokens": 5}
    answers = loaded.complete(photos, GOALS, seed=1, **options)
    assert [len(samples) for samples in answers] == [2, 2, 2]
    assert len({text for samples in answers for text in samples}) == 6
    assert loaded.complete(list(photos[:2]), GOALS[:2], seed=1, **options) == answers[:2]
    assert loaded.complete(photos[:2], GOALS[:2], seed=2, **options) != answers[:2]
    plans = loaded.plan(photos[:2], GOALS[:2], seed=1, **options)
    assert plans == [[None, None], [None, None]]


def test_plans_are_parsed(loaded, photos, monkeypatch):
    plan = Plan.from_json('{"version":1,"context":{},"steps":[],"instruction":"Keep it."}')
    monkeypatch.setattr(Planner, "complete", lambda *_, **__: [[plan.to_json(), "no plan"]])
    assert loaded.plan(photos[:1], GOALS[:1]) == [[plan, None]]


def test_the_end_of_the_turn_is_no_text(loaded):
    tokenizer = loaded.tokenizer
    ids = tokenizer.encode("ab")
    tokens = np.array([[*ids, tokenizer.im_end, tokenizer.im_end]])
    result = dataclasses.make_dataclass("Result", ["tokens", "lengths"])
    assert loaded._texts(result(tokens, np.array([len(ids) + 1]))) == ["ab"]
    assert loaded._texts(result(tokens, np.array([len(ids)]))) == ["ab"]


def test_bad_input(loaded, photos):
    with pytest.raises(InputError, match="3 images and 2 goals"):
        loaded.complete(photos, GOALS[:2])
    with pytest.raises(InputError, match="crop them to one size"):
        loaded.complete([photos[0], photos[0, :64]], GOALS[:2])
    with pytest.raises(InputError, match=r"must be \[H, W, 3\]"):
        loaded.complete(photos[..., 0], GOALS)
