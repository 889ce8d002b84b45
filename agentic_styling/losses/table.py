"""The losses by name, with what each needs, and the presets of published methods."""

from dataclasses import dataclass, field

from agentic_styling.losses import off_policy, online, pairs, pairwise_pointwise, scored
from agentic_styling.losses.loss import Loss

REWARDS = frozenset({"rewards"})
STATISTICS = REWARDS | {"statistics"}
CONTEXTS = REWARDS | {"contexts"}
REFERENCE = REWARDS | {"reference"}
PAIRS = frozenset({"pairs"})
PAIRS_REFERENCE = PAIRS | {"reference"}
ONLINE = CONTEXTS | {"tokens", "old"}

LOSSES: dict[str, Loss] = {
    # The paper's five.
    "standard": Loss(scored.standard),
    "reward_filtered": Loss(scored.reward_filtered, REWARDS | {"filtered"}),
    "reward_weighted": Loss(scored.reward_weighted, REWARDS),
    "standardized_reward_weighted": Loss(scored.standardized_reward_weighted, STATISTICS),
    "dpo": Loss(pairs.dpo, PAIRS_REFERENCE),
    # Scored trajectories.
    "swift": Loss(scored.swift, CONTEXTS),
    "rloo": Loss(scored.rloo, CONTEXTS),
    "best": Loss(scored.best, frozenset({"best"})),
    "awr": Loss(scored.awr, STATISTICS),
    "asymre": Loss(scored.asymre, STATISTICS),
    "topr": Loss(off_policy.topr, STATISTICS | REFERENCE),
    "npo": Loss(off_policy.npo, REFERENCE),
    "dro_v": Loss(off_policy.dro_v, STATISTICS | REFERENCE),
    "qrpo": Loss(off_policy.qrpo, frozenset({"contexts", "reference"})),
    "a_lol": Loss(off_policy.a_lol, STATISTICS | REFERENCE),
    "iw_sft": Loss(off_policy.iw_sft, REFERENCE | {"filtered"}),
    "kto": Loss(off_policy.kto, REFERENCE),
    "bco": Loss(off_policy.bco, REFERENCE),
    "dft": Loss(scored.dft, frozenset({"tokens"})),
    # Pairs of one context.
    "cdpo": Loss(pairs.cdpo, PAIRS_REFERENCE),
    "robust": Loss(pairs.robust, PAIRS_REFERENCE),
    "ipo": Loss(pairs.ipo, PAIRS_REFERENCE),
    "hinge": Loss(pairs.hinge, PAIRS_REFERENCE),
    "exo_pair": Loss(pairs.exo_pair, PAIRS_REFERENCE),
    "rpo": Loss(pairs.rpo, PAIRS_REFERENCE | {"lengths"}),
    "dpop": Loss(pairs.dpop, PAIRS_REFERENCE),
    "rebel": Loss(pairs.rebel, PAIRS_REFERENCE | REWARDS),
    "nca_pair": Loss(pairwise_pointwise.nca_pair, PAIRS_REFERENCE),
    "apo_zero": Loss(pairwise_pointwise.apo_zero, PAIRS_REFERENCE),
    "apo_down": Loss(pairwise_pointwise.apo_down, PAIRS_REFERENCE),
    "sppo_hard": Loss(pairwise_pointwise.sppo_hard, PAIRS_REFERENCE),
    "bco_pair": Loss(pairwise_pointwise.bco_pair, PAIRS_REFERENCE),
    "aot": Loss(pairwise_pointwise.aot, PAIRS_REFERENCE | {"whole_batch"}),
    "aot_unpaired": Loss(pairwise_pointwise.aot_unpaired, PAIRS_REFERENCE | {"whole_batch"}),
    "simpo": Loss(pairs.simpo, PAIRS | {"means"}),
    "cpo": Loss(pairs.cpo, PAIRS | {"lengths"}),
    "orpo": Loss(pairs.orpo, PAIRS | {"means"}),
    # Fresh samples of the policy.
    "grpo": Loss(online.grpo, ONLINE),
    "dr_grpo": Loss(online.dr_grpo, ONLINE),
    "gspo": Loss(online.gspo, ONLINE | {"sequence_ratio"}),
    # A bug of the public release, for ablations.
    "released_code": Loss(scored.released_code, STATISTICS | {"every_token"}),
}


@dataclass(frozen=True)
class Preset:
    """A name of LOSSES, with one of REDUCTIONS and keyword arguments."""

    loss: str
    reduction: str
    options: dict[str, float | str] = field(default_factory=dict)


# The loss of a trajectory is w * (sum over its tokens), averaged over trajectories or pairs:
# arXiv 2603.07148, "Methods". released_code: per token, prompt and padding counted, and divided
# by the sum of the micro-batch's weights, as the public release does.
# The online methods have their published reductions and options. Dr. GRPO, DAPO and GSPO have no
# KL penalty. RLOO has one in its reward, of another size for each task: kl_coef of rloo has the
# same mean gradient on fresh samples.
PRESETS: dict[str, Preset] = {
    "S": Preset("standard", "seq-mean-token-sum"),
    "R": Preset("reward_filtered", "seq-mean-token-sum", {"threshold": 4.0}),
    "RW": Preset("reward_weighted", "seq-mean-token-sum", {"floor": 3.0}),
    "SW": Preset("standardized_reward_weighted", "seq-mean-token-sum"),
    "D": Preset("dpo", "seq-mean-token-sum", {"beta": 0.1}),
    "released_code": Preset("released_code", "seq-mean-token-mean"),
    "GRPO": Preset("grpo", "seq-mean-token-mean", {"kl_coef": 0.04}),
    "DR_GRPO": Preset("dr_grpo", "seq-mean-token-sum"),
    "DAPO": Preset("grpo", "token-mean", {"clip_high": 0.28}),
    "GSPO": Preset("gspo", "seq-mean-token-mean"),
    "RLOO": Preset("rloo", "seq-mean-token-sum"),
}
