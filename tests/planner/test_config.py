import jax
import pytest

from agentic_styling.errors import InputError
from agentic_styling.planner import Qwen3VLConfig, init_params, output_embedding

from .oracle import HF_CONFIG

TOTALS = {"2b": 2127532032, "4b": 4437815808, "8b": 8767123696, "32b": 33357390064}


@pytest.mark.parametrize("name", TOTALS)
def test_parameter_totals(name):
    config = Qwen3VLConfig.preset(name)
    shapes = jax.eval_shape(lambda key: init_params(config, key), jax.random.key(0))
    assert sum(leaf.size for leaf in jax.tree.leaves(shapes)) == TOTALS[name]
    shape = (config.text.vocab_size, config.text.hidden_size)
    assert output_embedding(config, shapes).shape == shape


def test_both_rope_styles_are_read():
    text = dict(HF_CONFIG["text_config"])
    rope = text.pop("rope_parameters")
    text |= {"rope_theta": rope["rope_theta"], "rope_scaling": {"mrope_section": [6, 5, 5]}}
    old = Qwen3VLConfig.from_hf(HF_CONFIG | {"text_config": text})
    assert old == Qwen3VLConfig.from_hf(HF_CONFIG)
    assert old.text.mrope_section == (6, 5, 5)
    assert old.text.rope_theta == 5e6


@pytest.mark.parametrize("name", ["tiny", *TOTALS])
def test_round_trip_through_config_json(name):
    config = Qwen3VLConfig.preset(name)
    assert Qwen3VLConfig.from_hf(config.to_hf()) == config


def test_transformers_reads_our_config():
    transformers = pytest.importorskip("transformers")
    ours = Qwen3VLConfig.preset("4b")
    theirs = transformers.Qwen3VLConfig(**ours.to_hf())
    assert theirs.text_config.rope_parameters["rope_theta"] == 5e6
    assert theirs.text_config.rope_parameters["mrope_section"] == [24, 20, 20]
    assert Qwen3VLConfig.from_hf(theirs.to_dict()) == ours


def test_vocabulary_size_moves_the_special_tokens():
    config = Qwen3VLConfig.preset("tiny", vocab_size=700)
    assert config.text.vocab_size == 700
    assert config.image_token_id == 698
    assert config.vision_start_token_id == 696
    assert Qwen3VLConfig.preset("4b").image_token_id == 151655


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model_type": "qwen3_vl_moe"}, "qwen3_vl_moe"),
        ({"vision_config": HF_CONFIG["vision_config"] | {"hidden_act": "relu"}}, "relu"),
        ({"vision_config": {"depth": 3}}, "hidden_size"),
        ({"vision_config": HF_CONFIG["vision_config"] | {"out_hidden_size": 65}}, "65"),
    ],
)
def test_what_is_not_supported_is_named(change, words):
    with pytest.raises(InputError, match=words):
        Qwen3VLConfig.from_hf(HF_CONFIG | change)


def test_unknown_preset():
    with pytest.raises(InputError, match="did you mean 'tiny'"):
        Qwen3VLConfig.preset("tinny")
