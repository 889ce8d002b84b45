"""The offline RL testbed: its cells, controls and rows, and what an interrupted run redoes."""

import importlib
import json
import sys
from collections import Counter
from pathlib import Path

import pytest

from agentic_styling.data import Trajectory, make_request
from agentic_styling.tools import Plan
from agentic_styling.utils.errors import InputError
from configs.replicate import ARGUMENTS, get_config

sys.path.append(str(Path(__file__).parents[2] / "experiments"))
replicate = importlib.import_module("replicate")
cells = importlib.import_module("replication.cells")
sets = importlib.import_module("replication.sets")
rows = importlib.import_module("replication.rows")

REQUEST = make_request({"season": "winter_bare"}, 1.0, {})
OTHER = make_request({"season": "autumn_falling"}, 1.0, {})


def config_in(folder, arg="smoke"):
    config = get_config(arg)
    config.out, config.planners.small = str(folder / "rows"), str(folder / "base")
    return config


def trajectory(context: str, number: int, reward: float, steps=REQUEST) -> Trajectory:
    return Trajectory(
        f"{context}-{number}", context, "train", "photo", None, {}, "winter", "", True, REQUEST,
        Plan({}, steps), reward, {}, {},
    )  # fmt: skip


class Stubs:
    """Stands for training and evaluation, and counts what is asked of them."""

    def __init__(self, monkeypatch):
        self.trained, self.evaluated, self.stop_at = [], [], None
        self.built = 0
        monkeypatch.setattr(cells, "build_sets", self.build)
        monkeypatch.setattr(cells.training, "train", self.train)
        monkeypatch.setattr(cells.evaluation, "evaluate", self.evaluate)

    def build(self, config, workdir):
        self.built += 1

    def train(self, config, workdir):
        if len(self.trained) == self.stop_at:
            raise KeyboardInterrupt
        self.trained.append("/".join(workdir.parts[-3:]))
        base = workdir.parts[-1] == "S"
        assert config.init_from.endswith("base" if base else f"seed-{config.seed}/S/planner")
        assert f"seed-{config.seed}" in workdir.parts
        (workdir / "planner").mkdir(parents=True)
        (workdir / "config.json").write_text(config.to_json())
        reward = {1e-4: 2.0, 3e-5: 3.0}.get(config.learning_rate, 0.0)  # the second rate is better
        line = json.dumps({"step": 2, "validation_reward": reward})
        (workdir / "metrics.jsonl").write_text(line + "\n")

    def evaluate(self, config, workdir):
        path = workdir / "cases.jsonl"
        methods = json.loads(path.read_text())["methods"] if path.exists() else {}
        for name in config.methods:
            assert name not in ("edit_only", "teacher_best") or len(config.methods) == 1
            if name not in methods:
                self.evaluated.append(f"{workdir.parts[-2]}/{name}")
            methods[name] = {
                "reward": 3.0, "held_out_reward": 2.0, "valid": True,
                "actions": {"f1": 0.5}, "scores": {"part": 1.0},
                "sampled": None if name in ("edit_only", "teacher_best") else {
                    "reward": [1.0, 2.0], "held_out_reward": [3.0, 5.0], "best_of_context": 4.5,
                    "logps": [-3.0, -5.0], "choices": [2, 2], "standard_logps": [-2.0, -4.0],
                    "valid_unaided": False,
                },
            }  # fmt: skip
        workdir.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"id": "c0", "photo": "p0", "methods": methods}) + "\n")


@pytest.mark.parametrize("arg", ARGUMENTS)
def test_every_cell_of_every_config_is_accepted(arg, tmp_path):
    config = config_in(tmp_path, arg)
    config.planners.large, config.training.lora.rank = "large", 4
    made = cells.cells_of(config)
    assert len(made) == {"main": 1, "phase": 16, "paper": 12, "smoke": 1}[arg]
    for name, own in made.items():
        cell = cells.Cell(name, own, tmp_path, print)
        assert cell.size > 0
        assert cell.training("RW", "", tmp_path, cell.equal("RW")).lora.rank == 4
    if arg == "phase":
        assert made["h80-p8"].habit_strength == 0.8 and made["h80-p8"].plans_per_context == 8
        assert "D" in made["h0-p2"].methods and "D" not in made["h0-p1"].methods
    if arg == "paper":
        assert made["simple-text-large"].modality == "text"
        assert made["simple-text-large"].seeds == (0,)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"cells": {"a": {"habit_strenth": 1.0}}}, "did you mean 'habit_strength'?"),
        ({"planners": {"small": ""}}, "config.planners.small: not set"),
        ({"methods": ("rlo",)}, "'rlo'"),
        ({"controls": {"shuffled": ("RV",)}}, "'RV'"),
    ],
)
def test_bad_cells_are_refused_before_anything_runs(fields, message, tmp_path):
    config = config_in(tmp_path)
    config.update(fields)
    with pytest.raises(InputError) as caught:
        replicate.run(config, tmp_path / "work")
    assert message in str(caught.value) and not (tmp_path / "work").exists()


def test_a_method_is_tried_with_every_weight_that_it_has(tmp_path):
    config = config_in(tmp_path)
    config.rates, config.kl_coef, config.beta = (1e-4, 3e-5), (0.0,), (0.1, 0.3, 0.5)
    (own,) = cells.cells_of(config).values()
    cell = cells.Cell("smoke", own, tmp_path, print)
    assert [len(cell.trials(method)) for method in ("RW", "D")] == [2, 6]
    assert {t["loss_kwargs.beta"] for t in cell.trials("D")} == {0.1, 0.3, 0.5}


def test_sets_of_other_photographs_are_others(tmp_path):
    (own,) = cells.cells_of(config_in(tmp_path)).values()
    places = {(sets.set_directory(own, tmp_path), sets.test_directory(own, tmp_path))}
    own.photos = "others"
    places |= {(sets.set_directory(own, tmp_path), sets.test_directory(own, tmp_path))}
    assert len({place for pair in places for place in pair}) == 4


def test_shuffled_rewards_stay_in_their_context():
    given = [trajectory(f"c{i % 20}", i, float(i % 5) + i / 1000) for i in range(100)]
    shuffled = sets.controlled(given, "shuffled", 0)
    assert [t.id for t in shuffled] == [t.id for t in given]
    by_context = [Counter((t.context_id, t.reward) for t in each) for each in (given, shuffled)]
    assert by_context[0] == by_context[1]
    stayed = sum(a.reward == b.reward for a, b in zip(given, shuffled, strict=True))
    assert 5 < stayed < 40  # 20 are expected of 100, in contexts of 5
    assert sets.controlled(given, "shuffled", 0) == shuffled
    assert sets.controlled(given, "shuffled", 1) != shuffled


def test_the_other_controls():
    given = [trajectory("a", 0, 1.0), trajectory("a", 1, 5.0, OTHER), trajectory("b", 0, 2.0)]
    assert [t.reward for t in sets.controlled(given, "constant", 0)] == [4.0] * 3
    assert [t.id for t in sets.controlled(given, "oracle", 0)] == ["a-0", "b-0"]
    with pytest.raises(InputError, match="'oracl' is none of"):
        sets.controlled(given, "oracl", 0)


def test_photographs_that_planners_saw_are_not_for_test(monkeypatch):
    names = tuple(f"folder/{i}.jpg" for i in range(30))
    monkeypatch.setattr(sets, "HELD_OUT", {"3.jpg", "4.jpg"})
    hashes = sets.np.random.default_rng(0).integers(0, 2**63, 30, "uint64")
    hashes[8] = hashes[7]
    monkeypatch.setattr(sets, "survey", lambda s: (sets.np.arange(30), hashes, Counter()))
    splits = sets.with_splits(sets.Source(names, None, "folder")).splits
    assert splits["test"] == ["folder/3.jpg", "folder/4.jpg"]
    assert sorted(sum(splits.values(), [])) == sorted(names)
    assert len(splits["validation"]) in (3, 4)
    assert len({split for split, own in splits.items() for i in (7, 8) if names[i] in own}) == 1
    hashes[20] = hashes[3]
    splits = sets.with_splits(sets.Source(names, None, "folder")).splits
    assert set(names) - set(sum(splits.values(), [])) == {"folder/20.jpg"}
    monkeypatch.setattr(sets, "HELD_OUT", {"none.jpg"})
    with pytest.raises(InputError, match="no photograph of data/held_out.json"):
        sets.with_splits(sets.Source(names, None, "folder"))


def test_a_cell_is_measured_and_nothing_is_done_twice(tmp_path, monkeypatch):
    stubs, config = Stubs(monkeypatch), config_in(tmp_path)
    config.rates = (1e-4, 3e-5)
    assert replicate.run(config, tmp_path / "work") == {}
    # S, two rates of two methods, and the control; the chosen rate and the equal one are trials.
    assert Counter(name.split("/")[0] for name in stubs.trained) == {
        "smoke": 2, "seed-0": 5, "seed-1": 5,
    }  # fmt: skip
    assert len(stubs.trained) == len(set(stubs.trained))
    path = tmp_path / "rows/smoke.jsonl.gz"
    before, written = path.read_bytes(), rows.read_rows(path)
    measured = {(r["method"], r["control"], r["seed"], *r["tables"]) for r in written}
    two = [(s, t) for s in (0, 1) for t in ("chosen", "equal")]
    assert measured == {
        ("E", "", None), ("B", "", None), ("best_of_data", "", None), ("S", "", 0), ("S", "", 1),
        *((method, "", *each) for method in ("RW", "D") for each in two),
        *(("RW", "shuffled", seed, "shuffled") for seed in (0, 1)),
    }  # fmt: skip
    rates = {(t, r["settings"]["learning_rate"]) for r in written for t in r["tables"]}
    assert rates == {("equal", 1e-4), ("chosen", 3e-5), ("shuffled", 3e-5)}
    for workdir in ("work", "new"):  # committed rows need no workdir
        again = Stubs(monkeypatch)
        assert replicate.run(config, tmp_path / workdir) == {}
        assert again.trained == again.evaluated == [] and not again.built
        assert path.read_bytes() == before


def test_an_interrupted_run_resumes(tmp_path, monkeypatch):
    whole = Stubs(monkeypatch)
    config = config_in(tmp_path / "whole")
    config.rates = (1e-4, 3e-5)
    replicate.run(config, tmp_path / "whole")
    for stop in (3, 9):
        folder = tmp_path / str(stop)
        config.out = str(folder / "rows")
        first = Stubs(monkeypatch)
        first.stop_at = stop
        with pytest.raises(KeyboardInterrupt):
            replicate.run(config, folder)
        second = Stubs(monkeypatch)
        replicate.run(config, folder)
        assert first.trained + second.trained == whole.trained
        assert first.evaluated + second.evaluated == whole.evaluated
        files = ("rows/smoke.jsonl.gz", "rows/smoke.trials.json")
        for name in files:
            assert (folder / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_choice_that_changes_is_labelled_again(tmp_path, monkeypatch):
    Stubs(monkeypatch)
    config = config_in(tmp_path)
    replicate.run(config, tmp_path)
    config.rates, config.seeds = (1e-4, 3e-5), (0,)
    replicate.run(config, tmp_path)
    written = rows.read_rows(tmp_path / "rows/smoke.jsonl.gz")
    own = [row for row in written if row["method"] == "RW"]
    labels = {(r["control"], r["seed"], r["settings"]["learning_rate"], *r["tables"]) for r in own}
    assert labels == {
        ("", 0, 1e-4, "equal"), ("", 1, 1e-4, "equal"), ("", 0, 3e-5, "chosen"),
        ("shuffled", 0, 1e-4, "former"), ("shuffled", 1, 1e-4, "former"),
        ("shuffled", 0, 3e-5, "shuffled"),
    }  # fmt: skip


def test_what_fails_is_told_and_the_rest_goes_on(tmp_path, monkeypatch):
    stubs = Stubs(monkeypatch)

    def train(config, workdir):
        if config.loss == "dpo":
            raise InputError("no pairs")
        stubs.train(config, workdir)

    monkeypatch.setattr(cells.training, "train", train)
    failed = replicate.run(config_in(tmp_path), tmp_path)
    assert failed and set(failed.values()) == {"no pairs"}
    assert {r["method"] for r in rows.read_rows(tmp_path / "rows/smoke.jsonl.gz")} >= {"S", "RW"}


@pytest.mark.parametrize(
    "fields", [{"habit_strength": 0.1}, {"cases": 5}, {"standard": {"steps": 3}}]
)
def test_rows_of_another_behaviour_are_refused(fields, tmp_path, monkeypatch):
    Stubs(monkeypatch)
    config = config_in(tmp_path)
    replicate.run(config, tmp_path)
    config.update(fields)
    with pytest.raises(InputError, match="smoke.jsonl.gz: rows of another behaviour"):
        replicate.run(config, tmp_path)


def test_what_was_trained_otherwise_is_not_taken(tmp_path, monkeypatch):
    Stubs(monkeypatch)
    config = config_in(tmp_path)
    replicate.run(config, tmp_path)
    config.out, config.standard.steps = str(tmp_path / "other"), 3
    failed = replicate.run(config, tmp_path)
    assert "config.steps is 2 there and 3 here" in failed["smoke, S, seed 0"]
    config.out, config.standard.steps = str(tmp_path / "third"), 2
    config.training.microbatches = 2  # how it is computed may change
    assert replicate.run(config, tmp_path) == {}


def test_other_weights_need_another_workdir(tmp_path, monkeypatch):
    Stubs(monkeypatch)
    config = config_in(tmp_path)
    weights = tmp_path / "base/model.safetensors"
    weights.parent.mkdir()
    weights.write_bytes(b"old")
    replicate.run(config, tmp_path)
    weights.write_bytes(b"new")
    with pytest.raises(InputError, match="smoke.jsonl.gz: rows of another behaviour"):
        replicate.run(config, tmp_path)
    config.out = str(tmp_path / "other")
    with pytest.raises(InputError, match="config.files.init_from is .* use another workdir"):
        replicate.run(config, tmp_path)


def test_trials_of_another_behaviour_are_not_taken(tmp_path, monkeypatch):
    stubs = Stubs(monkeypatch)
    config = config_in(tmp_path)
    replicate.run(config, tmp_path)
    (tmp_path / "rows/smoke.jsonl.gz").unlink()
    config.habit_strength, before = 0.1, len(stubs.trained)
    replicate.run(config, tmp_path / "new")
    assert len(stubs.trained) == 2 * before


def test_a_row_is_what_the_evaluation_measured(tmp_path, monkeypatch):
    Stubs(monkeypatch)
    replicate.run(config_in(tmp_path), tmp_path)
    written = rows.read_rows(tmp_path / "rows/smoke.jsonl.gz")
    greedy, sampled = (row for row in written if row["method"] == "S" and row["seed"] == 1)
    assert {k: greedy[k] for k in ("case", "photo", "temperature", "reward", "f1", "valid")} == {
        "case": "c0", "photo": "p0", "temperature": 0, "reward": 3.0, "f1": 0.5, "valid": False,
    }  # fmt: skip
    assert (greedy["regret"], greedy["parts"]) == (1.5, {"part": 1.0})
    names = ("temperature", "reward", "held_out_reward", "regret", "best", "entropy", "kl")
    assert [sampled[name] for name in names] == [1, 1.5, 4.0, 3.0, 2.0, 2.0, -0.5]
    assert [r["temperature"] for r in written if r["method"] == "E"] == [0]
