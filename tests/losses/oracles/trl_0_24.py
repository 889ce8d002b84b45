"""Pairs and binary losses of trl 0.24.0, each a method called on a stub.

pip install torch==2.13.0 'transformers<5' accelerate datasets rich
pip install --no-deps trl==0.24.0
"""

from types import SimpleNamespace

import torch
import trl

from tests.losses.oracles.autograd import case
from tests.losses.oracles.columns import GOOD, PAIR, ROWS, SCORED, golden

# Ours: (theirs, options). trl keeps the delta of bco in float32: an exact one.
DPO_TYPES = {
    "dpo": ("sigmoid", {"beta": 0.1}),
    "cdpo": ("sigmoid", {"beta": 0.2, "label_smoothing": 0.15}),
    "robust": ("robust", {"beta": 0.1, "label_smoothing": 0.2}),
    "ipo": ("ipo", {"beta": 0.1}),
    "hinge": ("hinge", {"beta": 0.1}),
    "exo_pair": ("exo_pair", {"beta": 0.1, "label_smoothing": 0.01}),
    "nca_pair": ("nca_pair", {"beta": 0.1}),
    "apo_zero": ("apo_zero", {"beta": 0.1}),
    "apo_down": ("apo_down", {"beta": 0.1}),
    "sppo_hard": ("sppo_hard", {"beta": 0.1}),
    "bco_pair": ("bco_pair", {"beta": 0.1, "delta": 0.25}),
    "aot": ("aot", {"beta": 0.1, "label_smoothing": 0.1}),
    "aot_unpaired": ("aot_pair", {"beta": 0.1, "label_smoothing": 0.1}),
}


def stub(**fields):
    """What the methods read of their trainer. running: the moving mean that bco reads, held."""
    accelerator = SimpleNamespace(device="cpu", gather_for_metrics=lambda x: x)
    running = SimpleNamespace(mean=fields.pop("delta", 0.0), update=lambda _: None)
    defaults = {
        "accelerator": accelerator,
        "reference_free": False,
        "f_divergence_type": "reverse_kl",
        "f_divergence_params": None,
        "args": SimpleNamespace(discopop_tau=0.05),
        "running": running,
        "label_smoothing": 0.0,
        "alpha": 0.0,
    }
    return SimpleNamespace(**defaults | fields)


def dpo_case(ours):
    theirs, options = DPO_TYPES[ours]

    def function(**c):
        logps = [c[name] for name in PAIR]
        return trl.DPOTrainer.dpo_loss(stub(**options), *logps, loss_type=theirs)[0]

    return case(ours, PAIR, options, function)


def unpaired(losses_of):
    """Their rows are [good; bad]: put back in the order of ours."""
    good = torch.tensor(GOOD)

    def function(**c):
        logps, ref = c["logps"], c["ref_logps"]
        losses = losses_of(logps[good], logps[~good], ref[good], ref[~good])
        values = torch.zeros(len(good), dtype=losses.dtype)
        values[good], values[~good] = losses[: good.sum()], losses[good.sum() :]
        return values

    return function


def kto_case(policy="ref_logps", ref="ref_logps"):
    """Its z is made of two columns, as if they were of mismatched completions."""
    options = {"beta": 0.1, "desirable_weight": 1.5, "undesirable_weight": 0.75}
    trainer = stub(loss_type="kto", calculate_KL=True, **options)
    mismatched = [torch.tensor(ROWS[name], dtype=torch.float64) for name in (policy, ref)]

    def losses(good, bad, ref_good, ref_bad):
        policy, ref = mismatched
        return trl.KTOTrainer.kto_loss(trainer, good, bad, policy, ref_good, ref_bad, ref)[0]

    return case("kto", SCORED, options, unpaired(losses)) | {"kl": [policy, ref]}


def bco_case():
    options = {"beta": 0.1, "delta": 0.25}
    trainer = stub(match_underlying_distribution=False, **options)

    def losses(*logps):
        return trl.BCOTrainer.bco_loss(trainer, *logps, None, None, do_train=False)[0]

    return case("bco", SCORED, options, unpaired(losses))


def reference_free_cases():
    pair, lengths = PAIR[:2], ["chosen_lengths", "rejected_lengths"]

    def means(c):
        return [c[name] / c[length] for name, length in zip(pair, lengths, strict=True)]

    def simpo(**c):
        trainer = stub(beta=2.0, simpo_gamma=0.8, loss_type="simpo")
        return trl.CPOTrainer.cpo_loss(trainer, *means(c))[0]

    def cpo(**c):
        trainer = stub(beta=0.1, loss_type="sigmoid")
        contrastive = trl.CPOTrainer.cpo_loss(trainer, *(c[name] for name in pair))[0]
        return contrastive - 0.5 * c["chosen_logps"] / c["chosen_lengths"]

    def orpo(**c):
        # It returns beta * log sigmoid; the trainer subtracts that from the mean NLL.
        odds = trl.ORPOTrainer.odds_ratio_loss(stub(beta=0.25), *means(c))[0]
        return -means(c)[0] - odds

    return [
        case("simpo", pair + lengths, {"beta": 2.0, "gamma": 0.8}, simpo),
        case("cpo", pair + lengths, {"beta": 0.1, "alpha": 0.5}, cpo),
        case("orpo", pair + lengths, {"beta": 0.25}, orpo),
    ]


def make() -> dict:
    assert trl.__version__ == "0.24.0"
    cases = [dpo_case(ours) for ours in DPO_TYPES]
    cases += [
        kto_case(),
        kto_case("q_logps", "ref_logps"),
        kto_case("ref_logps", "q_logps"),
        bco_case(),
        *reference_free_cases(),
    ]
    return golden("trl", trl.__version__, cases, torch=torch.__version__, inputs=ROWS)
