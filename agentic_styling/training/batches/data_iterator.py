"""Batches onto the mesh, made ahead of the device by grain's threads."""

import time
from collections.abc import Callable

import grain
import jax

from agentic_styling.training.batches.batches import Batch

THREADS, AHEAD = 2, 4


class Feed:
    """An iterator over the batches of steps 0 .. steps - 1, laid out over the mesh.

    make(step) -> Batch of host arrays, a pure function. Several hosts each give the parts of their
    own devices.
    """

    def __init__(self, make: Callable[[int], Batch], steps: int, layout: Batch):
        dataset = grain.MapDataset.range(steps).map(make)
        options = grain.ReadOptions(num_threads=THREADS, prefetch_buffer_size=AHEAD)
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
        """Seconds that next() took since the last call."""
        waited, self._waited = self._waited, 0.0
        return waited

    def get_state(self) -> dict:
        """Where the iterator stands, JSON."""
        return self._iterator.get_state()

    def set_state(self, state: dict) -> None:
        """Go on where get_state stood, whatever number of hosts that was on."""
        self._iterator.set_state(state)


def put(batch: Batch, layout: Batch) -> Batch:
    """The batch on the devices of its layout; each host hands over its own parts."""

    def of(array, sharding):
        return jax.make_array_from_callback(array.shape, sharding, lambda index: array[index])

    return jax.tree.map(of, batch, layout)
