"""From photographs to a post-trained planner and a report, end to end: what `make demo` runs.

Each stage leaves its own folder in the workdir and is skipped when that is complete, so a run
that was stopped goes on where it was.
"""

import sys
from pathlib import Path

from ml_collections import ConfigDict

from agentic_styling import data, evaluation, training
from agentic_styling.cli import configured as cli
from agentic_styling.planner import new_planner
from agentic_styling.training.workdir import as_json, claim

CONFIG = Path(__file__).parents[1] / "configs/quickstart.py"

POST_TRAINED = ("reward_filtered", "reward_weighted", "standardized_reward_weighted", "dpo")


def run(config: ConfigDict, workdir: Path) -> dict:
    """All stages in order; returns what results.json holds. Raises InputError for bad input."""
    claim(as_json(config), workdir, write=False)
    photos = data.load_photos(config.photos or None)
    claim(as_json(config), workdir, write=True)
    for split, contexts in (("train", config.train_contexts), ("test", config.test_cases)):
        data.generate(
            workdir / "data" / split,
            photos,
            split=split,
            contexts=contexts,
            plans_per_context=config.plans_per_context,
            seed=config.seed,
            size=config.picture_size,
        )
    untrained = untrained_planner(config, workdir)
    methods = {"edit_only": None, "baseline": str(untrained)}
    methods["standard"] = train(config, workdir, "standard", untrained)
    for method in POST_TRAINED:
        methods[method] = train(config, workdir, method, methods["standard"])
    methods["teacher_best"] = None
    return evaluation.evaluate(evaluation_config(config, workdir, methods), workdir)


def untrained_planner(config: ConfigDict, workdir: Path) -> Path:
    """A planner with random weights and a tokenizer trained on the training texts."""
    directory = workdir / "untrained/planner"
    if not (directory / "config.json").exists():
        trajectories = data.read_trajectories(workdir / "data/train")
        texts = [t.plan.to_json() for t in trajectories] + [t.goal for t in trajectories]
        new_planner(
            directory,
            texts,
            preset=config.preset,
            vocab_size=config.vocab_size,
            picture_size=config.picture_size,
            seed=config.seed,
        )
    return directory


def train(config: ConfigDict, workdir: Path, method: str, init_from: Path | str) -> str:
    """Train one method; returns the directory of its planner."""
    fields = training.default_config(method)
    post = method in POST_TRAINED
    fields.update(
        seed=config.seed,
        data=str(workdir / "data/train"),
        init_from=str(init_from),
        batch_size=config.batch_size,
        microbatches=config.microbatches,
        length_buckets=config.length_buckets,
        steps=config.post_steps if post else config.steps,
        learning_rate=config.post_learning_rate if post else config.learning_rate,
    )
    fields.warmup_steps = fields.steps // 10
    print(f"\n{method}: {fields.steps} updates of {fields.batch_size} rows")
    training.train(fields, workdir / method)
    return str(workdir / method / "planner")


def evaluation_config(config: ConfigDict, workdir: Path, methods: dict) -> ConfigDict:
    """What `evaluate` needs: the cases, the planners, and the curves of their training."""
    fields = evaluation.default_config()
    fields.cases = str(workdir / "data/test")
    fields.training_data = str(workdir / "data/train")
    fields.seed = config.seed
    fields.methods = ConfigDict(methods)
    fields.curves = ConfigDict(
        {
            name: str(workdir / name / "metrics.jsonl")
            for name in methods
            if (workdir / name / "metrics.jsonl").exists()
        }
    )
    return fields


def main(config: ConfigDict, workdir: Path) -> None:
    """Run, print both rewards of each method, and say where the report is."""
    results = run(config, workdir)
    print(f"\n{evaluation.results_table(results)}")
    print(f"\n{workdir / 'results.json'}\n{workdir / 'report/index.html'}")


if __name__ == "__main__":
    cli.run_configured(main, str(CONFIG), sys.argv, default_workdir="runs/quickstart")
