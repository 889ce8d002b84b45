"""Speed of the rewards against scikit-image's SSIM.

    python experiments/benchmarks/rewards.py --out experiments/benchmarks/results

Writes rewards_DEVICE.md and .json: pictures per second at 512 x 512 in batches of 16 (--batch).
Each round has new requests, drawn as for training, and random plans of up to five steps. The
memory of the process after each round is reported too.
"""

import argparse
import gc
import os
import statistics
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import timing
from skimage.metrics import structural_similarity
from tool_peers.random_plans import random_plans
from tool_peers.work import BATCH, photographs
from tqdm import tqdm

from agentic_styling.data.goals.sets import sample_goal
from agentic_styling.data.photos.states import sample_state
from agentic_styling.rewards import render_reference, score, score_against
from agentic_styling.rewards.held_out import held_out_reward
from agentic_styling.tools import Plan, encode_plans

_STEPS = 5


def _held() -> float:
    """Memory of this process in GB after garbage collection."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**30


def _drawn_request(number: int) -> Plan:
    rng = np.random.default_rng((7, number))
    return Plan({}, sample_goal("demo", sample_state(rng), "train", rng).request)


def _requests(rounds: int, batch: int) -> dict[str, list]:
    """`rounds` batches of requests: of goals drawn as for training, and of random plans."""
    drawn = [_drawn_request(i) for i in range(rounds * batch)]
    plans = [p for p in random_plans(3 * rounds * batch, 7) if len(p.steps) <= _STEPS]
    return {
        name: [encode_plans(some[i * batch : (i + 1) * batch], _STEPS) for i in range(rounds)]
        for name, some in (("goals", drawn), ("random plans", plans))
    }


def measure(rounds: int, batch: int) -> tuple[dict[str, list[float]], list[float]]:
    """Pictures per second of each side, and the memory in GB after each round."""
    pictures = photographs()
    rows = np.resize(np.arange(len(pictures)), batch)
    source = jnp.asarray(pictures[rows], jnp.float32) / 255
    requests = _requests(rounds, batch)
    for request in (r for some in requests.values() for r in some):  # compiles
        render_reference(source, request)
    pool = ThreadPoolExecutor(len(os.sched_getaffinity(0)))
    rates, memory = {}, []
    for i in tqdm([0, *range(rounds)], unit="round"):
        request, harder = (requests[name][i] for name in ("goals", "random plans"))
        result = jnp.roll(source, 1, axis=0)  # the time does not depend on the pixels
        reference = render_reference(source, request)
        pairs = list(zip(np.asarray(source), np.asarray(result), strict=True))

        def similar(pair):
            return structural_similarity(*pair, channel_axis=-1, data_range=1.0)

        sides = {
            "all six scores": lambda r=result, q=request: score(source, r, q),
            "of random plans": lambda r=result, q=harder: score(source, r, q),
            "with the reference rendered": lambda ref=reference, r=result: score_against(ref, r),
            "held-out, likewise": lambda ref=reference, r=result: held_out_reward(ref, r),
            "scikit-image's SSIM": lambda p=pairs: [similar(pair) for pair in p],
            "the same, one thread per core": lambda p=pairs: list(pool.map(similar, p)),
        }
        for name, call in sides.items():
            seconds = timing.seconds(lambda call=call: jax.block_until_ready(call()))
            rates.setdefault(name, []).append(batch / seconds)
        memory.append(_held())
    # The first round compiles.
    return {name: values[1:] for name, values in rates.items()}, memory[1:]


def _spread(values: list[float], form: str) -> str:
    middle, least, greatest = statistics.median(values), min(values), max(values)
    return f"{middle:{form}} ({least:{form}} to {greatest:{form}})"


def report(results: dict) -> str:
    """The results as Markdown."""
    rates = results["rates"]
    peer = rates["scikit-image's SSIM"]
    rows = []
    for name, values in rates.items():
        ratios = [a / b for a, b in zip(values, peer, strict=True)]
        rows.append([name, _spread(values, ".0f"), _spread(ratios, ".2f")])
    memory = results["memory"]
    return (
        f"{results['machine']}; ours on {results['backend']}. Pictures 512 x 512, batch "
        f"{results['batch']}, medians of {len(peer)} alternating rounds (min to max), each with "
        "new requests, drawn as for training; scikit-image's default SSIM of one pair after "
        "another. Bars: 20 pictures per second and 2 "
        f"times SSIM for all six.\n\n{timing.table(['work', 'pictures/s', 'times SSIM'], rows)}\n"
        f"Memory held, GB, after each round: {', '.join(f'{held:.2f}' for held in memory)}.\n"
    )


def main() -> None:
    """Parse the command line, measure, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="folder to write rewards_DEVICE.md and .json into")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--batch", type=int, default=BATCH)
    args = parser.parse_args()
    rates, memory = measure(args.rounds, args.batch)
    results = {
        "batch": args.batch,
        "machine": timing.machine("jax", "numpy", "scikit-image"),
        "backend": jax.default_backend(),
        "rates": rates,
        "memory": memory,
    }
    text = report(results)
    timing.save(args.out and args.out / f"rewards_{results['backend']}", text, results)
    print(text)


if __name__ == "__main__":
    main()
