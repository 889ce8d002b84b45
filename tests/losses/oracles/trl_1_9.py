"""Pair losses of trl 1.9.0, from logits: shift, mask, reduction and metrics are its own.

pip install torch==2.13.0 'transformers>=5,<6' accelerate datasets
pip install --no-deps trl==1.9.0
"""

from collections import defaultdict
from types import SimpleNamespace

import torch
import trl
from trl.trainer.sft_trainer import dft_loss

from tests.losses.oracles.columns import golden
from tests.losses.oracles.sequences import COMPLETION, LOGITS, REF_LOGPS, TOKENS

# Ours: (theirs with their weights, options). trl takes logarithms of the smoothing in float32.
TYPES = {
    "dpo": ({"sigmoid": 1.0}, {"beta": 0.1}),
    "robust": ({"robust": 1.0}, {"beta": 0.1, "label_smoothing": 0.2}),
    "ipo": ({"ipo": 1.0}, {"beta": 0.1, "length_normalized": True}),
    "hinge": ({"hinge": 1.0}, {"beta": 0.1}),
    "exo_pair": ({"exo_pair": 1.0}, {"beta": 0.1, "label_smoothing": 0.0078125}),
    "nca_pair": ({"nca_pair": 1.0}, {"beta": 0.1}),
    "apo_zero": ({"apo_zero": 1.0}, {"beta": 0.1}),
    "apo_down": ({"apo_down": 1.0}, {"beta": 0.1}),
    "sppo_hard": ({"sppo_hard": 1.0}, {"beta": 0.1}),
    "bco_pair": ({"bco_pair": 1.0}, {"beta": 0.1}),
    "aot": ({"aot": 1.0}, {"beta": 0.1, "label_smoothing": 0.1}),
    "aot_unpaired": ({"aot_unpaired": 1.0}, {"beta": 0.1, "label_smoothing": 0.1}),
    "rpo": ({"sigmoid": 1.0, "sft": 0.5}, {"beta": 0.1, "alpha": 0.5}),
}
METRICS = ("rewards/chosen", "rewards/rejected", "rewards/margins", "rewards/accuracies")
METRICS += ("logps/chosen", "logps/rejected")
WITH_GRADIENT = ("dpo", "ipo")  # the others' are small functions of the same log-probabilities


def trainer(types, options):
    def same(x):
        return x

    return SimpleNamespace(
        model=SimpleNamespace(training=False),
        accelerator=SimpleNamespace(device="cpu", gather=same, gather_for_metrics=same),
        aux_loss_enabled=False,
        ld_alpha=None,
        precompute_ref_logps=True,
        f_divergence_type="reverse_kl",
        loss_types=list(types),
        loss_weights=list(types.values()),
        beta=options["beta"],
        label_smoothing=options.get("label_smoothing", 0.0),
        use_weighting=False,
        _total_train_tokens=0,
        _metrics=defaultdict(lambda: defaultdict(list)),
    )


def pair_case(ours, rows):
    """rows: which of the four. Of one pair, trl's NLL of the batch's tokens is that of the row."""
    types, options = TYPES[ours]
    stub, half = trainer(types, options), len(rows) // 2
    logits = torch.tensor(LOGITS, dtype=torch.float64)[rows].requires_grad_()
    ref = torch.tensor(REF_LOGPS, dtype=torch.float64)[rows]
    inputs = {
        "input_ids": torch.tensor(TOKENS)[rows],
        "attention_mask": torch.tensor(TOKENS)[rows] > 0,
        "completion_mask": torch.tensor(COMPLETION)[rows],
        "ref_chosen_logps": ref[:half],
        "ref_rejected_logps": ref[half:],
    }
    # A copy: the method masks its log-probabilities in place.
    loss = trl.DPOTrainer._compute_loss(
        stub, lambda **_: SimpleNamespace(logits=logits * 1.0), inputs, False
    )
    loss.backward()
    metrics = {name: stub._metrics["eval"][name][0] for name in METRICS}
    made = {"loss": ours, "rows": rows, "options": options, "value": loss.item()}
    if ours in WITH_GRADIENT:
        made["gradient"] = logits.grad.tolist()
    return made | {"metrics": metrics}


def dft_case():
    labels = torch.tensor(TOKENS).masked_fill(torch.tensor(COMPLETION) == 0, -100)
    logits = torch.tensor(LOGITS, dtype=torch.float64, requires_grad=True)
    values = [
        dft_loss(SimpleNamespace(logits=logits[k : k + 1]), labels[k : k + 1], 1) for k in range(4)
    ]
    sum(values).backward()
    return {
        "loss": "dft",
        "values": [value.item() for value in values],
        "gradient": logits.grad.tolist(),
    }


def make() -> dict:
    assert trl.__version__ == "1.9.0"
    cases = [pair_case(ours, [0, 1, 2, 3]) for ours in TYPES if ours != "rpo"]
    cases += [pair_case("rpo", [0, 2]), pair_case("rpo", [1, 3]), dft_case()]
    inputs = {
        "tokens": TOKENS,
        "completion": COMPLETION,
        "ref_logps": REF_LOGPS,
        "logits": LOGITS,
    }
    return golden("trl", trl.__version__, cases, torch=torch.__version__, inputs=inputs)
