"""Qwen3-VL in JAX against transformers on torch, with the same weights and the same work.

    python experiments/benchmarks/planner.py --out experiments/benchmarks/results/planner_cpu

Writes OUT.md and OUT.json. The model has 287 million parameters in float32. The sides of a row
alternate, each in its own process. The first call, which compiles ours, is reported separately,
and a second one is dropped. Needs torch: `pip install -e .[parity]`.
"""

import argparse
import tempfile
from pathlib import Path

import sides
import timing
from tqdm import tqdm

# name: (description, our method, the side and the method that it is compared with)
ROWS = {
    "prefill": ("prefill, 512 text tokens", "prefill", ("Torch", "prefill")),
    "vision": ("vision tower, 512 x 512", "vision", ("Torch", "vision")),
    "prefill_image": (
        "prefill, 512 tokens, 256 of them an image",
        "prefill_image",
        ("Torch", "prefill_image"),
    ),
    "decode": ("decode 64 after 512", "decode", ("Torch", "decode")),
    "generate": ("generate 64 after 512 with an image", "generate", ("Torch", "generate")),
    "train": ("training step, AdamW, 4 x 512", "train", ("Torch", "train")),
    "samples": ("generate 8 samples of one prompt", "generate_8", ("Jax", "generate")),
    "grammar": ("decode 64 after 512, any text", "decode", ("Jax", "decode_constrained")),
}


def report(results: dict) -> str:
    """The results as Markdown."""
    header = ["work", "ours, s", "torch, s", "torch / ours (min to max)"]
    header += ["first call, s: ours", "torch", "peak memory, GB: ours", "torch"]
    rows = []
    for name in (n for n, (_, _, (side, _)) in ROWS.items() if side == "Torch" and n in results):
        r = results[name]
        both = [r["ours"], r["theirs"]]
        rows.append([ROWS[name][0], *(f"{x['seconds']:.2f}" for x in both)])
        rows[-1] += [timing.ratio(r)]
        rows[-1] += [f"{x['first_s']:.1f}" for x in both] + [f"{x['peak_gb']:.1f}" for x in both]
    lines = [
        f"{results['machine']}. Float32, {sides.parameters() / 1e6:.0f}M parameters, medians of "
        f"{results['rounds']} alternating rounds.\n",
        timing.table(header, rows),
    ]
    if "samples" in results:
        rate = {k: 8 * v for k, v in results["samples"].items() if k.startswith("ratio")}
        lines.append(
            f"Generating 64 tokens of 8 samples from one prompt of 512 with an image: "
            f"{rate['ratio']:.1f} times ({rate['ratio_min']:.1f} to {rate['ratio_max']:.1f}) the "
            "token rate of one sample.\n"
        )
    if "grammar" in results:
        r = results["grammar"]
        lines.append(
            f"A decode step under the plan grammar takes {r['ratio']:.3f} times "
            f"({r['ratio_min']:.3f} to {r['ratio_max']:.3f}) as long as without it.\n"
        )
    return "\n".join(lines)


def main() -> None:
    """Parse the command line, measure, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="write OUT.md and OUT.json")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    args = parser.parse_args()
    results = {"machine": timing.machine("jax", "flax", "torch", "transformers")}
    results["rounds"] = args.rounds
    with tempfile.TemporaryDirectory() as directory:
        sides.write_weights(directory)

        def worker(side: str, method: str) -> timing.Worker:
            return timing.Worker(sides.__file__, directory, side, method)

        for name in tqdm(args.rows, desc="planner", unit="row"):
            _, ours, theirs = ROWS[name]
            results[name] = timing.in_turn(worker("Jax", ours), worker(*theirs), args.rounds)
    text = report(results)
    print(text)
    timing.save(args.out, text, results)


if __name__ == "__main__":
    main()
