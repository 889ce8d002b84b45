"""Adapters against PEFT's, both ways: files, logits, gradients."""

import json
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import traverse_util

from agentic_styling.planner import Qwen3VL, Qwen3VLConfig, hf_inputs, output_embedding
from agentic_styling.planner.checkpoints.peft import adapter_tensors, load_adapters, save_adapters
from agentic_styling.planner.model.lora import LoraConfig, init_lora, lora_variables
from tests.parity.shapes import hf_config
from tests.planner import oracle, ours, reference

pytestmark = pytest.mark.parity
DEFAULT = LoraConfig().targets
RUNS = {
    "grouped and tied": LoraConfig(rank=3, alpha=6, targets=(*DEFAULT, "proj"), vision=True),
    "ungrouped and untied, late deepstack": LoraConfig(rank=2, alpha=5, targets=DEFAULT),
    "experts": LoraConfig(rank=4, alpha=4, targets=("q_proj", "v_proj", "qkv"), vision=True),
}


@pytest.fixture(scope="module", params=RUNS)
def run(request):
    """A Hugging Face config, ours, the adapters' config, and adapters large enough to matter."""
    pytest.importorskip("peft")
    hf, lora = hf_config(request.param), RUNS[request.param]
    config = Qwen3VLConfig.from_hf(hf)
    flat = traverse_util.flatten_dict(init_lora(config, lora, jax.random.key(0)))
    flat = {p: jnp.float32(0.1 * oracle.draw("/".join(p), x.shape)) for p, x in flat.items()}
    return hf, config, lora, traverse_util.unflatten_dict(flat)


def with_peft(model, directory):
    import peft

    return peft.PeftModel.from_pretrained(model, directory, is_trainable=True).eval()


def stored(config, lora, tree) -> dict[str, np.ndarray]:
    """A tree of adapters by PEFT's names."""
    flat = traverse_util.flatten_dict(tree)
    return {t.name: t.pack(np.asarray(flat[t.path])) for t in adapter_tensors(config, lora)}


def test_logits_and_gradients(run, tmp_path):
    hf, config, lora, adapters = run
    save_adapters(tmp_path, config, adapters, lora)
    model = with_peft(reference.reference_model(hf), tmp_path)
    batch = oracle.batch("images")
    cotangent = oracle.cotangent("images", batch["attention_mask"])
    expected, expected_gradients = reference.logits_and_gradients(model, batch, cotangent)
    expected_gradients = {
        name.replace(".default.", "."): gradient
        for name, gradient in expected_gradients.items()
        if ".lora_" in name
    }

    params, inputs = ours.perturbed_params(config), hf_inputs(config, batch)

    def loss(adapters, params, inputs):
        hidden = Qwen3VL(config).apply(lora_variables(params, adapters, lora), inputs)
        logits = hidden @ output_embedding(config, params).T * inputs.mask[..., None]
        return (logits * cotangent).sum(), logits

    program = ours.compiled(jax.value_and_grad(loss, has_aux=True), adapters, params, inputs)
    (_, found), gradients = program(adapters, params, inputs)
    assert ours.error(found, expected) < 1e-5
    gradients = stored(config, lora, gradients)
    assert gradients.keys() == expected_gradients.keys()
    errors = {n: ours.error(gradients[n], g) for n, g in expected_gradients.items()}
    worst = max(errors, key=errors.get)
    print(f"logits {ours.error(found, expected):.1e}, gradient of {worst} {errors[worst]:.1e}")
    assert errors[worst] < 1e-4, worst


def target_modules(form: str, config, lora):
    """What PEFT's config says of the modules: as a list, and as ms-swift and LLaMA-Factory do."""
    if form == "list":
        return list(lora.targets)
    if form == "regex":
        tower = "model" if lora.vision else "model.language_model"
        names = "|".join(re.escape(name) for name in lora.targets)
        return rf"^{re.escape(tower)}.*\.({names})$"
    names = {re.match(r"base_model\.model\.(.*)\.lora_", t.name)[1]
             for t in adapter_tensors(config, lora)}  # fmt: skip
    return sorted(names)


@pytest.mark.parametrize("form", ["list", "regex", "full names"])
def test_we_load_what_peft_saves(run, form, tmp_path):
    import peft
    import torch

    hf, config, lora, adapters = run
    targets = target_modules(form, config, lora)
    exclude = ".*visual.*" if form == "list" and not lora.vision else None
    given = peft.LoraConfig(
        r=lora.rank, lora_alpha=lora.alpha, target_modules=targets, exclude_modules=exclude
    )
    model = peft.get_peft_model(reference.reference_model(hf), given)
    expected = stored(config, lora, adapters)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if ".lora_" in name:
                weight = expected[name.replace(".default.", ".")]
                parameter.copy_(torch.from_numpy(weight.copy()))
    model.save_pretrained(tmp_path)
    # Today's PEFT shortens lists of full names; those programs' files have them whole.
    file = tmp_path / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"target_modules": targets}))
    found, loaded = load_adapters(tmp_path, config)
    assert (found.rank, found.alpha, found.vision) == (lora.rank, lora.alpha, lora.vision)
    assert jax.tree.structure(loaded) == jax.tree.structure(adapters)
    jax.tree.map(np.testing.assert_array_equal, loaded, adapters)

    save_adapters(tmp_path / "again", config, loaded, found)
    again = with_peft(reference.reference_model(hf), tmp_path / "again")
    tensors = peft.get_peft_model_state_dict(again)
    assert tensors.keys() == expected.keys()
    assert all((tensors[name].numpy() == x).all() for name, x in expected.items())
