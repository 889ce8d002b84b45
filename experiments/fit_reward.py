"""Fits the weights of the reward's penalties, so that edits of photographs rank as they should.

    python experiments/fit_reward.py PHOTOS [--out FILE]

PHOTOS: the folder that was calibrated on; the same half of it is taken. Writes the weights into the
package, and prints how often each pair of edits ranks right with them, and with those it had.
"""

import argparse
import json
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
from reward_validation import cases as make
from reward_validation.photos import calibration_photos
from reward_validation.tables import ranked_pairs
from tqdm import tqdm

from agentic_styling.cli.command import keep_compiled_programs, one_line_errors, path
from agentic_styling.rewards import parts, render_reference
from agentic_styling.rewards.calibration import calibration
from agentic_styling.rewards.parts import PENALTIES, WEIGHTS, penalties_of
from agentic_styling.rewards.probes import at_probe_size
from agentic_styling.utils.errors import InputError

_SIDE = 128  # of a picture, in pixels: that of the probes
_ROWS = 40  # measured together
_LEAST = 0.05  # weight of every penalty, in its standard deviations
_TAUGHT = 0.65  # share of the scripted teacher's trajectories that score 4 or more
# How often a penalty is counted in the mean cost of the six parts.
_TIMES = np.array([sum(name in part for part in PENALTIES.values()) for name in WEIGHTS]) / 6


@jax.jit
def _penalties(target, edit):
    penalties = penalties_of(target, edit, calibration())
    return jnp.stack([penalties[name][0, 0] for name in WEIGHTS])


class Measured:
    """Penalties of edits of the same cases, as counted in the mean cost."""

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
        rows = [_penalties(t, small[r]) for t, r in zip(self.targets, self.rows, strict=True)]
        return np.concatenate(rows, axis=1) * _TIMES[:, None]


def measure(cases: make.Cases, seed: int) -> dict[str, np.ndarray]:
    """Penalties [F, N] of every kind of edit that is ranked, and of the teacher's."""
    answers = make.edits(cases.requests, np.random.default_rng(seed))
    strong = Measured(cases.source, cases.requests)
    results = {
        name: make.run(cases, steps, seed + 1) for name, steps in tqdm(answers.items(), unit="kind")
    }
    penalties = {name: strong(result) for name, result in results.items()}
    penalties |= {name: strong(change(cases.source)) for name, change in make.WRECKS.items()}
    penalties["one forgotten"][:, ~make.has_several(cases.requests)] = np.nan
    weak = Measured(cases.source, answers["half the strength"])
    others = {"half": "half the strength", "double": "intended", "random plan": "random plan"}
    for name, kind in others.items():
        penalties[f"{name}, where half is asked"] = weak(results[kind])
    return penalties | {"taught": strong(make.run(cases, cases.taught, seed + 1))}


def _differences(penalties) -> list[np.ndarray]:
    """By how much each penalty of the worse of each pair is larger, [F, n]."""
    pairs = [penalties[worse] - penalties[better] for better, worse in ranked_pairs()]
    return [d[:, np.isfinite(d).all(0)] for d in pairs]


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
    parser.add_argument("--cases", type=int, default=240)
    parser.add_argument("--seed", type=int, default=100)
    parser.add_argument("--out", type=path, default=Path(parts.__file__).with_name("weights.json"))
    args = parser.parse_args(sys.argv[1:] if argv is None else argv)
    if args.cases < 20:
        raise InputError(f"--cases: {args.cases} is too few; at least 20")
    keep_compiled_programs()
    cases = make.draw_cases(calibration_photos(args.photos), args.cases, _SIDE, args.seed)
    penalties = measure(cases, args.seed)
    differences = _differences(penalties)
    weights = fit(differences)
    weights *= np.log(5 / 4) / np.quantile(weights @ penalties["taught"], _TAUGHT)
    current = np.array(list(WEIGHTS.values()))
    for name, fitted, now in zip(WEIGHTS, weights, current, strict=True):
        print(f"{name:14s} {fitted:6.3f}   (is {now:g})")
    for (better, worse), d in zip(ranked_pairs(), differences, strict=True):
        shares = [100 * (w @ d > 0).mean() for w in (weights, current)]
        print(f"{shares[0]:5.1f} %   (is {shares[1]:.1f} %)   {better} above {worse}")
    fitted = {n: round(float(w), 3) for n, w in zip(WEIGHTS, weights, strict=True)}
    args.out.write_text(json.dumps(fitted, indent=1) + "\n")
    print(args.out)


if __name__ == "__main__":
    main()
