"""Trajectories to arrays, and the views: pairs stay within a context."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentic_styling.data import Trajectory
from agentic_styling.data.storage.training_set import (
    TrainingSet,
    best_rows,
    build_training_set,
    context_groups,
    filter_by_reward,
    preference_pairs,
)
from agentic_styling.planner import ImageSettings, train_tokenizer
from agentic_styling.tools import Plan, Step
from agentic_styling.utils.errors import InputError

IMAGES = ImageSettings(min_pixels=1024, max_pixels=4096)


def scored_set(rewards, contexts) -> TrainingSet:
    """A set that holds rewards and contexts only."""
    empty = np.zeros(len(rewards), np.int32)
    rewards, contexts = np.asarray(rewards, np.float32), np.asarray(contexts, np.int32)
    return TrainingSet(empty, empty, empty, empty, empty, rewards, contexts)


def test_views_by_hand():
    found = scored_set([4.5, 3.0, 4.0, 5.0, 3.5, 4.0, 3.2, 2.0], [7, 7, 7, 2, 2, 5, 5, 9])
    np.testing.assert_array_equal(filter_by_reward(found), [0, 2, 3, 5])
    np.testing.assert_array_equal(filter_by_reward(found, threshold=4.5), [0, 3])
    # Of each context, by its number.
    np.testing.assert_array_equal(best_rows(found), [3, 5, 0, 7])
    equal = scored_set([4.0, 5.0, 5.0, 2.0], [1, 1, 1, 0])
    np.testing.assert_array_equal(best_rows(equal), [3, 2])
    # Context 5 has too small a gap, context 9 has one plan.
    np.testing.assert_array_equal(preference_pairs(found), [[3, 4], [0, 1]])
    np.testing.assert_array_equal(preference_pairs(found, min_gap=0.5), [[3, 4], [5, 6], [0, 1]])
    np.testing.assert_array_equal(preference_pairs(found, chosen_min=5.0), [[3, 4]])
    np.testing.assert_array_equal(preference_pairs(found, rejected_max=3.2), [[0, 1]])
    groups = [rows.tolist() for rows in context_groups(found)]
    assert groups == [[3, 4], [5, 6], [0, 1, 2]]  # and none of context 9
    assert all(rows.dtype == np.int32 for rows in context_groups(found))
    assert context_groups(scored_set([4.0], [0])) == []
    np.testing.assert_allclose(found.reward_mean, 29.2 / 8, rtol=1e-6)
    np.testing.assert_allclose(found.reward_std, np.std(found.reward), rtol=1e-6)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 10), st.integers(0, 6)), min_size=1, max_size=40))
def test_pairs_are_the_best_and_worst_of_one_context(rows):
    found = scored_set([r / 2 for r, _ in rows], [c for _, c in rows])
    pairs = preference_pairs(found)
    for best, worst in pairs:
        rewards = found.reward[found.context_id == found.context_id[best]]
        assert found.context_id[best] == found.context_id[worst]
        assert found.reward[best] == rewards.max() >= 4.0
        assert found.reward[worst] == rewards.min() <= 3.5
        assert rewards.max() - rewards.min() >= 1.0
    expected = 0
    for context in set(found.context_id.tolist()):
        rewards = found.reward[found.context_id == context]
        expected += rewards.max() >= 4 and rewards.min() <= 3.5 and np.ptp(rewards) >= 1
    assert len(pairs) == expected


@pytest.fixture(scope="module")
def trajectories():
    def make(row, context, text, reward):
        image = np.full((32, 64, 3), context, np.uint8)
        step = Step(text, "season", {"target_season": "winter_bare"})
        plan = Plan({"season": "summer_lush"}, (step,), "Winter.")
        goal = f"goal number {context}"
        more = {"split": "train", "photo": "p", "state": {}, "theme": "", "explicit": True}
        more |= {"request": (), "scores": {}, "provenance": {}}
        return Trajectory(
            id=f"row-{row}",
            context_id=f"context-{context}",
            image=image,
            goal=goal,
            plan=plan,
            reward=reward,
            **more,
        )

    return [
        make(0, 3, "It is green.", 4.5),
        make(1, 1, "Nothing is known about this picture. " * 3, 2.0),
        make(2, 3, "Snow.", 3.0),
    ]


@pytest.fixture(scope="module")
def tokenizer(trajectories, tmp_path_factory):
    texts = [t.plan.to_json() for t in trajectories]
    return train_tokenizer(texts, tmp_path_factory.mktemp("tokenizer"), vocab_size=300)


def test_rows_hold_prompt_plan_and_end_of_turn(trajectories, tokenizer):
    built = build_training_set(trajectories, tokenizer, IMAGES)
    assert built.tokens.shape[1] % 16 == 0
    assert 0 <= built.tokens.shape[1] - built.length.max() < 16
    for row, trajectory in enumerate(trajectories):
        prompt = built.tokens[row, : built.prompt_length[row]].tolist()
        completion = built.tokens[row, built.prompt_length[row] : built.length[row]].tolist()
        assert completion[-1] == tokenizer.im_end
        assert tokenizer.decode(completion[:-1]) == trajectory.plan.to_json()
        assert prompt.count(tokenizer.image_pad) == 2  # 32 x 64 pixels
        assert trajectory.goal in tokenizer.decode(prompt)
        assert (built.images[built.image[row]] == trajectory.image).all()
        assert built.reward[row] == trajectory.reward
    assert len(built.images) == 2
    assert built.context_id[0] == built.context_id[2] != built.context_id[1]


def test_too_long_a_row_is_an_error_and_nothing_is_cut(trajectories, tokenizer):
    longest = int(build_training_set(trajectories, tokenizer, IMAGES).length.max())
    build_training_set(trajectories, tokenizer, IMAGES, max_length=longest)
    with pytest.raises(InputError, match=f"row-1: {longest} tokens, max_length is {longest - 1}"):
        build_training_set(trajectories, tokenizer, IMAGES, max_length=longest - 1)


def test_no_trajectories_are_an_error(tokenizer):
    with pytest.raises(InputError, match="no trajectories"):
        build_training_set([], tokenizer, IMAGES)


def test_pictures_of_several_sizes_are_groups(trajectories, tokenizer):
    other = dataclasses.replace(trajectories[1], image=np.zeros((64, 64, 3), np.uint8))
    built = build_training_set([trajectories[0], other, trajectories[2]], tokenizer, IMAGES)
    assert built.picture_group.tolist() == [0, 1, 0]
    counts = [(row == tokenizer.image_pad).sum() for row in built.tokens[:2]]
    assert counts == [2, 4]


def test_text_in_place_of_the_picture(trajectories, tokenizer):
    built = build_training_set(trajectories, tokenizer, IMAGES, modality="text")
    assert not built.images
    prompt = built.tokens[0, : built.prompt_length[0]].tolist()
    assert tokenizer.image_pad not in prompt
    known = "; ".join(f"{k}: {v}" for k, v in sorted(trajectories[0].state.items())) or "unknown"
    assert f"The picture now: {known}.\n{trajectories[0].goal}" in tokenizer.decode(prompt)
