"""Measures how each option moves the reward's probes, and writes the calibration file.

    python experiments/calibrate_reward.py PHOTOS [--out FILE]

PHOTOS: a folder of photographs, half of which are edited into known states as for training; the
others are for experiments/validate_reward.py (reward_validation/photos.py). Another look or probe
needs another file: raise the number in the name of rewards.calibration.PATH.
"""

import argparse
import functools
import os
import sys
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np
from reward_validation.photos import calibration_photos, draw_evenly
from tqdm import tqdm

from agentic_styling.cli.command import keep_compiled_programs, one_line_errors, path
from agentic_styling.data import state_plan
from agentic_styling.data.photos.states import make_step
from agentic_styling.rewards.calibration import OPTIONS, PATH, STRENGTHS
from agentic_styling.rewards.edit_errors import NOISE
from agentic_styling.rewards.parts import look_of, structure_alike
from agentic_styling.rewards.probes import LAYOUT, at_probe_size, by_row, probes
from agentic_styling.tools import DIMENSIONS, UNKNOWN, Plan, encode_plans, execute
from agentic_styling.utils.errors import InputError

_RIDGE = 1.0  # regularises the slope of a probe whose variance, in visible steps, is below
_TABLES = ("base", "slope", "side", "noise", "kept")
_SIDE, _LARGE = 256, 12  # pixels, and how many pictures are edited at that size too


def draw_sources(photos, crops: int, seed: int):
    """Crops [N, _SIDE, _SIDE, 3] of photographs in known states, as for training."""
    contexts = draw_evenly(photos, crops, _SIDE, seed)
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

    def of_row(pair):
        return probes(pair), structure_alike(look_of(pair[:1]), look_of(pair[1:]))

    measured, kept = by_row(of_row, jnp.stack([one, other], axis=1))
    return jnp.moveaxis(measured, 1, 0), kept.mean()


def calibrate(large) -> dict[str, np.ndarray]:
    """The arrays of Calibration, over photographs [N, _SIDE, _SIDE, 3]."""
    source = at_probe_size(large)
    before = np.asarray(probes(source))
    measure = functools.partial(_measured_option, source, large[:_LARGE], before)
    # To compile an option's kernel takes one core; the next ones are measured meanwhile.
    with ThreadPoolExecutor(2 * os.cpu_count()) as pool:
        options = list(tqdm(pool.map(measure, range(len(OPTIONS))), "calibrating",
                            len(OPTIONS), unit="option"))  # fmt: skip
    tables = {name: np.stack([option[name] for option in options]) for name in _TABLES}
    dimension = np.array([DIMENSIONS.index(tool) for tool, _ in OPTIONS])
    left = np.stack([option["left"] for option in options])
    covariance = np.stack([left[dimension == d].mean(0) for d in range(len(DIMENSIONS))])
    covariance += NOISE * np.eye(before.shape[1])
    return tables | {"whitening": np.linalg.inv(np.linalg.cholesky(covariance))}


def _measured_option(source, large, before, number: int) -> dict[str, np.ndarray]:
    """An option's rows of _TABLES, [2, ...] each, and the covariance "left" [K, K]."""
    rows, middle = {name: [] for name in (*_TABLES, "left")}, before.mean(0)
    for strength in STRENGTHS:
        after, kept = _measured(*_both_sides(source, number, strength))
        again = probes(at_probe_size(_rendered(large, number, strength, key=1)))
        moved = np.asarray(after, np.float64) - before  # [2, N, K]
        base, slope = _regressed(before - middle, moved)
        side = np.zeros_like(middle)
        side[LAYOUT] = (moved[0] - moved[1]).mean(0)[LAYOUT] / 2
        left = (moved - base - slope * (before - middle)).reshape(-1, len(middle))
        rows["base"].append(base - slope * middle)
        rows["slope"].append(slope)
        rows["side"].append(side)
        rows["noise"].append(np.square(after[0, : len(large)] - again).mean(0))
        rows["kept"].append(np.clip(kept, 0.05, 1))
        rows["left"].append(left.T @ left / len(left))
    return {n: np.mean(r, 0) if n == "left" else np.stack(r) for n, r in rows.items()}


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
    parser.add_argument("--crops", type=int, help="pictures cut from them; by default one of each")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=path, default=PATH)
    args = parser.parse_args(sys.argv[1:] if argv is None else argv)
    if args.crops is not None and args.crops < 1:
        raise InputError(f"--crops: {args.crops} is too few; at least 1")
    keep_compiled_programs()
    photos = calibration_photos(args.photos)
    crops = args.crops or len(photos)
    tables = calibrate(draw_sources(photos, crops, args.seed))
    stored = {name: array.astype(np.float16) for name, array in tables.items()}
    about = {"photographs": f"{len(photos)}", "crops": f"{crops}", "seed": f"{args.seed}"}
    save_file(stored, args.out, metadata=about)
    print(args.out)


if __name__ == "__main__":
    main()
