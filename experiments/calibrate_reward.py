"""Measures how each option moves the reward's probes, and writes the calibration file.

    python experiments/calibrate_reward.py PHOTOS [--out FILE]

PHOTOS: a folder of photographs, edited into known states as for training. Validate on others
(experiments/validate_reward.py).
"""

import argparse
import sys

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from agentic_styling.cli.arguments import path
from agentic_styling.data import load_photos, state_plan
from agentic_styling.data.build import draw_contexts
from agentic_styling.data.photos.states import make_step
from agentic_styling.rewards.calibration import OPTIONS, PATH, STRENGTHS
from agentic_styling.rewards.edit_errors import NOISE
from agentic_styling.rewards.parts import look_of, structure_alike
from agentic_styling.rewards.probes import LAYOUT, at_probe_size, probes
from agentic_styling.tools import DIMENSIONS, UNKNOWN, Plan, encode_plans, execute
from agentic_styling.utils.errors import InputError, one_line_errors
from agentic_styling.utils.user_cache import keep_compiled_programs

_RIDGE = 1.0  # regularises the slope of a probe whose variance, in visible steps, is below
_SIDE, _LARGE = 256, 12  # pixels, and how many pictures are edited at that size too


def draw_sources(photos, crops: int, seed: int):
    """Crops [N, _SIDE, _SIDE, 3] of photographs in known states, as for training."""
    contexts = draw_contexts(photos, crops, size=_SIDE, seed=seed)
    pixels = jnp.asarray(np.stack([c.pixels for c in contexts]), jnp.float32) / 255
    states = encode_plans([state_plan(c.state) for c in contexts])
    return execute(pixels, states, jax.random.key(seed))


def _rendered(source, number: int, strength: float, key: int = 0):
    """An option's renderings of pictures [N, H, W, 3]."""
    tool, option = OPTIONS[number]
    plan = Plan({}, (make_step(tool, UNKNOWN, option, strength),))
    return execute(source, encode_plans([plan] * len(source), 1), jax.random.key(key))


def _both_sides(source, number: int, strength: float):
    """An option's two renderings: as they are, and lit from the other side."""
    both = jnp.concatenate([source, source[:, :, ::-1]])
    one, other = jnp.split(_rendered(both, number, strength), 2)
    return one, other[:, :, ::-1]


@jax.jit
def _measured(one, other):
    """Probes of both renderings, and the structure that they have in common."""
    kept = structure_alike(look_of(one), look_of(other))
    return jnp.stack([probes(one), probes(other)]), kept.mean()


def calibrate(large) -> dict[str, np.ndarray]:
    """The arrays of Calibration, over photographs [N, _SIDE, _SIDE, 3]."""
    source = at_probe_size(large)
    large = large[:_LARGE]
    before = np.asarray(probes(source))
    shape = len(OPTIONS), len(STRENGTHS)
    tables = {n: np.zeros((*shape, before.shape[1])) for n in ("base", "slope", "side", "noise")}
    kept = np.zeros(shape)
    covariance = np.zeros((len(DIMENSIONS), before.shape[1], before.shape[1]))
    counted = np.zeros(len(DIMENSIONS))
    middle = before.mean(0)
    for o, (tool, _) in enumerate(tqdm(OPTIONS, unit="option")):
        for s, strength in enumerate(STRENGTHS):
            after, kept[o, s] = _measured(*_both_sides(source, o, strength))
            again = probes(at_probe_size(_rendered(large, o, strength, key=1)))
            tables["noise"][o, s] = np.square(after[0, :_LARGE] - again).mean(0)
            moved = np.asarray(after, np.float64) - before  # [2, N, K]
            base, slope = _regressed(before - middle, moved)
            tables["base"][o, s], tables["slope"][o, s] = base - slope * middle, slope
            tables["side"][o, s, LAYOUT] = (moved[0] - moved[1]).mean(0)[LAYOUT] / 2
            left = (moved - base - slope * (before - middle)).reshape(-1, len(middle))
            covariance[DIMENSIONS.index(tool)] += left.T @ left
            counted[DIMENSIONS.index(tool)] += len(left)
    covariance = covariance / counted[:, None, None] + NOISE * np.eye(len(middle))
    whitening = np.linalg.inv(np.linalg.cholesky(covariance))
    return tables | {"whitening": whitening, "kept": np.clip(kept, 0.05, 1)}


def _regressed(centred, moved):
    """Mean [K] of movements [2, N, K], and their slope by a probe's own value [N, K]."""
    covariance = (centred * (moved - moved.mean((0, 1)))).mean((0, 1))
    slope = covariance / ((centred**2).mean(0) + _RIDGE)
    return moved.mean((0, 1)), np.clip(slope, -1.2, 0.5)


@one_line_errors
def main(argv=None) -> None:
    """Parse the command line, measure, write."""
    from safetensors.numpy import save_file

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", help="a folder of photographs")
    parser.add_argument("--crops", type=int, default=64, help="pictures cut from them")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=path, default=PATH)
    args = parser.parse_args(sys.argv[1:] if argv is None else argv)
    if args.crops < 1:
        raise InputError(f"--crops: {args.crops} is too few; at least 1")
    keep_compiled_programs()
    photos = load_photos(args.photos)
    tables = calibrate(draw_sources(photos, args.crops, args.seed))
    stored = {name: array.astype(np.float16) for name, array in tables.items()}
    about = {"photographs": f"{len(photos)}", "crops": f"{args.crops}", "seed": f"{args.seed}"}
    save_file(stored, args.out, metadata=about)
    print(args.out)


if __name__ == "__main__":
    main()
