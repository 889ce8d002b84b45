"""The size of every published model, as transformers counts it."""

import math

import pytest

from agentic_styling.planner import Qwen3VLConfig
from agentic_styling.planner.checkpoints.tensor_names import tensors
from tests.slow import slow_but

# Parameters and tensors; torch also counts the head of a tied model (2b, 4b) as a tensor.
PUBLISHED = {
    "2b": (2_127_532_032, 626 - 1),
    "4b": (4_437_815_808, 714 - 1),
    "8b": (8_767_123_696, 750),
    "32b": (33_357_390_064, 1058),
    "30b-a3b": (31_070_754_032, 882),
}


@pytest.mark.parametrize("name", slow_but(PUBLISHED, "2b", "30b-a3b"))
def test_parameters_and_tensors(name):
    table = tensors(Qwen3VLConfig.preset(name))
    total = sum(math.prod(tensor.shape) for tensor in table)
    assert (total, len({tensor.name for tensor in table})) == PUBLISHED[name]
    assert len({(tensor.path, tensor.index) for tensor in table}) == len(table)
