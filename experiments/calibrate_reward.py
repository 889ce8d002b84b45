"""What each option does to photographs, for the reward: written beside its code.

    python experiments/calibrate_reward.py PHOTOS [--out FILE]

PHOTOS: a folder of photographs. Validate on others (experiments/validate_reward.py).
"""

import argparse
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from agentic_styling.cli import keep_compiled_programs
from agentic_styling.data import load_photos
from agentic_styling.data.generate import draw_context
from agentic_styling.data.states import make_step
from agentic_styling.errors import InputError, one_line_errors
from agentic_styling.rewards.calibration import OPTIONS, PATH, STRENGTHS
from agentic_styling.rewards.probes import at_probe_size, probes
from agentic_styling.tools import DIMENSIONS, UNKNOWN, Plan, encode_plans, execute


def _rendered(source, number: int, strength: float):
    """An option's two renderings: as they are, and lit from the other side."""
    tool, option = OPTIONS[number]
    plan = Plan({}, (make_step(tool, UNKNOWN, option, strength),))
    both = jnp.concatenate([source, source[:, :, ::-1]])
    results = execute(both, encode_plans([plan] * len(both), 1), jax.random.key(number))
    one, other = jnp.split(results, 2)
    return one, other[:, :, ::-1]


def movements(source) -> tuple[np.ndarray, np.ndarray]:
    """The arrays of Calibration, over photographs [N, S, S, 3]."""
    before = probes(source)
    columns = before.shape[1]
    movement = np.zeros((len(OPTIONS), len(STRENGTHS), columns), np.float32)
    moments = np.zeros((len(DIMENSIONS), columns, columns), np.float32)
    counted = np.zeros(len(DIMENSIONS))
    for o, (tool, _) in enumerate(tqdm(OPTIONS, unit="option")):
        for s, strength in enumerate(STRENGTHS):
            moved = np.concatenate([probes(x) - before for x in _rendered(source, o, strength)])
            movement[o, s] = moved.mean(0)
            moments[DIMENSIONS.index(tool)] += moved.T @ moved
            counted[DIMENSIONS.index(tool)] += len(moved)
    return movement, moments / counted[:, None, None].astype(np.float32)


@one_line_errors
def main(argv=None) -> None:
    """Parse the command line, measure, write."""
    from safetensors.numpy import save_file

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", help="a folder of photographs")
    parser.add_argument("--crops", type=int, default=32, help="pictures cut from them")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=PATH)
    args = parser.parse_args(sys.argv[1:] if argv is None else argv)
    if args.crops < 1:
        raise InputError(f"--crops: {args.crops} is too few; at least 1")
    keep_compiled_programs()
    photos = load_photos(args.photos)
    crops = [
        draw_context(photos, (args.seed, i), "train", 1, 256).pixels for i in range(args.crops)
    ]
    source = at_probe_size(jnp.asarray(np.stack(crops), jnp.float32) / 255)
    movement, moments = movements(source)
    stored = {"movement": movement.astype(np.float16), "moments": moments.astype(np.float16)}
    about = {"photographs": f"{len(photos)}", "crops": f"{args.crops}", "seed": f"{args.seed}"}
    save_file(stored, args.out, metadata=about)
    print(args.out)


if __name__ == "__main__":
    main()
