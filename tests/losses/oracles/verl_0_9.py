"""Reductions, group baselines and the KL estimate of verl 0.9.1.

pip install torch==2.13.0 'transformers>=5,<6' tensordict omegaconf ray codetiming orjson
pip install --no-deps verl==0.9.1
"""

from importlib.metadata import version

import numpy as np
import torch
from verl.trainer.ppo import core_algos

from tests.losses.oracles.columns import CONTEXTS, ROWS, golden
from tests.losses.oracles.sequences import COMPLETION, made

VALUES = [[abs(x) for x in row] for row in made(4, 6, seed=40)]  # losses of tokens
MODES = ("token-mean", "seq-mean-token-sum", "seq-mean-token-mean")


def make() -> dict:
    found = version("verl")
    assert found == "0.9.1"
    mask = torch.tensor(COMPLETION, dtype=torch.float64)
    values = torch.tensor(VALUES, dtype=torch.float64)
    cases = [
        {"reduction": mode, "value": core_algos.agg_loss(values, mask, mode).item()}
        for mode in MODES
    ]
    rewards = torch.tensor(ROWS["rewards"], dtype=torch.float64)[:, None]
    given = rewards.clone(), torch.ones_like(rewards), np.array(CONTEXTS)
    rloo = core_algos.compute_rloo_outcome_advantage(*given)[0][:, 0]
    # Of a context of one verl keeps the reward itself; ours is 0. The test leaves it out.
    cases.append({"advantages": "rloo", "value": rloo.tolist()})
    logps, ref = (torch.tensor(ROWS[k], dtype=torch.float64) for k in ("logps", "ref_logps"))
    kl = core_algos.kl_penalty_forward(logps, ref, "k2")
    cases.append({"kl": "k2", "value": kl.tolist()})
    inputs = {
        "values": VALUES,
        "mask": COMPLETION,
        "contexts": CONTEXTS,
        "rewards": ROWS["rewards"],
        "logps": ROWS["logps"],
        "ref_logps": ROWS["ref_logps"],
    }
    return golden("verl", found, cases, torch=torch.__version__, inputs=inputs)
