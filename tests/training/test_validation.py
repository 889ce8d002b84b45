"""Validation in the loop: what is measured, which step is the best, and when a run ends."""

import dataclasses
import json
import os
import signal
from types import SimpleNamespace

import numpy as np
import pytest

from agentic_styling.data import write_trajectories
from agentic_styling.planner import Tokenizer
from agentic_styling.training import export_checkpoint, train
from agentic_styling.training.batches.data_iterator import DataIterator
from agentic_styling.training.config import checked
from agentic_styling.training.logps import RowLogps
from agentic_styling.training.validation import Validation, _cases
from agentic_styling.utils.errors import InputError, Preempted
from tests.training.fixtures import make_config, make_trajectories
from tests.training.test_checkpoints import names
from tests.training.test_loop import metrics, same_planner

KEYS = {"validation_nll", "validation_reward", "validation_held_out_reward"}


class State:
    """A train state of which only its step matters."""

    params, ema = {}, {}


def make_validation(workplace, planner, **fields):
    config = checked(make_config(workplace, validate_every=2, **fields))
    return Validation(config, planner.model, Tokenizer(workplace / "planner"))


def test_the_nll_is_of_the_best_plan_of_each_context(workplace, planner, monkeypatch):
    """Three contexts, fewer than the four examples of a batch; each is counted once."""
    seen = []

    def logps(self, trained, frozen, parts):
        for rows in parts:
            seen.extend(rows.tolist())
            yield np.array([-10.0, -20.0, -60.0])[rows]

    monkeypatch.setattr(RowLogps, "__call__", logps)
    validation = make_validation(workplace, planner)
    tokenizer = Tokenizer(workplace / "planner")
    best = [t for t in make_trajectories(3, "validation") if t.reward == 4.5]
    tokens = sum(len(tokenizer.encode(t.plan.to_json())) + 1 for t in best)  # and the end of turn
    assert validation(2, State, {}) == {"validation_nll": pytest.approx(90 / tokens)}
    assert sorted(seen) == [0, 1, 2]
    assert validation.score == pytest.approx(-90 / tokens)


@pytest.mark.slow
def test_log_probabilities_are_those_of_other_batches(workplace, planner):
    """A batch that is filled up and batches of two have the same values."""
    pairs, padded = (make_validation(workplace, planner, batch_size=size)._logps for size in (2, 4))
    assert [len(part) for part in pairs.batches(np.arange(3))] == [2, 1]
    values = pairs.all(planner.params, {}, np.arange(3))
    np.testing.assert_allclose(values, padded.all(planner.params, {}, np.arange(3)), rtol=1e-5)
    assert (values < 0).all()


def test_rewards_decide_and_patience_is_counted_and_resumed(workplace, planner, monkeypatch):
    rewards = iter([2.0, 3.0, float("nan"), 3.0])
    monkeypatch.setattr(RowLogps, "__call__", lambda *given: [-part for part in given[-1]])
    monkeypatch.setattr(
        Validation, "_rewards", lambda self, *_: {"validation_reward": next(rewards)}
    )
    fields = {"validate_cases": 2, "patience": 2, "steps": 15}
    validation = make_validation(workplace, planner, **fields)
    assert [step for step in range(1, 16) if validation.due(step)] == [2, 4, 6, 8, 10, 12, 14, 15]
    noted = []
    for step in (2, 4, 6):
        validation(step, State, {})
        noted += [(validation.best_step, validation.stopped)]
    state = json.loads(json.dumps(validation.get_state()))
    validation = make_validation(workplace, planner, **fields)
    assert not validation.stopped
    validation.set_state(state)
    assert validation.best_step == 4
    validation(8, State, {})
    assert noted == [(2, False), (4, False), (4, False)]
    assert validation.stopped and validation.best_step == 8  # as good: of such the last is kept


def test_cases_are_spread_over_the_contexts_with_a_request(workplace):
    config = make_config(workplace, validate_cases=3)
    contexts = make_trajectories(4)[::3] + make_trajectories(9, "validation")[::3]
    unasked = [
        t if t.split == "validation" else dataclasses.replace(t, request=()) for t in contexts
    ]
    assert [t.context_id for t in _cases(unasked, config)] == [
        "validation-0",
        "validation-4",
        "validation-8",
    ]
    config.validate_cases = 20
    assert len(_cases(unasked, config)) == 9
    with pytest.raises(InputError, match="config.validate_cases: 20, but no validation context of"):
        _cases(unasked[:4], config)
    config.validate_cases = 0
    assert _cases(unasked, config) == []


@pytest.mark.parametrize("room", [2, -40])
def test_cases_that_leave_no_room_for_plans_are_refused_at_the_start(workplace, planner, room):
    config, limit = planner.model.config, int(planner.data.prompt_length.min()) + room
    text = dataclasses.replace(config.text, max_position_embeddings=limit)
    model = planner.model._replace(config=dataclasses.replace(config, text=text))
    short = SimpleNamespace(model=model)
    make_validation(workplace, short)  # which plans nothing
    with pytest.raises(InputError, match="config.validate_cases: 2, but .*no plan is so short"):
        make_validation(workplace, short, validate_cases=2)


def test_data_without_a_validation_split_are_refused(workplace, tmp_path):
    write_trajectories(tmp_path / "data", make_trajectories(2))
    config = make_config(workplace, validate_every=1, data=str(tmp_path / "data"))
    with pytest.raises(InputError, match="data: holds no split 'validation', only train"):
        train(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.parametrize("modality", ["vision", "text"])
def test_a_run_with_plans_of_validation_on_a_sharded_mesh(workplace, tmp_path, modality):
    config = make_config(workplace, steps=3, validate_every=2, validate_cases=2)
    config.update(modality=modality, log_every=5, ema_decay=0.5 if modality == "text" else 0.0)
    config.mesh.update(data=1, fsdp=2, tensor=2)
    if modality == "vision":
        config.lora.rank = 2
    train(config, tmp_path / "run")
    lines = metrics(tmp_path / "run")
    assert [line["step"] for line in lines] == [2, 3]
    for line in lines:
        assert line.keys() >= KEYS
        assert all(0 <= line[key] <= 5 for key in KEYS - {"validation_nll"})
        assert 0 < line["validation_nll"] < 7  # ln 320 for uniform guesses


@pytest.mark.slow
def test_the_best_is_written_when_patience_ends_a_run_that_was_stopped(
    workplace, tmp_path, monkeypatch
):
    """A scripted NLL, lowest at step 2; SIGTERM in step 3, then the same command."""
    nll = {1: 3.0, 2: 2.0, 3: 4.0, 4: 5.0}

    def scripted(self, trained, frozen, parts):
        for rows in parts:
            yield np.full(len(rows), -nll[scripted.step] * self.tokens / self.count)

    call = Validation.__call__

    def note(self, step, state, frozen):
        scripted.step, self._logps.tokens = step, self._tokens
        return call(self, step, state, frozen)

    monkeypatch.setattr(RowLogps, "__call__", scripted)
    monkeypatch.setattr(Validation, "__call__", note)
    config = make_config(workplace, steps=8, validate_every=1, patience=2, keep_last=1)
    config.checkpoint_every = 8
    train(config, tmp_path / "whole")
    found = metrics(tmp_path / "whole")
    assert [line["step"] for line in found] == [1, 2, 3, 4]
    assert [line["validation_nll"] for line in found] == pytest.approx([3.0, 2.0, 4.0, 5.0])
    assert names(tmp_path / "whole/checkpoints") == [2, 4]

    take, calls = DataIterator.__next__, []

    def take_and_terminate(self):
        calls.append(1)
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return take(self)

    with monkeypatch.context() as patched:
        patched.setattr(DataIterator, "__next__", take_and_terminate)
        with pytest.raises(Preempted, match="saved after step 3 of 8"):
            train(config, tmp_path / "stopped")
    planner = train(config, tmp_path / "stopped")
    assert metrics(tmp_path / "stopped") == found
    same_planner(planner, tmp_path / "whole/planner")
    export_checkpoint(tmp_path / "whole", tmp_path / "second", 2)
    same_planner(tmp_path / "second", planner)
