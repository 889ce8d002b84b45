"""The accelerator's benchmark: ours and torch are given the same work."""

import importlib
from pathlib import Path

import jax
import pytest
import transformers

from agentic_styling.planner import save_pretrained
from agentic_styling.training.batches.data_iterator import put
from agentic_styling.training.mesh import make_mesh

with pytest.MonkeyPatch.context() as patch:  # for a moment: it has a module named as our tests are
    patch.syspath_prepend(Path(__file__).parents[2] / "experiments/benchmarks")
    ours = importlib.import_module("training_accelerator")
    theirs = importlib.import_module("training_accelerator_torch")
pytestmark = pytest.mark.parity
WORK = ours.Work("full", "S", 4, 2, preset="tiny", length=64, picture=64, dtype="float32")


def test_both_sides_have_the_same_losses(tmp_path):
    mesh = make_mesh({}, jax.devices()[:1])
    with jax.set_mesh(mesh):
        made = ours.prepare(WORK, mesh)
        state, frozen = ours.make_state(WORK, made)
        save_pretrained(tmp_path, made.model.config, state.params)
        batch = put(ours.full_batch(WORK, made.model), made.layout.batch)
        loss = float(made.step(state, frozen, batch)[1]["loss"])
    model = transformers.Qwen3VLForConditionalGeneration.from_pretrained(tmp_path).train()
    arrays, _, flops = theirs.inputs_of(WORK)
    update = theirs.update_of(WORK, model, arrays, "cpu")
    assert update() == pytest.approx(loss, rel=1e-5)
    assert update() < loss
    assert flops == ours.work_flops(WORK, made.model)


def test_torch_trains_adapters_alone_also_where_activations_are_computed_again():
    work = WORK._replace(kind="LoRA")
    arrays, config, _ = theirs.inputs_of(work)
    model = theirs.make_model(work, config, "cpu")
    model.gradient_checkpointing_enable({"use_reentrant": False})
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    theirs.update_of(work, model, arrays, "cpu")()
    changed = {name for name, p in model.named_parameters() if not p.equal(before[name])}
    # An adapter's b is 0 at first, so that a has no gradient yet, and decays alone.
    assert {name for name in before if "lora_" in name} == changed
