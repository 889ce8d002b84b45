"""The order of the data: a pure function of (seed, step) that leaves nothing out."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentic_styling.data.storage.training_set import TrainingSet
from agentic_styling.training.batches.batches import (
    Assembler,
    Schedule,
    examples,
    fill_rate,
    split_microbatches,
)
from agentic_styling.training.batches.packing import Layout, layout_for, pack, row_lengths
from agentic_styling.utils.errors import InputError


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    count=st.integers(1, 30), half=st.integers(1, 10), seed=st.integers(0, 3), pairs=st.booleans()
)
def test_every_epoch_holds_every_example_once(count, half, seed, pairs):
    found = np.arange(count, dtype=np.int32) + 100
    if pairs:
        found = np.stack([found, found + 1000], axis=1)
    group = np.zeros(2000, int)
    schedule = Schedule(found, group, seed=seed, batch_size=2 * half)
    rows = [schedule(s) for s in range(-(-3 * count // half))]
    assert all(r.shape == (2 * half,) for r in rows)
    if pairs:
        for r in rows:
            np.testing.assert_array_equal(r[::2] + 1000, r[1::2])
        rows = [r[::2] for r in rows]
    walked = np.concatenate(rows)
    for epoch in range(3 if pairs else 6):
        part = walked[epoch * count : (epoch + 1) * count]
        if len(part) == count:
            np.testing.assert_array_equal(np.sort(part), np.arange(count) + 100)


def schedule(count=40, group=None, seed=1, size=8):
    found = np.arange(count, dtype=np.int32)
    group = np.zeros(count, int) if group is None else group
    return Schedule(found, group, seed=seed, batch_size=size)


def test_order_depends_on_seed_and_epoch_only():
    order = [schedule()(s).tolist() for s in range(10)]
    one = schedule()
    assert order == [one(s).tolist() for s in reversed(range(10))][::-1]
    assert one(500).tolist() == schedule()(500).tolist()
    assert order[:5] != order[5:]
    assert order != [schedule(seed=2)(s).tolist() for s in range(10)]


def test_a_step_is_of_one_group_and_no_example_is_left_out():
    group = np.arange(40) % 3
    made = schedule(group=group, size=4)
    steps = [made(s) for s in range(100)]
    assert all(len(set(group[rows])) == 1 for rows in steps)
    seen = np.bincount(np.concatenate(steps), minlength=40)
    assert seen.min() >= 9 and seen.max() <= 11  # 400 places, 40 examples
    assert {int(group[rows[0]]) for rows in steps[:10]} == {0, 1, 2}


def make_set(rewards, contexts):
    count = len(rewards)
    images = np.arange(count * 12, dtype=np.uint8).reshape(count, 2, 2, 3)
    return TrainingSet(
        tokens=np.arange(count * 4, dtype=np.int32).reshape(count, 4),
        length=np.full(count, 4, np.int32),
        prompt_length=np.ones(count, np.int32),
        image=np.arange(count, dtype=np.int32)[::-1],
        images=list(images),
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
    kinds = {"swift": {}, "qrpo": {}, "standardized_reward_weighted": per_context}
    for loss, options in kinds.items():
        np.testing.assert_array_equal(examples(grouped, loss, options), [0, 2])
    np.testing.assert_array_equal(examples(grouped, "best", {}), [0, 1])
    with pytest.raises(InputError, match="'rloo': the data holds not one example, two trajec"):
        examples(make_set([5.0, 3.0], [0, 1]), "rloo", {})
    np.testing.assert_array_equal(examples(training_set, "dpo", {}), [[0, 1], [2, 3]])
    low = make_set([3.0, 2.0], [0, 1])
    for loss in ("dpo", "reward_filtered"):
        with pytest.raises(InputError, match=f"'{loss}': the data holds not one example"):
            examples(low, loss, {})


def test_a_batch_knows_the_contexts_of_its_examples():
    made = make_set([5.0, 3.0, 4.0, 4.0], [0, 1, 0, 0])
    batch = Assembler(made, Layout(2, (4,), 1))(np.array([[2, 1], [3, 0]]))
    columns = {name: getattr(batch, f"context_{name}") for name in ("mean", "count", "quantile")}
    np.testing.assert_allclose(columns["mean"], [[13 / 3, 3], [13 / 3, 13 / 3]], rtol=1e-6)
    np.testing.assert_array_equal(columns["count"], [[3, 1], [3, 3]])
    np.testing.assert_allclose(columns["quantile"], [[1 / 3, 1 / 2], [1 / 3, 5 / 6]], rtol=1e-6)


def test_rows_are_dealt_out_in_turn():
    np.testing.assert_array_equal(split_microbatches(np.arange(6), 2, 1), [[0, 2, 4], [1, 3, 5]])
    # Pairs (0, 1), (2, 3), (4, 5), (6, 7) to [chosen; rejected] of two parts.
    np.testing.assert_array_equal(
        split_microbatches(np.arange(8), 2, 2), [[0, 4, 1, 5], [2, 6, 3, 7]]
    )


def test_examples_of_like_length_are_dealt_together():
    length = np.array([9, 3, 5, 7, 1, 1, 8, 2])
    np.testing.assert_array_equal(
        split_microbatches(np.arange(6), 2, 1, length), [[4, 5, 1], [2, 3, 0]]
    )
    # Pairs of at most 9, 7, 1 and 8 tokens.
    np.testing.assert_array_equal(
        split_microbatches(np.arange(8), 2, 2, length), [[4, 2, 5, 3], [6, 0, 7, 1]]
    )


def test_lengths_of_rows_stand_at_quantiles_and_each_saves_a_tenth():
    needed = np.arange(1, 101)
    assert row_lengths(needed, 112, multiple=16, most=1) == (112,)
    assert row_lengths(needed, 112, multiple=16, most=2) == (64, 112)
    assert row_lengths(needed, 112, multiple=16, most=4) == (32, 64, 80, 112)
    assert row_lengths(np.array([100, 100, 108, 112]), 112, multiple=1, most=4) == (100, 112)
    assert row_lengths(np.array([100]), 112, multiple=16, most=4) == (112,)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), parts=st.sampled_from([1, 2, 4]))
def test_the_bucket_of_a_micro_batch_is_the_first_that_holds_it(seed, parts):
    data, lengths = unequal_set(), (4, 6, 8)
    rows = np.random.default_rng(seed).integers(0, 5, 4)
    dealt = split_microbatches(rows, parts, 1, data.length)
    assert sorted(dealt.reshape(-1)) == sorted(rows)
    batch = Assembler(data, Layout(1, lengths, 1))(dealt)
    for bucket, part in zip(batch.bucket, dealt, strict=True):
        longest = data.length[part].max()
        assert lengths[bucket] >= longest
        assert bucket == 0 or lengths[bucket - 1] < longest
    places = sum(lengths[bucket] * dealt.shape[1] for bucket in batch.bucket)
    assert fill_rate(batch, lengths) == data.length[dealt].sum() / places


def unequal_set():
    """Five rows of lengths 3 to 7, prompts of two tokens."""
    base = make_set([5.0, 3.0, 4.2, 2.0, 1.0], [0, 0, 1, 1, 2])
    tokens = np.arange(1, 41, dtype=np.int32).reshape(5, 8)
    length = np.array([3, 7, 4, 6, 5], np.int32)
    prompt = np.full(5, 2, np.int32)
    return dataclasses.replace(base, tokens=tokens, length=length, prompt_length=prompt)


@pytest.mark.parametrize("layout", [Layout(4, (8,), 1), Layout(2, (12,), 3), Layout(1, (12,), 3)])
def test_a_batch_holds_each_example_whole_wherever_it_lies(layout):
    data = unequal_set()
    reference = np.array([-1.0, -2.0, -3.0, -4.0, -5.0], np.float32)
    dealt = np.array([[2, 0], [4, 3]]) if layout.most > 1 else np.array([[2, 0, 4, 3]])
    batch = Assembler(data, layout, reference=reference)(dealt)
    assert batch.tokens.shape == (
        len(dealt),
        max(layout.rows, batch.tokens.shape[1]),
        layout.length,
    )
    np.testing.assert_array_equal(batch.tokens > 0, batch.segments > 0)
    for m, e in np.ndindex(dealt.shape):
        source = dealt[m, e]
        row, first, length = batch.row[m, e], batch.first[m, e], batch.length[m, e]
        whole = data.tokens[source, : data.length[source]]
        np.testing.assert_array_equal(batch.tokens[m, row, first : first + length], whole[2:])
        np.testing.assert_array_equal(batch.tokens[m, row, first - 2 : first], whole[:2])
        segments = batch.segments[m, row, first - 2 : first + length]
        assert len(set(segments)) == 1
        assert (batch.segments[m, row] == segments[0]).sum() == len(whole)
        picture = batch.images[m, row, segments[0] - 1]
        np.testing.assert_array_equal(picture, data.images[data.image[source]])
        assert batch.reference[m, e] == reference[source]
        assert batch.reward[m, e] == data.reward[source]
    assert batch.pictures.sum() == dealt.size
    assert batch.images.dtype == np.uint8


def test_rows_grow_by_whole_devices_and_pictures_of_other_hosts_stay_black():
    data = unequal_set()
    made = Assembler(data, Layout(2, (8,), 3), devices=2, own_rows=lambda shape: [slice(2, 4)])
    batch = made(np.array([[1, 3, 0, 4]]))  # 7, 6, 3 + 5: three rows, so four
    assert batch.tokens.shape == (1, 4, 8)
    assert batch.pictures.tolist() == [[1, 1, 2, 0]]
    assert not batch.images[0, :2].any()
    assert batch.images[0, 2, :2].any()


def test_every_token_counts_where_the_loss_says_so():
    batch = Assembler(unequal_set(), Layout(2, (8,), 1), every_token=True)(np.array([[0, 1]]))
    assert batch.first.tolist() == [[1, 1]]
    assert batch.length.tolist() == [[7, 7]]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(lengths=st.lists(st.integers(1, 20), min_size=1, max_size=40), most=st.integers(1, 5))
def test_packing_puts_every_example_into_a_row_with_room(lengths, most):
    lengths = np.array(lengths)
    rows = pack(lengths, 20, most)
    assert sorted(example for row in rows for example in row) == list(range(len(lengths)))
    assert all(0 < len(row) <= most and lengths[row].sum() <= 20 for row in rows)
    if most == 5 and lengths.max() <= 4:
        assert len(rows) == -(-len(lengths) // 5)
    # No two rows could be one: first fit leaves at most one row less than half full.
    room = [row for row in rows if len(row) < most and lengths[row].sum() <= 10]
    assert len(room) <= 1 or most < 3


def first_fit(lengths, length, most):
    """First-fit decreasing, by looking at every row for every example."""
    rows, room = [], []
    for example in np.argsort(-lengths, kind="stable").tolist():
        fits = (r for r in range(len(rows)) if lengths[example] <= room[r] and len(rows[r]) < most)
        row = next(fits, len(rows))
        if row == len(rows):
            rows.append([])
            room.append(length)
        rows[row].append(example)
        room[row] -= lengths[example]
    return [sorted(row) for row in rows]


@pytest.mark.parametrize(("count", "most"), [(0, 3), (1, 3), (2, 1), (511, 2), (512, 5), (700, 99)])
def test_packing_is_first_fit_decreasing(count, most):
    lengths = np.random.default_rng(count).integers(1, 100, count)
    assert pack(lengths, 100, most) == first_fit(lengths, 100, most)


def test_the_layout_holds_the_fullest_micro_batch():
    parts = [np.array([7, 6, 3, 5]), np.array([2, 2, 2, 2])]
    assert layout_for(parts, (8,), packing=False, devices=2) == Layout(4, (8,), 1)
    assert layout_for(parts, (8,), packing=True, devices=1) == Layout(3, (8,), 2)
    assert layout_for(parts, (8,), packing=True, devices=2) == Layout(4, (8,), 2)
