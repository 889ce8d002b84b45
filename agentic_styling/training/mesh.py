"""The device mesh, and how a batch lies on it. Where parameters go: `planner.partition`."""

import math
from collections.abc import Mapping

import jax
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from agentic_styling.errors import InputError

AXES = ("data", "fsdp", "tensor")


def make_mesh(sizes: Mapping[str, int]) -> Mesh:
    """A mesh with the axes data, fsdp and tensor; one size may be -1, all the devices left.

    Axes are Auto: Linen modules fail on Explicit ones. Raises InputError where sizes do not fit.
    """
    shape, count = [int(sizes[axis]) for axis in AXES], jax.device_count()
    known = math.prod(size for size in shape if size != -1)
    given = "mesh " + " x ".join(f"{a}={s}" for a, s in zip(AXES, shape, strict=True))
    if shape.count(-1) > 1 or any(size < 1 and size != -1 for size in shape):
        raise InputError(f"{given}: sizes are positive, and at most one is -1")
    if -1 in shape and count % known == 0:
        shape[shape.index(-1)] = count // known
    if -1 in shape or math.prod(shape) > count:
        raise InputError(f"{given}: does not fit {count} devices; use data=-1 fsdp=1 tensor=1")
    return jax.make_mesh(shape, AXES, axis_types=(AxisType.Auto,) * len(AXES))


def batch_sharding(mesh: Mesh) -> NamedSharding:
    """The first axis of every array of a batch is split over data and fsdp."""
    return NamedSharding(mesh, PartitionSpec(("data", "fsdp")))
