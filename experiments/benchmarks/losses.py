"""Memory and time of `token_logps` against computing all logits.

    python experiments/benchmarks/losses.py --out experiments/benchmarks/results

Writes losses_DEVICE.md and .json into the folder. The dense side computes the logits [B, S, V] in
float32 and differentiates log_softmax. Memory is that of the compiled programs for 4 rows of 2,048
tokens, by XLA's analysis. Seconds are of the same size on a GPU, and of 2 x 256 tokens in float32
on a CPU, where both sides alternate.
"""

import argparse
import functools
import statistics
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import timing

from agentic_styling.losses import token_logps

VOCABULARY = 151_936
MEMORY_BAR, TIME_BAR = 0.1, 1.15
# What is differentiated: nothing, hidden states (LoRA), and the embedding too.
MODES = {"forward": (), "LoRA": (0,), "full": (0, 1)}


class Size(NamedTuple):
    """Rows, tokens per row, and the width and dtype of the hidden states."""

    rows: int
    length: int
    width: int
    dtype: str

    def shapes(self) -> tuple[jax.ShapeDtypeStruct, ...]:
        """hidden, embedding, labels, mask, and the gradient of each log-probability."""
        tokens = self.rows, self.length
        states = (*tokens, self.width), (VOCABULARY, self.width)
        weights = [jax.ShapeDtypeStruct(shape, self.dtype) for shape in states]
        types = (jnp.int32, jnp.bool_, jnp.float32)
        return *weights, *(jax.ShapeDtypeStruct(tokens, dtype) for dtype in types)


FULL = {"gpu": Size(4, 2048, 2560, "bfloat16"), "cpu": Size(4, 2048, 1024, "float32")}
TIMED = {"gpu": FULL["gpu"], "cpu": Size(2, 256, 1024, "float32")}


def dense_logps(hidden, embedding, labels, mask):
    """`token_logps` from all logits at once."""
    logits = jnp.einsum("bsd,vd->bsv", hidden, embedding, preferred_element_type=jnp.float32)
    logps = jax.nn.log_softmax(logits)
    return jnp.where(mask, jnp.take_along_axis(logps, labels[..., None], -1)[..., 0], 0)


@functools.cache
def program(side, mode: str, size: Size) -> jax.stages.Compiled:
    """The side's log-probabilities and the mode's gradients, compiled."""

    def run(hidden, embedding, labels, mask, cotangent):
        def of(*moving):
            return side(*moving, *(hidden, embedding)[len(moving) :], labels, mask)

        moving = (hidden, embedding)[: len(MODES[mode])]
        if not moving:
            return of()
        logps, backward = jax.vjp(of, *moving)
        return logps, backward(cotangent)

    return jax.jit(run).lower(*size.shapes()).compile()


def arrays(size: Size) -> tuple[jax.Array, ...]:
    """Inputs whose logits have a standard deviation of about 2, with every position in the mask."""

    @jax.jit
    def make(key):
        keys = jax.random.split(key, 4)
        hidden, embedding, labels, mask, cotangent = size.shapes()
        return (
            2 * jax.random.normal(keys[0], hidden.shape, hidden.dtype),
            jax.random.normal(keys[1], embedding.shape, hidden.dtype) * size.width**-0.5,
            jax.random.randint(keys[2], labels.shape, 0, VOCABULARY),
            jnp.ones(mask.shape, bool),
            jax.random.normal(keys[3], cotangent.shape),
        )

    return make(jax.random.key(0))


def measure_memory(sides: dict, size: Size) -> dict:
    """For each mode and side, the temporary bytes, and those with the outputs."""
    memory = {}
    for mode in MODES:
        for name, side in sides.items():
            analysis = program(side, mode, size).memory_analysis()
            temporary = analysis.temp_size_in_bytes
            both = temporary + analysis.output_size_in_bytes
            memory.setdefault(mode, {})[name] = {"temporary": temporary, "with_outputs": both}
    return memory


def measure_time(sides: dict, size: Size, rounds: int) -> dict:
    """For each mode, the median seconds, the ratio, and the difference of the results."""
    given, times = arrays(size), {}
    for mode in MODES:
        programs = {name: program(side, mode, size) for name, side in sides.items()}
        apart = _apart(*(programs[name](*given) for name in sides))
        calls = []
        for _ in range(rounds + 1):
            runs = {n: lambda p=p: jax.block_until_ready(p(*given)) for n, p in programs.items()}
            calls.append({name: timing.seconds(run) for name, run in runs.items()})
        calls = calls[1:]  # the first allocates memory
        times[mode] = {name: statistics.median(call[name] for call in calls) for name in sides}
        times[mode] |= timing.spread([call["ours"] / call["dense"] for call in calls])
        times[mode]["apart"] = max(map(float, apart))
    return times


@jax.jit
def _apart(ours, dense) -> list[jax.Array]:
    """|ours - dense| / |dense| of the log-probabilities and of each gradient."""
    pairs = zip(jax.tree.leaves(ours), jax.tree.leaves(dense), strict=True)
    floats = [(a.astype(jnp.float32), b.astype(jnp.float32)) for a, b in pairs]
    return [jnp.linalg.norm(a - b) / jnp.linalg.norm(b) for a, b in floats]


def report(results: dict) -> str:
    """The results as Markdown."""
    memory, seconds = results["memory"], results["seconds"]
    header = ["differentiated", "ours, MB", "dense, MB", "ours / dense", "with outputs", "bar"]
    rows = []
    for mode, sides in memory.items():
        share, both = (sides["ours"][k] / sides["dense"][k] for k in ("temporary", "with_outputs"))
        row = [mode, *(f"{sides[name]['temporary'] / 2**20:,.0f}" for name in sides)]
        row += [f"**{share:.3f}**", f"{both:.3f}", _verdict(share, MEMORY_BAR)]
        rows.append(row)
    lines = [
        f"{results['machine']}. Vocabulary {VOCABULARY:,}.\n",
        f"Temporary memory of the compiled programs at {_size(results['memory_size'])}, and the "
        "ratio with the outputs included:\n",
        timing.table(header, rows),
        f"Seconds at {_size(results['time_size'])}, medians of {results['rounds']} alternating "
        "rounds; the last column is the largest relative difference of a result:\n",
    ]
    header = ["differentiated", "ours, s", "dense, s", "ours / dense (min to max)", "bar"]
    header.append("difference")
    rows = []
    for mode, r in seconds.items():
        row = [mode, f"{r['ours']:.4g}", f"{r['dense']:.4g}", timing.ratio(r)]
        rows.append([*row, _verdict(r["ratio"], TIME_BAR), f"{r['apart']:.0e}"])
    return "\n".join([*lines, timing.table(header, rows)])


def _size(size: list) -> str:
    rows, length, width, dtype = size
    return f"{rows} x {length} tokens, width {width}, {dtype}"


def _verdict(ratio: float, bar: float) -> str:
    return f"{'met' if ratio <= bar else 'missed'}, {bar:g}"


def main() -> None:
    """Parse the command line, measure, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="folder to write losses_DEVICE.md and .json into")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--block", type=int, help="rows of the embedding per block")
    args = parser.parse_args()
    ours = functools.partial(token_logps, **({"block": args.block} if args.block else {}))
    sides = {"ours": ours, "dense": dense_logps}
    device = jax.devices()[0]
    backend = "cpu" if device.platform == "cpu" else "gpu"
    results = {"machine": f"{timing.machine('jax', 'numpy')}; on {device.device_kind}"}
    results |= {"rounds": args.rounds, "memory_size": FULL[backend], "time_size": TIMED[backend]}
    results["memory"] = measure_memory(sides, FULL[backend])
    results["seconds"] = measure_time(sides, TIMED[backend], args.rounds)
    text = report(results)
    print(text)
    timing.save(args.out and args.out / f"losses_{backend}", text, results)


if __name__ == "__main__":
    main()
