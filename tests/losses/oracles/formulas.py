"""The losses that no package has, and every option, written anew in float64 torch.

pip install torch==2.13.0. The formulas are those of the papers, with weights made outside of the
graph, so that a forgotten stop_gradient shows.
"""

import statistics

import torch

from tests.losses.oracles.autograd import case
from tests.losses.oracles.columns import CONTEXTS, MEAN, PAIR, ROWS, SCORED, STD, golden

REWARDS = ROWS["rewards"]
GROUPS = {k: [r for r, c in zip(REWARDS, CONTEXTS, strict=True) if c == k] for k in set(CONTEXTS)}
CONTEXT_MEAN = [statistics.fmean(GROUPS[c]) for c in CONTEXTS]
CONTEXT_STD = [statistics.pstdev(GROUPS[c]) for c in CONTEXTS]
CONTEXT_COUNT = [len(GROUPS[c]) for c in CONTEXTS]
IN_CONTEXT = {"mean": CONTEXT_MEAN, "std": CONTEXT_STD}
QUANTILES = [
    sum((o < r) + (o == r) / 2 for o in GROUPS[c]) / len(GROUPS[c])
    for r, c in zip(REWARDS, CONTEXTS, strict=True)
]
IN_SET = {"mean": MEAN, "std": STD}


def tensor(values):
    return torch.tensor(values, dtype=torch.float64)


def weights_case(loss, weights, options, *, ratio=None, kl_coef=0.0):
    """-w * s. ratio(c): what w is multiplied by, detached; kl_coef * (s - s_ref)^2 / 2 is added."""

    def function(**c):
        w = tensor(weights)
        if ratio is not None:
            w = w * ratio({k: v.detach() for k, v in c.items()})
        penalty = 0.5 * (c["logps"] - c["ref_logps"]) ** 2 if kl_coef else 0.0
        return -w * c["logps"] + kl_coef * penalty

    names = SCORED if ratio or kl_coef else SCORED[:2]
    if loss in ("standard", "best"):
        names = [n for n in names if n != "rewards"]
    return case(loss, names, options, function)


def taper(weights):
    """min(pi / pi_ref, 1) for the rows of negative weight."""

    def ratio(c):
        tapered = torch.exp(torch.minimum(c["logps"] - c["ref_logps"], tensor(0.0)))
        return torch.where(tensor(weights) < 0, tapered, 1.0)

    return ratio


def bounded(name, low, high):
    return lambda c: torch.clamp(torch.exp(c[name] - c["ref_logps"]), low, high)


def scored_cases():
    advantages = [r - MEAN for r in REWARDS]
    floored = [max(r - 3.0, 0.0) for r in REWARDS]
    standard = [a / STD for a in advantages]
    shifted = [(a + 0.25) / STD for a in advantages]
    limited = [min(max(w, -1.0), 1.0) for w in shifted]
    swift = [
        (r - m) / s if s else 0.0
        for r, m, s in zip(REWARDS, CONTEXT_MEAN, CONTEXT_STD, strict=True)
    ]
    others = [
        r - (m * n - r) / (n - 1) if n > 1 else 0.0
        for r, m, n in zip(REWARDS, CONTEXT_MEAN, CONTEXT_COUNT, strict=True)
    ]
    exponential = [min(torch.exp(tensor(a / 0.5)).item(), 20.0) for a in advantages]
    good = [float(r >= 4.0) for r in REWARDS]
    left = [max(a, 0.0) for a in advantages]
    all_options = {"shift": 0.25, "clip": 1.0, "taper": True, "kl_coef": 0.01}
    sw = "standardized_reward_weighted"
    mean = {"mean": MEAN}
    return [
        weights_case("standard", [1.0] * 8, {}),
        weights_case("standard", [1.0] * 8, {"kl_coef": 0.01}, kl_coef=0.01),
        weights_case("best", [1.0] * 8, {}),
        weights_case("reward_filtered", good, {"threshold": 4.0}),
        weights_case("reward_weighted", floored, {"floor": 3.0}),
        weights_case("reward_weighted", [min(w, 1.5) for w in floored], {"clip": 1.5}),
        weights_case(sw, standard, IN_SET),
        weights_case(sw, shifted, IN_SET | {"shift": 0.25}),
        weights_case(sw, limited, IN_SET | all_options, ratio=taper(limited), kl_coef=0.01),
        weights_case(sw, swift, IN_CONTEXT),
        weights_case("swift", swift, IN_CONTEXT),
        weights_case("rloo", others, {"mean": CONTEXT_MEAN, "count": CONTEXT_COUNT}),
        weights_case("awr", exponential, mean | {"beta": 0.5}),
        weights_case("asymre", [a + 0.1 for a in advantages], mean | {"shift": 0.1}),
        weights_case("topr", advantages, mean, ratio=taper(advantages)),
        weights_case("a_lol", left, mean, ratio=bounded("logps", 0.1, 1.9)),
        weights_case("iw_sft", good, {}, ratio=bounded("logps", 0.1, 1.9)),
    ]


def reference_cases():
    rewards = tensor(REWARDS)

    def npo(**c):
        x = -0.1 * (c["logps"] - c["ref_logps"])
        negative = 2 / 0.1 * torch.nn.functional.softplus(-x)
        return torch.where(rewards >= 4.0, -c["logps"], negative)

    def dro_v(**c):
        return 0.5 * (rewards - MEAN - 0.2 * (c["logps"] - c["ref_logps"])) ** 2

    def qrpo(**c):
        log_z = torch.log(0.2 * (torch.exp(tensor(1 / 0.2)) - 1))
        log_ratio = c["logps"] - c["ref_logps"]
        return (tensor(QUANTILES) - 0.2 * log_z - 0.2 * log_ratio) ** 2

    def iw_sft(**c):
        q = torch.exp(c["q_logps"] - c["ref_logps"]).detach().clamp(0.5, 2.0)
        return -(rewards >= 4.0).double() * q * c["logps"]

    return [
        case("npo", SCORED, {"beta": 0.1}, npo),
        case("dro_v", SCORED, {"mean": MEAN, "tau": 0.2}, dro_v),
        case("qrpo", ["logps", "ref_logps"], {"quantile": QUANTILES, "beta": 0.2}, qrpo),
        case("iw_sft", [*SCORED, "q_logps"], {"ratio_min": 0.5, "ratio_max": 2.0}, iw_sft),
    ]


def pair_cases():
    def margins(c):
        w, l, ref_w, ref_l = (c[name] for name in PAIR)
        return w - ref_w, l - ref_l

    def logistic(x):
        return torch.nn.functional.softplus(-x)

    def rpo(**c):
        w, l = margins(c)
        return logistic(0.1 * (w - l)) - 0.7 * c["chosen_logps"] / c["chosen_lengths"]

    def dpop(**c):
        w, l = margins(c)
        return logistic(0.1 * (w - l - 5.0 * torch.relu(-w)))

    def rebel(**c):
        w, l = margins(c)
        return (c["chosen_rewards"] - c["rejected_rewards"] - 0.1 * (w - l)) ** 2

    def dpo_per_token(**c):
        w, l = margins(c)
        return logistic(2.0 * (w / c["chosen_lengths"] - l / c["rejected_lengths"]))

    lengths = ["chosen_lengths", "rejected_lengths"]
    rewards = ["chosen_rewards", "rejected_rewards"]
    per_token = {"beta": 2.0, "length_normalized": True}
    return [
        case("rpo", [*PAIR, "chosen_lengths"], {"alpha": 0.7}, rpo),
        case("dpop", PAIR, {"penalty": 5.0}, dpop),
        case("rebel", PAIR + rewards, {"beta": 0.1}, rebel),
        case("dpo", PAIR + lengths, per_token, dpo_per_token),
    ]


def make() -> dict:
    cases = scored_cases() + reference_cases() + pair_cases()
    version = torch.__version__
    return golden("torch", version, cases, inputs=ROWS)
