"""Continuations against transformers' generate and against no cache; top-k and top-p."""

import shutil
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest

from agentic_styling.planner import (
    ImageSettings,
    Inputs,
    Tokenizer,
    generate,
    hf_inputs,
    hf_logits,
    load_pretrained,
    new_planner,
    save_pretrained,
)
from agentic_styling.planner.decoding.generation import keep_top_k, keep_top_p
from agentic_styling.training.export import export
from agentic_styling.training.state import Health
from agentic_styling.training.step import PlannerModel
from tests.parity.shapes import hf_config
from tests.planner import oracle, reference
from tests.training.fixtures import make_config

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


@pytest.fixture(scope="module")
def ending(tmp_path_factory):
    """A planner from scratch, a prompt, and its greedy answer, which ends the turn."""
    directory = tmp_path_factory.mktemp("ending") / "planner"
    options = {"preset": "tiny", "vocab_size": 300, "picture_size": 64, "seed": 1}
    new_planner(directory, ["A misty dawn.", "Snow at night."], **options)
    config, params = load_pretrained(directory)
    tokenizer = Tokenizer(directory)
    prompt = np.array([tokenizer.encode("Make it snow at dawn.")])
    inputs = Inputs(jnp.asarray(prompt), jnp.ones(prompt.shape, bool))
    out = generate(config, params, inputs, max_new_tokens=5, stop_ids=(-1,), temperature=0)
    tokens = np.asarray(out.tokens)[0].tolist()
    new = [i for i, token in enumerate(tokens) if token not in [*tokens[:i], *prompt[0]]]
    *before, last = tokens[: new[-1] + 1]
    table = params["language_model"]["embed_tokens"]
    rows = jnp.array([last, tokenizer.im_end])
    table["embedding"] = table["embedding"].at[rows].set(table["embedding"][rows[::-1]])
    save_pretrained(directory, config, params)
    return directory, prompt, [*before, tokenizer.im_end]


@pytest.mark.parametrize("written", ["from scratch", "exported", "exported from an old one"])
def test_generate_stops_at_the_end_of_a_plan(ending, written, tmp_path):
    import torch
    import transformers

    directory, prompt, expected = ending
    if "exported" in written:
        source, directory = directory, tmp_path / "planner"
        if "old" in written:
            source = shutil.copytree(source, tmp_path / "old")
            (source / "generation_config.json").unlink()
        config, params = load_pretrained(source)
        model = PlannerModel(config, ImageSettings.load(source))
        state = SimpleNamespace(params=params, ema={}, step=1, health=Health.new().replace(good=1))
        export(directory, model, state, {}, make_config(tmp_path, init_from=str(source)))
    model = transformers.AutoModelForImageTextToText.from_pretrained(directory)
    output = model.generate(torch.from_numpy(prompt), max_new_tokens=300, do_sample=False)
    assert output[0, prompt.shape[1] :].tolist() == expected


@pytest.mark.parametrize("k", [1, 7, 300])
@pytest.mark.parametrize("p", [0.05, 0.5, 0.9, 0.999])
def test_the_same_tokens_stay(k, p):
    torch = pytest.importorskip("torch")
    from transformers import TopKLogitsWarper, TopPLogitsWarper

    logits = 3 * np.random.default_rng(k).normal(size=(8, 5000)).astype(np.float32)
    theirs = TopKLogitsWarper(k)(None, torch.tensor(logits))
    np.testing.assert_array_equal(keep_top_k(logits, k), theirs.numpy())
    # Where the sum of the likeliest comes within rounding of p, a CPU may decide either way.
    sums = torch.softmax(theirs.double(), 1).sort(1, descending=True)[0].cumsum(1)
    clear = ((sums - p).abs().min(1)[0] > 1e-6).numpy()
    found, theirs = keep_top_p(keep_top_k(logits, k), p), TopPLogitsWarper(p)(None, theirs)
    np.testing.assert_array_equal(np.asarray(found)[clear], theirs.numpy()[clear])
    assert clear.sum() > 4
