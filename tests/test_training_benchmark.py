"""The training benchmark's rows and page: what is told to a side, and numbers by hand."""

import importlib
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "experiments/benchmarks"))
training = importlib.import_module("training")
training_sides = importlib.import_module("training_sides")


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
    row |= {"ours": side, "theirs": side | {"seconds": 4.0}}
    row |= {"ratio": 2.0, "ratio_min": 1.5, "ratio_max": 2.5}
    page = training.report(
        {
            "machine": "here",
            "rounds": 3,
            "gemm": 100.0,
            "against": {"tiny, full, S": row},
            "packing": {"tiny, 2 x": row},
            "saves": {"tiny": [1.0, 4.0, 3.0]},
        }
    )
    assert (
        "| tiny, full, S, 32 examples | 50 | 25 | 25% | 12% | **2.00** (1.50 to 2.50) | 3.0 | 3.0 "
        "| 2e-06 |"
    ) in page
    assert "| tiny, 2 x | 60% | 90% | 50 | **2.00** (1.50 to 2.50) |" in page
    assert "| tiny | 3.00 | 2.00 | **1.5%** |" in page
