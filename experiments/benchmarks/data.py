"""Speed of building the sets, stage by stage.

    python experiments/benchmarks/data.py PHOTOS --out experiments/benchmarks/results

Writes data_DEVICE.md and .json: for each set a few shards at 256 x 256 (--size), after a warm-up
that compiles. Stages are timed one after another; as a build writes a shard while it computes the
next one, a whole build is measured too.
"""

import argparse
import contextlib
import statistics
import tempfile
import time
from collections import Counter
from pathlib import Path
from unittest import mock

import jax
import timing
from tqdm import tqdm

from agentic_styling.cli.command import keep_compiled_programs
from agentic_styling.data import build, pipeline
from agentic_styling.data.goals.sets import SETS
from agentic_styling.data.photos.sources import open_source, survey
from agentic_styling.data.storage import shards

STAGES = {
    "photographs cropped, states and goals drawn": (build, "draw_context"),
    "pictures rendered in their states": (build, "render_sources"),
    "plans written by the teacher": (build.Procedural, "__call__"),
    "requests rendered and measured": (pipeline, "render_reference"),
    "plans executed": (pipeline, "execute"),
    "scored": (pipeline, "score_against"),
    "pictures encoded": (build, "to_records"),
    "shards written": (shards.SetDirectory, "write"),
}
REST = "everything else"


@contextlib.contextmanager
def timed(taken: Counter):
    """Adds the seconds of every stage to `taken`; a nested stage counts towards the outer one."""
    inside = []

    def clock(name, call):
        def run(*args, **kwargs):
            if inside:
                return call(*args, **kwargs)
            inside.append(name)
            start = time.perf_counter()
            try:
                return jax.block_until_ready(call(*args, **kwargs))
            finally:
                taken[name] += time.perf_counter() - start
                inside.pop()

        return run

    with contextlib.ExitStack() as stack:
        for name, (place, attribute) in STAGES.items():
            wrapped = clock(name, getattr(place, attribute))
            stack.enter_context(mock.patch.object(place, attribute, wrapped))
        yield


def measure(set_name: str, source, size: int, rounds: int, root: Path) -> dict:
    """Times the stages of `rounds` shards, and a build of as many."""
    photos = build.split_source(source, survey(source), build._rank)
    contexts = dict.fromkeys(build.SPLITS, rounds * build.CONTEXTS_PER_SHARD)
    job = build.Job(set_name, source, photos, contexts, 3, size, 0, build.Procedural(set_name))
    directory = shards.SetDirectory(shards.set_path(root, set_name), {"train": rounds})
    directory.claim({})
    for number in range(rounds):  # compiles
        build.make_shard(job, "train", number)
    stages = []
    for number in tqdm(range(rounds), f"{set_name}: stages", unit="shard"):
        taken = Counter()
        start = time.perf_counter()
        with timed(taken):
            made = build.make_shard(job, "train", number)
            build._write(directory, "train", number, *made)
        taken[REST] = time.perf_counter() - start - taken.total()
        stages.append({"trajectories": len(made[0])} | taken)
    start, used = time.perf_counter(), time.process_time()
    count = 3 * build.CONTEXTS_PER_SHARD * rounds
    build.build(root / "whole", set_name, source, count=count, size=size)
    seconds = time.perf_counter() - start
    return {
        "stages": stages,
        "whole": count / seconds,
        "cores": (time.process_time() - used) / seconds,
    }


def report(results: dict) -> str:
    """The results as Markdown."""
    rows = []
    for name in (*STAGES, REST):
        row = [name]
        for result in results["sets"].values():
            rates = [shard["trajectories"] / shard[name] for shard in result["stages"]]
            shares = [shard[name] / _seconds(shard) for shard in result["stages"]]
            row.append(f"{statistics.median(rates):,.0f} ({statistics.median(shares):.0%})")
        rows.append(row)
    for label, key, form in (("a whole build", "whole", ".1f"), ("cores busy", "cores", ".2f")):
        rows.append([label] + [f"{result[key]:{form}}" for result in results["sets"].values()])
    return (
        f"{results['machine']}; on {results['backend']}. Trajectories per second, medians of "
        f"{results['rounds']} shards of {3 * build.CONTEXTS_PER_SHARD} at {results['size']} x "
        f"{results['size']}, and in brackets the share of the time of a shard whose stages run one "
        "after another.\n\n" + timing.table(["stage", *results["sets"]], rows)
    )


def _seconds(shard: dict) -> float:
    return sum(shard[name] for name in (*STAGES, REST))


def main() -> None:
    """Parse the command line, measure, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", help="a folder of photographs")
    parser.add_argument("--out", type=Path, help="folder to write data_DEVICE.md and .json into")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=256)
    args = parser.parse_args()
    keep_compiled_programs()
    source, sets = open_source(args.photos), {}
    with tempfile.TemporaryDirectory() as scratch:
        for name in SETS:
            sets[name] = measure(name, source, args.size, args.rounds, Path(scratch))
    results = {
        "machine": timing.machine("jax", "numpy", "pillow", "array_record"),
        "backend": jax.default_backend(),
        "rounds": args.rounds,
        "size": args.size,
        "sets": sets,
    }
    text = report(results)
    timing.save(args.out and args.out / f"data_{results['backend']}", text, results)
    print(text)


if __name__ == "__main__":
    main()
