import copy
import json

import jax
import pytest

from agentic_styling.planner import Qwen3VLConfig, init_params, output_embedding
from agentic_styling.utils.errors import InputError
from tests.planner.oracle import HF_CONFIG
from tests.slow import slow_but

PUBLISHED = ("2b", "4b", "8b", "32b", "30b-a3b")
EXPERTS = {"num_experts": 6, "num_experts_per_tok": 2, "moe_intermediate_size": 48}


def sparse(**changes):
    """The oracle's config.json as a mixture of experts."""
    text = HF_CONFIG["text_config"] | {"model_type": "qwen3_vl_moe_text"} | EXPERTS | changes
    return HF_CONFIG | {"model_type": "qwen3_vl_moe", "text_config": text}


@pytest.mark.parametrize("name", slow_but(PUBLISHED, "2b", "30b-a3b"))
def test_output_embedding_shape(name):
    config = Qwen3VLConfig.preset(name)
    shapes = jax.eval_shape(lambda key: init_params(config, key), jax.random.key(0))
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


def published(name):
    """The config.json of a published size, with every key that those files have."""
    text, vision = (
        (vars(config) | {"initializer_range": 0.02})
        for config in (Qwen3VLConfig.preset(name).text, Qwen3VLConfig.preset(name).vision)
    )
    text["rope_scaling"] = {
        "mrope_interleaved": True,
        "mrope_section": list(text.pop("mrope_section")),
        "rope_type": "default",
    }
    text |= {
        "attention_dropout": 0.0,
        "bos_token_id": 151643,
        "dtype": "bfloat16",
        "eos_token_id": 151645,
        "hidden_act": "silu",
        "use_cache": True,
    }
    kind = "qwen3_vl"
    if name == "30b-a3b":
        kind = "qwen3_vl_moe"
        text |= {"decoder_sparse_step": 1, "mlp_only_layers": [], "norm_topk_prob": True}
    else:
        for key in EXPERTS:
            del text[key]
    vision["deepstack_visual_indexes"] = list(vision["deepstack_visual_indexes"])
    return {
        "architectures": ["Qwen3VLForConditionalGeneration"],
        "image_token_id": 151655,
        "model_type": kind,
        "text_config": text | {"model_type": f"{kind}_text"},
        "tie_word_embeddings": name in ("2b", "4b"),
        "torch_dtype": "bfloat16",
        "transformers_version": "4.57.0.dev0",
        "video_token_id": 151656,
        "vision_config": vision | {"hidden_act": "gelu_pytorch_tanh", "model_type": kind},
        "vision_end_token_id": 151653,
        "vision_start_token_id": 151652,
    }


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_keys_are_read(name):
    hf = published(name)
    before = copy.deepcopy(hf)
    assert Qwen3VLConfig.from_hf(hf) == Qwen3VLConfig.preset(name)
    assert hf == before


def test_ids_of_special_tokens_are_kept_wherever_they_are():
    text = HF_CONFIG["text_config"] | {"eos_token_id": [5, 6], "bos_token_id": 4}
    # transformers writes null at the top for what is in the text section.
    config = Qwen3VLConfig.from_hf(HF_CONFIG | {"text_config": text, "eos_token_id": None})
    assert (config.bos_token_id, config.eos_token_id, config.pad_token_id) == (4, (5, 6), None)
    written = json.loads(json.dumps(config.to_hf()))
    assert written["eos_token_id"] == written["text_config"]["eos_token_id"] == [5, 6]
    assert Qwen3VLConfig.from_hf(written) == config


def test_experts_are_read_under_both_names():
    config = Qwen3VLConfig.from_hf(sparse())
    assert config.text.num_experts == 6
    renamed = sparse(num_local_experts=6)
    del renamed["text_config"]["num_experts"]
    assert Qwen3VLConfig.from_hf(renamed) == config
    assert Qwen3VLConfig.from_hf(config.to_hf()) == config
    assert config.to_hf()["text_config"]["model_type"] == "qwen3_vl_moe_text"
    assert "num_experts" not in Qwen3VLConfig.preset("2b").to_hf()["text_config"]


def test_a_sparse_head_dim_follows_from_the_heads():
    hf = sparse(head_dim=None)
    assert Qwen3VLConfig.from_hf(hf).text.head_dim == 16


@pytest.mark.parametrize("name", ["tiny", *PUBLISHED])
def test_round_trip_through_config_json(name):
    config = Qwen3VLConfig.preset(name)
    assert Qwen3VLConfig.from_hf(config.to_hf()) == config


@pytest.mark.parametrize("name", ["4b", "30b-a3b"])
def test_transformers_reads_our_config(name):
    transformers = pytest.importorskip("transformers")
    ours = Qwen3VLConfig.preset(name)
    theirs = transformers.AutoConfig.for_model(**ours.to_hf())
    assert theirs.text_config.rope_parameters["rope_theta"] == 5e6
    assert theirs.text_config.rope_parameters["mrope_section"] == [24, 20, 20]
    assert Qwen3VLConfig.from_hf(theirs.to_dict()) == ours


def test_special_tokens_are_in_the_vocabulary():
    tiny = Qwen3VLConfig.preset("tiny")
    assert (tiny.text.vocab_size, tiny.video_token_id, tiny.eos_token_id) == (1536, 1535, 1531)
    assert Qwen3VLConfig.preset("4b").image_token_id == 151655


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model_type": "qwen2_vl"}, "qwen2_vl.*qwen3_vl_moe"),
        ({"model_type": "qwen3_vl_moe"}, "num_experts"),
        (sparse(mlp_only_layers=[0]), r"mlp_only_layers \[0\]"),
        (sparse(decoder_sparse_step=2), "decoder_sparse_step 2"),
        (sparse(norm_topk_prob=False), "norm_topk_prob False"),
        (sparse(num_experts_per_tok=7), "num_experts_per_tok .here 7"),
        ({"text_config": None}, "text_config is missing"),
        (
            {"text_config": HF_CONFIG["text_config"] | {"rope_parameters": {"rope_type": "yarn"}}},
            "rope_type 'yarn'",
        ),
        (
            {"text_config": HF_CONFIG["text_config"] | {"rope_parameters": {"type": "yarn"}}},
            "rope_type 'yarn'",
        ),
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
