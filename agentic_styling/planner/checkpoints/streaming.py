"""Parameters streamed between files and devices, one tensor at a time."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from flax import traverse_util
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from agentic_styling.planner.checkpoints.partition import Rule, shardings
from agentic_styling.planner.checkpoints.safetensors_files import (
    listed,
    replacing,
    stored_dtype,
    write_file,
)
from agentic_styling.planner.checkpoints.tensor_names import Tensor
from agentic_styling.utils.checks import write_object
from agentic_styling.utils.errors import InputError

# Stacks up to this size are assembled on the host, larger ones on the device layer by layer.
SMALL_BYTES = 2**24


def leaf_shapes(table: Sequence[Tensor]) -> dict[tuple[str, ...], tuple[int, ...]]:
    """The shape of every leaf, by its path."""

    def shape(stack):
        layer = stack[0].matrix[::-1] if stack[0].transposed else stack[0].shape
        return layer if stack[0].index is None else (len(stack), *layer)

    return {path: shape(stack) for path, stack in _stacks(table).items()}


def load_tree(
    table: Sequence[Tensor],
    stored: dict,
    mesh: Mesh | None,
    rules: Sequence[Rule] = (),
    *,
    dtype=None,
    replicate_below: int = 0,
) -> dict:
    """The tree of a table's tensors, read from lazy slices (after `check`) onto the devices.

    Args:
      stored: lazy slices by tensor name. Others as for `hf_checkpoint.load_pretrained`.
    """
    shapes = leaf_shapes(table)
    layout = dict.fromkeys(shapes)
    if mesh is not None:
        leaves = {p: jax.ShapeDtypeStruct(s, jnp.float32) for p, s in shapes.items()}
        tree = traverse_util.unflatten_dict(leaves)
        tree = shardings(mesh, tree, rules, replicate_below=replicate_below)
        layout = traverse_util.flatten_dict(tree)
    flat = {
        path: _load(stack, shapes[path], stored, layout[path], dtype)
        for path, stack in _stacks(table).items()
    }
    return traverse_util.unflatten_dict(flat)


def check_tree(table: Sequence[Tensor], flat: dict) -> None:
    """Raise InputError unless the leaves are those of the table."""
    wanted = leaf_shapes(table)
    shapes = {path: tuple(leaf.shape) for path, leaf in flat.items()}
    wrong = sorted(path for path in wanted.keys() | shapes if wanted.get(path) != shapes.get(path))
    if wrong:
        names = listed(["/".join(path) for path in wrong])
        raise InputError(f"params: {names} do not fit the config; save those it was made for")


def write_tree(
    directory: Path,
    tables: dict[str, Sequence[Tensor]],
    flat: dict,
    texts: dict[str, dict],
    replaced: Sequence[str] = (),
) -> None:
    """Write each safetensors file's tensors, and JSON files, on the first process.

    The other processes take part in gathering, and wait until everything is written.

    Args:
      replaced: patterns of older files, which go where they are not written anew.
    """
    arrays = _stored_arrays([tensor for table in tables.values() for tensor in table], flat)
    if jax.process_index() == 0:
        with replacing(directory) as unfinished:
            for name, table in tables.items():
                header = {t.name: (flat[t.path].dtype.name, t.shape) for t in table}
                write_file(unfinished / name, header, itertools.islice(arrays, len(table)))
            for name, content in texts.items():
                write_object(unfinished / name, content)
        for old in [path for pattern in replaced for path in directory.glob(pattern)]:
            if old.name not in tables | texts:
                old.unlink(missing_ok=True)
    for _ in arrays:
        pass
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices("write_tree")


def _stored_arrays(table: Sequence[Tensor], flat) -> Iterator[np.ndarray]:
    """Every tensor in the table's order, as it is to be stored."""
    for path, group in itertools.groupby(table, key=lambda tensor: tensor.path):
        leaf, stack = flat[path], list(group)
        if stack[0].index is None or leaf.nbytes <= SMALL_BYTES:
            leaf = _gather(leaf)
            yield from (tensor.pack(leaf) for tensor in stack)
        else:
            yield from (_gather(_take(leaf, t.index, t.transposed)) for t in stack)


def _gather(array) -> np.ndarray:
    """The whole array on the host, from all of its shards."""
    if not isinstance(array, jax.Array):
        return array
    if not (array.is_fully_addressable or array.is_fully_replicated):
        return multihost_utils.process_allgather(array, tiled=True)
    # An array caches its NumPy copy; this new array is dropped with it.
    parts = [shard.data for shard in array.addressable_shards]
    return np.asarray(jax.make_array_from_single_device_arrays(array.shape, array.sharding, parts))


def _stacks(table: Sequence[Tensor]) -> dict[tuple[str, ...], list[Tensor]]:
    """The tensors of each leaf, in the order of its layers."""
    stacks = {}
    for tensor in table:
        stacks.setdefault(tensor.path, []).append(tensor)
    return stacks


def _load(stack: list[Tensor], shape, stored: dict, sharding, dtype) -> jax.Array:
    """One leaf, on its devices."""
    first = stack[0]
    if first.index is None:
        array = _put(functools.partial(_read, stored, first), shape, sharding)
        return array if dtype is None else array.astype(dtype)
    stored_type = stored_dtype(stored[first.name])
    dtype = jnp.dtype(dtype or stored_type)
    if math.prod(shape) * max(stored_type.itemsize, dtype.itemsize) <= SMALL_BYTES:

        def read(index):
            layers = [_read(stored, tensor, index[1:]) for tensor in stack[index[0]]]
            return np.stack(layers).astype(dtype, copy=False)

        return _put(read, shape, sharding)
    # Kernels are transferred as stored: the device transposes them faster than the host.
    turn = slice(None, None, -1 if first.transposed else 1)
    layout = None
    if sharding is not None:
        layout = NamedSharding(sharding.mesh, PartitionSpec(*sharding.spec[1:][turn]))
    array = jax.jit(functools.partial(jnp.zeros, shape, dtype), out_shardings=sharding)()
    for tensor in stack:
        layer = _put(lambda index, t=tensor: stored[t.name][index], shape[1:][turn], layout)
        array = _fill(array, layer, tensor.index, first.transposed)
        array.block_until_ready()  # else layers pile up on the host, waiting for their transfer
    # Of a rule that shards the layers too, the compiler may have chosen another layout.
    return array if sharding is None else jax.device_put(array, sharding)


def _read(stored: dict, tensor: Tensor, index: tuple[slice, ...]) -> np.ndarray:
    """The part of a tensor at a place in our layout, without the stack's axis."""
    stored_slice = stored[tensor.name]
    if not tensor.transposed:
        return stored_slice[index]
    inputs, outputs = index
    if len(tensor.shape) == 2:
        return stored_slice[outputs, inputs].T
    rows = stored_slice[outputs]
    return rows.reshape(len(rows), -1)[:, inputs].T


def _put(read, shape: tuple[int, ...], sharding) -> jax.Array:
    """The array assembled from read(slices); replicated shards are read once."""
    if sharding is None:
        # `jnp.asarray` would compile a program for each shape.
        return jax.device_put(read(tuple(slice(None) for _ in shape))).block_until_ready()
    places = {}
    for device, index in sharding.addressable_devices_indices_map(shape).items():
        places.setdefault(tuple((s.start, s.stop) for s in index), []).append(device)
    arrays = []
    for bounds, devices in places.items():
        piece = np.ascontiguousarray(read(tuple(slice(*bound) for bound in bounds)))
        arrays += jax.block_until_ready([jax.device_put(piece, device) for device in devices])
    return jax.make_array_from_single_device_arrays(shape, sharding, arrays)


@functools.partial(jax.jit, static_argnames="transpose", donate_argnums=0)
def _fill(stack, layer, index, transpose):
    layer = layer.T if transpose else layer
    return jax.lax.dynamic_update_index_in_dim(stack, layer.astype(stack.dtype), index, 0)


@functools.partial(jax.jit, static_argnames="transpose")
def _take(stack, index, transpose):
    layer = jax.lax.dynamic_index_in_dim(stack, index, keepdims=False)
    return layer.T if transpose else layer
