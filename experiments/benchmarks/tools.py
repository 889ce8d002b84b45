"""Speed of the tools against other libraries, and of whole plans against hand-written code.

    python experiments/benchmarks/tools.py --out experiments/benchmarks/results

Writes tools_DEVICE.md and .json into the folder. Pictures are 512 x 512, batch 16. Every library
is a process of its own; each answers in turn, round after round. Peers that are not installed are
left out and named: `pip install -e .[benchmarks]`.
"""

import argparse
import contextlib
import statistics
from pathlib import Path

import numpy as np
import timing
from tool_peers import SIDES
from tool_peers.work import BATCH, SIZE
from tqdm import tqdm

# Of each row: what is done, and the bar: least ratio to the fastest of some sides (all if none).
ROWS = {
    "color": ("a palette by the color transform", 1.0, ()),
    "gaussian_2": ("Gaussian blur, sigma 2", 0.5, ("OpenCV",)),
    "gaussian_2_traced": ("the same, any sigma without compiling", 0.5, ("OpenCV",)),
    "gaussian_8": ("Gaussian blur, sigma 8", 0.5, ("OpenCV",)),
    "motion": ("motion blur, 25 pixels at 30 degrees", 0.5, ("OpenCV",)),
    "kuwahara": ("Kuwahara filter, radius 6", None, ()),
    "haze": ("haze by a depth map", 1.0, ()),
    "fog": ("fog in banks", None, ()),
    "rain": ("rain", 1.0, ()),
    "snow": ("falling snow", 1.0, ()),
    "flare": ("lens flare", 1.0, ()),
    "grain": ("film grain", 1.0, ()),
    "vignette": ("vignette", None, ()),
    "halftone": ("halftone", 1.0, ()),
    "posterize": ("posterize, 16 levels", None, ()),
    "pixelate": ("pixels of 8 x 8", None, ()),
}
_DM_PIX = {"gaussian_2": 10.0, "gaussian_8": 10.0}  # bars against dm-pix's own besides
_PLANS_BAR = 2.0
_PACKAGES = "jax dm-pix numpy opencv-python-headless scikit-image pillow torch kornia "
_PACKAGES += "albumentationsx"


def _worker(module: str, *arguments: str) -> timing.Worker:
    return timing.Worker("-m", module, *arguments, cwd=Path(__file__).parent)


def measure_primitives(rows: list[str], rounds: int) -> tuple[dict, list[str], str]:
    """Of each row and side how it fares; the sides that are not installed; JAX's backend."""
    keys = [(name, dtype) for name, side in SIDES.items() for dtype in side.dtypes]
    workers = {key: _worker("tool_peers.tool_worker", *key) for key in keys}
    results_of, missing, backend = {}, set(), "cpu"
    for row in tqdm(rows, desc="primitives", unit="row"):
        prepared = {key: worker.time(row) for key, worker in workers.items()}
        missing |= {key[0] for key, answer in prepared.items() if "missing" in answer}
        backend = prepared["ours", "float32"]["backend"]
        having = {key: answer["how"] for key, answer in prepared.items() if "how" in answer}
        calls = [{k: workers[k].time(row)["seconds"] for k in having} for _ in range(rounds)]
        results_of[row] = [_compared(key, how, calls) for key, how in having.items()]
    for worker in workers.values():
        worker.close()
    return results_of, sorted(missing), backend


def _compared(key, how, calls) -> dict:
    """A side's pictures a second in a row, and how many times as many we do."""
    ratios = [call[key] / call["ours", "float32"] for call in calls]
    result = {"side": key[0], "dtype": key[1], "how": how}
    result["images_per_s"] = 1 / statistics.median(call[key] for call in calls)
    return result | timing.spread(ratios)


def measure_plans(count: int, by_hand: int, size: int) -> dict:
    """`execute` on all plans, by hand on a random choice of the batches, those in turn."""
    batches = -(-count // BATCH)
    full = count // BATCH or batches
    wanted = min(full, max(1, by_hand // BATCH))
    chosen = np.random.default_rng(0).choice(full, wanted, replace=False)
    ours, hand = (
        _worker("tool_peers.plan_worker", s, str(count), str(size)) for s in ("ours", "hand")
    )
    first = ours.time("0")["seconds"]
    hand.time("0")
    taken, ratios, seconds = [], [], {}
    for batch in tqdm(range(batches), desc="plans", unit="batch"):
        taken.append(ours.time(str(batch))["seconds"])
        if batch in chosen:
            seconds[batch] = hand.time(str(batch))["seconds"]
            ratios.append(seconds[batch] / taken[-1])
    ours.close()
    hand.close()
    shared = sum(taken[batch] for batch in seconds)
    in_hand = min(wanted * BATCH, count)
    # The whole ratio is that of the sums, with the spread of the batches.
    return timing.spread(ratios) | {
        "plans": count,
        "by_hand": in_hand,
        "size": size,
        "first_call_s": first,
        "ours_per_s": count / sum(taken),
        "hand_per_s": in_hand / sum(seconds.values()),
        "ratio": sum(seconds.values()) / shared,
    }


def _rate(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def report(results: dict) -> str:
    """The results as Markdown."""
    lines = [
        f"{results['machine']}; ours on {results['backend']}. Pictures {SIZE} x {SIZE}, batch "
        f"{BATCH}, medians of {results['rounds']} rounds in turn (least to greatest). Ours and "
        "kornia work on float32; a peer with functions for bytes is timed on these too. A ratio "
        "is our pictures a second to the peer's.\n"
    ]
    if results.get("missing"):
        lines.append(f"Not installed: {', '.join(results['missing'])}.\n")
    if "plans" in results:
        lines += ["## Whole plans\n", _plans(results["plans"])]
    if results.get("primitives"):
        lines += ["## Against the fastest peer\n", _summary(results["primitives"])]
        lines += ["## Every peer\n", _every_peer(results["primitives"])]
    return "\n".join(lines)


def _plans(p: dict) -> str:
    ours, hand = p["ours_per_s"], p["hand_per_s"]
    return (
        f"{p['plans']} random Regular plans at {p['size']} x {p['size']}: {_rate(ours)} plans/s by "
        f"`execute` (its first call, which compiles, took {p['first_call_s']:.0f} s). By hand with "
        f"OpenCV and NumPy, a process a core, {p['by_hand']} of them drawn at random: "
        f"{_rate(hand)} plans/s. On the same plans, in turn, {timing.ratio(p)} times as fast by "
        f"batches of {BATCH}; the bar is {_PLANS_BAR:g}: {_verdict(p['ratio'], _PLANS_BAR)}.\n"
    )


def _verdict(ratio: float, bar: float) -> str:
    return "met" if ratio >= bar else "**missed**"


def _fastest(sides: list[dict], names, dtypes) -> dict | None:
    able = [s for s in sides if s["side"] != "ours" and s["dtype"] in dtypes]
    able = [s for s in able if not names or s["side"] in names]
    return max(able, key=lambda s: s["images_per_s"], default=None)


def _summary(primitives: dict) -> str:
    header = ["work", "ours, images/s", "float32 peer", "ours / peer", "peer of any type"]
    header += ["ours / peer", "bar", "float32", "any type"]
    rows = []
    for name, sides in primitives.items():
        what, bar, names = ROWS[name]
        bars = [(bar, names)]
        if name in _DM_PIX:
            bars.append((_DM_PIX[name], ("dm-pix",)))
        for bar, names in bars:
            row = [what, _rate(sides[0]["images_per_s"])]
            both = [_fastest(sides, names, types) for types in (("float32",), ("float32", "uint8"))]
            for peer in both:
                row += [peer["side"], timing.ratio(peer)] if peer else ["none", ""]
            of = " or ".join(names) or "the fastest"
            row.append(f"{bar:g} x {of}" if bar else "")
            row += [_verdict(f["ratio"], bar) if f and bar else "" for f in both]
            rows.append(row)
    return timing.table(header, rows)


def _every_peer(primitives: dict) -> str:
    header = ["work", "peer", "type", "as", "images/s", "ours / peer"]
    rows = [
        [ROWS[name][0], s["side"], s["dtype"], s["how"], _rate(s["images_per_s"])]
        + [timing.ratio(s)]
        for name, sides in primitives.items()
        for s in sides
        if s["side"] != "ours"
    ]
    return timing.table(header, rows)


def _machine() -> str:
    import importlib.metadata

    have = []
    for package in _PACKAGES.split():
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            importlib.metadata.version(package)
            have.append(package)
    return timing.machine(*have)


def main() -> None:
    """Parse the command line, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="folder to write tools_DEVICE.md and .json into")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", nargs="*", choices=ROWS, default=list(ROWS))
    parser.add_argument("--plans", type=int, default=1000, help="0 for none")
    parser.add_argument("--by-hand", type=int, default=160, help="of the plans, drawn at random")
    parser.add_argument("--size", type=int, default=SIZE, help="side of the plans' pictures")
    args = parser.parse_args()
    results = {"machine": _machine(), "rounds": args.rounds, "backend": "cpu"}
    if args.rows:
        results_of = measure_primitives(args.rows, args.rounds)
        results["primitives"], results["missing"], results["backend"] = results_of
        _write(results, args.out)
    if args.plans:
        results["plans"] = measure_plans(args.plans, args.by_hand, args.size)
        _write(results, args.out)
    print(report(results))


def _write(results: dict, out: Path | None) -> None:
    """What is measured so far: the plans take minutes more."""
    timing.save(out and out / f"tools_{results['backend']}", report(results), results)


if __name__ == "__main__":
    main()
