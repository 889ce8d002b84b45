"""Top-k and top-p against transformers' own."""

import numpy as np
import pytest

from agentic_styling.planner.decoding.generation import keep_top_k, keep_top_p

pytestmark = pytest.mark.parity


@pytest.mark.parametrize("k", [1, 7, 300])
@pytest.mark.parametrize("p", [0.05, 0.5, 0.9, 0.999])
def test_the_same_tokens_stay(k, p):
    torch = pytest.importorskip("torch")
    from transformers import TopKLogitsWarper, TopPLogitsWarper

    logits = 3 * np.random.default_rng(k).normal(size=(8, 5000)).astype(np.float32)
    theirs = TopKLogitsWarper(k)(None, torch.tensor(logits))
    np.testing.assert_array_equal(keep_top_k(logits, k), theirs.numpy())
    theirs = TopPLogitsWarper(p)(None, theirs)
    np.testing.assert_array_equal(keep_top_p(keep_top_k(logits, k), p), theirs.numpy())
