"""Checks that the reward ranks edits as a person would and that it cannot be gamed.

    python experiments/validate_reward.py [PHOTOS] --out experiments/results

PHOTOS: a folder, of which the half is taken that the other scripts leave
(reward_validation/photos.py); without it, the photographs that come with scikit-image and
scikit-learn. Writes validate_reward.md and .json.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from reward_validation import cases as make
from reward_validation.photos import validation_photos
from reward_validation.tables import report
from scipy.stats import spearmanr
from tqdm import tqdm

from agentic_styling.cli.command import keep_compiled_programs, one_line_errors, path
from agentic_styling.evaluation import baselines
from agentic_styling.rewards import render_reference, score_against
from agentic_styling.rewards.calibration import PATH
from agentic_styling.rewards.held_out import held_out_reward, measure_reference
from agentic_styling.tools import DIMENSIONS
from agentic_styling.utils.errors import InputError

_ROWS = 40  # scored together
_BUDGET = 16 / 255  # of the ascent, a value: clearly visible


class Judged:
    """Both rewards of edits of the same cases."""

    def __init__(self, cases: make.Cases, requests):
        self.count = len(requests)
        plans = make.rendered_requests(requests)
        self.references = [
            render_reference(cases.source[rows], jax.tree.map(lambda x, r=rows: x[r], plans))
            for rows in self._batches()
        ]
        self.held_out = [measure_reference(reference) for reference in self.references]

    def _batches(self):
        return [slice(i, i + _ROWS) for i in range(0, self.count, _ROWS)]

    def __call__(self, result) -> np.ndarray:
        """[2, N]: the training reward and the held-out one of float [N, H, W, 3]."""
        result = jnp.clip(result, 0.0, 1.0).astype(jnp.float32)
        both = [
            (score_against(ref, result[rows]).reward, held_out_reward(held_out, result[rows]))
            for ref, held_out, rows in zip(
                self.references, self.held_out, self._batches(), strict=True
            )
        ]
        return np.concatenate([np.stack(jax.device_get(pair)) for pair in both], axis=1)

    def ascend(self, start, steps: int = 50) -> np.ndarray:
        """What sign ascent on the pixels through the training reward makes of `start`."""

        @jax.jit
        def climb(ref, image, origin):
            def total(x):
                return score_against(ref, x).reward.sum()

            moved = image + _BUDGET / 10 * jnp.sign(jax.grad(total)(image))
            return jnp.clip(jnp.clip(moved, origin - _BUDGET, origin + _BUDGET), 0.0, 1.0)

        out = []
        for ref, rows in zip(self.references, self._batches(), strict=True):
            image = origin = start[rows]
            for _ in range(steps):
                image = climb(ref, image, origin)
            out.append(image)
        return jnp.concatenate(out)


def measure(cases: make.Cases, seed: int) -> dict[str, np.ndarray]:
    """Both rewards [2, N] of every kind of edit."""
    rng = np.random.default_rng(seed)
    requests = cases.requests
    judged = Judged(cases, requests)
    answers = make.edits(requests, rng)
    swapped = [make.in_another_order(r, rng) for r in requests]

    def plans(name, steps):
        return name, lambda: judged(make.run(cases, steps, seed + 1))

    def pixels(name, change):
        return name, lambda: judged(change(cases.source))

    edits = [
        *(plans(name, steps) for name, steps in answers.items()),
        plans("in another order", swapped),
        plans("in another order at half the strength",
              [make.with_strength(r, 0.5) for r in swapped]),
        plans("the scripted teacher", cases.taught),
        plans("the first step five times", [make.repeats_a_step(r, rng) for r in requests]),
        plans("the strongest of eight tools", [baselines.strongest().steps] * len(requests)),
        *(plans(f"{tool} at its strongest", [make.strongest_of(tool)] * len(requests))
          for tool in DIMENSIONS),
        *(pixels(name, change) for name, change in (make.WRECKS | make.PUSHES).items()),
        ("another photograph in that look", lambda: judged(_another(cases, requests, seed))),
        ("ascent through the reward", lambda: judged(judged.ascend(cases.source))),
    ]  # fmt: skip
    edits += _where_half_is_asked(cases, answers, seed) + _invariances(cases, judged, seed)
    rewards = {name: edit() for name, edit in tqdm(edits, "scoring", unit="kind")}
    lone = ~make.has_several(requests)
    for name in ("one forgotten", "in another order", "in another order at half the strength"):
        rewards[name][:, lone] = np.nan
    return rewards


def _where_half_is_asked(cases, answers, seed):
    """Kinds of edits of requests at half their strength."""
    half = answers["half the strength"]
    judged = Judged(cases, half)
    kinds = {"half": half, "double": cases.requests, "random plan": answers["random plan"]}
    return [
        (f"{name}, where half is asked", lambda s=s: judged(make.run(cases, s, seed + 1)))
        for name, s in kinds.items()
    ]


def _another(cases, requests, seed):
    other = cases._replace(source=jnp.roll(cases.source, 1, axis=0))
    return make.run(other, requests, seed + 1)


def _invariances(cases, judged, seed):
    """Mixed results as they are, mirrored, resized and as JPEG."""
    rng, requests = np.random.default_rng(seed + 2), cases.requests
    mixed = [
        (make.forgets_one, make.takes_a_neighbour, make.adds_a_step)[i % 3](r, rng)
        for i, r in enumerate(requests)
    ]
    result = make.run(cases, mixed, seed + 1)

    def judge_copy(name):
        change = make.COPIES[name]
        copies = cases._replace(source=change(cases.source))
        asked = [make.mirrored(r) if name == "mirrored" else r for r in requests]
        return Judged(copies, asked)(change(result))

    copied = [(f"mixed, {name}", lambda name=name: judge_copy(name)) for name in make.COPIES]
    return [("mixed", lambda: judged(result)), *copied]


def corruption(cases: make.Cases, seed: int) -> np.ndarray:
    """Mean training reward after 0, 1, 2, ... corruptions of each intended plan."""
    rng = np.random.default_rng(seed)
    judged = Judged(cases, cases.requests)
    steps, means = list(cases.requests), []
    for k in tqdm(range(5), "corrupting", unit="step"):
        means.append(judged(make.run(cases, steps, seed + 1))[0])
        corrupt = make.adds_a_step if k % 2 else make.takes_a_neighbour
        steps = [corrupt(s, rng) if len(s) < 6 else s for s in steps]
    return np.stack(means)


def _machine() -> str:
    versions = [f"{name} {importlib.metadata.version(name)}" for name in ("jax", "numpy", "scipy")]
    cores = f"{platform.machine()}, {os.cpu_count()} cores"
    return ", ".join([cores, f"Python {platform.python_version()}", *versions])


@one_line_errors
def main(argv=None) -> None:
    """Parse the command line, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", nargs="?", help="a folder of photographs")
    parser.add_argument("--cases", type=int, default=240)
    parser.add_argument("--size", type=int, default=256, help="side of a picture, in pixels")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=path, required=True, help="folder to write to")
    args = parser.parse_args(sys.argv[1:] if argv is None else argv)
    for name, least in (("cases", 2), ("size", 32)):
        if getattr(args, name) < least:
            raise InputError(f"--{name}: {getattr(args, name)} is too small; at least {least}")
    keep_compiled_programs()
    photos = validation_photos(args.photos)
    cases = make.draw_cases(photos, args.cases, args.size, args.seed)
    rewards = measure(cases, args.seed)
    corrupted = corruption(cases, args.seed + 5)
    together = np.concatenate([rewards[name] for name in make.TRAJECTORIES], axis=1)
    together = together[:, np.isfinite(together[0])]
    results = {
        "machine": _machine(),
        "photographs": f"{len(photos)} photographs of "
        + ("scikit-image and scikit-learn" if args.photos is None else Path(args.photos).name),
        "calibration": PATH.name,
        "photos": cases.photos,
        "cases": args.cases,
        "size": args.size,
        "rewards": {name: both.round(4).tolist() for name, both in rewards.items()},
        "corrupted": corrupted.mean(1).round(4).tolist(),
        "spearman": float(spearmanr(*together).statistic),
    }
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "validate_reward.json").write_text(json.dumps(results) + "\n")
    (args.out / "validate_reward.md").write_text(report(results))
    print(report(results))


if __name__ == "__main__":
    main()
