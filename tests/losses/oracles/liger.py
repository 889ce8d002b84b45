"""Pair losses of liger_kernel 0.8.5 in its chunked form, from hidden states.

pip install torch==2.13.0 'transformers<5'
pip install --no-deps liger_kernel==0.8.5
Its log-softmax is float32 whatever the inputs are: good to 1e-5 only.
"""

from importlib.metadata import version

import torch
from liger_kernel import chunked_loss

from tests.losses.oracles.columns import golden
from tests.losses.oracles.sequences import (
    COMPLETION,
    EMBEDDING,
    HIDDEN,
    REF_EMBEDDING,
    REF_HIDDEN,
    TOKENS,
)

DPO, SIMPO, CPO, ORPO = (
    getattr(chunked_loss, f"LigerFusedLinear{name}Loss") for name in ("DPO", "SimPO", "CPO", "ORPO")
)
SMOOTH = {"label_smoothing": 0.1}
# Ours: (their class, their options, ours where they differ).
CASES = {
    "dpo": (DPO, {"loss_type": "sigmoid"}, {}),
    "hinge": (DPO, {"loss_type": "hinge"}, {}),
    "exo_pair": (DPO, {"loss_type": "exo_pair"} | SMOOTH, SMOOTH),
    "robust": (DPO, {"loss_type": "robust"} | SMOOTH, SMOOTH),
    "nca_pair": (DPO, {"loss_type": "nca_pair"}, {}),
    "bco_pair": (DPO, {"loss_type": "bco_pair"}, {}),
    "sppo_hard": (DPO, {"loss_type": "sppo_hard"}, {}),
    "apo_zero": (DPO, {"loss_type": "apo_zero"}, {}),
    "apo_down": (DPO, {"loss_type": "apo_down"}, {}),
    "simpo": (SIMPO, {"gamma": 0.5, "compute_nll_loss": False}, {"gamma": 0.5}),
}
BETA = 0.3


def shifted(values):
    return torch.tensor(values)[:, :-1]


def case(ours):
    theirs, options, own = CASES[ours]
    hidden, embedding = (
        shifted(HIDDEN).requires_grad_(),
        torch.tensor(EMBEDDING, requires_grad=True),
    )
    target = torch.tensor(TOKENS).masked_fill(torch.tensor(COMPLETION) == 0, -100)[:, 1:]
    loss = theirs(beta=BETA, compiled=False, **options)
    reference = {}
    if theirs is DPO:
        reference = {"ref_input": shifted(REF_HIDDEN), "ref_weight": torch.tensor(REF_EMBEDDING)}
    value = loss(embedding, hidden, target, **reference)[0]
    value.backward()
    return {
        "loss": ours,
        "options": {"beta": BETA} | own,
        "value": value.item(),
        "gradients": {"hidden": hidden.grad.tolist(), "embedding": embedding.grad.tolist()},
    }


def make() -> dict:
    found = version("liger_kernel")
    assert found == "0.8.5"
    inputs = {
        "tokens": TOKENS,
        "completion": COMPLETION,
        "hidden": HIDDEN,
        "embedding": EMBEDDING,
        "ref_hidden": REF_HIDDEN,
        "ref_embedding": REF_EMBEDDING,
    }
    cases = [case(ours) for ours in CASES]
    return golden("liger_kernel", found, cases, torch=torch.__version__, inputs=inputs)
