import dataclasses
import json
import re

import jax
import numpy as np
import pytest
from jax.sharding import AxisType, PartitionSpec
from safetensors.numpy import load_file, save_file

from agentic_styling.planner import Qwen3VLConfig
from agentic_styling.planner.checkpoints.partition import shardings
from agentic_styling.planner.checkpoints.peft import adapter_tensors, load_adapters, save_adapters
from agentic_styling.planner.model.lora import (
    TEXT_PROJECTIONS,
    LoraConfig,
)
from agentic_styling.utils.errors import InputError
from tests.planner import oracle
from tests.planner.checkpoints.adapters import (
    LORA,
    TARGETS,
    assert_equal,
    random_adapters,
    small_config,
)


@pytest.fixture(scope="module")
def config():
    return small_config()


@pytest.fixture(scope="module")
def adapters(config):
    return random_adapters(config, LORA)


@pytest.mark.parametrize("axes", [None, {"data": 2, "fsdp": 2, "tensor": 2}])
def test_files_both_ways(config, adapters, tmp_path, axes):
    mesh = axes and jax.make_mesh((2, 2, 2), tuple(axes), axis_types=(AxisType.Auto,) * 3)
    layout = shardings(mesh, adapters) if mesh else None
    save_adapters(tmp_path, config, jax.device_put(adapters, layout), LORA)
    lora, loaded = load_adapters(tmp_path, config, mesh)
    # "proj" is the end of "attn.proj" too.
    targets = tuple(sorted({*TARGETS} - {"attn.proj"}))
    assert lora == dataclasses.replace(LORA, targets=targets)
    assert_equal(loaded, adapters)
    if mesh:
        found = loaded["language_model"]["layers_1"]["mlp"]["up_proj"]["a"].sharding
        assert found.spec == PartitionSpec(None, "fsdp", None)


def modules_of(tensors) -> list[str]:
    """The modules that have adapters, by PEFT's names of the adapters' tensors."""
    return sorted({name.removeprefix("base_model.model.").rsplit(".", 2)[0] for name in tensors})


def test_the_files_are_those_of_peft(config, adapters, tmp_path):
    save_adapters(tmp_path, config, adapters, LORA)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]
    found = load_file(tmp_path / "adapter_model.safetensors")
    # 3 decoder layers of 7 projections, 2 vision blocks of 4, 2 mergers of 2, and the patches'.
    assert len(found) == 2 * (3 * 7 + 2 * 4 + 2 * 2 + 1)
    text = "base_model.model.model.language_model.layers.2.mlp.down_proj"
    ours = adapters["language_model"]["layers_1"]["mlp"]["down_proj"]
    np.testing.assert_array_equal(found[f"{text}.lora_A.weight"], ours["a"][1].T)
    np.testing.assert_array_equal(found[f"{text}.lora_B.weight"], ours["b"][1].T)
    # A convolution's are convolutions.
    patches = "base_model.model.model.visual.patch_embed.proj"
    assert found[f"{patches}.lora_A.weight"].shape == (3, 3, 2, 16, 16)
    assert found[f"{patches}.lora_B.weight"].shape == (32, 3, 1, 1, 1)
    peft = json.loads((tmp_path / "adapter_config.json").read_text())
    assert (peft["peft_type"], peft["r"], peft["lora_alpha"]) == ("LORA", 3, 6.0)
    assert peft["target_modules"] == modules_of(found)


def test_the_vision_tower_may_stay_frozen(config, tmp_path):
    lora = LoraConfig(rank=3)
    adapters = random_adapters(config, lora)
    assert list(adapters) == ["language_model"]
    save_adapters(tmp_path, config, adapters, lora)
    peft = json.loads((tmp_path / "adapter_config.json").read_text())
    assert len(peft["target_modules"]) == 3 * 7
    assert all(name.startswith("model.language_model.layers.") for name in peft["target_modules"])
    found, loaded = load_adapters(tmp_path, config)
    assert found == dataclasses.replace(lora, targets=tuple(sorted(TEXT_PROJECTIONS)))
    assert_equal(loaded, adapters)


def changed(directory, change):
    """The directory, with other fields in its config."""
    file = directory / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    return directory


FULL_NAMES = [f"model.language_model.layers.{i}.self_attn.q_proj" for i in range(3)]


@pytest.mark.parametrize("target_modules", [r"^model\.language_model.*\.q_proj$", FULL_NAMES])
def test_the_tensors_say_which_modules(config, tmp_path, target_modules):
    """ms-swift writes a regex string, LLaMA-Factory the full names of all layers."""
    lora = LoraConfig(rank=2, alpha=3.0, targets=("q_proj",))
    adapters = random_adapters(config, lora)
    save_adapters(tmp_path, config, adapters, lora)
    changed(tmp_path, {"target_modules": target_modules, "lora_dropout": 0.05})
    found, loaded = load_adapters(tmp_path, config)
    assert found == dataclasses.replace(lora, dropout=0.05)
    assert_equal(loaded, adapters)


@pytest.mark.parametrize(
    ("targets", "written"),
    [
        (
            ("attn.proj", "mlp.linear_fc1"),
            [
                f"model.visual.blocks.{i}.{n}"
                for i in (0, 1)
                for n in ("attn.proj", "mlp.linear_fc1")
            ],
        ),
        # PEFT's names have a number there.
        (("deepstack_merger.linear_fc2",), ["model.visual.deepstack_merger_list.0.linear_fc2"]),
    ],
)
def test_parts_of_the_vision_tower(config, tmp_path, targets, written):
    lora = LoraConfig(rank=2, alpha=3.0, targets=targets, vision=True)
    adapters = random_adapters(config, lora)
    save_adapters(tmp_path, config, adapters, lora)
    peft = json.loads((tmp_path / "adapter_config.json").read_text())
    assert peft["target_modules"] == written
    found, loaded = load_adapters(tmp_path, config)
    assert found == lora
    assert_equal(loaded, adapters)


def test_what_peft_writes_beside_is_read(config, adapters, tmp_path):
    """The other fields of PEFT 0.21 as they are by default, and one of a later version."""
    save_adapters(tmp_path, config, adapters, LORA)
    names = "modules_to_save megatron_config layers_to_transform eva_config arrow_config revision"
    other = dict.fromkeys(names.split()) | {"use_dora": False, "loftq_config": {}}
    other |= {"megatron_core": "megatron.core", "qalora_group_size": 16, "peft_version": "0.21.2"}
    other |= {"task_type": "CAUSAL_LM", "init_lora_weights": True, "use_novelty": False}
    assert load_adapters(changed(tmp_path, other), config)[0].rank == 3


def test_experts_and_their_router_have_no_adapters():
    config = Qwen3VLConfig.from_hf(oracle.MOE_CONFIG)
    modules = {t.name.split(".")[-3] for t in adapter_tensors(config, LoraConfig())}
    assert modules == {"q_proj", "k_proj", "v_proj", "o_proj"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"peft_type": "LOHA"}, "peft_type 'LOHA' is not supported"),
        ({"use_rslora": True}, "use_rslora True is not supported"),
        ({"rank_pattern": {"q_proj": 8}}, "rank_pattern {'q_proj': 8} is not supported"),
        ({"bias": "all"}, "bias 'all' is not supported"),
        ({"init_lora_weights": "pissa"}, "init_lora_weights 'pissa' is not supported; merge"),
        ({"init_lora_weights": "olora"}, "init_lora_weights 'olora' is not supported"),
        ({"alora_invocation_tokens": [9, 10]}, "alora_invocation_tokens [9, 10] is not supported"),
        ({"use_novelty": True}, "use_novelty True is not supported"),
        ({"lora_alpha": "8"}, "lora_alpha '8' is not supported"),
        ({"lora_alpha": float("nan")}, "adapter_config.json: lora alpha nan must be a finite"),
        ({"r": 0}, "adapter_config.json: lora rank 0 must be at least 1"),
        ({"r": 5}, "misshapen: base_model.model.model.language_model.layers.0.mlp.down_proj"),
    ],
)
def test_adapters_of_other_kinds_are_refused(config, adapters, tmp_path, change, message):
    save_adapters(tmp_path, config, adapters, LORA)
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        load_adapters(changed(tmp_path, change), config)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("dropped", "message"),
    [("layers.1.mlp.up_proj", "missing: .*layers.1.mlp.up_proj.lora_A"), ("", "has no adapter of")],
)
def test_adapters_of_some_layers_are_refused(config, adapters, tmp_path, dropped, message):
    save_adapters(tmp_path, config, adapters, LORA)
    file = tmp_path / "adapter_model.safetensors"
    save_file({n: x for n, x in load_file(file).items() if dropped not in n}, file)
    with pytest.raises(InputError, match=message):
        load_adapters(tmp_path, config)


def test_adapters_of_another_config_are_refused(config, adapters, tmp_path):
    with pytest.raises(InputError, match="language_model/layers_0/mlp/down_proj/a, "):
        save_adapters(tmp_path, config, adapters, dataclasses.replace(LORA, rank=4))
