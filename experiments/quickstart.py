"""From photographs to a post-trained planner and a report, end to end: what `make demo` runs.

Each stage leaves its own folder in the workdir and is skipped when that is complete, so an
interrupted run resumes.
"""

import sys
from pathlib import Path

from ml_collections import ConfigDict

from agentic_styling import data, evaluation, training
from agentic_styling.cli import configured as cli
from agentic_styling.cli.style import RESULT, style
from agentic_styling.data.build import Procedural, build
from agentic_styling.data.photos.sources import BUNDLED
from agentic_styling.evaluation import POST_TRAINED
from agentic_styling.planner.pretrained import pretrained_directory
from agentic_styling.training.workdir import as_json, claim

CONFIG = Path(__file__).parents[1] / "configs/quickstart.py"
STYLED = ("mvtb_church", "mvtb_road", "mvtb_rocks2-l")  # of the package's photographs, for a look


def run(config: ConfigDict, workdir: Path) -> dict:
    """Runs all stages in order; returns what results.json holds."""
    claim(as_json(config), workdir)
    source = data.open_source(config.photos or None)
    claim(as_json(config), workdir, write=as_json(config))
    if config.goal:
        style_photographs(config.goal, workdir / "styled")
    sets = {"set_name": "demo", "size": config.picture_size, "seed": config.seed}
    teacher = Procedural(
        "demo", config.seed, habits=config.habits, habit_strength=config.habit_strength
    )
    trajectories = build(
        workdir / "data",
        source=source,
        count=config.count,
        plans_per_context=config.plans_per_context,
        teacher=teacher,
        **sets,
    )
    cases = trajectories
    if not config.photos:  # more cases of the package's test photographs, with the right plans
        cases = build(
            workdir / "cases",
            source=source,
            count=config.cases,
            plans_per_context=1,
            only="test",
            teacher=Procedural("demo", config.seed, skills={"1.0": 1.0}),
            **sets,
        )
    base = str(pretrained_directory("base"))
    methods = {"edit_only": None, "baseline": base}
    methods["standard"] = train(config, workdir, trajectories, "standard", base)
    for method in POST_TRAINED:
        methods[method] = train(config, workdir, trajectories, method, methods["standard"])
    methods["teacher_best"] = None
    return evaluation.evaluate(evaluation_config(config, workdir, cases, methods), workdir)


def style_photographs(goal: str, out: Path) -> None:
    """Styles STYLED with the starter planner, unless that is done."""
    if not all((out / f"{name}{RESULT}").exists() for name in STYLED):
        style([BUNDLED / f"{name}.jpg" for name in STYLED], out, goal=goal, overwrite=True)


def train(
    config: ConfigDict, workdir: Path, trajectories: Path, method: str, init_from: Path | str
) -> str:
    """Trains one method on the set `trajectories`; returns the directory of its planner."""
    fields = training.default_config(method)
    post = method in POST_TRAINED
    fields.update(
        seed=config.seed,
        data=str(trajectories),
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


def evaluation_config(config: ConfigDict, workdir: Path, cases: Path, methods: dict) -> ConfigDict:
    """What `evaluate` needs: the cases, the planners, and the curves of their training."""
    fields = evaluation.default_config()
    fields.cases = str(cases)
    fields.training_data = str(next((workdir / "data").glob("agentic_styling/demo/*")))
    fields.seed = config.seed
    fields.methods = ConfigDict(methods)
    fields.perception = ("baseline", "standard")  # the others come from S and see what it sees
    fields.curves = ConfigDict(
        {
            name: str(workdir / name / "metrics.jsonl")
            for name in methods
            if (workdir / name / "metrics.jsonl").exists()
        }
    )
    return fields


def main(config: ConfigDict, workdir: Path) -> None:
    """Runs the demo, and prints both rewards of each method and where the report is."""
    results = run(config, workdir)
    print(f"\n{evaluation.results_table(results)}")
    print(f"\n{workdir / 'results.json'}\n{workdir / 'report/index.html'}")


if __name__ == "__main__":
    cli.run_configured(main, str(CONFIG), sys.argv, default_workdir="runs/quickstart")
