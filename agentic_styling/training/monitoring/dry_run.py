"""The dry run: shapes, memory and FLOPs of a run before anything is allocated."""

import math
from collections.abc import Iterator
from pathlib import Path

import jax
import numpy as np
from ml_collections import ConfigDict

from agentic_styling.training.batches.batches import Batch, fill_rate
from agentic_styling.training.config import check_batch, checked, fixed, input_digests
from agentic_styling.training.loop import prepare, work
from agentic_styling.training.mesh import make_mesh
from agentic_styling.training.monitoring.flops import peak_flops
from agentic_styling.training.setup import Layouts, batch_maker, train_step
from agentic_styling.training.workdir import claim
from agentic_styling.utils.errors import InputError
from agentic_styling.utils.precision import in_32_bits

MIB = 2**20


@in_32_bits
def dry_run(config: ConfigDict, workdir: str | Path) -> None:
    """Prints the sharding of parameters, the first batch, and the memory and FLOPs of a step.

    The data is read and the step is compiled, so `dry_run` refuses what `train` would refuse.
    Nothing is written and no parameter is allocated.
    """
    config = checked(config)
    if "online" in config:
        raise InputError("--dry_run: not for online training; use it with --config=train:LOSS")
    claim(fixed(config), Path(workdir), digests=input_digests(config))
    mesh = make_mesh(config.mesh)
    check_batch(config, mesh)
    model, data, _, kwargs, layout = prepare(config, mesh)
    batch = batch_maker(config, data, mesh, None)(0)

    print(f"mesh: {', '.join(f'{axis}={size}' for axis, size in mesh.shape.items())}\n")
    print("\n".join(parameter_table(layout)))
    print("\n" + "\n".join(_batch_table(batch, data)))
    step = train_step(config, model, kwargs, layout)
    with jax.set_mesh(mesh):
        lowered = step.lower(layout.shapes, layout.frozen_shapes, batch)
    compiled = lowered.compile()
    print("\n" + "\n".join(memory_lines(layout, compiled)))
    tokens, flops = work(model, *data.take_table(0))
    peak = peak_flops(jax.devices()[0])
    least = f"; at least {flops / mesh.size / peak:.3f} s" if peak else ""
    print(f"\na step: {tokens:,} tokens, {flops / 1e12:.3g} TFLOPs counted{least}")


def parameter_table(layout: Layouts) -> Iterator[str]:
    """A line for each parameter: shape, dtype, mesh axes and size."""
    rows = []
    for kind, shapes, where in (
        ("trained", layout.shapes.params, layout.state.params),
        ("frozen", layout.frozen_shapes, layout.frozen),
    ):
        leaves = jax.tree_util.tree_leaves_with_path(shapes)
        for (path, leaf), sharding in zip(leaves, jax.tree.leaves(where), strict=True):
            sizes = sharding.mesh.shape
            axes = ", ".join(a if a and sizes[a] > 1 else "-" for a in sharding.spec)
            rows.append(
                (
                    kind,
                    jax.tree_util.keystr(path, simple=True, separator="/"),
                    " x ".join(map(str, leaf.shape)),
                    str(leaf.dtype),
                    axes or "-",
                    f"{device_bytes(leaf, sharding) / MIB:,.2f}",
                )
            )
    head = ("", "parameter", "shape", "dtype", "sharded over", "MiB per device")
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    for row in (head, *rows):
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
        yield "  ".join([*cells, row[-1].rjust(widths[-1])])


def device_bytes(leaf, sharding) -> int:
    """Bytes of an array on each of its devices."""
    return math.prod(sharding.shard_shape(leaf.shape)) * leaf.dtype.itemsize


def tree_bytes(shapes, where) -> int:
    """Bytes of a tree on each of its devices."""
    pairs = zip(jax.tree.leaves(shapes), jax.tree.leaves(where), strict=True)
    return sum(device_bytes(leaf, sharding) for leaf, sharding in pairs)


def memory_lines(layout: Layouts, compiled) -> Iterator[str]:
    """The memory of a device in GiB, by kind, as planned by XLA."""
    parts = {
        "trained parameters": tree_bytes(layout.shapes.params, layout.state.params),
        "optimiser state": tree_bytes(layout.shapes.opt_state, layout.state.opt_state),
        "moving average": tree_bytes(layout.shapes.ema, layout.state.ema),
        "frozen parameters": tree_bytes(layout.frozen_shapes, layout.frozen),
    }
    plan = compiled.memory_analysis()
    parts["activations and gradients"] = plan.temp_size_in_bytes
    batch = plan.argument_size_in_bytes - sum(list(parts.values())[:-1])
    parts["batch"] = max(batch, 0)
    yield "GiB per device"
    for name, size in (*parts.items(), ("total", sum(parts.values()))):
        yield f"  {name:<26} {size / 2**30:8.3f}"


def _batch_table(batch: Batch, data) -> Iterator[str]:
    yield f"the first batch of {data.examples}"
    for name in Batch.__dataclass_fields__:
        array = getattr(batch, name)
        if array is not None:
            yield f"  {name:<10} {array.dtype!s:<8} {' x '.join(map(str, array.shape))}"
    lengths = data.layout.lengths
    cut = ", ".join(map(str, np.take(lengths, batch.bucket)))
    yield f"  rows of {cut} tokens, {fill_rate(batch, lengths):.0%} of them not padding"
