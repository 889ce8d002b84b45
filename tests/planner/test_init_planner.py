import dataclasses
import json

import jax
import numpy as np
import pytest

from agentic_styling.planner import ImageSettings, Tokenizer, init_planner, load_pretrained
from agentic_styling.planner.init_planner import extend_vocabulary, new_planner
from agentic_styling.utils.errors import InputError

OPTIONS = {"preset": "tiny", "vocab_size": 300, "picture_size": 64}


@pytest.fixture(scope="module")
def directory(plan_texts, tmp_path_factory):
    directory = tmp_path_factory.mktemp("new") / "planner"
    new_planner(directory, plan_texts, seed=1, **OPTIONS)
    return directory


def test_all_parts_are_there_and_fit(directory):
    tokenizer = Tokenizer(directory)
    config, params = load_pretrained(directory)
    assert tokenizer.vocab_size == 300
    assert config.text.vocab_size == 300
    assert config.image_token_id == tokenizer.image_pad
    assert (config.eos_token_id, config.pad_token_id) == (tokenizer.im_end, tokenizer.pad)
    generation = json.loads((directory / "generation_config.json").read_text())
    assert generation == {"eos_token_id": [tokenizer.im_end], "pad_token_id": tokenizer.pad}
    assert params["language_model"]["embed_tokens"]["embedding"].shape == (300, 128)
    assert ImageSettings.load(directory) == ImageSettings(min_pixels=4096, max_pixels=4096)
    assert [path.name for path in directory.parent.iterdir()] == ["planner"]


def test_the_seed_decides_the_weights(directory, plan_texts, tmp_path):
    new_planner(tmp_path / "other", plan_texts, seed=2, **OPTIONS)
    ours, theirs = (
        load_pretrained(path)[1]["language_model"]["embed_tokens"]["embedding"]
        for path in (directory, tmp_path / "other")
    )
    assert not np.isclose(ours, theirs).any(axis=1).all()
    files = [(path / "tokenizer.json").read_text() for path in (directory, tmp_path / "other")]
    assert files[0] == files[1]


def test_nothing_appears_before_it_is_whole(plan_texts, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(init_planner, "save_pretrained", interrupted)
    monkeypatch.setattr(init_planner, "init_params", lambda *_: None)
    with pytest.raises(KeyboardInterrupt):
        new_planner(tmp_path / "planner", plan_texts, seed=1, **OPTIONS)
    assert not (tmp_path / "planner").exists()


def test_a_new_token_begins_as_the_mean_of_its_parts(directory, tmp_path):
    extend_vocabulary(directory, tmp_path / "more", ["a moor, a moor"], 310)
    old, new = Tokenizer(directory), Tokenizer(tmp_path / "more")
    (shape, before), (wider, after) = (load_pretrained(d) for d in (directory, tmp_path / "more"))
    before, after = (
        np.asarray(tree["language_model"]["embed_tokens"]["embedding"]) for tree in (before, after)
    )
    assert 300 < new.vocab_size <= 310 and len(after) == wider.text.vocab_size == new.vocab_size
    assert wider.eos_token_id == new.im_end != shape.eos_token_id
    np.testing.assert_array_equal(after[:293], before[:293])
    np.testing.assert_array_equal(after[-7:], before[-7:])
    (moor,) = new.encode(" moor")
    np.testing.assert_allclose(after[moor], before[old.encode(" moor")].mean(0), rtol=1e-6)
    assert ImageSettings.load(tmp_path / "more") == ImageSettings.load(directory)


def test_all_other_weights_stay(directory, tmp_path):
    extend_vocabulary(directory, tmp_path / "more", ["a moor, a moor"], 310)
    trees = [load_pretrained(path)[1] for path in (directory, tmp_path / "more")]
    for tree in trees:
        del tree["language_model"]["embed_tokens"]
    jax.tree.map(np.testing.assert_array_equal, *trees)


def test_a_planner_with_a_head_of_its_own_is_refused(directory, tmp_path, monkeypatch):
    config, params = load_pretrained(directory)
    untied = dataclasses.replace(config, tie_word_embeddings=False)
    monkeypatch.setattr(init_planner, "load_pretrained", lambda _: (untied, params))
    with pytest.raises(InputError, match="its output embedding is not tied"):
        extend_vocabulary(directory, tmp_path / "more", ["a"], 310)
