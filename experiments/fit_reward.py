"""What each fault costs in the reward: fitted so that edits of photographs rank as they should.

    python experiments/fit_reward.py PHOTOS

PHOTOS: a folder of photographs, those that were calibrated on; validate on others. Prints WEIGHTS
for agentic_styling/rewards/parts.py, and how often each pair of edits then ranks right.
"""

import argparse
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
from reward_validation import cases as make
from reward_validation.tables import ranked_pairs
from tqdm import tqdm

from agentic_styling.data import load_photos
from agentic_styling.rewards import render_reference
from agentic_styling.rewards.calibration import calibration
from agentic_styling.rewards.parts import FAULTS, WEIGHTS, faults_of
from agentic_styling.rewards.probes import at_probe_size
from agentic_styling.utils.errors import InputError, one_line_errors
from agentic_styling.utils.user_cache import keep_compiled_programs

_ROWS = 40  # measured together
_LEAST = 0.05  # that every fault counts, in its standard deviations
_TAUGHT = 0.65  # share of a teacher of uneven skill's trajectories that score 4 or more (PAPER)
# How often a fault is counted in the mean cost of the six parts.
_TIMES = np.array([sum(fault in part for part in FAULTS.values()) for fault in WEIGHTS]) / 6


@jax.jit
def _faults(target, edit):
    found, _ = faults_of(target, edit, calibration())
    return jnp.stack([found[fault] for fault in WEIGHTS])


class Measured:
    """Faults of edits of the same cases, as far as they count in the mean cost."""

    def __init__(self, source, requests):
        plans = make.rendered_requests(requests)
        self.rows = [slice(i, i + _ROWS) for i in range(0, len(source), _ROWS)]
        self.targets = [
            render_reference(source[r], jax.tree.map(lambda x, r=r: x[r], plans)).target
            for r in self.rows
        ]

    def __call__(self, result) -> np.ndarray:
        """[F, N] of float [N, H, W, 3]."""
        small = at_probe_size(jnp.clip(result, 0.0, 1.0).astype(jnp.float32))
        found = [_faults(t, small[r]) for t, r in zip(self.targets, self.rows, strict=True)]
        return np.concatenate(found, axis=1) * _TIMES[:, None]


def measure(cases: make.Cases, seed: int) -> dict[str, np.ndarray]:
    """Faults [F, N] of every kind of edit that is ranked, and of the teacher's."""
    answers = make.edits(cases.requests, np.random.default_rng(seed))
    strong = Measured(cases.source, cases.requests)
    results = {
        name: make.run(cases, steps, seed + 1) for name, steps in tqdm(answers.items(), unit="kind")
    }
    found = {name: strong(result) for name, result in results.items()}
    found |= {name: strong(change(cases.source)) for name, change in make.WRECKS.items()}
    found["one forgotten"][:, ~make.has_several(cases.requests)] = np.nan
    weak = Measured(cases.source, answers["half the strength"])
    others = {"half": "half the strength", "double": "intended", "random plan": "random plan"}
    for name, kind in others.items():
        found[f"{name}, where half is asked"] = weak(results[kind])
    return found | {"taught": strong(make.run(cases, cases.taught, seed + 1))}


def _differences(found) -> list[np.ndarray]:
    """By how much the worse of each pair has more of each fault, [F, n]."""
    found = [found[worse] - found[better] for better, worse in ranked_pairs()]
    return [d[:, np.isfinite(d).all(0)] for d in found]


def fit(differences: list[np.ndarray], steps: int = 1000) -> np.ndarray:
    """Weights [F], positive, by logistic regression; pairs with a random plan count three times."""
    size = np.concatenate(differences, axis=1).std(1)
    times = [3.0 if "random plan" in worse else 1.0 for _, worse in ranked_pairs()]
    scaled = [jnp.asarray(d / size[:, None]) for d in differences]

    def loss(free):
        weights = _LEAST + jnp.exp(free)
        wrong = [jax.nn.softplus(-4 * weights @ d).mean() for d in scaled]
        return sum(t * x for t, x in zip(times, wrong, strict=True)) + 1e-3 * weights.sum()

    optimizer = optax.adam(0.05)

    def update(carry, _):
        free, state = carry
        change, state = optimizer.update(jax.grad(loss)(free), state)
        return (free + change, state), None

    free = jnp.full(len(size), -2.0)
    (free, _), _ = jax.jit(
        lambda free: jax.lax.scan(update, (free, optimizer.init(free)), None, steps)
    )(free)
    return np.asarray(_LEAST + jnp.exp(free)) / size


@one_line_errors
def main(argv=None) -> None:
    """Parse the command line, measure, fit, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", help="a folder of photographs")
    parser.add_argument("--cases", type=int, default=400)
    parser.add_argument("--seed", type=int, default=100)
    args = parser.parse_args(sys.argv[1:] if argv is None else argv)
    if args.cases < 20:
        raise InputError(f"--cases: {args.cases} is too few; at least 20")
    keep_compiled_programs()
    cases = make.draw_cases(load_photos(args.photos), args.cases, 256, args.seed)
    found = measure(cases, args.seed)
    differences = _differences(found)
    weights = fit(differences)
    weights *= np.log(5 / 4) / np.quantile(weights @ found["taught"], _TAUGHT)
    stand = np.array(list(WEIGHTS.values()))
    for name, fitted, now in zip(WEIGHTS, weights, stand, strict=True):
        print(f"{name:10s} {fitted:6.3f}   (is {now:g})")
    for (better, worse), d in zip(ranked_pairs(), differences, strict=True):
        shares = [100 * (w @ d > 0).mean() for w in (weights, stand)]
        print(f"{shares[0]:5.1f} %   (is {shares[1]:.1f} %)   {better} above {worse}")


if __name__ == "__main__":
    main()
