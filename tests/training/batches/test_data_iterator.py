"""The iterator over batches: in order, ahead of its user, and resumable on other hosts."""

import json
from types import SimpleNamespace

import numpy as np

from agentic_styling.training.batches.batches import batch_shardings
from agentic_styling.training.batches.data_iterator import DataIterator
from agentic_styling.training.mesh import make_mesh
from tests.training.batches.test_batches import (
    Assembler,
    Layout,
    schedule,
    split_microbatches,
    unequal_set,
)

DATA = unequal_set()
ORDER = schedule(count=5, size=4)


def make(step):
    return Assembler(DATA, Layout(4, (8,), 1))(split_microbatches(ORDER(step), 1, 1))


def feed(sizes, steps=6):
    mesh = make_mesh(sizes)
    return DataIterator(make, steps, batch_shardings(mesh, pictures=True))


def test_batches_come_in_order_and_lie_on_the_mesh():
    made = feed({"data": 4, "tensor": 2})
    for step, batch in enumerate(made):
        expected = make(step)
        np.testing.assert_array_equal(batch.tokens, expected.tokens)
        np.testing.assert_array_equal(batch.images, expected.images)
        assert batch.images.addressable_shards[0].data.shape[1] == 1
        assert batch.reward.is_fully_replicated
    assert step == 5
    assert made.take_waited() > 0
    assert made.take_waited() == 0


def test_it_goes_on_where_its_state_says_also_on_another_mesh():
    first = feed({"data": 1})
    for _ in range(3):
        next(first)
    state = json.loads(json.dumps(first.get_state()))
    other = feed({"data": 2, "fsdp": 2})
    other.set_state(state)
    np.testing.assert_array_equal(next(other).tokens, make(3).tokens)
    assert len(list(other)) == 2


def test_threads_do_not_change_what_is_made():
    """Every step is made once, whatever is made ahead."""
    made = []
    counting = SimpleNamespace(make=lambda step: made.append(step) or make(step))
    mesh = make_mesh({"data": 1})
    list(DataIterator(counting.make, 6, batch_shardings(mesh, pictures=True)))
    assert sorted(made) == list(range(6))
