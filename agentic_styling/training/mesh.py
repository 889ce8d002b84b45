"""The device mesh over one or several hosts."""

import math
from collections.abc import Mapping

import jax
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from agentic_styling.utils.errors import InputError

AXES = ("data", "fsdp", "context", "tensor")


def start_distributed(
    coordinator: str | None = None, processes: int | None = None, process: int | None = None
) -> None:
    """Joins the other hosts of a run. Call it before anything else uses a device.

    Args:
      coordinator: HOST:PORT of the first process. Without it JAX detects all three, on TPU pods
        and under SLURM, Open MPI and Kubernetes.
      processes: number of processes.
      process: index of this one.

    Raises:
      InputError: some of the three are missing, or could not be detected.
    """
    given = [value for value in (coordinator, processes, process) if value is not None]
    if given and len(given) < 3:
        raise InputError(
            "--coordinator, --processes and --process go together; give all three, or none on a "
            "TPU pod or under SLURM"
        )
    try:
        jax.distributed.initialize(coordinator, processes, process)
    except (RuntimeError, ValueError) as error:
        first = str(error).strip().splitlines()[0]
        raise InputError(
            f"--distributed: {first}; give --coordinator=HOST:PORT --processes=N --process=I"
        ) from error


def make_mesh(sizes: Mapping[str, int], devices=None) -> Mesh:
    """A mesh with the axes data, fsdp, context and tensor.

    Axes are Auto, because Linen modules fail on Explicit ones.

    Args:
      sizes: by axis; a missing size is 1, and one may be -1, which takes all devices left.
      devices: all by default. A run on several hosts has to use every device.

    Raises:
      InputError: the sizes do not fit the devices.
    """
    unknown = sorted(set(sizes) - set(AXES))
    if unknown:
        raise InputError(f"config.mesh.{unknown[0]}: not an axis; use {', '.join(AXES)}")
    devices = jax.devices() if devices is None else devices
    shape, count = [int(sizes.get(axis, 1)) for axis in AXES], len(devices)
    known = math.prod(size for size in shape if size != -1)
    given = "mesh " + " x ".join(f"{a}={s}" for a, s in zip(AXES, shape, strict=True))
    if shape.count(-1) > 1 or any(size < 1 and size != -1 for size in shape):
        raise InputError(f"{given}: sizes are positive, and at most one is -1")
    if -1 in shape and count % known == 0:
        shape[shape.index(-1)] = count // known
    used = math.prod(shape)
    if -1 in shape or used > count or (used < count and jax.process_count() > 1):
        raise InputError(f"{given}: does not fit {count} devices; use data=-1 and 1 for the others")
    kinds = (AxisType.Auto,) * len(AXES)
    return jax.make_mesh(shape, AXES, axis_types=kinds, devices=devices[:used])


def replicated(mesh: Mesh) -> NamedSharding:
    """The same on every device."""
    return NamedSharding(mesh, PartitionSpec())
