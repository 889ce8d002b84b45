"""The order of the data: a pure function of (seed, step) that leaves nothing out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentic_styling.data.training_set import TrainingSet
from agentic_styling.errors import InputError
from agentic_styling.training.batches import examples, gather, rows_at


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    count=st.integers(1, 30), half=st.integers(1, 10), seed=st.integers(0, 3), pairs=st.booleans()
)
def test_every_epoch_holds_every_example_once(count, half, seed, pairs):
    found = np.arange(count, dtype=np.int32) + 100
    if pairs:
        found = np.stack([found, found + 1000], axis=1)
    steps = range(-(-3 * count // half))
    rows = [rows_at(s, found, seed=seed, batch_size=2 * half) for s in steps]
    assert all(r.shape == (2 * half,) for r in rows)
    if pairs:
        for r in rows:
            np.testing.assert_array_equal(r[:half] + 1000, r[half:])
        rows = [r[:half] for r in rows]
    walked = np.concatenate(rows)
    for epoch in range(3 if pairs else 6):
        part = walked[epoch * count : (epoch + 1) * count]
        if len(part) == count:
            np.testing.assert_array_equal(np.sort(part), np.arange(count) + 100)


def test_order_depends_on_seed_and_epoch_only():
    found = np.arange(40, dtype=np.int32)
    order = [rows_at(s, found, seed=1, batch_size=8).tolist() for s in range(10)]
    backwards = [rows_at(s, found, seed=1, batch_size=8).tolist() for s in reversed(range(10))]
    assert order == backwards[::-1]
    assert order[:5] != order[5:]
    assert order != [rows_at(s, found, seed=2, batch_size=8).tolist() for s in range(10)]


def make_set(rewards, contexts):
    count = len(rewards)
    images = np.arange(count * 12, dtype=np.uint8).reshape(count, 2, 2, 3)
    return TrainingSet(
        tokens=np.arange(count * 4, dtype=np.int32).reshape(count, 4),
        length=np.full(count, 4, np.int32),
        prompt_length=np.ones(count, np.int32),
        image=np.arange(count, dtype=np.int32)[::-1],
        images=images,
        reward=np.asarray(rewards, np.float32),
        context_id=np.asarray(contexts, np.int32),
    )


def test_examples_of_each_loss():
    training_set = make_set([5.0, 3.0, 4.2, 2.0], [0, 0, 1, 1])
    for loss in ("standard", "reward_weighted", "standardized_reward_weighted"):
        np.testing.assert_array_equal(examples(training_set, loss, {}), [0, 1, 2, 3])
    np.testing.assert_array_equal(examples(training_set, "reward_filtered", {}), [0, 2])
    kwargs = {"threshold": 4.5}
    np.testing.assert_array_equal(examples(training_set, "reward_filtered", kwargs), [0])
    np.testing.assert_array_equal(examples(training_set, "iw_sft", kwargs), [0])
    grouped = make_set([5.0, 3.0, 4.2], [0, 1, 0])
    per_context = {"per_context": True}
    for loss, options in (("swift", {}), ("standardized_reward_weighted", per_context)):
        np.testing.assert_array_equal(examples(grouped, loss, options), [0, 2])
    with pytest.raises(InputError, match="'rloo': the data holds not one example, two trajec"):
        examples(make_set([5.0, 3.0], [0, 1]), "rloo", {})
    np.testing.assert_array_equal(examples(training_set, "dpo", {}), [[0, 1], [2, 3]])
    low = make_set([3.0, 2.0], [0, 1])
    for loss in ("dpo", "reward_filtered"):
        with pytest.raises(InputError, match=f"'{loss}': the data holds not one example"):
            examples(low, loss, {})


def test_gather_takes_each_row_with_its_picture_and_reference():
    training_set = make_set([5.0, 3.0, 4.2, 2.0], [0, 0, 1, 1])
    batch = gather(training_set, np.array([2, 0]), np.array([-1.0, -2.0, -3.0, -4.0], np.float32))
    np.testing.assert_array_equal(batch.tokens, [[8, 9, 10, 11], [0, 1, 2, 3]])
    np.testing.assert_array_equal(batch.images, training_set.images[[1, 3]])
    np.testing.assert_array_equal(batch.reference, [-3.0, -1.0])
    assert batch.images.dtype == np.uint8
