"""Offline and online RL objectives as pure functions of arrays, and the table of them by name."""

from agentic_styling.losses.diagnostics import (
    binary_diagnostics,
    online_diagnostics,
    pair_diagnostics,
    weight_diagnostics,
)
from agentic_styling.losses.loss import Loss, check_rows
from agentic_styling.losses.off_policy import (
    a_lol,
    bco,
    dro_v,
    iw_sft,
    kto,
    kto_kl,
    npo,
    qrpo,
    topr,
)
from agentic_styling.losses.online import (
    KL_ESTIMATORS,
    dr_grpo,
    group_advantages,
    grpo,
    gspo,
    kl_estimate,
)
from agentic_styling.losses.pairs import (
    cdpo,
    cpo,
    dpo,
    dpop,
    exo_pair,
    hinge,
    ipo,
    orpo,
    rebel,
    robust,
    rpo,
    simpo,
)
from agentic_styling.losses.pairwise_pointwise import (
    aot,
    aot_unpaired,
    apo_down,
    apo_zero,
    bco_pair,
    nca_pair,
    sppo_hard,
)
from agentic_styling.losses.reductions import REDUCTIONS, denominator, reduce, row_scales
from agentic_styling.losses.scored import (
    asymre,
    awr,
    best,
    dft,
    released_code,
    reward_filtered,
    reward_weighted,
    rloo,
    standard,
    standardized_reward_weighted,
    swift,
)
from agentic_styling.losses.table import LOSSES, PRESETS, Preset
from agentic_styling.losses.token_logps import (
    AllowedTokens,
    TokenStatistics,
    token_logps,
    token_statistics,
)
from agentic_styling.losses.weights import context_quantiles, context_statistics, kl_penalty

__all__ = [
    "AllowedTokens", "KL_ESTIMATORS", "LOSSES", "PRESETS", "REDUCTIONS", "Loss", "Preset", "a_lol",
    "aot", "aot_unpaired", "apo_down", "apo_zero", "asymre", "awr", "bco", "bco_pair", "best",
    "binary_diagnostics", "cdpo", "check_rows", "context_quantiles", "context_statistics", "cpo",
    "denominator", "dft", "dpo", "dpop", "dr_grpo", "dro_v", "exo_pair", "group_advantages", "grpo",
    "gspo", "hinge", "ipo", "iw_sft", "kl_estimate", "kl_penalty", "kto", "kto_kl", "nca_pair",
    "npo", "online_diagnostics", "orpo", "pair_diagnostics", "qrpo", "rebel", "reduce",
    "released_code", "reward_filtered", "reward_weighted", "rloo", "robust", "row_scales", "rpo",
    "simpo", "sppo_hard", "standard", "standardized_reward_weighted", "swift", "TokenStatistics",
    "token_logps", "token_statistics", "topr", "weight_diagnostics",
]  # fmt: skip
