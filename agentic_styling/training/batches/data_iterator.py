"""The data iterator: batches on the mesh, prefetched by grain's threads."""

import time
from collections.abc import Callable

import grain
import jax

from agentic_styling.training.batches.batches import Batch

THREADS, PREFETCHED = 2, 4


class DataIterator:
    """An iterator over the batches of steps 0 .. steps - 1, as sharded arrays.

    make: a pure function from a step to its Batch of host arrays. layout: a Batch of shardings; of
    several hosts each provides the shards of its own devices.
    """

    def __init__(self, make: Callable[[int], Batch], steps: int, layout: Batch):
        dataset = grain.MapDataset.range(steps).map(make)
        options = grain.ReadOptions(num_threads=THREADS, prefetch_buffer_size=PREFETCHED)
        self._iterator = iter(dataset.to_iter_dataset(options))
        self._layout, self._waited = layout, 0.0

    def __iter__(self):
        return self

    def __next__(self) -> Batch:
        begun = time.perf_counter()
        batch = put(next(self._iterator), self._layout)
        self._waited += time.perf_counter() - begun
        return batch

    def take_waited(self) -> float:
        """The seconds spent in next() since the last call."""
        waited, self._waited = self._waited, 0.0
        return waited

    def get_state(self) -> dict:
        """The iterator's position, as JSON."""
        return self._iterator.get_state()

    def set_state(self, state: dict) -> None:
        """Continues from a position of get_state, saved on any number of hosts."""
        self._iterator.set_state(state)


def put(batch: Batch, layout: Batch) -> Batch:
    """The batch as arrays sharded by its layout; each host provides its own shards."""
    return jax.tree.map(
        lambda x, sharding: jax.make_array_from_callback(x.shape, sharding, x.__getitem__),
        batch,
        layout,
    )
