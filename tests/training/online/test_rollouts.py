"""Rollouts: their seeds, the plans that are executed once, stored plans, and batches of them."""

import dataclasses

import numpy as np
import pytest

from agentic_styling.planner import ImageSettings, Planner, Tokenizer, load_pretrained
from agentic_styling.training.config import checked
from agentic_styling.training.mesh import make_mesh
from agentic_styling.training.online import rollouts
from agentic_styling.training.online.contexts import SetContexts
from agentic_styling.training.online.feed import OnlineFeed
from agentic_styling.training.online.rollouts import Rollouts, Sample, equal_rewards, roll_out
from agentic_styling.training.setup import planner_model
from tests.training.online.fixtures import made_up_rewards, online_config


@pytest.fixture(scope="module")
def sampler(workplace):
    config, params = load_pretrained(workplace / "planner")
    images = ImageSettings.load(workplace / "planner")
    return Planner(config, params, Tokenizer(workplace / "planner"), images)


@pytest.fixture(autouse=True)
def fast_rewards(monkeypatch):
    monkeypatch.setattr(rollouts, "score_samples", made_up_rewards)


def sampled(sampler, contexts, seed):
    return roll_out(sampler, contexts, 4, seed=seed, max_new_tokens=120)


def texts(made):
    return [[sample.text for sample in group] for group in made.samples]


def test_samples_are_a_function_of_seed_and_round(workplace, sampler):
    contexts = SetContexts(checked(online_config(workplace)))
    first, again = (sampled(sampler, contexts(0), (3, 0)) for _ in range(2))
    assert texts(first) == texts(again)
    np.testing.assert_array_equal(first.rewards, again.rewards)
    assert texts(sampled(sampler, contexts(0), (3, 1))) != texts(first)
    assert texts(sampled(sampler, contexts(0), (4, 0))) != texts(first)
    assert len({text for group in texts(first) for text in group}) > 4


def test_contexts_of_a_round_are_a_function_of_its_number(workplace):
    contexts = SetContexts(checked(online_config(workplace)))
    names = [[c.name for c in contexts(number)] for number in range(4)]
    assert sorted(sum(names, [])) == [f"train-{n}" for n in range(8)]  # an epoch
    assert names == [[c.name for c in contexts(number)] for number in range(4)]
    other = online_config(workplace)
    other.seed = 1
    assert names != [[c.name for c in SetContexts(checked(other))(n)] for n in range(4)]


def test_log_probabilities_are_those_that_score_gives(workplace, sampler):
    contexts = SetContexts(checked(online_config(workplace)))(0)
    made = sampled(sampler, contexts, (0, 0))
    for context, group in zip(contexts, made.samples, strict=True):
        for sample in group:
            [[scored]] = sampler.score(
                [context.image], [context.goal], tokens=[sample.tokens.tolist()],
                constrained=True, max_new_tokens=120,
            )  # fmt: skip
            assert scored.tokens == sample.tokens.tolist()
            assert scored.choices == sample.free.sum()
            assert len(sample.logps) == len(sample.free) == len(sample.tokens)
            np.testing.assert_allclose(sample.logps.sum(), scored.logp, atol=1e-3)
            assert (sample.logps[~sample.free] == 0).all()  # no choice


def test_a_plan_that_was_sampled_twice_is_executed_once(workplace, sampler, monkeypatch):
    contexts = SetContexts(checked(online_config(workplace)))(0)
    a, b, c = (texts(sampled(sampler, contexts, (0, n)))[0][0] for n in range(3))
    samples = [[Sample(t, None, None, None) for t in own] for own in ([a, b, a, a], [c, c, c, c])]
    calls = []

    def counted(images, plans, requests, **options):
        calls.append(plans)
        return made_up_rewards(images, plans, requests, **options)

    monkeypatch.setattr(rollouts, "score_samples", counted)
    rewards = rollouts._score(contexts, samples, 0)
    assert [len(own) for own in calls[0]] == [2, 2]
    assert rewards[0, 0] == rewards[0, 2] == rewards[0, 3] != rewards[0, 1]
    assert np.ptp(rewards[1]) == 0


def test_stored_plans_stand_in_place_of_samples(workplace, sampler):
    config = checked(online_config(workplace, offline_share=0.5))
    contexts = SetContexts(config)(0)
    assert [context.stored is None for context in contexts] == [True, False]
    made = sampled(sampler, contexts, (0, 0))
    stored = contexts[1].stored
    assert texts(made)[1] == [text for text, _ in stored] and len(stored) == 4
    np.testing.assert_allclose(made.rewards[1], [reward for _, reward in stored])
    assert all(np.isnan(sample.logps).all() for sample in made.samples[1])


def test_a_batch_holds_what_was_sampled(workplace, sampler):
    config = checked(online_config(workplace))
    model = planner_model(config, make_mesh(config.mesh))
    contexts = SetContexts(config)
    feed = OnlineFeed(config, model, dataclasses.replace(sampler, params=None), contexts.samples)
    made = sampled(sampler, contexts(0), (0, 0))
    made = made._replace(rewards=np.float32([[1, 2, 3, 4], [2, 2, 2, 2]]))
    batch, table = feed(made)
    assert batch.tokens.shape == (2, 4, feed.layout.length)
    assert batch.old.shape == (2, 4, feed.layout.length - feed.start)
    samples = sum(made.samples, [])
    for place in np.ndindex(2, 4):
        number = 4 * place[0] + place[1]  # one length bucket: in turn over the micro-batches
        number = np.arange(8).reshape(4, 2).T[place]
        sample, row, first = samples[number], batch.row[place], batch.first[place]
        dropped = number >= 4
        assert batch.length[place] == (0 if dropped else len(sample.tokens))
        found = batch.tokens[place[0], row, first : first + len(sample.tokens)]
        np.testing.assert_array_equal(found, sample.tokens)
        np.testing.assert_array_equal(batch.old[place][: len(sample.logps)], sample.logps)
        np.testing.assert_array_equal(batch.choices[place][: len(sample.free)], sample.free)
        assert not batch.choices[place][len(sample.free) :].any()
        table = np.unpackbits(batch.table, axis=1, bitorder="little")
        could = table[batch.allowed[place][: len(sample.tokens)]]
        assert could[np.arange(len(could)), sample.tokens].all()
        np.testing.assert_array_equal(could.sum(axis=1) > 1, sample.free)
        assert not batch.allowed[place][len(sample.tokens) :].any()
        assert batch.context_mean[place] == (2 if dropped else 2.5)


@pytest.mark.parametrize("microbatches", [2, 8])
def test_stored_plans_fill_micro_batches_alone(workplace, sampler, microbatches):
    """Sorted by length they stand apart; those in the grammar are among its tokens too."""
    config = online_config(workplace, offline_share=0.5, max_new_tokens=160)
    config.update(microbatches=microbatches, length_buckets=2)
    config = checked(config)
    model = planner_model(config, make_mesh(config.mesh))
    contexts = SetContexts(config)
    feed = OnlineFeed(config, model, dataclasses.replace(sampler, params=None), contexts.samples)
    made = sampled(sampler, contexts(0), (0, 0))
    batch, _ = feed(made)
    stored = np.isnan(batch.old).all(axis=-1)
    assert stored.sum() == 4
    assert batch.allowed.any(axis=-1).all()


def test_contexts_that_teach_nothing():
    rewards = np.float32([[1, 1, 1], [1, 1, 1.5], [np.nextafter(np.float32(3), 4), 3, 3]])
    assert equal_rewards(rewards).tolist() == [True, False, True]
    made = Rollouts([], [[Sample("a", [1, 2], None, None)] * 3] * 3, rewards, {})
    assert made.metrics()["dropped_contexts"] == pytest.approx(2 / 3)
    assert made.metrics()["distinct_plans"] == pytest.approx(1 / 3)
    assert made.metrics()["reward_best"] == pytest.approx((1 + 1.5 + 3) / 3)
