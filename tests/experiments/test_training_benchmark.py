"""The training benchmark's rows and page: what a side is given, and numbers by hand."""

import importlib
from pathlib import Path

import jax
import numpy as np
import pytest

from agentic_styling.training.mesh import make_mesh
from agentic_styling.training.monitoring.flops import train_flops

with pytest.MonkeyPatch.context() as patch:  # for a moment: it has modules named as our tests are
    patch.syspath_prepend(Path(__file__).parents[2] / "experiments/benchmarks")
    training = importlib.import_module("training")
    training_accelerator = importlib.import_module("training_accelerator")
    training_sides = importlib.import_module("training_sides")
SMALL = {"preset": "tiny", "length": 64, "picture": 64}


@pytest.mark.parametrize("case", training.CASES, ids=", ".join)
def test_a_row_is_a_config_that_trains(case):
    size, kind, loss = case
    config = training_sides.make_config("work", training.options(*case))
    assert config.init_from == f"work/{size}"
    assert (config.lora.rank > 0) == (kind == "LoRA")
    assert config.loss == training.LOSSES[loss]
    assert config.batch_size % (2 * config.microbatches) == 0
    assert not config.packing


def test_the_page_by_hand():
    side = {"seconds": 2.0, "first_s": 1.0, "peak_gb": 3.0}
    row = {"tokens": 100.0, "flops": 50.0, "places": 0.9, "padded": 0.6, "difference": 2e-6}
    row |= {"gemm": 100.0}
    row |= {"ours": side, "theirs": side | {"seconds": 4.0}}
    row |= {"ratio": 2.0, "ratio_min": 1.5, "ratio_max": 2.5}
    page = training.report(
        {
            "machine": "here",
            "rounds": 3,
            "against": {"tiny, full, S": row},
            "packing": {"tiny": row},
            "saves": {"tiny": [1.0, 4.0, 3.0]},
        }
    )
    assert (
        "| tiny, full, S, 32 examples | 50 | 25 | 25% | 12% | **2.00** (1.50 to 2.50) | 3.0 | 3.0 "
        "| 2e-06 |"
    ) in page
    assert "| tiny | 60% | 90% | 50 | **2.00** (1.50 to 2.50) |" in page
    assert "| tiny | 3.00 | 2.00 | **1.5%** |" in page


@pytest.mark.slow
def test_the_step_of_an_accelerator_lowers():
    work = training_accelerator.Work("LoRA", "DPO", batch=4, microbatches=2, **SMALL)
    mesh = make_mesh({}, jax.devices()[:1])
    with jax.set_mesh(mesh):
        made = training_accelerator.prepare(work, mesh)
        batch = training_accelerator.full_batch(work, made.model)
        lowered = made.step.lower(made.layout.shapes, made.layout.frozen_shapes, batch)
    assert "bf16" in lowered.as_text()
    assert made.layout.frozen_shapes


def test_a_full_batch_has_no_padding_and_its_picture():
    work = training_accelerator.Work("full", "S", batch=4, microbatches=2, **SMALL)
    mesh = make_mesh({}, jax.devices()[:1])
    model = training_accelerator.prepare(work, mesh).model
    batch = training_accelerator.full_batch(work, model)
    assert batch.tokens.shape == (2, 2, 64)
    assert batch.segments.min() == 1
    # 64 x 64 pixels are 4 x 4 patches, 2 x 2 tokens; they and their marks are of the prompt.
    places = np.flatnonzero(batch.tokens[1, 1] == model.config.image_token_id)
    assert places.tolist() == [1, 2, 3, 4]
    assert (batch.first == 16).all() and (batch.length == 48).all()
    assert model.start == 15
    assert training_accelerator.work_flops(work, model) == train_flops(
        model.config, None, np.full(4, 64), np.full(4, 48), 16, 4
    )


def test_the_accelerators_page_by_hand():
    row = {"device": "card", "attention": "cudnn", "tokens": 100, "peak_gb": 7.0, "compile_s": 9.0}
    row |= {"seconds": 2.0, "seconds_min": 1.0, "seconds_max": 3.0}
    rows = {
        "a": row | {"mfu": 0.6},
        "b": row | {"mfu": 0.45},
        "c": row | {"mfu": 0.449},
        "d": {"device": "card", "attention": "cudnn", "tokens": 100, "seconds": None},
    }
    torch = {"seconds": 4.0, "seconds_min": 3.0, "seconds_max": 5.0, "peak_gb": 8.0, "kept": False}
    results = {"machine": "here", "work": "4b", "rounds": 3, "rows": rows}
    results |= {"torch": {"a": torch, "b": {"seconds": None}}, "torch_machine": "torch"}
    page = training_accelerator.report(results)
    assert "here; on card. 4b" in page
    cells = "| cudnn | 2.000 (1.000 to 3.000) | 50 | **60.0%** | aim met | 7.0 | 9 |"
    assert f"| a {cells}" in page
    assert "| **45.0%** | bar met |" in page
    assert "| **44.9%** | missed |" in page
    assert "| d | cudnn | does not fit |" in page
    assert "| a | 50 | 25 | 4.000 (3.000 to 5.000) | **2.00** | 8.0 | recomputed |" in page
    assert "| b |  |  | does not fit |" in page
    assert "torch" not in training_accelerator.report(results | {"torch": {}})
