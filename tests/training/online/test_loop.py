"""Whole online runs: what they learn, write and refuse, and that they resume bit for bit."""

import json
import os
import signal

import jax
import numpy as np
import pytest

from agentic_styling.planner import load_pretrained
from agentic_styling.training import dry_run, export_checkpoint, train, train_online
from agentic_styling.training.monitoring.monitor import Monitor
from agentic_styling.training.online import rollouts
from agentic_styling.utils.errors import InputError, Preempted
from tests.training.online.fixtures import (
    SLOW,
    made_up_rewards,
    online_config,
    same_curves,
)
from tests.training.test_loop import metrics, same_planner


@pytest.fixture(autouse=True)
def fast_rewards(monkeypatch):
    monkeypatch.setattr(rollouts, "score_samples", made_up_rewards)


@pytest.fixture(scope="module")
def whole(workplace, tmp_path_factory):
    """The workdir of a run without an interruption."""
    workdir = tmp_path_factory.mktemp("online") / "whole"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(rollouts, "score_samples", made_up_rewards)
        train_online(online_config(workplace), workdir)
    return workdir


def test_a_run_writes_what_it_sampled_and_learnt(workplace, whole):
    lines = metrics(whole)
    assert [line["step"] for line in lines] == [1, 2, 3, 4]
    for line in lines:
        assert line["sampler_gap"] < 1e-4  # the sampler and the trainer agree to rounding
        assert abs(line["ratio"] - 1) < 1e-4 and line["clip_fraction"] == 0
        assert line["reward"] <= line["reward_best"] <= 5
        assert 0 < line["distinct_plans"] <= 1 and line["plan_tokens"] <= 120
    assert lines[0]["kl"] == pytest.approx(0, abs=1e-6) and lines[-1]["kl"] > 1e-5
    speed = [json.loads(line) for line in (whole / "speed.jsonl").read_text().splitlines()]
    assert all(0 < line["sampling"] + line["scoring"] < 1 for line in speed)
    before, after = (load_pretrained(d / "planner")[1] for d in (workplace, whole))
    assert any(jax.tree.leaves(jax.tree.map(lambda a, b: bool((a != b).any()), before, after)))


OLDER = {"refresh_every": 3, "reference_every": 2, "updates": 2}


@pytest.mark.parametrize("fields", [{}, pytest.param(OLDER, marks=pytest.mark.slow)])
def test_a_stopped_run_resumes_bit_for_bit(workplace, whole, tmp_path, fields):
    """Also parameters that are older than the policy come back."""
    config = online_config(workplace, **fields)
    config.steps *= config.online.updates
    expected = whole
    if fields:
        expected = tmp_path / "whole"
        train_online(config, expected)
    spent = Monitor.spent

    def spend_and_terminate(self, *args):
        spent(self, *args)
        if self._progress.n == 2 * config.online.updates:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Monitor, "spent", spend_and_terminate)
        with pytest.raises(Preempted, match="saved after step"):
            train_online(config, tmp_path / "run")
    done = len(metrics(tmp_path / "run"))
    assert 0 < done < len(metrics(expected))
    assert metrics(tmp_path / "run") == metrics(expected)[:done]
    train_online(config, tmp_path / "run")
    assert metrics(tmp_path / "run") == metrics(expected)
    same_planner(tmp_path / "run/planner", expected / "planner")


def test_a_checkpoint_is_exported(whole, tmp_path):
    export_checkpoint(whole, tmp_path / "last")
    same_planner(tmp_path / "last", whole / "planner")


def test_the_sampler_is_refreshed_every_so_many_rounds(workplace, tmp_path):
    train_online(online_config(workplace, refresh_every=2), tmp_path / "run")
    gaps = [line["sampler_gap"] for line in metrics(tmp_path / "run")]
    assert max(gaps[0], gaps[2]) < 1e-3 < min(gaps[1], gaps[3])


def test_a_reference_that_moves_is_the_policy_again(workplace, tmp_path):
    train_online(online_config(workplace, reference_every=2), tmp_path / "run")
    kl = [line["kl"] for line in metrics(tmp_path / "run")]
    assert max(abs(kl[0]), abs(kl[2])) < 1e-6 < min(kl[1], kl[3])


def test_a_reward_that_is_not_finite_stops_the_run(workplace, tmp_path, monkeypatch):
    def broken(images, plans, requests, **options):
        found = made_up_rewards(images, plans, requests, **options)["reward"]
        found[1, 0] = np.nan
        return {"reward": found}

    monkeypatch.setattr(rollouts, "score_samples", broken)
    with pytest.raises(InputError, match=r"context train-\d: a plan for '.+' has the reward nan"):
        train_online(online_config(workplace), tmp_path / "run")


def test_rewards_that_are_all_alike_change_nothing(workplace, tmp_path, monkeypatch):
    def equal(images, plans, requests, **options):
        return {"reward": np.full((len(plans), len(plans[0])), 3.0)}

    monkeypatch.setattr(rollouts, "score_samples", equal)
    config = online_config(workplace, "DR_GRPO")
    config.steps = 2
    train_online(config, tmp_path / "run")
    assert all(line["dropped_contexts"] == 1 for line in metrics(tmp_path / "run"))
    same_planner(tmp_path / "run/planner", workplace / "planner")


@pytest.mark.slow
def test_the_policy_learns_what_is_rewarded(workplace, tmp_path, monkeypatch):
    """Plans without steps are rewarded: after some updates nearly all plans are so."""

    def prefers_nothing(images, plans, requests, **options):
        return {"reward": np.array([[5.0 - min(len(p.steps), 5) for p in own] for own in plans])}

    monkeypatch.setattr(rollouts, "score_samples", prefers_nothing)
    config = online_config(workplace, "RLOO", contexts=4)
    config.steps, config.checkpoint_every = 20, 20
    train_online(config, tmp_path / "run")
    rewards = [line["reward"] for line in metrics(tmp_path / "run")]
    assert np.mean(rewards[-4:]) > np.mean(rewards[:4]) + 0.5


@pytest.mark.slow
def test_fresh_contexts_of_photographs(workplace, tmp_path, monkeypatch):
    from PIL import Image

    from agentic_styling.data import stream
    from tests.data.photos.test_sources import noise

    monkeypatch.setattr(stream, "sample_state", lambda rng: {"color_grading": "monochrome_bw"})
    (tmp_path / "photos").mkdir()
    Image.fromarray(noise(0)).save(tmp_path / "photos/a.png")
    config = online_config(workplace)
    config.data, config.steps, config.max_length = "", 2, 1024
    config.stream.update(photos=str(tmp_path / "photos"), size=64)
    train_online(config, tmp_path / "run")
    assert len(metrics(tmp_path / "run")) == 2


@pytest.mark.slow
def test_rewards_are_the_same_on_several_devices(workplace, tmp_path):
    config = online_config(workplace)
    config.learning_rate = SLOW
    train_online(config, tmp_path / "one")
    config.mesh.update(data=2, fsdp=2, tensor=2)
    train_online(config, tmp_path / "eight")
    same_curves(tmp_path / "one", tmp_path / "eight")


@pytest.mark.parametrize(
    ("method", "fields", "online", "message"),
    [
        ("S", {}, {}, "config.loss: 'standard' does not learn from rewards of a round's samples"),
        ("D", {}, {}, "config.loss: 'dpo' does not learn from rewards"),
        ("GRPO", {}, {"plans": 1}, "config.online.plans: 1, but advantages compare the plans"),
        ("GRPO", {}, {"contexts": 0}, "config.online.contexts: 0 is too small; use 1 or more"),
        ("GRPO", {}, {"reference_every": -1}, "config.online.reference_every: -1 is negative"),
        ("GRPO", {}, {"updates": 3}, "config.steps: 4 updates are not whole rounds of 3"),
        (
            "GRPO",
            {},
            {"offline_share": 1.0},
            "config.online.offline_share: 1.0 of 2 contexts is 2; use 0",
        ),
        ("GRPO", {"packing": True}, {}, "config.packing: True with online training; use False"),
        ("GRPO", {"microbatches": 3}, {}, "config.online.contexts x plans: 8 rows do not divide"),
        ("GRPO", {"profile": (1, 2)}, {}, "config.profile: (1, 2) with online training; use ()"),
        ("RLOO", {"reference": "adapter_off"}, {}, "config.reference: 'adapter_off' with online"),
        ("RW", {}, {}, "config.loss: 'reward_weighted' does not learn from rewards of a round's"),
    ],
)
def test_bad_configs_are_refused_in_a_line(workplace, tmp_path, method, fields, online, message):
    config = online_config(workplace, method, **online)
    config.update(**fields)
    with pytest.raises(InputError) as caught:
        train_online(config, tmp_path / "run")
    assert message in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_each_loop_refuses_the_config_of_the_other(workplace, tmp_path):
    with pytest.raises(InputError, match="config.online: given to train; use train_online"):
        train(online_config(workplace), tmp_path / "run")
    with pytest.raises(InputError, match="not for online training"):
        dry_run(online_config(workplace), tmp_path / "run")
    assert not (tmp_path / "run").exists()
