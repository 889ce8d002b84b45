"""The cells of an experiment: what each trains and measures, in order, and what is left of it."""

import dataclasses
import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path

from ml_collections import ConfigDict, FrozenConfigDict
from sweep_parts.results import is_finished, last_metrics
from sweep_parts.runs import digest, leaves, run_name, typed

from agentic_styling import evaluation, training
from agentic_styling.evaluation.saved_results import read_records
from agentic_styling.losses import LOSSES, PRESETS
from agentic_styling.planner import PlannerSettings
from agentic_styling.training.config import FREE, checked, fixed, input_digests
from agentic_styling.training.workdir import claim
from agentic_styling.utils.atomic import atomic_directory, write_text
from agentic_styling.utils.checks import read_object
from agentic_styling.utils.errors import InputError, nearest
from replication.rows import S, read_rows, rows_of, rows_path, run_key, write_rows
from replication.sets import behaviour, build_sets, set_directory, test_directory

UNTRAINED = {"E": "edit_only", "B": "baseline", "best_of_data": "teacher_best"}
# What all runs of a cell share besides its behaviour: fields of the config.
SHARED = ("planner", "modality", "picture_size", "cases", "samples", "max_new_tokens")
SHARED += ("validate_cases", "standard", "training")


def cells_of(config: ConfigDict) -> dict[str, ConfigDict]:
    """The config of each cell: that of the experiment with its own fields. Raises InputError."""
    cells = {}
    for name, own in config.cells.items():
        cell = ConfigDict(config.to_dict())
        for field, value in own.items():
            if field not in config or field == "cells":
                raise InputError(f"config.cells.{name}.{field}: {nearest(field, config)}")
            cell[field] = value
        if not cell.planners.get(cell.planner):
            raise InputError(
                f"config.planners.{cell.planner}: not set; give the directory of a planner"
            )
        cells[name] = cell
    return cells


def weight_of(method: str) -> str:
    """The option with which a method weighs the KL to S. Raises InputError if it is unknown."""
    argument = method.removesuffix("+")
    loss = PRESETS[argument].loss if argument in PRESETS else argument
    if loss not in LOSSES:
        raise InputError(f"config.methods: {method!r} is unknown; {nearest(method, LOSSES)}")
    return "beta" if "beta" in LOSSES[loss].options else "kl_coef"


class Cell:
    """A cell and its files. Raises InputError for a field that training would refuse.

    workdir: of the whole experiment; done: called with whether a step of `size` was done before.
    """

    def __init__(self, name: str, config: ConfigDict, workdir: Path, done: Callable[[bool], None]):
        self.name, self.config, self.root, self.done = name, config, workdir, done
        self.workdir, self.failed = workdir / "cells" / name, {}
        self.path = rows_path(Path(config.out), name)
        self.trials_path = self.path.with_name(f"{name}.trials.json")
        self.rows, self.setup = read_rows(self.path), setup(config)
        for row in self.rows:
            if row["setup"] != self.setup:
                raise InputError(
                    f"{self.path}: rows of another behaviour, other photographs or weights, or "
                    f"another value of one of {', '.join(SHARED)}; give the cell another name, or "
                    "use another config.out and workdir"
                )
        for method in config.untrained:
            if method not in UNTRAINED:
                raise InputError(f"config.untrained: {method!r}; {nearest(method, UNTRAINED)}")
        # Checks them before anything runs.
        for method in dict.fromkeys(itertools.chain(config.methods, *config.controls.values())):
            for settings in (*self.trials(method), self.equal(method)):
                self.training(method, "", Path("S"), settings)

    @property
    def size(self) -> int:
        """The number of steps: S of every seed, and all that is trained or measured with it."""
        methods, seeds = len(self.config.methods), len(self.config.seeds)
        controls = sum(map(len, self.config.controls.values()))
        trials = sum(len(self.trials(method)) for method in self.config.methods)
        tables = 2 if self.config.rates else 1
        return trials + seeds * (1 + tables * methods + controls) + len(self.untrained())

    def run(self) -> None:
        """Does what is left. What fails is in `failed`, and leaves what depends on it undone."""
        if not self.complete():
            files = {"files": inputs(self.config)}
            claim(files, self.workdir, write=files)
            build_sets(self.config, self.root)
        for method in self.config.methods:
            for trial in self.trials(method):
                self.attempt(f"{method}, {trial}", lambda m=method, t=trial: self.try_out(m, t))
        self.label_again()
        for run in self.measured():
            label = " ".join(filter(None, (run["method"], run["control"])))
            self.attempt(f"{label}, seed {run['seed']}", lambda run=run: self.measure(run))
            if len(run["tables"]) == 2:
                self.done(True)

    def complete(self) -> bool:
        """Whether the rows hold everything."""
        kept, keys = self.kept_trials(), {run_key(row) for row in self.rows}
        tried = all(
            self.trial_name(m, t) in kept for m in self.config.methods for t in self.trials(m)
        )
        return tried and all(run_key(run) in keys for run in self.measured())

    def measured(self) -> Iterator[dict]:
        """What is measured, as the fields that all rows of a run share, in order."""
        for name in self.untrained():
            yield self.shared(name, "", None, {}, [])
        for seed in self.config.seeds:
            yield self.shared(S, "", seed, {}, [])
            for method in self.config.methods:
                chosen, equal = self.chosen(method), self.equal(method)
                both = ["chosen", "equal"] if chosen == equal else ["equal"]
                yield self.shared(method, "", seed, equal, both)
                if chosen and chosen != equal:
                    yield self.shared(method, "", seed, chosen, ["chosen"])
            for control, methods in self.config.controls.items():
                for method in methods:
                    settings = self.chosen(method) or self.equal(method)
                    yield self.shared(method, control, seed, settings, [control])

    def shared(self, method: str, control: str, seed, settings: dict, tables: list[str]) -> dict:
        """The fields that all rows of a run share. seed: None for a method without training."""
        about = {"cell": self.name, "behaviour": behaviour(self.config), "method": method}
        about |= {"setup": self.setup, "control": control, "seed": seed, "settings": settings}
        return about | {"tables": tables}

    def label_again(self) -> None:
        """Puts rows that are of another trial than the one chosen now into the table "former"."""
        runs = list(self.measured())
        tables = {run_key(run | {"seed": 0}): run["tables"] for run in runs}
        known = {(run["method"], run["control"]) for run in runs}
        rows = [
            row | {"tables": tables.get(run_key(row | {"seed": 0}), ["former"])}
            if (row["method"], row["control"]) in known
            else row
            for row in self.rows
        ]
        if rows != self.rows:
            self.rows = rows
            write_rows(self.path, rows)

    def attempt(self, label: str, step: Callable[[], bool]) -> None:
        """Runs a step, which returns whether it was done before."""
        before = False
        try:
            before = step()
        except InputError as error:
            self.failed[f"{self.name}, {label}"] = str(error)
            print(f"failed: {self.name}, {label}: {error}")
        self.done(before)

    # --- what a method is trained with

    def equal(self, method: str) -> dict:
        """The settings at the one equal rate."""
        return self.settings(method, self.config.equal_rate, 0)

    def trials(self, method: str) -> list[dict]:
        """The settings that are compared on the validation split."""
        weights = range(len(self.config[weight_of(method)]))
        return [self.settings(method, rate, k) for rate in self.config.rates for k in weights]

    def settings(self, method: str, rate: float, weight: int) -> dict:
        """Fields of configs/train.py. weight: index into the weights of the KL."""
        name = weight_of(method)
        kl = {f"loss_kwargs.{name}": self.config[name][weight]}
        return {"learning_rate": rate, "steps": self.config.steps} | kl

    def chosen(self, method: str) -> dict | None:
        """The settings with the highest reward in validation, of equals the first; None if none."""
        kept = self.kept_trials()
        tried = [t for t in self.trials(method) if kept.get(self.trial_name(method, t)) is not None]
        return max(tried, key=lambda t: kept[self.trial_name(method, t)], default=None)

    def trial_name(self, method: str, settings: dict) -> str:
        """The name of a trial in the file of trials."""
        return run_name(settings | {"method": method, "setup": self.setup})

    def kept_trials(self) -> dict[str, float]:
        """The validation reward of each trial so far."""
        return read_object(self.trials_path, "restore it") if self.trials_path.exists() else {}

    # --- steps

    def try_out(self, method: str, settings: dict) -> bool:
        """Trains a trial with the first seed, and notes its reward in validation."""
        name, kept = self.trial_name(method, settings), self.kept_trials()
        if name in kept:
            return True
        workdir = self.train(method, "", self.config.seeds[0], settings)
        reward = last_metrics(workdir / "metrics.jsonl")["validation_reward"]
        kept = dict(sorted((kept | {name: reward}).items()))
        self.trials_path.parent.mkdir(parents=True, exist_ok=True)
        write_text(self.trials_path, json.dumps(kept, indent=1) + "\n")
        return False

    def measure(self, run: dict) -> bool:
        """Trains a run of `measured` unless that is done, evaluates it, and writes its rows."""
        if run_key(run) in {run_key(row) for row in self.rows}:
            return True
        method, control, settings = run["method"], run["control"], run["settings"]
        seed = self.config.seeds[0] if run["seed"] is None else run["seed"]
        name = {S: "standard", "G": "zero_shot", **UNTRAINED}.get(method)
        name = name or f"{control or 'run'}-{digest(self.trial_name(method, settings))}"
        planner = self.planner(method, control, seed, settings)
        self.rows += rows_of(self.evaluate(seed, name, planner), name, run)
        write_rows(self.path, self.rows)
        return False

    def planner(self, method: str, control: str, seed: int, settings: dict) -> str | None:
        """The directory of a method's planner, which is trained first; None where it has none."""
        if method in ("E", "best_of_data"):
            return None
        if method == "G":
            return f"endpoint:{self.config.endpoint}"
        if method == "B":
            return str(self.base())
        if method == S:
            return str(self.standard(seed))
        return str(self.train(method, control, seed, settings) / "planner")

    def untrained(self) -> list[str]:
        """The methods without training."""
        return [*self.config.untrained, *(["G"] if self.config.endpoint else [])]

    def base(self) -> Path:
        """The planner before training, as one of the cell's modality."""
        base = Path(self.config.planners[self.config.planner])
        settings = PlannerSettings.load(base)
        if settings.modality == self.config.modality:
            return base
        copy = self.workdir / "base"
        if not copy.exists():
            with atomic_directory(copy) as target:
                for file in base.iterdir():
                    (target / file.name).symlink_to(file.absolute())
                (target / "planner.json").unlink(missing_ok=True)
                dataclasses.replace(settings, modality=self.config.modality).save(target)
        return copy

    def standard(self, seed: int) -> Path:
        """S of a seed: trained on all plans until validation stops improving."""
        fields = self.config.standard.to_dict() | {"seed": seed}
        run = self.training("S", "", self.base(), fields)
        return trained(run, self.workdir / f"seed-{seed}/S") / "planner"

    def train(self, method: str, control: str, seed: int, settings: dict) -> Path:
        """The workdir of a finished run."""
        run = self.training(method, control, self.standard(seed), settings | {"seed": seed})
        name = run_name(settings | {"method": method})
        return trained(run, self.workdir / f"seed-{seed}" / (control or "runs") / name)

    def training(self, method: str, control: str, planner: Path, fields: dict) -> FrozenConfigDict:
        """The checked config of a training run. Raises InputError for a bad field."""
        config = training.default_config(method.removesuffix("+"))
        after = {"validate_every": self.config.steps, "validate_cases": self.config.validate_cases}
        shared = {
            "data": str(set_directory(self.config, self.root, control)),
            "init_from": str(planner),
            "modality": self.config.modality,
            "reduction": "seq-mean-token-sum",
        }
        given = after | leaves(self.config.training) | shared | fields
        for field, value in given.items():
            value = typed(field, value, config, "configs/train.py")
            config.update_from_flattened_dict({field: value})
        return checked(config)

    def evaluate(self, seed: int, name: str, planner: str | None) -> list[dict]:
        """The records of the seed's evaluation, with the method added."""
        fields = evaluation.default_config()
        methods = {name: planner}
        if planner and name != "standard":  # whose samples are scored under S
            methods["standard"] = str(self.standard(seed))
        fields.update(
            cases=str(test_directory(self.config, self.root)),
            samples=self.config.samples,
            max_new_tokens=self.config.max_new_tokens,
            film_strips=0,
            perception=(),
            bootstrap_samples=1,
            yes=bool(self.config.endpoint),
        )
        fields.methods = ConfigDict(methods)  # update would add them to the default ones
        workdir = self.workdir / f"seed-{seed}/evaluation"
        evaluation.evaluate(fields, workdir)
        return read_records(workdir)


def setup(cell: ConfigDict) -> str:
    """A digest of the behaviour, the photographs, the planner's weights and SHARED.

    How a run is computed is no part of it.
    """
    fields = {name: cell.to_dict()[name] for name in SHARED}
    fields["files"] = inputs(cell)
    training = {k: v for k, v in fields["training"].items() if k.partition(".")[0] not in FREE}
    fields |= behaviour(cell) | {"training": training}
    return digest(json.dumps(fields, sort_keys=True))


def inputs(cell: ConfigDict) -> dict[str, str]:
    """Digests of the photographs and of the planner's weights."""
    fields = {"data": "", "validate_every": 0, "stream": {"photos": cell.photos}}
    return input_digests(ConfigDict(fields | {"init_from": cell.planners[cell.planner]}))


def trained(config: FrozenConfigDict, workdir: Path) -> Path:
    """Trains a run unless it is finished; returns its workdir. Raises InputError if it differs."""
    own = {k: v for k, v in fixed(config).items() if k not in ("data", "init_from")}
    claim(own, workdir)  # not by paths, so that the experiment's workdir can be moved
    if not is_finished(workdir):
        print(f"\n{workdir}")
        training.train(config, workdir)
    return workdir
