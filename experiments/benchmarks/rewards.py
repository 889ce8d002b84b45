"""The rewards against scikit-image's SSIM, in turn, in one run.

    python experiments/benchmarks/rewards.py --out experiments/benchmarks/results

Writes rewards_DEVICE.md and .json: pictures a second at 512 x 512, batches of 16 with other
pictures, requests and results each time, and how much memory the process holds after each.
"""

import argparse
import gc
import json
import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import timing
from random_plans import random_plans
from skimage.metrics import structural_similarity
from tool_peers.work import BATCH, photographs
from tqdm import tqdm

from agentic_styling.rewards import render_reference, score, score_against
from agentic_styling.rewards.held_out import held_out_reward
from agentic_styling.tools import encode_plans, execute

_STEPS = 5


def _seconds(call) -> float:
    start = time.perf_counter()
    jax.block_until_ready(call())
    return time.perf_counter() - start


def _held() -> float:
    """Memory of this process in GB, what nothing refers to any more aside."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**30


def measure(rounds: int) -> tuple[dict[str, list[float]], list[float]]:
    """Pictures a second of each side, and the process's memory in GB after each round."""
    source = jnp.asarray(photographs(), jnp.float32) / 255
    plans = [p for p in random_plans(40 * rounds, 7) if len(p.steps) <= _STEPS]
    requests = [encode_plans(plans[i * BATCH : (i + 1) * BATCH], _STEPS) for i in range(rounds)]
    for request in requests:  # compiles what they need
        render_reference(source, request)
    pool = ThreadPoolExecutor(len(os.sched_getaffinity(0)))
    rates, memory = {}, []
    for i, request in enumerate(tqdm([requests[0], *requests], unit="round")):
        result = execute(source, request, jax.random.key(i))
        reference = render_reference(source, request)
        pairs = list(zip(np.asarray(source), np.asarray(result), strict=True))

        def similar(pair):
            return structural_similarity(*pair, channel_axis=-1, data_range=1.0)

        sides = {
            "all six scores": lambda s=source, r=result, q=request: score(s, r, q),
            "with the reference rendered": lambda ref=reference, r=result: score_against(ref, r),
            "held-out, likewise": lambda ref=reference, r=result: held_out_reward(ref, r),
            "scikit-image's SSIM": lambda p=pairs: [similar(pair) for pair in p],
            "the same, a thread a core": lambda p=pairs: list(pool.map(similar, p)),
        }
        for name, call in sides.items():
            seconds = _seconds(call)
            if i:  # the first round compiles
                rates.setdefault(name, []).append(BATCH / seconds)
        if i:
            memory.append(_held())
    return rates, memory


def _spread(values: list[float], form: str) -> str:
    middle, least, greatest = statistics.median(values), min(values), max(values)
    return f"{middle:{form}} ({least:{form}} to {greatest:{form}})"


def report(results: dict) -> str:
    """The results as Markdown."""
    rates = results["rates"]
    peer = rates["scikit-image's SSIM"]
    rows = []
    for name, found in rates.items():
        ratios = [a / b for a, b in zip(found, peer, strict=True)]
        rows.append([name, _spread(found, ".0f"), _spread(ratios, ".2f")])
    memory = results["memory"]
    return (
        f"{results['machine']}; ours on {results['backend']}. Pictures 512 x 512, batch {BATCH}, "
        f"medians of {len(peer)} rounds in turn (least to greatest), each with other plans; "
        "scikit-image's default SSIM of one pair after another. Bars: 20 pictures a second and 2 "
        f"times SSIM for all six.\n\n{timing.table(['work', 'pictures/s', 'times SSIM'], rows)}\n"
        f"Memory held, GB, after each round: {', '.join(f'{held:.2f}' for held in memory)}.\n"
    )


def main() -> None:
    """Parse the command line, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="folder to write rewards_DEVICE.md and .json into")
    parser.add_argument("--rounds", type=int, default=10)
    args = parser.parse_args()
    rates, memory = measure(args.rounds)
    results = {
        "machine": timing.machine("jax", "numpy", "scikit-image"),
        "backend": jax.default_backend(),
        "rates": rates,
        "memory": memory,
    }
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        path = args.out / f"rewards_{results['backend']}"
        path.with_suffix(".md").write_text(report(results))
        path.with_suffix(".json").write_text(json.dumps(results, indent=1) + "\n")
    print(report(results))


if __name__ == "__main__":
    main()
