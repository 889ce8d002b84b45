"""Training speed against a plain torch loop, and the effect of packing and checkpoints.

    python experiments/benchmarks/training.py --out experiments/benchmarks/results/training_cpu

Writes OUT.md and OUT.json. Trajectories of the bundled photographs; both sides have the same
weights and batches in float32 and alternate, each in its own process. Needs torch and peft:
`pip install -e .[parity]`. For --accelerator see training_accelerator.py.
"""

import argparse
import functools
import json
import multiprocessing
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import sides
import timing
import training_accelerator
import training_sides
from tqdm import tqdm

CONTEXTS, PLANS, PICTURE, VOCABULARY = 48, 3, 128, 1536
SIZES = {"tiny": "the preset tiny", "small": "the shape of planner.py's benchmark"}
BATCH = {"tiny": 32, "small": 8}
MICRO_BATCHES = {"tiny": 8, "small": 2}  # of ours: a few rows at a time, as in the quickstart
TRAINED = {"full": 0, "LoRA": training_sides.RANK}
LOSSES = {"S": "standard", "DPO": "dpo"}
CASES = [("tiny", kind, loss) for kind in TRAINED for loss in LOSSES]
CASES += [("small", "full", "S"), ("small", "LoRA", "S")]
PACKED = 2  # length of a packed row, in lengths of the longest example
ROUNDS = {"tiny": 5, "small": 1}  # times --rounds: short updates vary most
EVERY = 100  # checkpoint_every, by default


def prepare(directory: Path) -> None:
    """Writes directory/data, and a planner of each size with random weights."""
    import dataclasses

    import jax

    from agentic_styling import data
    from agentic_styling.data.build import build
    from agentic_styling.planner import (
        Qwen3VLConfig,
        Tokenizer,
        init_params,
        new_planner,
        save_pretrained,
    )

    trajectories = data.read_trajectories(
        build(
            directory / "data",
            "demo",
            data.open_source(None),
            count=CONTEXTS * PLANS,
            plans_per_context=PLANS,
            size=PICTURE,
            only="train",
        )
    )
    texts = [t.plan.to_json() for t in trajectories] + [t.goal for t in trajectories]
    shape = {"preset": "tiny", "vocab_size": VOCABULARY, "picture_size": PICTURE, "seed": 0}
    new_planner(directory / "tiny", texts, **shape)
    new_planner(directory / "small", texts, **shape)
    config = Qwen3VLConfig.from_hf(sides.HF_CONFIG)
    config = dataclasses.replace(config).for_tokenizer(Tokenizer(directory / "small"))
    save_pretrained(directory / "small", config, init_params(config, jax.random.key(0)))


def gemm_flops() -> float:
    """FLOP/s of a float32 product of two 2,048 x 2,048 matrices; the best of 10."""
    import jax
    import jax.numpy as jnp

    x = jnp.ones((2048, 2048))
    product = jax.jit(lambda a, b: a @ b)
    product(x, x).block_until_ready()
    taken = [timing.seconds(lambda: product(x, x).block_until_ready()) for _ in range(10)]
    return 2 * 2048**3 / min(taken)


def options(size: str, kind: str, loss: str, packing: bool = False, **more) -> dict:
    """The options of a row, as a side takes them."""
    common = {"size": size, "loss": LOSSES[loss], "rank": TRAINED[kind], "packing": packing}
    return common | {"batch": BATCH[size], "microbatches": MICRO_BATCHES[size]} | more


def worker(directory: Path, side: str, method: str, given: dict) -> timing.Worker:
    """A process that times one side."""
    return timing.Worker(training_sides.__file__, str(directory), side, method, json.dumps(given))


def facts(directory: Path, given: dict, with_torch: bool = False) -> dict:
    """Tokens and FLOPs of a step, the share of positions that hold a token, and the first loss.

    With torch also the difference of both sides' first losses.
    """
    import jax
    import numpy as np

    from agentic_styling.training.batches.batches import fill_rate
    from agentic_styling.training.loop import work

    ours = training_sides.Ours(str(directory), given)
    steps = [work(ours.model, *ours.data.take_table(step)) for step in range(training_sides.CYCLE)]
    batch = next(ours.batches())
    result = {
        "tokens": float(np.mean([tokens for tokens, _ in steps])),
        "flops": float(np.mean([flops for _, flops in steps])),
        "places": fill_rate(jax.device_get(batch), ours.data.layout.lengths),
        "longest": int(ours.data.training_set.length.max()),
        "loss": ours.step()(),
    }
    if with_torch:
        theirs = training_sides.Torch(str(directory), given).step()()
        result["difference"] = abs(result["loss"] - theirs)
    return result


def alone(function, *args, **kwargs):
    """The result of a function, computed in a new process, which frees its memory."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *args, **kwargs).result()


def rows(directory: Path, sizes: list[str]):
    """(table, row, the function that measures it), one size after another."""
    for size in sizes:
        for case in (c for c in CASES if c[0] == size):
            yield "against", ", ".join(case), functools.partial(against, directory, case)
        yield "packing", size, functools.partial(packing, directory, size)
        yield "saves", size, functools.partial(saves, directory, size)


def against(directory: Path, case: tuple[str, str, str], rounds: int) -> dict:
    """Ours and torch alternately."""
    given = options(*case)
    result = alone(facts, directory, given, with_torch=True) | {"gemm": gemm_flops()}
    pair = (worker(directory, side, "step", given) for side in ("Ours", "Torch"))
    return result | timing.in_turn(*pair, ROUNDS[case[0]] * rounds)


def packing(directory: Path, size: str, rounds: int) -> dict:
    """Packed and padded rows alternately, without microbatches, which have few rows to pack."""
    padded = options(size, "full", "S", microbatches=1)
    before = alone(facts, directory, padded)
    length = PACKED * before["longest"]
    given = options(size, "full", "S", True, packed_length=length, microbatches=1)
    result = alone(facts, directory, given) | {"padded": before["places"]}
    pair = (worker(directory, "Ours", "step", x) for x in (given, padded))
    return result | timing.in_turn(*pair, ROUNDS[size] * rounds)


def saves(directory: Path, size: str, rounds: int) -> list[float]:
    """Seconds that writing a checkpoint adds to the updates during which it is written."""
    one = worker(directory, "Ours", "steps_with_a_save", options(size, "full", "S"))
    one.time()
    taken = [one.time()["seconds"] for _ in range(rounds)]
    one.close()
    return taken


def report(results: dict) -> str:
    """The results as Markdown."""
    rounds = results["rounds"]
    lines = [
        f"{results['machine']}. Float32, medians of {rounds} alternating rounds, of tiny "
        f"{ROUNDS['tiny'] * rounds}, one update of the next batch each; {CONTEXTS} x {PLANS} "
        "trajectories of the bundled photographs. Both sides pad rows; ours has 8 microbatches "
        "for tiny and 2 for small, of similar lengths. Padding does not count as tokens. MFU: "
        "model FLOPs per second over those of a float32 product of 2,048 x 2,048 matrices, "
        "measured before each row. Loss: the difference of both sides' first losses.\n"
    ]
    cells = []
    for name, r in results["against"].items():
        size, kind, loss = name.split(", ")
        ours, theirs = r["ours"]["seconds"], r["theirs"]["seconds"]
        cells.append(
            [
                f"{size}, {kind}, {loss}, {BATCH[size]} examples",
                *(f"{r['tokens'] / s:,.0f}" for s in (ours, theirs)),
                *(f"{r['flops'] / s / r['gemm']:.0%}" for s in (ours, theirs)),
                timing.ratio(r),
                *(f"{r[side]['peak_gb']:.1f}" for side in ("ours", "theirs")),
                f"{r['difference']:.0e}",
            ]
        )
    header = ["work", "tokens/s: ours", "torch", "MFU: ours", "torch", "torch / ours"]
    header += ["peak memory, GB: ours", "torch", "loss"]
    lines.append(timing.table(header, cells))
    cells = [
        [
            name,
            f"{r['padded']:.0%}",
            f"{r['places']:.0%}",
            f"{r['tokens'] / r['ours']['seconds']:,.0f}",
            timing.ratio(r),
        ]
        for name, r in results["packing"].items()
    ]
    lines.append(
        f"Packed against padded rows, S, full, no microbatches; a packed row has {PACKED} times "
        "the length of the longest example.\n"
    )
    header = ["size", "positions that hold a token: padded", "packed", "tokens/s packed"]
    header += ["padded / packed, s"]
    lines.append(timing.table(header, cells))
    lines.append(
        f"A checkpoint every {EVERY} updates: the seconds that writing one adds to "
        f"{training_sides.SAVING} updates, and their share of {EVERY} updates.\n"
    )
    cells = []
    for size, taken in results["saves"].items():
        step = results["against"][f"{size}, full, S"]["ours"]["seconds"]
        share = [save / (EVERY * step) for save in taken]
        middle = sorted(share)[len(share) // 2]
        cells.append(
            [size, f"{sorted(taken)[len(taken) // 2]:.2f}", f"{step:.2f}", f"**{middle:.1%}**"]
        )
    lines.append(timing.table(["size", "added, s", "an update, s", "share"], cells))
    return "\n".join(lines)


def main() -> None:
    """Parse the command line, measure, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="write OUT.md and OUT.json")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("--work", type=Path, help="keep data and weights here for the next run")
    accelerator = parser.add_argument_group("only the step of the 4B model, on an accelerator")
    accelerator.add_argument("--accelerator", action="store_true")
    accelerator.add_argument("--batch", type=int, default=8, help="rows of an update")
    accelerator.add_argument("--microbatches", type=int, default=1)
    args = parser.parse_args()
    if args.accelerator:
        given = args.out, args.rounds, args.batch, args.microbatches
        print(training_accelerator.run(*given))
        return
    results = {"against": {}, "packing": {}, "saves": {}}
    if args.out and args.out.with_suffix(".json").exists():  # keep the rows of other sizes
        results = json.loads(args.out.with_suffix(".json").read_text())
    results["machine"] = timing.machine("jax", "flax", "torch", "transformers", "peft")
    results["rounds"] = args.rounds
    with tempfile.TemporaryDirectory() as temporary:
        directory = args.work or Path(temporary)
        if not (directory / "small/config.json").exists():
            prepare(directory)
        for table, row, measured in tqdm(list(rows(directory, args.sizes)), unit="row"):
            results[table][row] = measured(args.rounds)
            timing.save(args.out, report(results), results)  # after every row, in case it stops
    print(report(results))


if __name__ == "__main__":
    main()
