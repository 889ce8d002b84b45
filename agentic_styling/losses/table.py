"""The table of losses: what the trainer calls, and what it has to bring. A new loss is one row."""

from agentic_styling.losses import binary, off_policy, pairs, scored, token_level
from agentic_styling.losses import pairwise_pointwise as pairs_apart
from agentic_styling.losses import reference_free as pairs_free
from agentic_styling.losses.loss import Loss

REWARDS = frozenset({"rewards"})
STATISTICS = REWARDS | {"statistics"}
CONTEXTS = REWARDS | {"contexts"}
REFERENCE = REWARDS | {"reference"}
PAIRS = frozenset({"pairs"})
PAIRS_REFERENCE = PAIRS | {"reference"}

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
    "awr": Loss(scored.awr, STATISTICS),
    "asymre": Loss(scored.asymre, STATISTICS),
    "topr": Loss(off_policy.topr, STATISTICS | REFERENCE),
    "npo": Loss(off_policy.npo, REFERENCE),
    "dro_v": Loss(off_policy.dro_v, STATISTICS | REFERENCE),
    "a_lol": Loss(off_policy.a_lol, STATISTICS | REFERENCE),
    "iw_sft": Loss(off_policy.iw_sft, REFERENCE | {"filtered"}),
    "kto": Loss(binary.kto, REFERENCE),
    "bco": Loss(binary.bco, REFERENCE),
    "dft": Loss(token_level.dft, frozenset({"tokens"})),
    # Pairs of one context.
    "cdpo": Loss(pairs.cdpo, PAIRS_REFERENCE),
    "robust": Loss(pairs.robust, PAIRS_REFERENCE),
    "ipo": Loss(pairs.ipo, PAIRS_REFERENCE),
    "hinge": Loss(pairs.hinge, PAIRS_REFERENCE),
    "exo_pair": Loss(pairs.exo_pair, PAIRS_REFERENCE),
    "rpo": Loss(pairs.rpo, PAIRS_REFERENCE | {"lengths"}),
    "dpop": Loss(pairs.dpop, PAIRS_REFERENCE),
    "rebel": Loss(pairs.rebel, PAIRS_REFERENCE | REWARDS),
    "nca_pair": Loss(pairs_apart.nca_pair, PAIRS_REFERENCE),
    "apo_zero": Loss(pairs_apart.apo_zero, PAIRS_REFERENCE),
    "apo_down": Loss(pairs_apart.apo_down, PAIRS_REFERENCE),
    "sppo_hard": Loss(pairs_apart.sppo_hard, PAIRS_REFERENCE),
    "bco_pair": Loss(pairs_apart.bco_pair, PAIRS_REFERENCE),
    "aot": Loss(pairs_apart.aot, PAIRS_REFERENCE | {"whole_batch"}),
    "aot_unpaired": Loss(pairs_apart.aot_unpaired, PAIRS_REFERENCE | {"whole_batch"}),
    "simpo": Loss(pairs_free.simpo, PAIRS | {"means"}),
    "cpo": Loss(pairs_free.cpo, PAIRS | {"lengths"}),
    "orpo": Loss(pairs_free.orpo, PAIRS | {"means"}),
    # What not to do.
    "released_code": Loss(scored.released_code, STATISTICS | {"every_token"}),
}
