"""Greedy continuations against transformers' generate, and against no cache at all."""

import numpy as np
import pytest

from agentic_styling.planner import generate, hf_inputs, hf_logits, load_pretrained
from tests.parity.shapes import hf_config
from tests.planner import oracle, reference

pytestmark = pytest.mark.parity
NEW = 64
RUNS = [
    ("grouped and tied", "text"),
    ("grouped and tied", "images"),
    ("ungrouped and untied, late deepstack", "mixed"),
    ("bias, deepstack after every block and layer", "video"),
    ("experts", "images"),
    ("experts with bias, late deepstack", "mixed"),
]


def greedy_by_transformers(model, batch):
    """The tokens int [B, NEW] that generate adds to the rows."""
    import torch

    output = model.generate(
        **reference.torch_batch(batch),
        generation_config=None,
        max_new_tokens=NEW,
        do_sample=False,
        eos_token_id=None,
        pad_token_id=0,
    )
    assert isinstance(output, torch.Tensor)
    return output[:, batch["input_ids"].shape[1] :].numpy()


def without_placeholders(model):
    """The model, its logits of the visual tokens 0, so that no answer holds a placeholder."""
    import torch

    with torch.no_grad():
        model.get_output_embeddings().weight[[oracle.IMAGE, oracle.VIDEO]] = 0
    return model


@pytest.mark.parametrize(("name", "case"), RUNS)
def test_greedy_tokens(name, case, tmp_path):
    batch = oracle.batch(case)
    model = without_placeholders(reference.reference_model(hf_config(name)))
    expected = greedy_by_transformers(model, batch)
    model.save_pretrained(tmp_path)
    config, params = load_pretrained(tmp_path)
    inputs = hf_inputs(config, batch)
    out = generate(config, params, inputs, max_new_tokens=NEW, stop_ids=(-1,), temperature=0)
    assert np.asarray(out.tokens).tolist() == expected.tolist()

    whole = batch | {
        "input_ids": np.concatenate([batch["input_ids"], expected], axis=1),
        "attention_mask": np.pad(batch["attention_mask"], ((0, 0), (0, NEW)), constant_values=1),
    }
    uncached = np.asarray(hf_logits(config, params, whole))[:, -NEW - 1 : -1]
    assert uncached.argmax(-1).tolist() == expected.tolist()
