"""Seconds, MFU and memory of the train step on an accelerator, on rows of random tokens.

    python experiments/benchmarks/training.py --accelerator \
        --out experiments/benchmarks/results/training_gpu

The 4B model in bfloat16 with unrolled layers, on rows of 2,048 tokens with one 512 x 512 picture,
by `training.setup.train_step`. Each row of the table is measured in its own process, which frees
its memory, and written at once, so that an interruption loses at most one. The rows of S are then
measured with torch: see training_accelerator_torch.py.
"""

import itertools
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import timing

BAR, AIM = 0.45, 0.6  # MFU
RANK = 16
LOSSES = {"S": "standard", "DPO": "dpo"}
REMAT = {"LoRA": "none", "full": "dots"}  # the least rematerialization that fits
TORCH = Path(__file__).with_name("training_accelerator_torch.py")
MEMORY_SHARE = "0.95"  # of the device memory, preallocated by JAX


class Work(NamedTuple):
    """What a row of the table measures.

    batch: examples of an update, one per row; a pair is two. picture: side of it in pixels.
    """

    kind: str
    loss: str
    batch: int
    microbatches: int
    preset: str = "4b"
    length: int = 2048
    picture: int = 512
    dtype: str = "bfloat16"

    @property
    def prompt(self) -> int:
        """Tokens of a row that are not trained on, including those of the picture."""
        return self.length // 4


def cases(batch: int, microbatches: int) -> list[Work]:
    """Adapters and all parameters, each with either loss."""
    kinds = itertools.product(LOSSES, ("LoRA", "full"))
    return [Work(kind, loss, batch, microbatches) for loss, kind in kinds]


class Prepared(NamedTuple):
    """The model, optimizer, layouts and jitted step of a `Work`."""

    model: object
    optimizer: object
    layout: object
    step: object


def prepare(work: Work, mesh) -> Prepared:
    """Sets up training as `train` does, but from a preset rather than a directory."""
    from agentic_styling import training
    from agentic_styling.planner import ImageSettings, Qwen3VLConfig
    from agentic_styling.training import setup
    from agentic_styling.training.config import compute_config, lora_config
    from agentic_styling.training.state import make_optimizer
    from agentic_styling.training.step import PlannerModel

    config = training.default_config(LOSSES[work.loss])
    config.compute.update(dtype=work.dtype, remat=REMAT[work.kind], unroll=True)
    config.update(batch_size=work.batch, microbatches=work.microbatches)
    config.lora.rank = RANK if work.kind == "LoRA" else 0
    model = PlannerModel(
        Qwen3VLConfig.preset(work.preset),
        ImageSettings(min_pixels=work.picture**2, max_pixels=work.picture**2),
        mesh,
        compute_config(config),
        start=work.prompt - 1,
        lora=lora_config(config),
    )
    layout = setup.layouts(config, model, pictures=True)
    step = setup.train_step(config, model, dict(config.loss_kwargs), layout)
    return Prepared(model, make_optimizer(config), layout, step)


def full_batch(work: Work, model):
    """A `Batch` without padding: pictures, random tokens, random rewards."""
    from agentic_styling.planner import image_tokens
    from agentic_styling.training.batches.batches import Batch

    generator, config = np.random.default_rng(0), model.config
    examples = work.microbatches, work.batch // work.microbatches
    marks = (config.vision_start_token_id, config.vision_end_token_id)
    ordinary = min(*marks, config.image_token_id, config.video_token_id)
    tokens = generator.integers(0, ordinary, (*examples, work.length)).astype(np.int32)
    end = 1 + image_tokens(work.picture, work.picture, model.images)
    tokens[..., 0], tokens[..., end] = marks
    tokens[..., 1:end] = config.image_token_id
    pixels = generator.integers(0, 256, (*examples, 1, work.picture, work.picture, 3))
    rows = np.tile(np.arange(examples[1], dtype=np.int32), (examples[0], 1))
    return Batch(
        tokens=tokens,
        segments=np.ones_like(tokens),
        bucket=np.zeros(work.microbatches, np.int32),
        images=pixels.astype(np.uint8),
        pictures=np.ones(examples, np.int32),
        row=rows,
        first=np.full(examples, work.prompt, np.int32),
        length=np.full(examples, work.length - work.prompt, np.int32),
        reward=generator.uniform(0, 5, examples).astype(np.float32),
        reference=np.full(examples, -1e4, np.float32),
        context_mean=np.ones(examples, np.float32),
        context_std=np.ones(examples, np.float32),
        context_count=np.ones(examples, np.float32),
        context_quantile=np.ones(examples, np.float32),
    )


def make_state(work: Work, made: Prepared):
    """(state, frozen) with random weights, created with their shardings."""
    import jax

    from agentic_styling.planner import init_lora, init_params
    from agentic_styling.training import state

    model, key = made.model, jax.random.key(0)

    def frozen(key):
        dtype = model.compute.dtype
        return jax.tree.map(lambda x: x.astype(dtype), init_params(model.config, key))

    def trained(key):
        if work.kind == "LoRA":
            return state.make_state(init_lora(model.config, model.lora, key), made.optimizer)
        return state.make_state(init_params(model.config, key), made.optimizer)

    initial = jax.jit(trained, out_shardings=made.layout.state)(key)
    if work.kind == "full":
        return initial, {}
    return initial, jax.jit(frozen, out_shardings=made.layout.frozen)(key)


def work_flops(work: Work, model) -> float:
    """Model FLOPs of an update."""
    from agentic_styling.planner.inputs.images import image_patches
    from agentic_styling.training.monitoring.flops import train_flops

    lengths = np.full(work.batch, work.length)
    patches = image_patches(work.picture, work.picture, model.images)
    completions = lengths - work.prompt
    return train_flops(model.config, model.lora, lengths, completions, patches, work.batch)


def measure(work: Work, rounds: int) -> dict:
    """Seconds (None if it does not fit), FLOPs, MFU and memory of a `Work` on the first device."""
    import jax

    from agentic_styling.planner.model.attention import choose
    from agentic_styling.training.batches.data_iterator import put
    from agentic_styling.training.mesh import make_mesh
    from agentic_styling.training.monitoring.flops import peak_flops

    device = jax.devices()[0]
    mesh = make_mesh({}, [device])
    with jax.set_mesh(mesh):
        made = prepare(work, mesh)
        text = made.model.config.text
        measured = {"device": device.device_kind, "tokens": work.batch * work.length}
        measured["attention"] = choose("auto", made.model.compute.dtype, text.head_dim)
        measured["flops"] = work_flops(work, made.model)
        batch = put(full_batch(work, made.model), made.layout.batch)
        try:
            state, frozen = make_state(work, made)
            begun = time.perf_counter()
            step = made.step.lower(state, frozen, batch).compile()
            measured["compile_s"] = time.perf_counter() - begun
            taken = []
            for _ in range(rounds + 2):
                begun = time.perf_counter()
                state, values = step(state, frozen, batch)
                loss = float(values["loss"])
                taken.append(time.perf_counter() - begun)
        except jax.errors.JaxRuntimeError as error:
            if "RESOURCE_EXHAUSTED" not in str(error):
                raise
            return measured | {"seconds": None}
    if not np.isfinite(loss):
        raise SystemExit(f"{work}: the loss is {loss}, so its speed is meaningless")
    measured |= {"loss": loss} | timing.spent(taken[2:])
    peak = peak_flops(device)
    measured["mfu"] = measured["flops"] / measured["seconds"] / peak if peak else None
    used = (device.memory_stats() or {}).get("peak_bytes_in_use")
    return measured | {"peak_gb": used / 2**30 if used else None}


def report(results: dict) -> str:
    """The results as Markdown."""
    rows = []
    for name, r in results["rows"].items():
        if r["seconds"] is None:
            rows.append([name, r["attention"], "does not fit", "", "", "", "", ""])
            continue
        mfu, peak = r["mfu"], r["peak_gb"]
        rows.append(
            [
                name,
                r["attention"],
                _seconds(r),
                f"{r['tokens'] / r['seconds']:,.0f}",
                f"**{mfu:.1%}**" if mfu else "",
                _verdict(mfu) if mfu else "",
                f"{peak:.1f}" if peak else "",
                f"{r['compile_s']:.0f}",
            ]
        )
    devices = ", ".join(sorted({r["device"] for r in results["rows"].values()}))
    header = ["work", "attention", "seconds (min to max)", "tokens/s", "MFU"]
    header += [f"bar {BAR:.0%}, aim {AIM:.0%}", "peak memory, GB", "compile, s"]
    return (
        f"{results['machine']}; on {devices}. {results['work']}, medians of {results['rounds']} "
        "updates after two. MFU: model FLOPs per second over the data sheet's dense bfloat16 peak; "
        "rematerialization does not count.\n\n" + timing.table(header, rows)
    ) + against_torch(results)


def against_torch(results: dict) -> str:
    """The rows that were also measured with torch, as Markdown."""
    rows = []
    for name, ours in results["rows"].items():
        theirs = results["torch"].get(name)
        if not theirs:
            continue
        if not (theirs["seconds"] and ours["seconds"]):
            rows.append([name, "", "", "does not fit", "", "", ""])
            continue
        rows.append(
            [
                name,
                f"{ours['tokens'] / ours['seconds']:,.0f}",
                f"{ours['tokens'] / theirs['seconds']:,.0f}",
                _seconds(theirs),
                f"**{theirs['seconds'] / ours['seconds']:.2f}**",
                f"{theirs['peak_gb']:.1f}" if theirs["peak_gb"] else "",
                "kept" if theirs["kept"] else "recomputed",
            ]
        )
    if not rows:
        return ""
    header = ["work", "tokens/s: ours", "torch", "torch: seconds (min to max)", "torch / ours"]
    header += ["torch: peak memory, GB", "activations"]
    return (
        "\nThe same rows with the unmodified model of transformers and LoRA of peft, bfloat16 by "
        f"autocast ({results['torch_machine']}); random weights of the same shapes, one process "
        "after another on the same device.\n\n"
    ) + timing.table(header, rows)


def _seconds(r: dict) -> str:
    return f"{r['seconds']:.3f} ({r['seconds_min']:.3f} to {r['seconds_max']:.3f})"


def _verdict(mfu: float) -> str:
    return "aim met" if mfu >= AIM else "bar met" if mfu >= BAR else "missed"


def run(out: Path | None, rounds: int, batch: int, microbatches: int) -> str:
    """Measures every case in its own process; writes OUT.md and OUT.json after each."""
    first = cases(batch, microbatches)[0]
    results = {"machine": timing.machine("jax", "flax", "numpy"), "rounds": rounds}
    results |= {"rows": {}, "torch": {}}
    results["work"] = (
        f"{first.preset}, {first.dtype}, {batch} rows of {first.length:,} tokens in "
        f"{microbatches} part{'s' * (microbatches > 1)}, each with a picture of {first.picture} x "
        f"{first.picture}; layers unrolled; adapters of rank {RANK}, remat {REMAT['LoRA']}; "
        f"full with remat {REMAT['full']}"
    )
    os.environ.setdefault("XLA_PYTHON_CLIENT_MEM_FRACTION", MEMORY_SHARE)
    for work in cases(batch, microbatches):
        results["rows"][f"{work.kind}, {work.loss}"] = _measured(__file__, work, rounds)
        timing.save(out, report(results), results)
    results["torch_machine"] = timing.machine("torch", "transformers", "peft")
    for work in (x for x in cases(batch, microbatches) if x.loss == "S"):
        # JAX only prepares the rows there; on the device it would take memory from torch.
        row = _measured(TORCH, work, rounds, JAX_PLATFORMS="cpu")
        results["torch"][f"{work.kind}, {work.loss}"] = row
        timing.save(out, report(results), results)
    return report(results)


def _measured(script: str | Path, work: Work, rounds: int, **environment: str) -> dict:
    """The result of a script's `measure` in a new process."""
    command = [sys.executable, script, json.dumps(work), str(rounds)]
    environment = os.environ | environment
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{work} failed with status {done.returncode}; its error is above")
    row = json.loads(done.stdout.strip().splitlines()[-1])
    print(Path(script).stem, work, row, flush=True)
    return row


if __name__ == "__main__":
    print(json.dumps(measure(Work(*json.loads(sys.argv[1])), int(sys.argv[2]))))
