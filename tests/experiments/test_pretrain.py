"""Both stages of pretraining, with a planner that learns nothing."""

import importlib
import sys
from pathlib import Path

import jax
import pytest
from PIL import Image

from agentic_styling.data import stream
from agentic_styling.planner import ImageSettings, Tokenizer, load_pretrained
from agentic_styling.utils.errors import InputError
from configs.pretrain import get_config
from tests.data.photos.test_sources import noise

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
sys.path += [str(EXPERIMENTS), str(EXPERIMENTS / "starter")]
model_card = importlib.import_module("model_card")
pretrain = importlib.import_module("pretrain")


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.setattr(stream, "sample_state", lambda rng: {"color_grading": "monochrome_bw"})
    Image.fromarray(noise(0)).save(tmp_path / "photo.png")
    config = get_config("smoke")
    config.photos = str(tmp_path)
    return config


@pytest.mark.slow
def test_a_planner_is_made_and_goes_on_in_the_next_stage(config, tmp_path):
    config.model.patch_size = 8
    base = pretrain.run(config, tmp_path / "base")
    shape, params = load_pretrained(base)
    assert {leaf.dtype.name for leaf in jax.tree.leaves(params)} == {"float16"}
    assert (shape.text.hidden_size, shape.vision.depth, shape.vision.patch_size) == (32, 2, 8)
    assert shape.vision.num_position_embeddings == 64
    settings = ImageSettings.load(base)
    assert (settings.patch_size, settings.min_pixels, settings.max_pixels) == (8, 4096, 4096)
    config.init_from = str(base)
    config.goals.update(get_config("starter").goals, simple=0.05, regular=0.25)
    config.extend_to = shape.text.vocab_size + 50
    starter = pretrain.run(config, tmp_path / "starter")
    assert load_pretrained(starter)[0] == shape.for_tokenizer(Tokenizer(starter))
    assert shape.text.vocab_size + 30 < Tokenizer(starter).vocab_size <= config.extend_to
    assert not (tmp_path / "starter/untrained").exists()
    card = model_card.card([tmp_path / "base", tmp_path / "starter"])
    assert "### Stage 1\n2 of 2 updates of 8 examples (16 in all), muon at 0.002, seed 0." in card
    assert "### Stage 2\n" in card and "simple 0.05, regular 0.25" in card
    assert card.count("| up to 2 |") == 2 and "64 x 64 pixels" in card
    number = sum(x.size for x in jax.tree.leaves(load_pretrained(starter)[1]))
    assert f"A Qwen3-VL of {number / 1e6:.1f} million parameters" in card
    with pytest.raises(InputError, match="starter: started from .*planner; name that stage too"):
        model_card.card([tmp_path / "starter"])


def test_a_folder_that_is_no_run_has_no_card(tmp_path):
    with pytest.raises(InputError, match="no run of experiments/pretrain.py; name its workdir"):
        model_card.card([tmp_path])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"photos": ""}, "config.photos: not set"),
        ({"picture_size": 70}, "config.picture_size: 70 pixels are not whole tokens of 16 x 2"),
        ({"model": {"text_width": 40}}, "config.model.text_width: 40 is not a multiple of 32"),
        ({"extend_to": 3000}, "config.extend_to: a new planner has config.model.vocab_size"),
        ({"model": {"vision_depth": 1}}, "config.model: use depths of 2 or more"),
    ],
)
def test_bad_configs_are_refused(config, tmp_path, fields, message):
    config.update(fields)
    with pytest.raises(InputError) as caught:
        pretrain.run(config, tmp_path / "run")
    assert message in str(caught.value)
    assert not (tmp_path / "run").exists()
