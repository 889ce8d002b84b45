"""The memory that training needs per device, planned by XLA for machines other than this one.

    python experiments/memory.py --out docs/memory.md

Compiles the train step ahead of time for TPU topologies by libtpu (pip install libtpu, in the
version that jax[tpu] names; minutes per case), which fails if it does not fit, and for GPUs on as
many simulated devices of a CPU, where bfloat16 takes as much memory as float32: an upper bound.
Results are cached as JSON beside the page.
"""

import json
import os
import platform
import time
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
from jax.experimental import topologies  # noqa: E402

from agentic_styling import training  # noqa: E402
from agentic_styling.cli.command import Parser, one_line_errors  # noqa: E402
from agentic_styling.planner import ImageSettings, Qwen3VLConfig  # noqa: E402
from agentic_styling.training.batches.batches import Batch  # noqa: E402
from agentic_styling.training.config import compute_config, lora_config  # noqa: E402
from agentic_styling.training.mesh import make_mesh  # noqa: E402
from agentic_styling.training.monitoring.dry_run import tree_bytes  # noqa: E402
from agentic_styling.training.setup import layouts, train_step  # noqa: E402
from agentic_styling.training.step import PlannerModel  # noqa: E402
from agentic_styling.utils.errors import InputError  # noqa: E402

LENGTH, SIDE = 2048, 512


class Machine(NamedTuple):
    """Devices and their memory in GiB; topology: of libtpu; "" for simulated devices of a CPU."""

    devices: int
    memory: float
    topology: str = ""


MACHINES = {
    "v5e-16": Machine(16, 15.75, "v5e:4x4"),
    "v5p-8": Machine(4, 95.0, "v5p:2x2x1"),  # 8 cores, 4 chips
    "8 x 80 GB": Machine(8, 80e9 / 2**30),
}
CASES = [
    (machine, preset, trained)
    for preset in ("4b", "8b")
    for trained in ("full", "LoRA")
    for machine in MACHINES
]


def mesh_of(machine: Machine):
    """All devices on the axis fsdp."""
    if not machine.topology:
        return make_mesh({"fsdp": machine.devices})
    try:
        topology = topologies.get_topology_desc(platform="tpu", topology_name=machine.topology)
    except Exception as error:
        raise InputError(
            f"{machine.topology}: {str(error).splitlines()[0]}; pip install libtpu"
        ) from error
    return make_mesh({"fsdp": machine.devices}, topology.devices)


def batch_shapes(rows: int, length: int) -> Batch:
    """The shapes of a batch with one example and one picture per row."""

    def ints(*shape):
        return jax.ShapeDtypeStruct((1, *shape), jnp.int32)

    floats = jax.ShapeDtypeStruct((1, rows), jnp.float32)
    return Batch(
        tokens=ints(rows, length),
        segments=ints(rows, length),
        bucket=ints(),
        images=jax.ShapeDtypeStruct((1, rows, 1, SIDE, SIDE, 3), jnp.uint8),
        **dict.fromkeys(("pictures", "row", "first", "length"), ints(rows)),
        **dict.fromkeys(("reward", "reference"), floats),
        **{f"context_{n}": floats for n in ("mean", "std", "count", "quantile")},
    )


def measure(machine: Machine, preset: str, trained: str) -> dict:
    """GiB per device: state, frozen parameters and what the step needs on top; None: too much."""
    config = training.default_config("standard")
    config.compute.update(dtype="bfloat16", remat="full")
    config.lora.rank = 16 if trained == "LoRA" else 0
    mesh = mesh_of(machine)
    model = PlannerModel(
        Qwen3VLConfig.preset(preset),
        ImageSettings(),
        mesh,
        compute_config(config),
        lora=lora_config(config),
    )
    layout = layouts(config, model, pictures=True)
    step = train_step(config, model, {}, layout)
    begun = time.perf_counter()
    with jax.set_mesh(mesh):
        lowered = step.lower(
            layout.shapes, layout.frozen_shapes, batch_shapes(machine.devices, LENGTH)
        )
    record = {
        "state": tree_bytes(layout.shapes, layout.state) / 2**30,
        "frozen": tree_bytes(layout.frozen_shapes, layout.frozen) / 2**30,
    }
    try:
        compiled = lowered.compile()
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        return record | {"step": None, "seconds": time.perf_counter() - begun}
    plan = compiled.memory_analysis()
    code = plan.generated_code_size_in_bytes
    record["step"] = (plan.temp_size_in_bytes + code) / 2**30
    return record | {"seconds": time.perf_counter() - begun}


def versions_here() -> str:
    """What a case is planned by."""
    return f"jax {jax.__version__}, libtpu {_libtpu()}, Python {platform.python_version()}"


def page(records: dict[str, dict]) -> str:
    """The page of results."""
    versions = {record["versions"] for record in records.values()}
    lines = [
        "# Memory of a device",
        "",
        f"Planned by XLA ahead of time: {'; '.join(sorted(versions))}; printed by "
        f"`experiments/memory.py`. One example of {LENGTH} tokens with a picture of {SIDE} x "
        f"{SIDE} per device, bfloat16 computation, float32 parameters and moments, adapters of "
        "rank 16 beside bfloat16 parameters, remat full, all devices on the axis fsdp. v5p-8 has "
        "four chips. The GPUs are eight simulated devices of a CPU, which computes bfloat16 in "
        "float32: an upper bound, without the memory of cuDNN and NCCL. All in GiB.",
        "",
        "| machine | model | trained | state | frozen | the step | total | available | fits |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for case in CASES:
        record = records.get(", ".join(case))
        if not record:
            continue
        memory = MACHINES[case[0]].memory
        numbers = [record["state"], record["frozen"], record["step"]]
        together = sum(numbers) if record["step"] is not None else None
        cells = [f"{x:.2f}" if x is not None else "" for x in (*numbers, together, memory)]
        fits = "yes" if together is not None and together <= memory else "**no**"
        lines.append(f"| {' | '.join([*case, *cells, fits])} |")
    return "\n".join(lines) + "\n"


def _libtpu() -> str:
    try:
        return metadata.version("libtpu")
    except metadata.PackageNotFoundError:
        return "none"


@one_line_errors
def main(argv: list[str] | None = None) -> None:
    """Measures the cases that are not cached and writes the page."""
    parser = Parser(description=__doc__)
    parser.add_argument("--out", required=True, help="the page, .md; .json is written beside it")
    parser.add_argument("--only", default="", help="cases whose names contain this")
    args = parser.parse_args(argv)
    jax.config.update("jax_num_cpu_devices", max(m.devices for m in MACHINES.values()))
    out = Path(args.out)
    kept = out.with_suffix(".json")
    records = json.loads(kept.read_text()) if kept.exists() else {}
    for case in CASES:
        name = ", ".join(case)
        if records.get(name, {}).get("versions") == versions_here() or args.only not in name:
            continue
        machine, preset, trained = case
        records[name] = measure(MACHINES[machine], preset, trained) | {"versions": versions_here()}
        print(name, records[name], flush=True)
        kept.write_text(json.dumps(records, indent=1) + "\n")
    out.write_text(page(records))
    print(page(records))


if __name__ == "__main__":
    main()
