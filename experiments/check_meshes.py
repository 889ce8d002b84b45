r"""Compares loss curves on one device, on eight in every mesh shape, and on two processes.

    python experiments/check_meshes.py --data DATA --init_from PLANNER --runs runs/meshes \
        --out experiments/results

DATA: a small data set; PLANNER: a small planner that has learnt to plan, as written by the
quickstart. (With random weights, log-probabilities sum to -1,000 and less and many gradients are
mere rounding errors, which Adam scales up: DPO then differs by more than the tolerance.) Trains 20
updates in float32 with S, SW and DPO, of all parameters and of adapters, on simulated devices of
this CPU. Writes check_meshes.md, the largest difference of a loss to that of one device; exit
status 1 if one is above 1e-5.
"""

import itertools
import json
import os
import platform
import socket
import subprocess
import sys
from pathlib import Path

# Programs that run for 20 steps only: fast compilation matters more than fast code.
FAST = "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {FAST}".strip()

import jax  # noqa: E402
import numpy as np  # noqa: E402
from tqdm import tqdm  # noqa: E402

from agentic_styling import training  # noqa: E402
from agentic_styling.cli.command import Parser, one_line_errors  # noqa: E402
from agentic_styling.training.mesh import AXES  # noqa: E402

DEVICES, TOLERANCE = 8, 1e-5
LOSSES = {"S": "standard", "SW": "standardized_reward_weighted", "DPO": "dpo"}
TRAINED = {"full": 0, "LoRA": 8}


def shapes() -> list[tuple[int, ...]]:
    """Every mesh of all eight devices."""
    powers = itertools.product(range(4), repeat=len(AXES))
    return [tuple(2**p for p in power) for power in powers if sum(power) == 3]


def make_config(args, loss: str, rank: int, shape: tuple[int, ...]):
    """A run of 8 examples per update on one mesh."""
    config = training.default_config(loss)
    config.update(
        data=args.data,
        init_from=args.init_from,
        steps=args.steps,
        batch_size=8,
        warmup_steps=2,
        learning_rate=1e-3,
        checkpoint_every=args.steps,
    )
    config.lora.rank = rank
    config.mesh.update(dict(zip(AXES, shape, strict=True)))
    return config


def curve(workdir: Path) -> np.ndarray:
    """The losses of a finished run."""
    lines = (workdir / "metrics.jsonl").read_text().splitlines()
    return np.array([json.loads(line)["loss"] for line in lines])


def on_processes(args, config, workdir: Path, count: int = 2) -> None:
    """Trains on several processes joined by jax.distributed, which share the devices."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    code = (
        "import sys, json, jax\n"
        "jax.config.update('jax_platforms', 'cpu')\n"
        f"jax.config.update('jax_num_cpu_devices', {DEVICES // count})\n"
        "from agentic_styling import training\n"
        "training.start_distributed(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))\n"
        "config = training.default_config(sys.argv[4])\n"
        "config.update(json.loads(sys.argv[5]))\n"
        "training.train(config, sys.argv[6])\n"
    )
    given = [config.loss, config.to_json(), str(workdir)]
    children = [
        subprocess.Popen(
            [sys.executable, "-c", code, address, str(count), str(i), *given],
            stderr=subprocess.PIPE,
            text=True,
        )
        for i in range(count)
    ]
    errors = [child.communicate()[1] for child in children]
    for child, error in zip(children, errors, strict=True):
        if child.returncode:
            raise RuntimeError(f"a process ended with {child.returncode}: {error[-2000:]}")


def measure(args) -> list[dict]:
    """The differences by mesh, for every loss, of all parameters and of adapters."""
    records = []
    runs = [(name, kind) for name in LOSSES for kind in TRAINED]
    progress = tqdm(total=len(runs) * (len(shapes()) + 2), unit="run")
    for name, kind in runs:

        def trained(shape, processes=1, name=name, kind=kind):
            config = make_config(args, LOSSES[name], TRAINED[kind], shape)
            mesh = "-".join(map(str, shape))
            workdir = Path(args.runs, f"{name}-{kind}-{mesh}-{processes}")
            if processes > 1:
                on_processes(args, config, workdir)
            else:
                training.train(config, workdir)
            progress.update()
            return curve(workdir)

        one = trained((1,) * len(AXES))
        curves = {shape: trained(shape) for shape in shapes()}
        two = trained((2, 2, 1, 2), processes=2)
        records.append(
            {
                "loss": name,
                "trained": kind,
                "one": one,
                "shapes": {s: float(np.abs(c - one).max()) for s, c in curves.items()},
                "processes": float(np.abs(two - one).max()),
            }
        )
    progress.close()
    return records


def table(records: list[dict], args) -> str:
    """The page of results."""
    head = [f"{r['loss']}, {r['trained']}" for r in records]
    lines = [
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, jax "
        f"{jax.__version__}, float32. Largest absolute difference of a loss to one device's over "
        f"{args.steps} updates of 8 examples; tolerance {TOLERANCE:g}. Eight simulated devices; "
        "two processes have four each and are joined by jax.distributed.",
        "",
        f"| {' x '.join(AXES)} | {' | '.join(head)} |",
        "| --- |" + " --- |" * len(records),
    ]
    for shape in shapes():
        cells = " | ".join(f"{r['shapes'][shape]:.1e}" for r in records)
        lines.append(f"| {' x '.join(map(str, shape))} | {cells} |")
    cells = " | ".join(f"{r['processes']:.1e}" for r in records)
    lines.append(f"| 2 x 2 x 1 x 2, two processes | {cells} |")
    curves = (f"{r['one'][0]:.3f} to {r['one'][-1]:.3f}" for r in records)
    lines.append(f"| *loss, first to last* | {' | '.join(curves)} |")
    return "\n".join(lines) + "\n"


@one_line_errors
def main(argv: list[str] | None = None) -> None:
    """Measures and writes the page; the exit status says whether the tolerance is met."""
    parser = Parser(description=__doc__)
    parser.add_argument("--data", required=True, help="a data set")
    parser.add_argument("--init_from", required=True, help="a planner")
    parser.add_argument("--out", required=True, help="directory of check_meshes.md")
    parser.add_argument(
        "--runs", required=True, help="directory of workdirs; finished runs are kept"
    )
    parser.add_argument("--steps", type=int, default=20, help="updates of a run")
    args = parser.parse_args(argv)
    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_num_cpu_devices", DEVICES)
    records = measure(args)
    Path(args.out).mkdir(parents=True, exist_ok=True)
    Path(args.out, "check_meshes.md").write_text(table(records, args))
    print(table(records, args))
    worst = max(max(*r["shapes"].values(), r["processes"]) for r in records)
    sys.exit(int(worst > TOLERANCE))


if __name__ == "__main__":
    main()
