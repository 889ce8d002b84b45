"""GRPO, Dr. GRPO, DAPO and GSPO of trl 1.9.0, from log-probabilities of tokens.

pip install torch==2.13.0 'transformers>=5,<6' accelerate datasets
pip install --no-deps trl==1.9.0

trl divides by the sample's standard deviation plus 1e-4, so that is the column std here.
"""

from collections import defaultdict
from types import SimpleNamespace

import torch
import trl
from trl.trainer.utils import nanstd

from tests.losses.oracles.columns import golden
from tests.losses.oracles.sequences import made

GROUP, ROWS, LENGTH = 4, 12, 5
# Good and bad completions, a group of only one success, and one of equal rewards.
REWARDS = [5.0, 2.0, 4.0, 3.5, 0.0, 4.5, 0.0, 0.0, 4.25, 4.25, 4.25, 4.25]
LENGTHS = [5, 2, 4, 1, 3, 5, 2, 4, 1, 3, 5, 2]
MASK = [[int(t < length) for t in range(LENGTH)] for length in LENGTHS]
OLD = [[x - 3.0 for x in row] for row in made(ROWS, LENGTH, seed=11)]
# Ratios of tokens from exp(-0.6) to exp(0.6); the sixth row stays within the clip range of GSPO.
MOVES = [[0.3 * x for x in row] for row in made(ROWS, LENGTH, seed=211)]
MOVES[5] = [1e-4, -2e-4, 3e-4, 1e-4, 2e-4]
LOGPS = [[a + b for a, b in zip(*rows, strict=True)] for rows in zip(OLD, MOVES, strict=True)]
REFERENCE = [[x - 3.0 for x in row] for row in made(ROWS, LENGTH, seed=401)]

# Ours, its reduction and options: theirs.
CASES = [
    ("grpo", "seq-mean-token-mean", {}, {"loss_type": "grpo"}),
    ("grpo", "seq-mean-token-mean", {"kl_coef": 0.04}, {"loss_type": "grpo"}),
    ("grpo", "token-mean", {"clip_high": 0.28}, {"loss_type": "dapo"}),
    ("grpo", "token-mean", {"clip_low": 0.1, "kl_coef": 0.1}, {"loss_type": "bnpo"}),
    ("dr_grpo", "seq-mean-token-sum", {}, {"loss_type": "dr_grpo"}),
    ("dr_grpo", "seq-mean-token-sum", {"kl_coef": 0.04}, {"loss_type": "dr_grpo"}),
    ("gspo", "seq-mean-token-mean", {}, {"loss_type": "grpo", "level": "sequence"}),
    ("gspo", "seq-mean-token-mean", {"kl_coef": 0.04}, {"loss_type": "grpo", "level": "sequence"}),
]


def trainer(loss_type, logps, options, level="token"):
    clip_low, clip_high = (0.2, 0.2) if level == "token" else (3e-4, 4e-4)
    entropies = torch.zeros_like(logps)
    return SimpleNamespace(
        model=SimpleNamespace(training=False),
        accelerator=SimpleNamespace(
            num_processes=1, gather=lambda x: x, reduce=lambda x, reduction: x
        ),
        args=SimpleNamespace(delta=None, use_bias_correction_kl=False),
        aux_loss_enabled=False,
        top_entropy_quantile=1.0,
        off_policy_mask_threshold=None,
        use_vllm=False,
        _entropy_bonus_enabled=False,
        loss_type=loss_type,
        importance_sampling_level=level,
        epsilon_low=options.get("clip_low", clip_low),
        epsilon_high=options.get("clip_high", clip_high),
        beta=options.get("kl_coef", 0.0),
        max_completion_length=LENGTH,
        _metrics=defaultdict(lambda: defaultdict(list)),
        # A copy: masks are applied to it.
        _get_per_token_logps_and_entropies=lambda *_, **__: (logps * 1.0, entropies, None),
    )


def tensor(values):
    return torch.tensor(values, dtype=torch.float64)


def case(loss, reduction, options, theirs):
    logps = tensor(LOGPS).requires_grad_()
    rewards = tensor(REWARDS)
    groups = rewards.view(-1, GROUP)
    mean = groups.mean(dim=1).repeat_interleave(GROUP)
    std = nanstd(groups, dim=1).repeat_interleave(GROUP) + 1e-4
    scale = 1.0 if loss == "dr_grpo" else std
    mask = torch.tensor(MASK)
    prompt = torch.ones(ROWS, 1, dtype=torch.long)
    inputs = {
        "prompt_ids": prompt,
        "prompt_mask": prompt,
        "completion_ids": mask,
        "completion_mask": mask,
        "advantages": (rewards - mean) / scale,
        "old_per_token_logps": tensor(OLD),
        "ref_per_token_logps": tensor(REFERENCE),
        "num_items_in_batch": mask.sum(),
    }
    stub = trainer(logps=logps, options=options, **theirs)
    value = trl.GRPOTrainer._compute_loss(stub, None, inputs)
    value.backward()
    metrics, found = {}, stub._metrics["eval"]
    if loss != "gspo":  # there trl counts a completion once, not once for each token
        metrics["clip_fraction"] = found["clip_ratio/region_mean"][0]
    if "kl_coef" in options:
        metrics["kl"] = found["kl"][0]
    return {
        "loss": loss,
        "reduction": reduction,
        "options": options,
        # trl's Dr. GRPO divides by this constant too.
        "divisor": LENGTH if loss == "dr_grpo" else 1,
        "mean": mean.tolist(),
        "std": std.tolist(),
        "value": value.item(),
        "gradient": logps.grad.tolist(),
        "metrics": metrics,
    }


def make() -> dict:
    assert trl.__version__ == "1.9.0"
    cases = [case(*given) for given in CASES]
    inputs = {
        "mask": MASK,
        "rewards": REWARDS,
        "token_logps": LOGPS,
        "old_token_logps": OLD,
        "ref_token_logps": REFERENCE,
    }
    return golden("trl", trl.__version__, cases, torch=torch.__version__, inputs=inputs)
